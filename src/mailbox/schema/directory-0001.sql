-- The directory database of a store: who has a mailbox, and the store's secret.

-- One row. next_mailbox: the number for the next mailbox; raised and committed before a file of that number is made.
CREATE TABLE store (
    id BIGINT PRIMARY KEY,
    token_key BYTES NOT NULL,
    epoch BIGINT NOT NULL,
    next_mailbox BIGINT NOT NULL
);

-- address_key: the address folded for comparison.
CREATE TABLE users (
    mailbox BIGINT PRIMARY KEY,
    address_key TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL
);

-- Mailboxes whose user is deleted and whose files may still be there.
CREATE TABLE doomed (
    mailbox BIGINT PRIMARY KEY
);
