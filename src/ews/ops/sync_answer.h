/* What the answers of the two sync operations share. Callers: sync_folder_hierarchy.c,
 * sync_folder_items.c. */
#ifndef EWS_OPS_SYNC_ANSWER_H
#define EWS_OPS_SYNC_ANSWER_H

#include "base/err.h"
#include "base/str.h"
#include "ews/call.h"

/* The last elements of an answer; IncludesLastFolderInRange or IncludesLastItemInRange. */
#define SYNC_LAST_FOLDER "m:IncludesLastFolderInRange"
#define SYNC_LAST_ITEM "m:IncludesLastItemInRange"
/* What follows an error: clients read it before they look at the message's class. Empty state, and nothing more to
 * come. */
#define SYNC_ERROR_TAIL(last_element) "<m:SyncState/><" last_element ">true</" last_element ">"

/* Changes are written before the new state is known: begin leaves room for it, end puts it in. */
struct sync_answer {
    struct str last_element;
    size_t gap;
    size_t changes; /* where they begin */
};
void sync_answer_begin(struct ews_call *call, struct str last_element,
                       struct sync_answer *answer_r);
void sync_answer_end(struct ews_call *call, const struct sync_answer *answer, struct str state,
                     bool last);

#endif
