/* The identifiers of the mailbox room. Each is a struct of its own, so that they cannot be swapped. */
#ifndef MAILBOX_IDS_H
#define MAILBOX_IDS_H

#include <stdbool.h>
#include <stdint.h>

/* Position in a mailbox's log: one for every change, given once, never reused, first is 1. */
struct seq {
    uint64_t v;
};
/* Number of a mailbox in its store; never reused, survives renames. */
struct mailbox_no {
    uint64_t v;
};
/* A folder's id is the seq at which it was created; kept for life. */
struct folder_id {
    uint64_t v;
};
/* An item's id is the seq at which it entered its folder: newest by id is newest in the folder, and a moved item gets a new one. */
struct item_id {
    uint64_t v;
};
struct body_id {
    uint64_t v;
};
/* Random. */
struct subscription_id {
    uint64_t v;
};
/* A place between two notices of a log (notify/notice.h): the events before seq are told, and of event seq the first `taken` notices. Its text is a Watermark. */
struct log_position {
    struct seq seq;
    uint32_t taken;
};

#endif
