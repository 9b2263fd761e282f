/* UpdateItem: properties of stored items set, appended to and removed, in order, all of an
 * item's or none. Marking as read, the most frequent of all, goes straight to the store. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/calendar.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_edit.h"
#include "ews/ops/targets.h"
#include "ews/props-private.h"
#include "ews/send.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

enum resolution { NEVER_OVERWRITE, AUTO_RESOLVE, ALWAYS_OVERWRITE };
enum disposition { SAVE_ONLY, SEND_ONLY, SEND_AND_SAVE, DISPOSITION_NONE };

/* An ItemChange. */
struct target {
    struct item_ref ref;
    struct item_change *changes;
    size_t n;
    bool read_only; /* nothing but the read flag: to `read` */
    bool read;
};

struct args {
    enum resolution resolution;
    enum disposition disposition;
    size_t meetings; /* SendMeetingInvitationsOrCancellations; SIZE_MAX: absent */
    bool has_folder;
    struct folder_ref folder; /* for the copy of what is sent */
    struct known_folder sent_items;
    struct target *targets;
    size_t n;
    struct arena *item_arena;
};

/* ---- parsing ---- */

static int parse_attributes(const struct xml_node *request, struct args *args, struct err *err_r)
{
    static const char *const resolutions[] = {"NeverOverwrite", "AutoResolve", "AlwaysOverwrite",
                                              NULL};
    static const char *const dispositions[] = {"SaveOnly", "SendOnly", "SendAndSaveCopy", NULL};
    static const char *const meetings[] = {"SendToNone",
                                           "SendOnlyToAll",
                                           "SendOnlyToChanged",
                                           "SendToAllAndSaveCopy",
                                           "SendToChangedAndSaveCopy",
                                           NULL};
    size_t resolution = AUTO_RESOLVE, disposition = DISPOSITION_NONE;
    bool ignored;

    args->meetings = SIZE_MAX;
    TRY(grammar_attr_enum(request, "ConflictResolution", false, resolutions, &resolution, err_r));
    TRY(grammar_attr_enum(request, "MessageDisposition", false, dispositions, &disposition, err_r));
    TRY(grammar_attr_enum(request, "SendMeetingInvitationsOrCancellations", false, meetings,
                          &args->meetings, err_r));
    TRY(grammar_attr_bool(request, "SuppressReadReceipts", false, &ignored, err_r));
    args->resolution = (enum resolution)resolution;
    args->disposition = (enum disposition)disposition;
    return 0;
}

/* Found here, so that a batch of nothing else does not open a single record. */
static int note_read_only(struct target *target, struct err *err_r)
{
    const struct item_change *change = &target->changes[0];

    if (target->n != 1 || change->kind != CHANGE_SET || change->path == NULL ||
        change->path->kind != PATH_FIELD || !str_is(change->path->uri, "message:IsRead") ||
        change->item->child_count != 1 ||
        !xml_is(change->item->first_child, XML_NS_TYPES, "IsRead")) {
        return 0;
    }
    target->read_only = true;
    return grammar_bool(change->item->first_child, &target->read, err_r);
}

static int parse_change(struct ews_call *call, const struct xml_node *node, struct target *target,
                        struct err *err_r)
{
    const struct xml_node *id = node->first_child, *updates;

    if (!xml_is(node, XML_NS_TYPES, "ItemChange") || node->child_count != 2) {
        return grammar_fail(node, err_r, "The element '%.*s' is no complete ItemChange.",
                            STR_ARG(str_sub(node->name, 0, 64)));
    }
    TRY(item_ref_parse(call, id, &target->ref, err_r));
    updates = id->next;
    if (!xml_is(updates, XML_NS_TYPES, "Updates") || updates->child_count == 0) {
        return grammar_fail(updates, err_r, "The element 'ItemChange' has no updates.");
    }
    target->changes = ARENA_ARRAY(call->arena, struct item_change, updates->child_count);
    for (const struct xml_node *u = updates->first_child; u != NULL; u = u->next) {
        TRY(item_change_parse(call, u, &target->changes[target->n], err_r));
        target->n++;
    }
    return note_read_only(target, err_r);
}

static int parse_changes(struct ews_call *call, const struct xml_node *node, struct args *args,
                         struct err *err_r)
{
    args->targets = ARENA_ARRAY(call->arena, struct target, node->child_count);
    for (const struct xml_node *change = node->first_child; change != NULL; change = change->next) {
        TRY(parse_change(call, change, &args->targets[args->n], err_r));
        args->n++;
    }
    if (args->n == 0) {
        return grammar_fail(node, err_r, "The element 'ItemChanges' has incomplete content.");
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "SavedItemFolderId", 0, 1},
                                                    {XML_NS_MESSAGES, "ItemChanges", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(parse_attributes(request, args, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), found, err_r));
    if (found[0] != NULL) {
        TRY(folder_ref_parse_target(call, found[0], &args->folder, err_r));
        args->has_folder = true;
    }
    TRY(parse_changes(call, found[1], args, err_r));
    args->item_arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

/* ---- conflicts ---- */

/* *version_r: what the client knows of; 0: it does not say. */
static int given_version(struct ews_call *call, const struct item_ref *ref, struct seq *version_r,
                         struct err *err_r)
{
    struct token_change_key key = {.version = {0}};

    if (ref->change_key.n != 0) {
        TRY(token_change_key_read(call->key, ref->change_key, &key, err_r));
    }
    *version_r = key.version;
    return 0;
}

static int conflict(struct err *err_r, const struct item *item)
{
    return err_set(err_r, ERR_CONFLICT, "item %llu is at %llu", (unsigned long long)item->id.v,
                   (unsigned long long)item_version(item).v);
}

/* *resolved_r: conflicts that were none of the properties'. */
static int check_conflict(struct ews_call *call, const struct args *args,
                          const struct target *target, const struct item_edit *edit,
                          unsigned *resolved_r, struct err *err_r)
{
    const struct item *item = item_edit_base(edit);
    struct seq given = {0};

    *resolved_r = 0;
    TRY(given_version(call, &target->ref, &given, err_r));
    if (args->resolution == ALWAYS_OVERWRITE) {
        return 0;
    }
    if (given.v == 0) {
        return err_set(err_r, ERR_CHANGE_KEY_REQUIRED, "no ChangeKey");
    }
    if (given.v == item_version(item).v) {
        return 0;
    }
    if (given.v > item_version(item).v) {
        return err_set(err_r, ERR_CHANGE_KEY, "item %llu was never at %llu",
                       (unsigned long long)item->id.v, (unsigned long long)given.v);
    }
    if (args->resolution == NEVER_OVERWRITE || item_edit_conflicts(edit, given)) {
        return conflict(err_r, item);
    }
    *resolved_r = item_edit_changes_content(edit) ? 1 : 0;
    return 0;
}

/* ---- one item ---- */

static size_t count(const void *args)
{
    return ((const struct args *)args)->n;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    return item_ref_mailbox(call, &((const struct args *)args)->targets[i].ref);
}

static int check_attributes(const struct args *args, enum item_kind kind, struct err *err_r)
{
    if ((K_MESSAGE & 1u << kind) != 0 && args->disposition == DISPOSITION_NONE) {
        return err_set(err_r, ERR_MESSAGE_DISPOSITION_REQUIRED, "a message");
    }
    if (kind == ITEM_KIND_CALENDAR_ITEM && args->meetings == SIZE_MAX) {
        return err_set(err_r, ERR_INVITATIONS_OR_CANCELLATIONS_REQUIRED, "a calendar item");
    }
    return 0;
}

/* occurrence NULL: a stored item. */
static int answer_updated(struct ews_call *call, const struct item *item,
                          const struct item_occurrence *occurrence, struct seq version,
                          unsigned resolved)
{
    struct str element = item_element(item->kind, call->version);
    struct buf *out = &call->out;

    answer_message_success(call);
    BUF_LIT(out, "<m:Items><");
    buf_add_str(out, element);
    BUF_LIT(out, ">");
    if (occurrence != NULL) {
        write_occurrence_id(out, call, item->id, occurrence->at.original_start_ms, version);
    } else {
        write_item_id(out, call, item->id, version);
    }
    BUF_LIT(out, "</");
    buf_add_str(out, element);
    BUF_LIT(out, "></m:Items><m:ConflictResults><t:Count>");
    buf_add_u64(out, resolved);
    BUF_LIT(out, "</t:Count></m:ConflictResults>");
    answer_message_end(call);
    return BATCH_DONE;
}

static bool takes_read_flag(const struct item *item)
{
    return ((K_MESSAGE | KIND(POST_ITEM)) & 1u << item->kind) != 0;
}

static int mark_read(struct ews_call *call, struct mailbox_tx *tx, const struct target *target,
                     const struct item *item, struct err *err_r)
{
    if (((item->flags & ITEM_READ) != 0) != target->read) {
        TRY(mailbox_item_set_read(tx, item->id, target->read, err_r));
    }
    return answer_updated(call, item, NULL, item_version(item), 0);
}

/* An update may end a draft: it is sent, and stays as a copy or not at all. */
static int send_updated(struct ews_call *call, struct mailbox_tx *tx, struct args *args,
                        struct item_edit *edit, struct err *err_r)
{
    struct item_id id = item_edit_base(edit)->id, copy;
    struct folder_id to;
    struct folder folder;

    if (call->mailbox.v != call->caller.mailbox.v ||
        (item_edit_base(edit)->flags & ITEM_DRAFT) == 0) {
        return err_tell(err_r, ERR_NOT_SUPPORTED,
                        "Only drafts in the sender's own mailbox can be sent.");
    }
    TRY(send_message(call, tx, edit, err_r));
    if (args->disposition == SEND_ONLY) {
        TRY(mailbox_item_delete(tx, id, err_r));
    } else {
        TRY(item_edit_store(edit, tx, err_r));
        if (args->has_folder) {
            TRY(folder_ref_resolve(call, tx, &args->folder, FOLDER_AS_TARGET, &folder, err_r));
            to = folder.id;
        } else {
            TRY(known_folder_find(call, tx, DF_SENTITEMS, &args->sent_items, &to, err_r));
        }
        TRY(mailbox_item_move(tx, id, to, &copy, err_r));
    }
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:Items/>");
    answer_message_end(call);
    return BATCH_DONE;
}

struct work {
    const struct target *target;
    struct item item;
    struct item_occurrence *occurrence; /* NULL: the item itself */
    struct item_edit *edit;
    unsigned resolved;
};

static int store(struct ews_call *call, struct mailbox_tx *tx, struct args *args, struct work *w,
                 struct err *err_r)
{
    struct seq version;

    if (w->occurrence != NULL) {
        TRY(calendar_occurrence_store(w->edit, w->occurrence, tx, &version, err_r));
    } else if ((K_MESSAGE & 1u << w->item.kind) != 0 && args->disposition != SAVE_ONLY) {
        return send_updated(call, tx, args, w->edit, err_r);
    } else {
        TRY(item_edit_store(w->edit, tx, err_r));
        version = item_edit_version(w->edit);
    }
    return answer_updated(call, &w->item, w->occurrence, version, w->resolved);
}

static int update(struct ews_call *call, struct mailbox_tx *tx, struct args *args, struct work *w,
                  struct str *message_xml_r, struct err *err_r)
{
    TRY(item_edit_open(call, tx, args->item_arena, &w->item, &w->edit, err_r));
    if (w->occurrence != NULL) {
        calendar_occurrence_edit(w->edit, w->occurrence);
    }
    for (size_t i = 0; i < w->target->n; i++) {
        TRY(item_edit_apply_change(w->edit, &w->target->changes[i], message_xml_r, err_r));
    }
    TRY(check_conflict(call, args, w->target, w->edit, &w->resolved, err_r));
    return store(call, tx, args, w, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct work w = {.target = &args->targets[i]};

    arena_reset(args->item_arena);
    TRY(item_ref_resolve_occurrence(call, tx, &w.target->ref, args->item_arena, &w.item,
                                    &w.occurrence, err_r));
    TRY(access_require_item(call, tx, &w.item, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL, err_r));
    TRY(check_attributes(args, w.item.kind, err_r));
    if (w.target->read_only && args->disposition == SAVE_ONLY && takes_read_flag(&w.item)) {
        return mark_read(call, tx, w.target, &w.item, err_r);
    }
    return update(call, tx, args, &w, message_xml_r, err_r);
}

static const struct batch BATCH = {
    .count = count, .mailbox_of = mailbox_of, .one = one, .error_tail = STR_INIT("<m:Items/>")};

const struct ews_operation op_update_item = {
    .name = STR_INIT("UpdateItem"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
