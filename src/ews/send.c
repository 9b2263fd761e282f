#include "ews/send.h"

#include "base/arena.h"
#include "base/map.h"
#include "ews/call.h"
#include "ews/item_edit.h"
#include "ews/limits.h"
#include "ews/response_objects.h"
#include "mailbox/address.h"
#include "mailbox/outbox.h"
#include "mailbox/store.h"
#include "mime/compose.h"

/* ---- who sends ---- */

static int check_author(struct ews_call *call, const struct item_edit *edit, enum item_prop prop,
                        struct err *err_r)
{
    struct str list = item_edit_props(edit)->v[prop];
    struct prop_addr addr;

    while (props_next_addr(&list, &addr)) {
        if (!str_eq_nocase(addr.address, call->caller.address)) {
            return err_set(err_r, ERR_SEND_AS_DENIED, "as %.*s", STR_ARG(addr.address));
        }
    }
    return 0;
}

/* Who, when, and which: what a message needs on its way. */
static int complete(struct ews_call *call, struct item_edit *edit, struct err *err_r)
{
    const struct prop_addr caller = {call->caller.display_name, call->caller.address};

    TRY(check_author(call, edit, IPROP_FROM, err_r));
    TRY(check_author(call, edit, IPROP_SENDER, err_r));
    if (!props_has(item_edit_props(edit), IPROP_FROM)) {
        item_edit_set_addrs(edit, IPROP_FROM, &caller, 1);
    }
    if (item_edit_base(edit) != NULL) { /* a draft's date is not when it goes out */
        item_edit_set_int(edit, IPROP_SENT, item_edit_now_ms(edit));
    }
    item_edit_complete_mail(edit);
    return 0;
}

/* ---- to whom ---- */

struct recipients {
    struct str *v;
    size_t n;
};

static int refuse(struct err *err_r, struct str address, const char *why)
{
    address = str_sub(address, 0, ADDRESS_SHOWN_BYTES);
    return err_tell(err_r, ERR_RECIPIENTS, "The recipient '%.*s' %s.", STR_ARG(address), why);
}

static int check_recipient(struct ews_call *call, struct str address, struct err *err_r)
{
    struct user user;
    int found;

    if (!address_valid(address)) {
        return refuse(err_r, address, "is no valid address");
    }
    if (call->service->relays) {
        return 0;
    }
    found = store_user_find(call->service->store, address, call->arena, &user, err_r);
    if (found == 0) {
        return refuse(err_r, address,
                      "has no mailbox here, and no smarthost is configured for others");
    }
    return found < 0 ? found : 0;
}

static int add_list(struct ews_call *call, struct map *seen, struct mime_addresses list,
                    struct recipients *recipients, struct err *err_r)
{
    for (size_t i = 0; i < list.n; i++) {
        struct str address = str_lower(call->arena, str_trim(list.v[i].address));

        if (map_get(seen, address) != NULL) {
            continue;
        }
        TRY(check_recipient(call, address, err_r));
        map_put(seen, address, recipients);
        recipients->v[recipients->n++] = address;
    }
    return 0;
}

static int find_recipients(struct ews_call *call, const struct mime_draft *draft,
                           struct recipients *recipients_r, struct err *err_r)
{
    size_t n = draft->to.n + draft->cc.n + draft->bcc.n;
    struct recipients recipients = {ARENA_ARRAY(call->arena, struct str, n), 0};
    AUTO(map) seen = map_new();

    if (n == 0) {
        return err_set(err_r, ERR_RECIPIENTS, "no recipient");
    }
    if (n > SEND_MAX_RECIPIENTS) {
        return err_tell(err_r, ERR_RECIPIENTS, "A message may have at most %u recipients.",
                        SEND_MAX_RECIPIENTS);
    }
    TRY(add_list(call, seen, draft->to, &recipients, err_r));
    TRY(add_list(call, seen, draft->cc, &recipients, err_r));
    TRY(add_list(call, seen, draft->bcc, &recipients, err_r));
    *recipients_r = recipients;
    return 0;
}

int send_message(struct ews_call *call, struct mailbox_tx *tx, struct item_edit *edit,
                 struct err *err_r)
{
    struct recipients to = {NULL, 0};
    struct str mime = STR_NULL;
    struct seq id;

    TRY(complete(call, edit, err_r));
    TRY(find_recipients(call, item_edit_recipients(edit), &to, err_r));
    TRY(item_edit_message(edit, &mime, err_r));
    TRY(store_outbox_hint_set(call->service->store, call->mailbox, err_r));
    TRY(outbox_add(tx, call->caller.address, mime_without_bcc(mime, call->arena), to.v, to.n, &id,
                   err_r));
    TRY(response_note_sent(call, tx, edit, err_r));
    item_edit_set_received(edit, item_edit_now_ms(edit));
    item_edit_set_flag(edit, ITEM_DRAFT, false);
    item_edit_set_flag(edit, ITEM_FROM_ME, true);
    item_edit_set_read(edit, true);
    call->queued = true;
    return 0;
}
