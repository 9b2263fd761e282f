/* Numbers of the room mailbox, each with its reason. Callers: the .c files of mailbox only. */
#ifndef MAILBOX_LIMITS_H
#define MAILBOX_LIMITS_H

#include <stdint.h>

/* PidTagDisplayName of a folder; what the usual clients can show and rename. */
#define FOLDER_NAME_MAX_CHARS 255
/* Levels below the root: bounds every walk up the tree. Deeper than people nest, and than file systems' paths allow mirrors. */
#define FOLDER_MAX_DEPTH 100
/* Items of a folder that are listed at once while all of them are changed: bounds the memory (16 kB), and costs a seek a batch. */
#define FOLDER_BATCH_ITEMS 1024
/* Names "Name (1)", "Name (2)" … that are tried one by one for a folder in the bin. */
#define FOLDER_BIN_NAMES 50
/* Of a server's answer, kept for the bounce: RFC 5321 allows 512 a line, and a line tells enough. */
#define OUTBOX_REPLY_BYTES 512
/* How long a mailbox remembers what came from the outboxes of its neighbours: well beyond the longest time a sender tries. */
#define DELIVERED_KEEP_MS (INT64_C(30) * 24 * 3600 * 1000)
/* Longest wait for another process that writes to the same mailbox (ewerctl). */
#define MAILBOX_BUSY_TIMEOUT_MS 5000
/* How late a subscription's sign of life may be noted: polls need no commit each, and none dies before its time. */
#define SUBSCRIPTION_SLACK_MS (INT64_C(30) * 1000)
/* What the protocol allows a page of an item sync. */
#define ITEM_SYNC_MAX_CHANGES 512
/* Rows that one page steps over untold (created and gone again, ignored): about a millisecond, since pages are made on event loops. The client is
 * told that there is more. */
#define ITEM_SYNC_MAX_PASSED 4096

/* Bounds of what a token can name, so that the widest one has 64 characters (token.c): a seq every microsecond for 17 years. */
#define SEQ_MAX ((UINT64_C(1) << 49) - 1)
#define MAILBOX_NO_MAX ((UINT64_C(1) << 42) - 1)
/* A text of a property record is cut here: a header longer than this serves nobody in a list, and the message itself is kept whole. */
#define PROP_TEXT_BYTES (32 * 1024)
/* What a draft keeps of a message beside it: lists show less, and the message itself is kept whole (bytes, or authors of one message). */
#define DRAFT_SUBJECT_BYTES_MAX 4096
#define DRAFT_NAME_BYTES_MAX 512
#define DRAFT_ID_BYTES_MAX 1024
#define DRAFT_REFERENCES_BYTES_MAX 8192
#define DRAFT_DISPLAY_BYTES_MAX 8192
#define DRAFT_AUTHORS_MAX 8

/* Open mailboxes that nobody works on: an open costs 0.3 ms, an open handle 100 kB and up to 2 MB of page cache. */
#define STORE_MAX_OPEN_MAILBOXES 128
/* Longest wait for the directory database; only this process writes to it. */
#define STORE_BUSY_TIMEOUT_MS 5000
/* RFC 5321 section 4.5.3.1. */
#define ADDRESS_MAX_BYTES 254
#define ADDRESS_LOCAL_MAX_BYTES 64
#define ADDRESS_LABEL_MAX_BYTES 63

/* Jobs of one mailbox before the next mailbox gets its turn, and so the most that share a commit. One fsync for 32 is nearly free each;
 * more would only make the first of them wait. */
#define WORKERS_BATCH_JOBS 32
/* Workers spend their time in fdatasync: eight mailboxes that commit at once shall wait beside each other, on one core as well. */
#define WORKERS_MIN_THREADS 8
#define WORKERS_MAX_THREADS 64
/* Jobs waiting for one mailbox, unless the caller says otherwise: a second or two of work. */
#define WORKERS_MAX_QUEUED_JOBS 1000

#endif
