/*
 * Response objects: what a client asks to be done with an item in answer to it – reply, forward,
 * and smaller things. Caller: CreateItem, where they stand among the items.
 *
 * A response either makes an item, which is then saved or sent as any other, or acts on the one it
 * refers to. The original lies in call->mailbox, and a response lives in the call's arena.
 */
#ifndef EWS_RESPONSE_OBJECTS_H
#define EWS_RESPONSE_OBJECTS_H

#include "base/err.h"
#include "base/str.h"
#include "mailbox/ids.h"

#include <stdbool.h>

struct arena;
struct buf;
struct ews_call;
struct item;
struct item_edit;
struct mailbox_tx;
struct xml_node;

struct response;

/* *response_r NULL: the element is no response object. ERR_SCHEMA. */
int response_parse(struct ews_call *call, const struct xml_node *node, struct response **response_r,
                   struct err *err_r) WARN_UNUSED;
/* True: response_make; false: response_act. */
bool response_makes_item(const struct response *response);
/* Where what it refers to lies; as item_ref_mailbox. */
struct mailbox_no response_mailbox(struct ews_call *call, const struct response *response);

/* The new item, not stored yet; *home_r: where the original lies, and where a post that answers it
 * belongs. What item_ref_resolve says; ERR_REQUIRED_PROPERTY without ReferenceItemId;
 * ERR_OPERATION_ITEM for an original that is not answered so; ERR_NOT_SUPPORTED for one in another
 * mailbox; what item_edit_apply_element says. */
int response_make(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                  const struct response *response, struct item_edit **edit_r,
                  struct folder_id *home_r, struct str *message_xml_r, struct err *err_r)
    WARN_UNUSED;
/* The same errors, and ERR_READ_RECEIPT when none is to be suppressed. Responses to meetings are
 * ERR_OPERATION_ITEM. */
int response_act(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                 const struct response *response, struct err *err_r) WARN_UNUSED;

/* What of the above an item takes, as empty elements; receipt: its sender waits for one. */
void response_names_write(struct buf *out, const struct item *item, bool receipt);
/* To be called when the edit is sent: the original that it answers, if it is still there, is marked
 * as answered, and the edit forgets it. */
int response_note_sent(struct ews_call *call, struct mailbox_tx *tx, struct item_edit *edit,
                       struct err *err_r) WARN_UNUSED;

#endif
