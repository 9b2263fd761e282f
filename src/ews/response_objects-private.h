/* For the files that make up the response objects: response_objects.c (kinds, parsing, what acts on
 * the original) and response_make.c (what makes a new item). Callers outside see
 * response_objects.h only. */
#ifndef EWS_RESPONSE_OBJECTS_PRIVATE_H
#define EWS_RESPONSE_OBJECTS_PRIVATE_H

#include "ews/ids.h"
#include "ews/response_objects.h"
#include "ews/response_quote.h"

enum response_what {
    RESPOND_MEETING,
    RESPOND_REPLY,
    RESPOND_REPLY_ALL,
    RESPOND_FORWARD,
    RESPOND_POST_REPLY,
    RESPOND_SUPPRESS_RECEIPT,
    RESPOND_REMOVE
};

/* PidTagLastVerbExecuted. */
enum { VERB_REPLIED = 102, VERB_REPLIED_TO_ALL = 103, VERB_FORWARDED = 104 };

struct response_row {
    const char *name;
    enum response_what what;
    unsigned originals;          /* kinds */
    bool of_drafts;              /* answers drafts, too */
    const char *prefix;          /* of the subject */
    const char *const *children; /* NULL: not looked at */
};

struct response {
    const struct response_row *row;
    const struct xml_node *node; /* without what stands in the members below */
    bool has_ref, has_body;      /* has_body: the client gives the whole body */
    struct item_ref ref;
    struct response_text fresh;
};

/* The item that it refers to, of a kind that is answered so: errors as of response_make. */
int response_find_original(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                           const struct response *response, struct item *item_r, struct err *err_r)
    WARN_UNUSED;

#endif
