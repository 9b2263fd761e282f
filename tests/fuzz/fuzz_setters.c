/*
 * What a client may say of an item, put to the setters of the property table: an item element of
 * CreateItem, and after it the t:Updates of UpdateItem, all in memory. Whatever is refused has an
 * error of its own. What is accepted makes a message and a record, and the two can be served:
 * the answer is well-formed.
 */
#include "base/arena.h"
#include "base/utf8.h"
#include "ews/item_edit.h"
#include "mailbox/token.h"
#include "mime/message.h"
#include "support/ews_fixture.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xml_limits LIMITS = {1U << 20, 64, 2000, 32};
static struct ews_fixture *fixture;

/* One input at work. */
struct work {
    struct arena *arena;
    struct ews_call *call;
    struct item_shape *shape;
};

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fixture = ews_fixture_new();
    return 0;
}

static const struct xml_node *parse(struct arena *arena, struct str text)
{
    struct str whole = str_printf(
        arena,
        "<m:r xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" "
        "xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">%.*s</m:r>",
        STR_ARG(text));
    struct xml_node *root;

    return xml_parse(arena, whole, &LIMITS, &root, NULL) < 0 ? NULL : root;
}

static void open_work(struct work *w)
{
    static const struct str shape = STR_INIT("<m:AttachmentShape><t:IncludeMimeContent>true"
                                             "</t:IncludeMimeContent></m:AttachmentShape>");
    const struct ews_caller caller = {fixture->alice, STR("alice@example.com"), STR("Alice")};
    struct str message_xml = STR_NULL;

    w->arena = arena_new(NULL, "fuzz");
    w->call = ews_call_new(w->arena, &fixture->service, &caller);
    w->call->mailbox = fixture->alice;
    w->call->version = EWS_EXCHANGE2013_SP1;
    check(item_shape_parse(w->call, parse(w->arena, shape)->first_child, SHAPE_FOR_ATTACHMENT,
                           &w->shape, &message_xml, NULL) == 0);
}

static void close_work(struct work *w)
{
    ews_call_free(&w->call);
    arena_free(&w->arena);
}

/* A client can bring about no error of the server's own. */
static bool accepted(int rc, const struct err *err)
{
    check(rc <= 0);
    check(rc == 0 || (err->kind == (enum err_kind) - rc && err->kind != ERR_INTERNAL &&
                      err->kind != ERR_IO && err->kind != ERR_CORRUPT));
    return rc == 0;
}

/* ---- what was made ---- */

struct made {
    struct item item;
    struct str mime;
};

static struct str record_of(struct work *w, const struct item_edit *edit)
{
    struct buf out = BUF_INIT;
    struct props_writer writer;
    struct str record;

    props_begin(&writer, &out);
    for (size_t i = 1; i < IPROP_LIMIT; i++) {
        props_add_raw(&writer, (enum item_prop)i, item_edit_props(edit)->v[i]);
    }
    record = str_dup(w->arena, buf_str(&out));
    buf_fini(&out);
    return record;
}

static bool finish(struct work *w, struct item_edit *edit, struct made *made_r)
{
    struct err err = ERR_INIT;
    struct str mime = STR_NULL;

    if (!accepted(item_edit_message(edit, &mime, &err), &err)) {
        return false;
    }
    *made_r = (struct made){.item = {.id = {1},
                                     .folder = {1},
                                     .kind = item_edit_kind(edit),
                                     .flags = item_edit_flags(edit),
                                     .received_ms = 1,
                                     .size = mime.n,
                                     .props = record_of(w, edit)},
                            .mime = mime};
    return true;
}

static void serve(struct work *w, const struct made *made)
{
    const struct token_attachment within = {
        .mailbox = fixture->alice, .item = made->item.id, .depth = 1};
    struct str message_xml = STR_NULL;
    struct buf out = BUF_INIT;
    struct item_view view;
    struct err err = ERR_INIT;

    item_view_open(&view, w->call, NULL, &made->item, w->arena);
    view.within = &within;
    view.mime = made->mime;
    view.mime_read = true;
    check(item_shape_write(w->shape, &view, &out, &message_xml, &err) == 0);
    item_view_close(&view);
    check(utf8_valid(buf_str(&out)));
    check(parse(w->arena, buf_str(&out)) != NULL);
    buf_fini(&out);
}

/* ---- edits ---- */

static bool change(struct work *w, struct item_edit *edit, const struct xml_node *updates)
{
    struct str message_xml = STR_NULL;

    for (const struct xml_node *u = updates->first_child; u != NULL; u = u->next) {
        struct item_change one;
        struct err err = ERR_INIT;
        int rc = item_change_parse(w->call, u, &one, &err);

        if (!accepted(rc, &err) ||
            !accepted(item_edit_apply_change(edit, &one, &message_xml, &err), &err)) {
            return false;
        }
    }
    return true;
}

static bool make(struct work *w, const struct xml_node *element, struct made *made_r)
{
    struct str message_xml = STR_NULL;
    struct item_edit *edit;
    struct err err = ERR_INIT;
    int rc = item_edit_from_element(w->call, w->arena, element, &edit, &message_xml, &err);

    return accepted(rc, &err) && finish(w, edit, made_r);
}

/* The item has no stored body: an update of what stands in the message begins with none. */
static bool update(struct work *w, const struct xml_node *updates, struct made *made)
{
    struct item *base = arena_memdup(w->arena, &made->item, sizeof(made->item));
    struct item_edit *edit;
    struct err err = ERR_INIT;

    if (!accepted(item_edit_open(w->call, NULL, w->arena, base, &edit, &err), &err)) {
        return false;
    }
    check(!item_edit_changes_content(edit));
    return change(w, edit, updates) && finish(w, edit, made);
}

static void run(struct work *w, const struct xml_node *root)
{
    const struct xml_node *node = root->first_child;
    struct made made;

    if (node == NULL || item_kind_of_element(node) == 0 || !make(w, node, &made)) {
        return;
    }
    serve(w, &made);
    for (node = node->next; node != NULL; node = node->next) {
        if (update(w, node, &made)) {
            serve(w, &made);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct xml_node *root;
    struct work w;

    open_work(&w);
    root = parse(w.arena, str_of(data, size));
    if (root != NULL) {
        run(&w, root);
    }
    close_work(&w);
    return 0;
}
