#include "ews/access.h"

#include "ews/call.h"
#include "mailbox/props.h"

bool access_is_owner(const struct ews_call *call)
{
    return call->mailbox.v == call->caller.mailbox.v;
}

/* Objects of one folder come one after another: the last answer is kept for the leg. */
int access_rights(struct ews_call *call, struct mailbox_tx *tx, struct folder_id folder,
                  uint32_t *rights_r, struct err *err_r)
{
    struct ews_access *known = &call->access;

    if (access_is_owner(call)) {
        *rights_r = RIGHTS_ALL;
        return 0;
    }
    if (known->folder.v != folder.v || folder.v == 0) {
        TRY(permissions_of(tx, folder, call->caller.mailbox, &known->rights, err_r));
        known->folder = folder;
    }
    *rights_r = known->rights;
    return 0;
}

void access_forget(struct ews_call *call)
{
    call->access = (struct ews_access){.rights = 0};
}

/* kind_hidden: what is said of a folder that the caller may not even know of. */
static int require(struct ews_call *call, struct mailbox_tx *tx, struct folder_id folder,
                   uint32_t needed, enum err_kind kind_hidden, struct err *err_r)
{
    uint32_t rights = 0;

    TRY(access_rights(call, tx, folder, &rights, err_r));
    if ((rights & needed) == needed) {
        return 0;
    }
    return err_set(err_r, (rights & RIGHT_FOLDER_VISIBLE) != 0 ? ERR_ACCESS_DENIED : kind_hidden,
                   "rights 0x%x of 0x%x in folder %llu", (unsigned)rights, (unsigned)needed,
                   (unsigned long long)folder.v);
}

int access_require(struct ews_call *call, struct mailbox_tx *tx, struct folder_id folder,
                   uint32_t needed, struct err *err_r)
{
    return require(call, tx, folder, needed, ERR_FOLDER_NOT_FOUND, err_r);
}

int access_require_reading(struct ews_call *call, struct mailbox_tx *tx, const struct item *item,
                           struct err *err_r)
{
    return require(call, tx, item->folder, RIGHT_READ_ITEMS, ERR_ITEM_NOT_FOUND, err_r);
}

/* A record that cannot be read names no maker, so nobody but the owner has made it. */
static bool made_by_caller(const struct ews_call *call, const struct item *item)
{
    struct props props;

    return props_open(&props, item->props) &&
           props_int(&props, IPROP_CREATOR, 0) == (int64_t)call->caller.mailbox.v;
}

bool access_holds(const struct ews_call *call, const struct item *item, uint32_t rights,
                  uint32_t own, uint32_t all)
{
    return (rights & all) == all || ((rights & own) == own && made_by_caller(call, item));
}

int access_require_item(struct ews_call *call, struct mailbox_tx *tx, const struct item *item,
                        uint32_t own, uint32_t all, struct err *err_r)
{
    uint32_t rights = 0;

    TRY(access_rights(call, tx, item->folder, &rights, err_r));
    if (access_holds(call, item, rights, own, all)) {
        return 0;
    }
    return err_set(err_r, ERR_ACCESS_DENIED, "rights 0x%x in folder %llu", (unsigned)rights,
                   (unsigned long long)item->folder.v);
}
