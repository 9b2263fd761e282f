-- Mailboxes that may have messages in their outbox.
CREATE TABLE outbox_hint (
    mailbox BIGINT PRIMARY KEY
);
