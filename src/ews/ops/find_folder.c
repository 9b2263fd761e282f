/* FindFolder: folders below others, filtered and paged; one message a parent. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/limits.h"
#include "ews/restriction.h"
#include "ews/views.h"
#include "xml/xml_doc.h"

enum traversal { SHALLOW, DEEP, SOFT_DELETED };

struct args {
    enum traversal traversal;
    struct folder_shape *shape;
    struct view view;
    struct restriction *restriction;
    struct folder_ref *parents;
    size_t parent_count;
    struct err refused; /* what is wrong with the request: every message's error */
    struct str refused_xml;
};

enum child { SHAPE, INDEXED, FRACTIONAL, RESTRICTION, PARENTS, CHILD_COUNT };

static const struct grammar_child children[CHILD_COUNT] = {
    [SHAPE] = {XML_NS_MESSAGES, "FolderShape", 1, 1},
    [INDEXED] = {XML_NS_MESSAGES, "IndexedPageFolderView", 0, 1},
    [FRACTIONAL] = {XML_NS_MESSAGES, "FractionalPageFolderView", 0, 1},
    [RESTRICTION] = {XML_NS_MESSAGES, "Restriction", 0, 1},
    [PARENTS] = {XML_NS_MESSAGES, "ParentFolderIds", 1, 1},
};

/* ---- parsing ---- */

/* What may be refused in the messages rather than by a fault. */
static int parse_query(struct ews_call *call, const struct xml_node *const *found,
                       struct args *args, struct err *err_r)
{
    args->view = VIEW_INIT;
    TRY(folder_shape_parse(call, found[SHAPE], &args->shape, &args->refused_xml, err_r));
    if (found[INDEXED] != NULL) {
        TRY(view_parse_indexed(found[INDEXED], &args->view, err_r));
    }
    if (found[FRACTIONAL] != NULL) {
        TRY(view_parse_fractional(found[FRACTIONAL], &args->view, err_r));
    }
    return found[RESTRICTION] != NULL
               ? restriction_parse(call, found[RESTRICTION], RESTRICTION_OF_FOLDERS,
                                   &args->restriction, &args->refused_xml, err_r)
               : 0;
}

static int parse_parents(struct ews_call *call, const struct xml_node *node, struct args *args,
                         struct err *err_r)
{
    args->parents = ARENA_ARRAY(call->arena, struct folder_ref, node->child_count);
    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        TRY(folder_ref_parse(call, id, &args->parents[args->parent_count], err_r));
        args->parent_count++;
    }
    if (args->parent_count == 0) {
        return grammar_fail(node, err_r, "The element 'ParentFolderIds' has incomplete content.");
    }
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const char *const traversals[] = {"Shallow", "Deep", "SoftDeleted", NULL};
    const struct xml_node *found[CHILD_COUNT] = {NULL};
    struct args *args = ARENA_NEW(call->arena, struct args);
    size_t traversal;
    int rc;

    TRY(grammar_attr_enum(request, "Traversal", true, traversals, &traversal, err_r));
    TRY(grammar_sequence(request, children, CHILD_COUNT, found, err_r));
    if (found[INDEXED] != NULL && found[FRACTIONAL] != NULL) {
        return grammar_fail(request, err_r, "The element 'FindFolder' has invalid content.");
    }
    TRY(parse_parents(call, found[PARENTS], args, err_r));
    args->traversal = (enum traversal)traversal;
    rc = parse_query(call, found, args, &args->refused);
    if (rc < 0 && answer_ends_request(&args->refused)) {
        *err_r = args->refused;
        return rc;
    }
    *args_r = args;
    return 0;
}

/* ---- running ---- */

struct writing {
    struct ews_call *call;
    struct mailbox_tx *tx;
    const struct args *args;
    struct arena *arena;            /* reset between parents */
    const struct folder *candidate; /* under test */
    struct str message_xml;         /* of the parent's error */
};

static int value_of_folder(void *context, const struct prop_path *path, struct value *value_r,
                           struct err *err_r)
{
    struct writing *w = context;
    int rc = folder_path_value(w->call, w->candidate, path, value_r, err_r);

    if (rc < 0) {
        w->message_xml = path_message_xml(w->arena, path->node);
    }
    return rc;
}

static int test_folder(struct writing *w, const struct folder *folder, struct err *err_r)
{
    const struct restriction_subject subject = {.value = value_of_folder,
                                                .context = w,
                                                .arena = w->arena,
                                                .spent_bytes = &w->call->tested_bytes,
                                                .milliseconds = w->call->milliseconds};

    w->candidate = folder;
    return w->args->restriction == NULL ? 1
                                        : restriction_test(w->args->restriction, &subject, err_r);
}

/* Keeps those that match, in place. */
static int filter(struct writing *w, struct folder *folders, size_t *n, struct err *err_r)
{
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++) {
        int rc = test_folder(w, &folders[i], err_r);

        if (rc < 0) {
            return rc;
        }
        if (rc == 1) {
            folders[kept++] = folders[i];
        }
    }
    *n = kept;
    return 0;
}

static void write_page(struct writing *w, const struct folder *folders, const struct page *page)
{
    struct buf *out = &w->call->out;

    answer_message_success(w->call);
    BUF_LIT(out, "<m:RootFolder");
    page_write_attributes(out, page);
    BUF_LIT(out, "><t:Folders>");
    for (size_t i = page->start; i < page->start + page->count; i++) {
        folder_shape_write(w->call, w->args->shape, &folders[i], out);
    }
    BUF_LIT(out, "</t:Folders></m:RootFolder>");
    answer_message_end(w->call);
}

static int find_below(struct writing *w, const struct folder_ref *ref, struct err *err_r)
{
    struct folder parent, *folders = NULL;
    struct page page;
    size_t n = 0;

    TRY(folder_ref_resolve(w->call, w->tx, ref, false, &parent, err_r));
    if (w->args->refused.kind != ERR_NONE) {
        *err_r = w->args->refused;
        w->message_xml = w->args->refused_xml;
        return -(int)err_r->kind;
    }
    if (w->call->out.n > ANSWER_MAX_BYTES) {
        return err_set(err_r, ERR_TOO_LARGE, "answer of a FindFolder");
    }
    if (w->args->traversal != SOFT_DELETED) { /* deleted folders are not kept */
        TRY(mailbox_folder_list(w->tx, parent.id, w->args->traversal == DEEP, w->arena, &folders,
                                &n, err_r));
        TRY(filter(w, folders, &n, err_r));
    }
    view_page(&w->args->view, n, 0, &page);
    write_page(w, folders, &page);
    return 0;
}

static int answer_parent(struct writing *w, const struct folder_ref *ref, struct err *err_r)
{
    arena_reset(w->arena);
    w->message_xml = STR_NULL;
    if (find_below(w, ref, err_r) == 0) {
        return 0;
    }
    if (answer_ends_request(err_r)) {
        return -(int)err_r->kind;
    }
    answer_message_error(w->call, err_r, w->message_xml);
    answer_message_end(w->call);
    return 0;
}

static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    struct writing w = {.call = call, .tx = tx, .args = vargs};
    int rc = 0;

    w.arena = arena_new(call->arena, "folders");
    answer_begin(call);
    for (size_t i = 0; rc == 0 && i < w.args->parent_count; i++) {
        rc = answer_parent(&w, &w.args->parents[i], err_r);
    }
    answer_end(call);
    arena_free(&w.arena);
    return rc;
}

const struct ews_operation op_find_folder = {
    .name = STR_INIT("FindFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .run = run,
};
