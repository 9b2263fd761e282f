-- One mailbox. Why it is so: docs/design/log.md.

-- seq: last number given. event_floor: events up to here are forgotten.
CREATE TABLE mailbox (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    event_floor BIGINT NOT NULL
);

CREATE TABLE folder (
    id BIGINT PRIMARY KEY,
    parent_id BIGINT NOT NULL,          -- 0: the root
    distinguished SMALLINT NOT NULL,
    hidden SMALLINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,             -- case-folded
    folder_class TEXT NOT NULL,
    change_seq BIGINT NOT NULL,
    item_seq BIGINT NOT NULL,           -- 0: nothing was ever in it
    total BIGINT NOT NULL,
    unread BIGINT NOT NULL,
    children BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    UNIQUE (parent_id, name_key)
);
CREATE INDEX folder_changed ON folder (change_seq);
CREATE UNIQUE INDEX folder_distinguished ON folder (distinguished) WHERE distinguished > 0;

-- Every re-parenting, for ever.
CREATE TABLE folder_move (
    seq BIGINT PRIMARY KEY,
    folder_id BIGINT NOT NULL,
    old_parent_id BIGINT NOT NULL
);
CREATE INDEX folder_move_folder ON folder_move (folder_id, seq, old_parent_id);

CREATE TABLE folder_tombstone (
    folder_id BIGINT PRIMARY KEY,
    parent_id BIGINT NOT NULL,
    delete_seq BIGINT NOT NULL
);
CREATE INDEX folder_tombstone_seq ON folder_tombstone (delete_seq);

-- The wide column stands last, so that the narrow ones are read without its overflow pages.
CREATE TABLE item (
    id BIGINT PRIMARY KEY,
    folder_id BIGINT NOT NULL,
    associated SMALLINT NOT NULL,
    kind SMALLINT NOT NULL,
    flags BIGINT NOT NULL,
    change_seq BIGINT,
    read_seq BIGINT,
    body_id BIGINT NOT NULL,            -- 0: none
    received_ms BIGINT NOT NULL,
    size BIGINT NOT NULL,
    props BYTES NOT NULL
);
CREATE INDEX item_list ON item (folder_id, associated, id, kind, flags, change_seq);
CREATE INDEX item_received ON item (folder_id, associated, received_ms, id);
CREATE INDEX item_changed ON item (folder_id, associated, change_seq) WHERE change_seq IS NOT NULL;
CREATE INDEX item_read ON item (folder_id, associated, read_seq) WHERE read_seq IS NOT NULL;

CREATE TABLE tombstone (
    folder_id BIGINT NOT NULL,
    associated SMALLINT NOT NULL,
    delete_seq BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    PRIMARY KEY (folder_id, associated, delete_seq)
) WITHOUT ROWID;

-- The bytes exactly as received; id: the seq at which they were stored.
CREATE TABLE body (
    id BIGINT PRIMARY KEY,
    mime BYTES NOT NULL
);

-- Bodies that more than one item shares.
CREATE TABLE body_share (
    body_id BIGINT PRIMARY KEY,
    refs BIGINT NOT NULL
);

CREATE TABLE event (
    seq BIGINT PRIMARY KEY,
    kind SMALLINT NOT NULL,
    at_ms BIGINT NOT NULL,
    object_id BIGINT NOT NULL,
    parent_id BIGINT NOT NULL,
    old_object_id BIGINT NOT NULL,
    old_parent_id BIGINT NOT NULL,
    associated SMALLINT NOT NULL
);
