/* FindFolder: folders below others, filtered and paged; one message a parent. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/folders.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/ops/targets.h"
#include "ews/restriction.h"
#include "ews/views.h"
#include "xml/xml_doc.h"

enum traversal { SHALLOW, DEEP, SOFT_DELETED };

struct args {
    struct folder_targets folders; /* first */
    enum traversal traversal;
    struct folder_shape *shape;
    struct view view;
    struct restriction *restriction;
    struct err refused; /* what is wrong with the request: every message's error */
    struct str refused_xml;
    struct arena *arena; /* reset between parents */
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
    TRY(folder_ref_parse_list(call, found[PARENTS], &args->folders.v, &args->folders.n, err_r));
    args->arena = arena_new(call->arena, "folders");
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
    struct arena *arena;
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

    uint32_t rights = 0;

    TRY(access_rights(w->call, w->tx, folder->id, &rights, err_r));
    if ((rights & RIGHT_FOLDER_VISIBLE) == 0) {
        return 0;
    }
    w->candidate = folder;
    return w->args->restriction == NULL ? 1
                                        : restriction_test(w->args->restriction, &subject, err_r);
}

/* Keeps those that match and that the caller may know of, in place. */
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

static int write_page(struct writing *w, const struct folder *folders, const struct page *page,
                      struct err *err_r)
{
    struct buf *out = &w->call->out;

    answer_message_success(w->call);
    BUF_LIT(out, "<m:RootFolder");
    page_write_attributes(out, page);
    BUF_LIT(out, "><t:Folders>");
    for (size_t i = page->start; i < page->start + page->count; i++) {
        TRY(folder_shape_write(w->call, w->tx, w->args->shape, &folders[i], err_r));
    }
    BUF_LIT(out, "</t:Folders></m:RootFolder>");
    answer_message_end(w->call);
    return 0;
}

static int find_below(struct writing *w, const struct folder_ref *ref, struct err *err_r)
{
    struct folder parent, *folders = NULL;
    struct page page;
    size_t n = 0;

    TRY(folder_ref_resolve(w->call, w->tx, ref, FOLDER_ASKED_FOR, &parent, err_r));
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
    return write_page(w, folders, &page, err_r);
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    const struct args *args = vargs;
    struct writing w = {.call = call, .tx = tx, .args = args, .arena = args->arena};
    int rc;

    arena_reset(w.arena);
    rc = find_below(&w, &args->folders.v[i], err_r);
    *message_xml_r = w.message_xml;
    return rc < 0 ? rc : BATCH_DONE;
}

static const struct batch BATCH = {
    .count = folder_targets_count, .mailbox_of = folder_targets_mailbox, .one = one};

const struct ews_operation op_find_folder = {
    .name = STR_INIT("FindFolder"),
    .since = EWS_EXCHANGE2007,
    .run_mode = EWS_RUN_READ,
    .parse = parse,
    .batch = &BATCH,
};
