-- Who is to be told of what, and how far he was.

-- enum event_flags; what was there was one of them.
ALTER TABLE event RENAME COLUMN associated TO flags;

-- Rows of mailbox/subscriptions.h. folders: ascending ids, 8 bytes each, big endian; empty: all folders.
CREATE TABLE subscription (
    id BIGINT PRIMARY KEY,
    secret BYTES NOT NULL,
    owner BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    types BIGINT NOT NULL,
    folders BYTES NOT NULL,
    cursor_seq BIGINT NOT NULL,
    cursor_taken BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL,
    life_ms BIGINT NOT NULL,
    failing_ms BIGINT NOT NULL,
    url TEXT NOT NULL,
    caller_data TEXT NOT NULL
);

-- What a moved item became here; 0: a message, which nobody asks for again.
ALTER TABLE delivered ADD COLUMN item_id BIGINT NOT NULL DEFAULT 0;
