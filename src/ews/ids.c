#include "ews/ids.h"

#include "ews/call.h"
#include "ews/grammar.h"
#include "mailbox/store.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

#include <assert.h>
#include <stdlib.h>

/* ---- distinguished names ---- */

struct distinguished_name {
    struct str wire;
    enum distinguished
        folder; /* DF_NONE: a name of the protocol whose folder no mailbox here has */
};

static const struct distinguished_name NAMES[] = {
#define X(name, wire, parent, class, display, created) {STR_INIT(wire), DF_##name},
    DISTINGUISHED_FOLDERS(X)
#undef X
#define LACKING(wire) {STR_INIT(wire), DF_NONE},
        LACKING("voicemail") LACKING("publicfoldersroot") LACKING(
            "recoverableitemsdiscoveryholds") LACKING("archiveroot") LACKING("archivemsgfolderroot")
            LACKING("archivedeleteditems") LACKING("archiveinbox") LACKING(
                "archiverecoverableitemsroot") LACKING("archiverecoverableitemsdeletions")
                LACKING("archiverecoverableitemsversions") LACKING("archiverecoverableitemspurges")
                    LACKING("archiverecoverableitemsdiscoveryholds") LACKING("syncissues") LACKING(
                        "conflicts") LACKING("localfailures") LACKING("serverfailures")
                        LACKING("recipientcache") LACKING("quickcontacts") LACKING(
                            "adminauditlogs") LACKING("todosearch") LACKING("mycontacts")
                            LACKING("directory") LACKING("imcontactlist") LACKING(
                                "peopleconnect") LACKING("favorites") LACKING("mecontact")
                                LACKING("personmetadata") LACKING("teamspaceactivity") LACKING(
                                    "teamspacemessaging") LACKING("teamspaceworkitems")
                                    LACKING("scheduled") LACKING("orionnotes") LACKING("tagitems")
                                        LACKING("alltaggeditems") LACKING("externalcontacts")
                                            LACKING("teamchat") LACKING("teamchathistory") LACKING(
                                                "yammerroot") LACKING("yammerinbound")
                                                LACKING("yammeroutbound") LACKING(
                                                    "yammerfeeds") LACKING("onedriveroot")
                                                    LACKING("onedriverecylebin") LACKING(
                                                        "onedrivesystem") LACKING("onedrivevolume")
                                                        LACKING("important") LACKING("starred")
                                                            LACKING("allcategorizeditems")
                                                                LACKING("yammerdata")
                                                                    LACKING("kaizaladata")
                                                                        LACKING("messageingestion")
#undef LACKING
};

static int parse_name(const struct xml_node *node, struct folder_ref *ref, struct err *err_r)
{
    struct str name;

    TRY(grammar_attr_str(node, "Id", true, &name, err_r));
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (str_eq(name, NAMES[i].wire)) {
            ref->wire_name = NAMES[i].wire;
            ref->distinguished = NAMES[i].folder;
            return 0;
        }
    }
    name = str_sub(name, 0, 64);
    return grammar_fail(node, err_r,
                        "The 'Id' attribute is invalid - The value '%.*s' is invalid according to "
                        "its datatype 'DistinguishedFolderIdNameType' - The Enumeration "
                        "constraint failed.",
                        STR_ARG(name));
}

/* ---- folders in requests ---- */

/* t:EmailAddressType; its namespace is not insisted on. */
static int parse_mailbox(const struct xml_node *node, struct folder_ref *ref, struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {
        {XML_NS_OTHER, "Name", 0, 1},        {XML_NS_OTHER, "EmailAddress", 0, 1},
        {XML_NS_OTHER, "RoutingType", 0, 1}, {XML_NS_OTHER, "MailboxType", 0, 1},
        {XML_NS_OTHER, "ItemId", 0, 1},      {XML_NS_OTHER, "OriginalDisplayName", 0, 1},
    };
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];

    TRY(grammar_sequence(node, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    if (found[1] != NULL) {
        ref->mailbox = str_trim(found[1]->text);
    }
    return 0;
}

static int parse_distinguished(const struct xml_node *node, struct folder_ref *ref,
                               struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_TYPES, "Mailbox", 0, 1}};
    const struct xml_node *mailbox;

    TRY(parse_name(node, ref, err_r));
    TRY(grammar_sequence(node, CHILDREN, ARRAY_LEN(CHILDREN), &mailbox, err_r));
    return mailbox != NULL ? parse_mailbox(mailbox, ref, err_r) : 0;
}

int folder_ref_parse(struct ews_call *call, const struct xml_node *node, struct folder_ref *ref_r,
                     struct err *err_r)
{
    struct folder_ref ref = {.distinguished = DF_NONE};

    (void)call;
    TRY(grammar_attr_str(node, "ChangeKey", false, &ref.change_key, err_r));
    if (xml_is(node, XML_NS_TYPES, "DistinguishedFolderId")) {
        TRY(parse_distinguished(node, &ref, err_r));
    } else if (xml_is(node, XML_NS_TYPES, "FolderId")) {
        TRY(grammar_attr_str(node, "Id", true, &ref.id, err_r));
        TRY(grammar_sequence(node, NULL, 0, NULL, err_r));
    } else {
        return grammar_fail(node, err_r, "The element '%.*s' is no folder id.",
                            STR_ARG(node->name));
    }
    *ref_r = ref;
    return 0;
}

int folder_ref_parse_target(struct ews_call *call, const struct xml_node *wrapper,
                            struct folder_ref *ref_r, struct err *err_r)
{
    static const char *const NAMES_OF_TARGETS[] = {"FolderId", "DistinguishedFolderId",
                                                   "AddressListId"};
    enum { TARGET_ADDRESS_LIST = 2 };
    struct str id;
    size_t which;

    TRY(grammar_choice(wrapper, XML_NS_TYPES, NAMES_OF_TARGETS, ARRAY_LEN(NAMES_OF_TARGETS), &which,
                       err_r));
    if (which == TARGET_ADDRESS_LIST) {
        TRY(grammar_attr_str(wrapper->first_child, "Id", true, &id, err_r));
        *ref_r = (struct folder_ref){.distinguished = DF_NONE, .address_list = true};
        return 0;
    }
    return folder_ref_parse(call, wrapper->first_child, ref_r, err_r);
}

/* ---- finding folders ---- */

static int check_change_key(struct ews_call *call, struct str text, struct err *err_r)
{
    struct token_change_key key;

    /* Clients that know no key send an empty one. */
    return text.n == 0 ? 0 : token_change_key_read(call->key, text, &key, err_r);
}

/* "Not there" in the words of the operation. */
static int not_found(bool for_sync, enum err_kind kind, const char *why, struct err *err_r)
{
    return err_set(err_r, for_sync ? ERR_SYNC_FOLDER_NOT_FOUND : kind, "%s", why);
}

static int resolve_id(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                      bool for_sync, struct folder *folder_r, struct err *err_r)
{
    struct token_folder token;
    int found;

    TRY(token_folder_read(call->key, ref->id, &token, err_r));
    TRY(check_change_key(call, ref->change_key, err_r));
    if (token.mailbox.v != call->caller.mailbox.v) {
        return not_found(for_sync, ERR_FOLDER_NOT_FOUND, "folder of another mailbox", err_r);
    }
    found = mailbox_folder_get(tx, token.folder, call->arena, folder_r, err_r);
    if (found == 0) {
        return not_found(for_sync, ERR_ITEM_NOT_FOUND, "folder is gone", err_r);
    }
    return found < 0 ? found : 0;
}

/* The mailbox that a distinguished name is meant in: the caller's, or none that the caller may
 * see. */
static int check_mailbox(struct ews_call *call, struct str address, bool for_sync,
                         struct err *err_r)
{
    struct user user;
    int found;

    if (address.n == 0 || str_eq_nocase(address, call->caller.address)) {
        return 0;
    }
    found = store_user_find(call->service->store, address, call->arena, &user, err_r);
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return err_set(err_r, ERR_NO_SUCH_MAILBOX, "explicit access to an unknown address");
    }
    if (user.mailbox.v != call->caller.mailbox.v) {
        return not_found(for_sync, ERR_FOLDER_NOT_FOUND, "folder of another mailbox", err_r);
    }
    return 0;
}

static int resolve_distinguished(struct ews_call *call, struct mailbox_tx *tx,
                                 const struct folder_ref *ref, bool for_sync,
                                 struct folder *folder_r, struct err *err_r)
{
    int found = 0;

    TRY(check_change_key(call, ref->change_key, err_r));
    TRY(check_mailbox(call, ref->mailbox, for_sync, err_r));
    if (ref->distinguished != DF_NONE) {
        found =
            mailbox_folder_by_distinguished(tx, ref->distinguished, call->arena, folder_r, err_r);
    }
    if (found == 0) {
        return not_found(for_sync, ERR_FOLDER_NOT_FOUND, "mailbox lacks the folder", err_r);
    }
    return found < 0 ? found : 0;
}

int folder_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                       bool for_sync, struct folder *folder_r, struct err *err_r)
{
    if (ref->address_list) {
        return err_set(err_r, ERR_OPERATION_ITEM, "address list as folder");
    }
    return ref->id.p != NULL ? resolve_id(call, tx, ref, for_sync, folder_r, err_r)
                             : resolve_distinguished(call, tx, ref, for_sync, folder_r, err_r);
}

/* ---- items ---- */

int item_ref_parse(struct ews_call *call, const struct xml_node *node, struct item_ref *ref_r,
                   struct err *err_r)
{
    struct item_ref ref = {.id = STR_NULL};

    (void)call;
    if (!xml_is(node, XML_NS_TYPES, "ItemId")) {
        return grammar_fail(node, err_r, "The element '%.*s' is no item id.", STR_ARG(node->name));
    }
    TRY(grammar_attr_str(node, "Id", true, &ref.id, err_r));
    TRY(grammar_attr_str(node, "ChangeKey", false, &ref.change_key, err_r));
    TRY(grammar_sequence(node, NULL, 0, NULL, err_r));
    *ref_r = ref;
    return 0;
}

int item_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct item_ref *ref,
                     struct arena *arena, struct item *item_r, struct err *err_r)
{
    struct token_item token;
    int found;

    TRY(token_item_read(call->key, ref->id, &token, err_r));
    TRY(check_change_key(call, ref->change_key, err_r));
    if (token.mailbox.v != call->caller.mailbox.v) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "item of another mailbox");
    }
    found = mailbox_item_get(tx, token.item, arena, item_r, err_r);
    if (found == 0) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "item is gone");
    }
    return found < 0 ? found : 0;
}

/* ---- ids in answers ---- */

static void write_change_key(struct buf *out, const struct ews_call *call, struct seq version)
{
    BUF_LIT(out, "\" ChangeKey=\"");
    token_change_key_write(out, call->key, &(struct token_change_key){version});
    BUF_LIT(out, "\"/>");
}

void write_item_id(struct buf *out, const struct ews_call *call, struct item_id id,
                   struct seq version)
{
    const struct token_item token = {call->caller.mailbox, id};

    BUF_LIT(out, "<t:ItemId Id=\"");
    token_item_write(out, call->key, &token);
    write_change_key(out, call, version);
}

void write_folder_id(struct buf *out, const struct ews_call *call, struct str element,
                     struct folder_id id, struct seq version)
{
    const struct token_folder token = {call->caller.mailbox, id};

    buf_add_char(out, '<');
    buf_add_str(out, element);
    BUF_LIT(out, " Id=\"");
    token_folder_write(out, call->key, &token);
    write_change_key(out, call, version);
}
