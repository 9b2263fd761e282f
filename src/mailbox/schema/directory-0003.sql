-- Mailboxes that may have push subscriptions.
CREATE TABLE push_hint (
    mailbox BIGINT PRIMARY KEY
);
