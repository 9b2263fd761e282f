-- What folders keep of extended properties, who else may do what in them, messages on their way, and how much there is.

-- A property record; empty: none.
ALTER TABLE folder ADD COLUMN props BYTES NOT NULL DEFAULT '';

-- Of all bodies.
ALTER TABLE mailbox ADD COLUMN bytes_used BIGINT NOT NULL DEFAULT 0;
UPDATE mailbox SET bytes_used = (SELECT coalesce(sum(length(mime)), 0) FROM body);

-- member: a mailbox's number, 0 for everybody with a mailbox, -1 for everybody else.
CREATE TABLE folder_permission (
    folder_id BIGINT NOT NULL,
    member BIGINT NOT NULL,
    rights BIGINT NOT NULL,
    PRIMARY KEY (folder_id, member)
) WITHOUT ROWID;

-- What a member's row was before change seq; rights -1: there was none. So a sync can tell what somebody saw then.
CREATE TABLE folder_permission_past (
    folder_id BIGINT NOT NULL,
    member BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    rights BIGINT NOT NULL,
    PRIMARY KEY (folder_id, member, seq)
) WITHOUT ROWID;

-- id: a number of the log; given again never, once committed.
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    queued_ms BIGINT NOT NULL,
    sender TEXT NOT NULL,
    mime BYTES NOT NULL
);

-- state: enum outbox_state. next_ms: WAITING ones are not tried before.
CREATE TABLE outbox_recipient (
    outbox_id BIGINT NOT NULL,
    nth BIGINT NOT NULL,
    address TEXT NOT NULL,
    state SMALLINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (outbox_id, nth)
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox_recipient (next_ms, outbox_id) WHERE state = 1;

-- What came from the outboxes of mailboxes of this store, so that it comes once.
CREATE TABLE delivered (
    from_mailbox BIGINT NOT NULL,
    outbox_id BIGINT NOT NULL,
    queued_ms BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (from_mailbox, outbox_id, queued_ms)
) WITHOUT ROWID;
CREATE INDEX delivered_at ON delivered (at_ms);
