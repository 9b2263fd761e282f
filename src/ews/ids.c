#include "ews/ids.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/calendar.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "ews/limits.h"
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

int folder_ref_parse_list(struct ews_call *call, const struct xml_node *node,
                          struct folder_ref **refs_r, size_t *n_r, struct err *err_r)
{
    struct folder_ref *refs = ARENA_ARRAY(call->arena, struct folder_ref, node->child_count);
    size_t n = 0;

    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(folder_ref_parse(call, id, &refs[n++], err_r));
    }
    if (n == 0) {
        return grammar_fail(node, err_r, "The element '%.*s' has incomplete content.",
                            STR_ARG(node->name));
    }
    *refs_r = refs;
    *n_r = n;
    return 0;
}

/* ---- whose they are ---- */

/* A mailbox that an id names; the caller's when its user is gone. */
static struct mailbox_no mailbox_of_token(struct ews_call *call, struct mailbox_no no)
{
    struct user user;

    if (no.v == call->caller.mailbox.v || no.v == call->known.v) {
        return no;
    }
    if (store_user_by_mailbox(call->service->store, no, call->arena, &user, NULL) != 1) {
        return call->caller.mailbox;
    }
    call->known = no;
    return no;
}

static bool is_own_address(const struct ews_call *call, struct str address)
{
    return address.n == 0 || str_eq_nocase(address, call->caller.address);
}

struct mailbox_no folder_ref_mailbox(struct ews_call *call, const struct folder_ref *ref)
{
    struct token_folder token;
    struct user user;

    if (ref->id.p != NULL) {
        return token_folder_read(call->key, ref->id, &token, NULL) == 0
                   ? mailbox_of_token(call, token.mailbox)
                   : call->caller.mailbox;
    }
    if (is_own_address(call, ref->mailbox) ||
        store_user_find(call->service->store, ref->mailbox, call->arena, &user, NULL) != 1) {
        return call->caller.mailbox;
    }
    return user.mailbox;
}

struct mailbox_no item_ref_mailbox(struct ews_call *call, const struct item_ref *ref)
{
    enum token_kind kind;
    struct mailbox_no mailbox;

    return token_kind_of(call->key, ref->id, &kind, &mailbox, NULL) == 0
               ? mailbox_of_token(call, mailbox)
               : call->caller.mailbox;
}

struct mailbox_no attachment_id_mailbox(struct ews_call *call, struct str id)
{
    struct token_attachment token;

    return token_attachment_read(call->key, id, &token, NULL) == 0
               ? mailbox_of_token(call, token.mailbox)
               : call->caller.mailbox;
}

/* ---- finding folders ---- */

static int check_change_key(struct ews_call *call, struct str text, struct err *err_r)
{
    struct token_change_key key;

    /* Clients that know no key send an empty one. */
    return text.n == 0 ? 0 : token_change_key_read(call->key, text, &key, err_r);
}

/* "Not there" in the words of the operation. */
static int not_found(enum folder_role role, const char *why, struct err *err_r)
{
    static const enum err_kind kinds[] = {
        [FOLDER_ASKED_FOR] = ERR_FOLDER_NOT_FOUND,
        [FOLDER_TO_SYNC] = ERR_SYNC_FOLDER_NOT_FOUND,
        [FOLDER_AS_PARENT] = ERR_PARENT_FOLDER_NOT_FOUND,
        [FOLDER_AS_TARGET] = ERR_TO_FOLDER_NOT_FOUND,
    };

    return err_set(err_r, kinds[role], "%s", why);
}

static int resolve_id(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                      enum folder_role role, struct folder *folder_r, struct err *err_r)
{
    struct token_folder token;
    int found;

    TRY(token_folder_read(call->key, ref->id, &token, err_r));
    TRY(check_change_key(call, ref->change_key, err_r));
    if (token.mailbox.v != call->mailbox.v) {
        return not_found(role, "folder of another mailbox", err_r);
    }
    found = mailbox_folder_get(tx, token.folder, call->arena, folder_r, err_r);
    if (found == 0) {
        return role == FOLDER_ASKED_FOR && access_is_owner(call)
                   ? err_set(err_r, ERR_ITEM_NOT_FOUND, "folder is gone")
                   : not_found(role, "folder is gone", err_r);
    }
    return found < 0 ? found : 0;
}

/* That the mailbox which a distinguished name is meant in is the one that is worked on. */
static int check_mailbox(struct ews_call *call, struct str address, enum folder_role role,
                         struct err *err_r)
{
    struct user user = {.mailbox = call->caller.mailbox};
    int found = 1;

    if (!is_own_address(call, address)) {
        found = store_user_find(call->service->store, address, call->arena, &user, err_r);
    }
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return err_set(err_r, ERR_NO_SUCH_MAILBOX, "explicit access to an unknown address");
    }
    return user.mailbox.v == call->mailbox.v ? 0
                                             : not_found(role, "folder of another mailbox", err_r);
}

static int resolve_distinguished(struct ews_call *call, struct mailbox_tx *tx,
                                 const struct folder_ref *ref, enum folder_role role,
                                 struct folder *folder_r, struct err *err_r)
{
    int found = 0;

    TRY(check_change_key(call, ref->change_key, err_r));
    TRY(check_mailbox(call, ref->mailbox, role, err_r));
    if (ref->distinguished != DF_NONE) {
        found =
            mailbox_folder_by_distinguished(tx, ref->distinguished, call->arena, folder_r, err_r);
    }
    if (found == 0) {
        return not_found(role, "mailbox lacks the folder", err_r);
    }
    return found < 0 ? found : 0;
}

int folder_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct folder_ref *ref,
                       enum folder_role role, struct folder *folder_r, struct err *err_r)
{
    struct folder folder;
    int rc;

    if (ref->address_list) {
        return err_set(err_r, ERR_OPERATION_ITEM, "address list as folder");
    }
    TRY(ref->id.p != NULL ? resolve_id(call, tx, ref, role, &folder, err_r)
                          : resolve_distinguished(call, tx, ref, role, &folder, err_r));
    rc = access_require(call, tx, folder.id, RIGHT_FOLDER_VISIBLE, err_r);
    if (rc == -ERR_FOLDER_NOT_FOUND) {
        return not_found(role, "folder is not visible to the caller", err_r);
    }
    TRY(rc);
    *folder_r = folder;
    return 0;
}

/* ---- items ---- */

/* The two forms that name an item by another. */
static int parse_occurrence(const struct xml_node *node, struct item_ref *ref, struct err *err_r)
{
    bool by_index = xml_is(node, XML_NS_TYPES, "OccurrenceItemId");

    TRY(grammar_attr_str(node, by_index ? "RecurringMasterId" : "OccurrenceId", true, &ref->id,
                         err_r));
    if (by_index) {
        TRY(grammar_attr_int(node, "InstanceIndex", true, XS_INT_MIN, XS_INT_MAX, &ref->index,
                             err_r));
    }
    ref->form = by_index ? ITEM_BY_INDEX : ITEM_MASTER_OF;
    return 0;
}

int item_ref_parse(struct ews_call *call, const struct xml_node *node, struct item_ref *ref_r,
                   struct err *err_r)
{
    struct item_ref ref = {.id = STR_NULL};

    (void)call;
    TRY(grammar_attr_str(node, "ChangeKey", false, &ref.change_key, err_r));
    if (xml_is(node, XML_NS_TYPES, "ItemId")) {
        TRY(grammar_attr_str(node, "Id", true, &ref.id, err_r));
        TRY(grammar_sequence(node, NULL, 0, NULL, err_r));
    } else if (xml_is(node, XML_NS_TYPES, "OccurrenceItemId") ||
               xml_is(node, XML_NS_TYPES, "RecurringMasterItemId") ||
               xml_is(node, XML_NS_TYPES, "RecurringMasterItemIdRanges")) {
        TRY(parse_occurrence(node, &ref, err_r));
    } else {
        return grammar_fail(node, err_r, "The element '%.*s' is no item id.", STR_ARG(node->name));
    }
    *ref_r = ref;
    return 0;
}

int item_ref_parse_list(struct ews_call *call, const struct xml_node *node,
                        struct item_ref **refs_r, size_t *n_r, struct err *err_r)
{
    struct item_ref *refs = ARENA_ARRAY(call->arena, struct item_ref, node->child_count);
    size_t n = 0;

    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(item_ref_parse(call, id, &refs[n++], err_r));
    }
    if (n == 0) {
        return grammar_fail(node, err_r, "The element '%.*s' has incomplete content.",
                            STR_ARG(node->name));
    }
    *refs_r = refs;
    *n_r = n;
    return 0;
}

/* A stored item, or the master of what an occurrence's id names. */
static int get_item(struct ews_call *call, struct mailbox_tx *tx, const struct token_item *token,
                    struct arena *arena, struct item *item_r, struct err *err_r)
{
    struct item item;
    int found;

    if (token->mailbox.v != call->mailbox.v) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "item of another mailbox");
    }
    found = mailbox_item_get(tx, token->item, arena, &item, err_r);
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "item is gone");
    }
    TRY(access_require_reading(call, tx, &item, err_r));
    *item_r = item;
    return 0;
}

static int resolve_occurrence_id(struct ews_call *call, struct mailbox_tx *tx,
                                 const struct item_ref *ref, struct arena *arena,
                                 struct item *item_r, struct item_occurrence **occurrence_r,
                                 struct err *err_r)
{
    struct token_occurrence token;
    struct token_item master;
    struct item item;

    TRY(token_occurrence_read(call->key, ref->id, &token, err_r));
    master = (struct token_item){token.mailbox, token.item};
    TRY(get_item(call, tx, &master, arena, &item, err_r));
    if (ref->form == ITEM_BY_ID) {
        TRY(calendar_occurrence_by_start(tx, &item, token.original_start_ms, arena, occurrence_r,
                                         err_r));
        item = calendar_occurrence_item(*occurrence_r, arena);
    }
    *item_r = item;
    return 0;
}

int item_ref_resolve_occurrence(struct ews_call *call, struct mailbox_tx *tx,
                                const struct item_ref *ref, struct arena *arena,
                                struct item *item_r, struct item_occurrence **occurrence_r,
                                struct err *err_r)
{
    enum token_kind kind = TOKEN_ITEM;
    struct mailbox_no mailbox;
    struct token_item token;
    struct item item;

    *occurrence_r = NULL;
    TRY(check_change_key(call, ref->change_key, err_r));
    (void)!token_kind_of(call->key, ref->id, &kind, &mailbox, NULL);
    if (ref->form == ITEM_MASTER_OF || (ref->form == ITEM_BY_ID && kind == TOKEN_OCCURRENCE)) {
        return resolve_occurrence_id(call, tx, ref, arena, item_r, occurrence_r, err_r);
    }
    if (kind == TOKEN_OCCURRENCE) {
        return err_set(err_r, ERR_OCCURRENCE_NOT_MASTER, "an occurrence's id");
    }
    TRY(token_item_read(call->key, ref->id, &token, err_r));
    TRY(get_item(call, tx, &token, arena, &item, err_r));
    if (ref->form == ITEM_BY_INDEX) {
        TRY(calendar_occurrence_by_index(tx, &item, ref->index, arena, occurrence_r, err_r));
        item = calendar_occurrence_item(*occurrence_r, arena);
    }
    *item_r = item;
    return 0;
}

int item_ref_resolve(struct ews_call *call, struct mailbox_tx *tx, const struct item_ref *ref,
                     struct arena *arena, struct item *item_r, struct err *err_r)
{
    struct item_occurrence *occurrence;

    TRY(item_ref_resolve_occurrence(call, tx, ref, arena, item_r, &occurrence, err_r));
    if (occurrence != NULL) {
        return err_set(err_r, ERR_OCCURRENCE_MOVE, "an occurrence");
    }
    return 0;
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
    const struct token_item token = {call->mailbox, id};

    BUF_LIT(out, "<t:ItemId Id=\"");
    token_item_write(out, call->key, &token);
    write_change_key(out, call, version);
}

void write_item_id_as(struct buf *out, const struct ews_call *call, struct str element,
                      struct item_id id, struct seq version)
{
    const struct token_item token = {call->mailbox, id};

    buf_add_char(out, '<');
    buf_add_str(out, element);
    BUF_LIT(out, " Id=\"");
    token_item_write(out, call->key, &token);
    write_change_key(out, call, version);
}

void write_occurrence_id(struct buf *out, const struct ews_call *call, struct item_id master,
                         int64_t original_start_ms, struct seq version)
{
    const struct token_occurrence token = {call->mailbox, master, original_start_ms};

    BUF_LIT(out, "<t:ItemId Id=\"");
    token_occurrence_write(out, call->key, &token);
    write_change_key(out, call, version);
}

void write_folder_id(struct buf *out, const struct ews_call *call, struct str element,
                     struct folder_id id, struct seq version)
{
    const struct token_folder token = {call->mailbox, id};

    buf_add_char(out, '<');
    buf_add_str(out, element);
    BUF_LIT(out, " Id=\"");
    token_folder_write(out, call->key, &token);
    write_change_key(out, call, version);
}
