/* SyncFolderItems: the changes of one folder's items since a state, newest first, a page at a
 * time. The hot path of the house: nothing is allocated for an item. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "ews/ops/sync_answer.h"
#include "ews/props.h"
#include "mailbox/sync.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

#include <stdlib.h>

struct args {
    struct item_shape *shape;
    struct err shape_err; /* reported after the checks of folder and state */
    struct str shape_err_xml;
    bool ids_only;
    struct folder_ref folder;
    struct str state;       /* empty: initial */
    struct item_id *ignore; /* ascending */
    size_t ignore_count;
    unsigned max_changes;
    bool associated;
};

enum child {
    ITEM_SHAPE,
    FOLDER_ID,
    STATE,
    IGNORE,
    MAX_CHANGES,
    SCOPE,
    NUMBER_OF_DAYS,
    CHILD_COUNT
};

static const struct grammar_child CHILDREN[CHILD_COUNT] = {
    [ITEM_SHAPE] = {XML_NS_MESSAGES, "ItemShape", 1, 1},
    [FOLDER_ID] = {XML_NS_MESSAGES, "SyncFolderId", 1, 1},
    [STATE] = {XML_NS_MESSAGES, "SyncState", 0, 1},
    [IGNORE] = {XML_NS_MESSAGES, "Ignore", 0, 1},
    [MAX_CHANGES] = {XML_NS_MESSAGES, "MaxChangesReturned", 1, 1},
    [SCOPE] = {XML_NS_MESSAGES, "SyncScope", 0, 1},
    [NUMBER_OF_DAYS] = {XML_NS_MESSAGES, "NumberOfDays", 0, 1},
};

/* ---- parsing ---- */

static int parse_shape(struct ews_call *call, const struct xml_node *node, struct args *args,
                       struct err *err_r)
{
    int rc = item_shape_parse(call, node, SHAPE_FOR_SYNC, &args->shape, &args->shape_err_xml,
                              &args->shape_err);

    if (rc < 0 && answer_ends_request(&args->shape_err)) {
        *err_r = args->shape_err;
        return rc;
    }
    args->ids_only = rc == 0 && !item_shape_needs_props(args->shape);
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = ((const struct item_id *)a)->v, y = ((const struct item_id *)b)->v;

    return x < y ? -1 : x > y;
}

/* Ids of the schema's other forms and ids that mean nothing here are no error: they leave
 * nothing out. */
static int parse_ignore(struct ews_call *call, const struct xml_node *node, struct args *args,
                        struct err *err_r)
{
    struct mailbox_no mailbox = folder_ref_mailbox(call, &args->folder);
    struct token_item token;
    struct item_ref ref;

    args->ignore = ARENA_ARRAY(call->arena, struct item_id, node->child_count);
    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(item_ref_parse(call, id, &ref, err_r));
        if (ref.form == ITEM_BY_ID && token_item_read(call->key, ref.id, &token, NULL) == 0 &&
            token.mailbox.v == mailbox.v) {
            args->ignore[args->ignore_count++] = token.item;
        }
    }
    if (args->ignore_count > 1) {
        qsort(args->ignore, args->ignore_count, sizeof(args->ignore[0]), compare_ids);
    }
    return 0;
}

static int parse_numbers(const struct xml_node *const *found, struct args *args, struct err *err_r)
{
    static const char *const SCOPES[] = {"NormalItems", "NormalAndAssociatedItems", NULL};
    int64_t v;
    size_t scope = 0;

    TRY(grammar_int(found[MAX_CHANGES], 1, SYNC_MAX_CHANGES, &v, err_r));
    args->max_changes = (unsigned)v;
    if (found[SCOPE] != NULL) {
        TRY(grammar_enum(found[SCOPE], SCOPES, &scope, err_r));
    }
    args->associated = scope == 1;
    /* Online servers' own element: 0 means no limit, which is all that is served here. */
    return found[NUMBER_OF_DAYS] != NULL ? grammar_int(found[NUMBER_OF_DAYS], 0, 0, &v, err_r) : 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    const struct xml_node *found[CHILD_COUNT];
    struct args *args = ARENA_NEW(call->arena, struct args);

    TRY(grammar_sequence(request, CHILDREN, CHILD_COUNT, found, err_r));
    TRY(parse_shape(call, found[ITEM_SHAPE], args, err_r));
    TRY(folder_ref_parse_target(call, found[FOLDER_ID], &args->folder, err_r));
    if (found[STATE] != NULL) {
        args->state = str_trim(found[STATE]->text);
    }
    if (found[IGNORE] != NULL) {
        TRY(parse_ignore(call, found[IGNORE], args, err_r));
    }
    TRY(parse_numbers(found, args, err_r));
    *args_r = args;
    return 0;
}

/* ---- state ---- */

static int read_state(struct ews_call *call, struct str text, struct folder_id folder,
                      struct sync_position *position_r, struct err *err_r)
{
    struct token_sync_items token;

    TRY(token_sync_items_read(call->key, text, &token, err_r));
    if (token.mailbox.v != call->mailbox.v || token.folder.v != folder.v) {
        return err_set(err_r, ERR_SYNC_STATE, "state of another folder");
    }
    *position_r = (struct sync_position){
        .base = token.base,
        .top = token.top,
        .cursor = token.cursor,
        .associated = token.associated,
        .associated_all = token.associated_all,
    };
    return 0;
}

static void write_state(struct ews_call *call, struct folder_id folder,
                        const struct sync_position *position, struct buf *out)
{
    token_sync_items_write(out, call->key,
                           &(struct token_sync_items){
                               .mailbox = call->mailbox,
                               .folder = folder,
                               .associated = position->associated,
                               .associated_all = position->associated_all,
                               .base = position->base,
                               .top = position->top,
                               .cursor = position->cursor,
                           });
}

/* ---- changes ---- */

/* What is the same for all changes of a page. */
struct page {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct args *args;
    struct arena *item_arena; /* reset between items */
    struct str message_xml;   /* of an error */
};

static void write_id_only(struct page *page, const struct item *item)
{
    struct buf *out = &page->call->out;
    struct str element = item_element(item->kind, page->call->version);

    buf_add_char(out, '<');
    buf_add_str(out, element);
    buf_add_char(out, '>');
    write_item_id(out, page->call, item->id, item_version(item));
    BUF_LIT(out, "</");
    buf_add_str(out, element);
    buf_add_char(out, '>');
}

static int write_item(struct page *page, const struct item *item, struct err *err_r)
{
    struct item_view view;
    int rc;

    if (page->args->ids_only) {
        write_id_only(page, item);
        return 0;
    }
    arena_reset(page->item_arena);
    item_view_open(&view, page->call, page->tx, item, page->item_arena);
    view.summary = true;
    rc = item_shape_write(page->args->shape, &view, &page->call->out, &page->message_xml, err_r);
    item_view_close(&view);
    return rc;
}

static void write_delete(struct ews_call *call, struct item_id id)
{
    BUF_LIT(&call->out, "<t:Delete>");
    write_item_id(&call->out, call, id, (struct seq){0});
    BUF_LIT(&call->out, "</t:Delete>");
}

static void write_read_flag(struct ews_call *call, const struct item *item)
{
    BUF_LIT(&call->out, "<t:ReadFlagChange>");
    write_item_id(&call->out, call, item->id, (struct seq){0});
    if ((item->flags & ITEM_READ) != 0) {
        BUF_LIT(&call->out, "<t:IsRead>true</t:IsRead></t:ReadFlagChange>");
    } else {
        BUF_LIT(&call->out, "<t:IsRead>false</t:IsRead></t:ReadFlagChange>");
    }
}

static int write_change(struct page *page, const struct item_change *change, struct err *err_r)
{
    struct ews_call *call = page->call;
    enum change_kind kind = change->kind;

    if (kind == CHANGE_READ_FLAG && call->version < EWS_EXCHANGE2007_SP1) {
        kind = CHANGE_UPDATE;
    }
    switch (kind) {
    case CHANGE_CREATE:
        BUF_LIT(&call->out, "<t:Create>");
        TRY(write_item(page, &change->item, err_r));
        BUF_LIT(&call->out, "</t:Create>");
        break;
    case CHANGE_UPDATE:
        BUF_LIT(&call->out, "<t:Update>");
        TRY(write_item(page, &change->item, err_r));
        BUF_LIT(&call->out, "</t:Update>");
        break;
    case CHANGE_DELETE: write_delete(call, change->item.id); break;
    case CHANGE_READ_FLAG: write_read_flag(call, &change->item); break;
    }
    return 0;
}

/* ---- running ---- */

static int write_page(struct page *page, struct folder_id folder, const struct sync_position *from,
                      struct err *err_r)
{
    const struct args *args = page->args;
    const struct item_sync_options options = {
        .folder = folder,
        .associated = args->associated,
        .max_changes = args->max_changes,
        .ignore = args->ignore,
        .ignore_count = args->ignore_count,
        .with_props = !args->ids_only,
    };
    struct buf state = BUF_INIT;
    struct sync_position to;
    struct sync_answer answer;
    struct item_change change;
    struct item_sync *sync;
    bool up_to_date;
    int rc = 0;

    TRY(item_sync_begin(page->tx, &options, from, &sync, err_r));
    sync_answer_begin(page->call, STR(SYNC_LAST_ITEM), &answer);
    while (rc == 0 && item_sync_next(sync, &change)) {
        rc = write_change(page, &change, err_r);
    }
    if (rc < 0) {
        (void)!item_sync_end(&sync, &to, &up_to_date, NULL);
        return rc;
    }
    TRY(item_sync_end(&sync, &to, &up_to_date, err_r));
    write_state(page->call, folder, &to, &state);
    sync_answer_end(page->call, &answer, buf_str(&state), up_to_date);
    buf_fini(&state);
    return 0;
}

static int sync_items(struct page *page, struct err *err_r)
{
    const struct args *args = page->args;
    struct sync_position from = {.associated = false};
    struct folder folder;

    TRY(folder_ref_resolve(page->call, page->tx, &args->folder, FOLDER_TO_SYNC, &folder, err_r));
    TRY(access_require(page->call, page->tx, folder.id, RIGHT_READ_ITEMS, err_r));
    if (args->state.n != 0) {
        TRY(read_state(page->call, args->state, folder.id, &from, err_r));
    }
    if (args->shape_err.kind != ERR_NONE) {
        *err_r = args->shape_err;
        page->message_xml = args->shape_err_xml;
        return -(int)args->shape_err.kind;
    }
    return write_page(page, folder.id, &from, err_r);
}

static size_t count(const void *args)
{
    (void)args;
    return 1;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    (void)i;
    return folder_ref_mailbox(call, &((const struct args *)args)->folder);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct page page = {.call = call, .tx = tx, .args = vargs};
    int rc;

    (void)i;
    if (!page.args->ids_only) {
        page.item_arena = arena_new(call->arena, "item");
    }
    rc = sync_items(&page, err_r);
    *message_xml_r = page.message_xml;
    return rc < 0 ? rc : BATCH_DONE;
}

static const struct batch BATCH = {.count = count,
                                   .mailbox_of = mailbox_of,
                                   .one = one,
                                   .error_tail = STR_INIT(SYNC_ERROR_TAIL(SYNC_LAST_ITEM))};

const struct ews_operation op_sync_folder_items = {
    .name = STR_INIT("SyncFolderItems"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .quick = true,
    .parse = parse,
    .batch = &BATCH,
};
