/* UploadItems: items from streams that ExportItems wrote, as new ones or in the place of others. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/attachments.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/ids.h"
#include "ews/item_edit.h"
#include "ews/item_stream.h"
#include "ews/limits.h"
#include "mime/message.h"
#include "xml/xml_doc.h"

enum create_action { CREATE_NEW, UPDATE, UPDATE_OR_CREATE };

struct upload {
    enum create_action action;
    bool says_associated, associated;
    struct folder_ref folder;
    bool has_item;
    struct item_ref item;
    struct str data;
};

struct args {
    struct upload *uploads;
    size_t n;
    struct arena *arena;   /* of one item; reset before the next */
    uint64_t opened_bytes; /* of messages that are replaced, so far */
};

/* ---- parsing ---- */

static int parse_attributes(const struct xml_node *node, struct upload *upload, struct err *err_r)
{
    static const char *const actions[] = {[CREATE_NEW] = "CreateNew",
                                          [UPDATE] = "Update",
                                          [UPDATE_OR_CREATE] = "UpdateOrCreate",
                                          NULL};
    size_t action;

    TRY(grammar_attr_enum(node, "CreateAction", true, actions, &action, err_r));
    upload->action = (enum create_action)action;
    upload->says_associated = xml_attr(node, "IsAssociated").p != NULL;
    return grammar_attr_bool(node, "IsAssociated", false, &upload->associated, err_r);
}

static int parse_folder(const struct xml_node *node, struct folder_ref *ref, struct err *err_r)
{
    TRY(grammar_attr_str(node, "Id", true, &ref->id, err_r));
    TRY(grammar_attr_str(node, "ChangeKey", false, &ref->change_key, err_r));
    return grammar_sequence(node, NULL, 0, NULL, err_r);
}

static int parse_upload(struct ews_call *call, const struct xml_node *node, struct upload *upload,
                        struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "ParentFolderId", 1, 1},
                                                    {XML_NS_TYPES, "ItemId", 0, 1},
                                                    {XML_NS_TYPES, "Data", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];

    if (!xml_is(node, XML_NS_TYPES, "Item")) {
        return grammar_fail(node, err_r, "The element 'Items' has invalid child element '%.*s'.",
                            STR_ARG(str_sub(node->name, 0, GRAMMAR_SHOWN_BYTES)));
    }
    TRY(parse_attributes(node, upload, err_r));
    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    TRY(parse_folder(found[0], &upload->folder, err_r));
    if (found[1] != NULL) {
        TRY(item_ref_parse(call, found[1], &upload->item, err_r));
        upload->has_item = true;
    }
    upload->data = found[2]->text;
    return 0;
}

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "Items", 1, 1}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *items;

    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &items, err_r));
    args->uploads = ARENA_ARRAY(call->arena, struct upload, items->child_count);
    for (const struct xml_node *item = items->first_child; item != NULL; item = item->next) {
        TRY(parse_upload(call, item, &args->uploads[args->n++], err_r));
    }
    if (args->n == 0) {
        return grammar_fail(items, err_r, "The element 'Items' has incomplete content.");
    }
    args->arena = arena_new(call->arena, "item");
    *args_r = args;
    return 0;
}

static size_t count(const void *args)
{
    return ((const struct args *)args)->n;
}

static struct mailbox_no mailbox_of(struct ews_call *call, const void *args, size_t i)
{
    return folder_ref_mailbox(call, &((const struct args *)args)->uploads[i].folder);
}

/* ---- storing ---- */

/* One upload at work. */
struct work {
    struct ews_call *call;
    struct mailbox_tx *tx;
    struct args *args;
    const struct upload *upload;
    struct folder_id folder;
    struct item_stream stream;
    struct props props; /* of the stream */
};

/* The stream's record with what was set in w->props. */
static struct str record_of(struct work *w)
{
    struct buf out = BUF_INIT;
    struct props_writer writer;
    struct str record;

    props_begin(&writer, &out);
    for (size_t i = 1; i < IPROP_LIMIT; i++) {
        props_add_raw(&writer, (enum item_prop)i, w->props.v[i]);
    }
    record = str_dup(w->args->arena, buf_str(&out));
    buf_fini(&out);
    return record;
}

static void note_creator(struct work *w)
{
    struct buf raw = BUF_INIT;

    buf_add_zigzag(&raw, (int64_t)w->call->caller.mailbox.v);
    w->props.v[IPROP_CREATOR] = str_dup(w->args->arena, buf_str(&raw));
    buf_fini(&raw);
}

static int create(struct work *w, struct item_id *id_r, struct err *err_r)
{
    struct item_draft draft = {.kind = w->stream.kind,
                               .flags = w->stream.flags,
                               .received_ms = w->stream.received_ms,
                               .size = w->stream.mime.n,
                               .mime = w->stream.mime};
    int rc = access_require(w->call, w->tx, w->folder, RIGHT_CREATE_ITEMS, err_r);

    if (rc == -ERR_ACCESS_DENIED) {
        return err_set(err_r, ERR_CREATE_ITEM_DENIED, "rights");
    }
    TRY(rc);
    if (!access_is_owner(w->call)) {
        note_creator(w);
    }
    if (w->upload->says_associated) {
        draft.flags &= ~(uint32_t)ITEM_ASSOCIATED;
        draft.flags |= w->upload->associated ? ITEM_ASSOCIATED : 0;
    }
    draft.props = record_of(w);
    return mailbox_item_add(w->tx, w->folder, &draft, id_r, err_r);
}

/* The attachments of the item that is replaced keep their numbers for themselves. */
static int replace_numbers(struct work *w, const struct item *base, const struct props *before,
                           struct err *err_r)
{
    const struct mime_attachment *attachments;
    struct mime_message *message;
    struct str mime;
    size_t n;

    if (base->body.v == 0) {
        w->props.v[IPROP_ATTACHMENT_NUMBERS] = before->v[IPROP_ATTACHMENT_NUMBERS];
        return 0;
    }
    if (w->args->opened_bytes != 0 && w->args->opened_bytes + base->size > READ_MAX_BYTES) {
        return err_set(err_r, ERR_TOO_LARGE, "messages that are replaced");
    }
    w->args->opened_bytes += base->size;
    TRY(mailbox_body_read(w->tx, base->body, w->args->arena, &mime, err_r));
    message = mime_message_new(w->args->arena, mime);
    mime_message_attachments(message, &attachments, &n);
    mime_message_free(&message);
    w->props.v[IPROP_ATTACHMENT_NUMBERS] =
        attachment_numbers_replaced(before->v[IPROP_ATTACHMENT_NUMBERS], n, w->args->arena);
    return 0;
}

static int update(struct work *w, const struct item *base, struct seq *version_r, struct err *err_r)
{
    struct item_update change = {
        .flags = w->stream.flags, .mime = w->stream.mime, .size = w->stream.mime.n};
    struct props before;
    bool read = (w->stream.flags & ITEM_READ) != 0;

    TRY(access_require_item(w->call, w->tx, base, RIGHT_EDIT_OWN, RIGHT_EDIT_ALL, err_r));
    if (base->kind != w->stream.kind) {
        return err_set(err_r, ERR_OBJECT_TYPE_CHANGED, "kind %d in the place of %d",
                       (int)w->stream.kind, (int)base->kind);
    }
    (void)props_open(&before, base->props); /* of a damaged record: what was readable */
    TRY(replace_numbers(w, base, &before, err_r));
    w->props.v[IPROP_CREATOR] = before.v[IPROP_CREATOR];
    w->props.v[IPROP_STAMPS] = item_stamps_replaced(
        w->args->arena, (struct seq){mailbox_tx_seq(w->tx).v + 1}); /* that the update will take */
    change.props = record_of(w);
    if (change.mime.p == NULL && base->body.v != 0) {
        change.mime = STR("");
    }
    TRY(mailbox_item_update(w->tx, base->id, &change, err_r));
    *version_r = mailbox_tx_seq(w->tx);
    return mailbox_item_set_read(w->tx, base->id, read, err_r);
}

/* 1: the item that is to be updated; 0: a new one is to be made. */
static int find_item(struct work *w, struct item *item_r, struct err *err_r)
{
    int rc;

    if (!w->upload->has_item) {
        return 0;
    }
    rc = item_ref_resolve(w->call, w->tx, &w->upload->item, w->args->arena, item_r, err_r);
    if (rc == 0 && item_r->folder.v != w->folder.v) {
        rc = err_set(err_r, ERR_ITEM_NOT_FOUND, "the item lies in another folder");
    }
    if (rc == -ERR_ITEM_NOT_FOUND && w->upload->action == UPDATE_OR_CREATE) {
        return 0;
    }
    return rc < 0 ? rc : 1;
}

static int store(struct work *w, struct str bytes, struct err *err_r)
{
    struct seq version = {0};
    struct item_id id;
    struct item base;
    int found;

    TRY(item_stream_read(bytes, w->args->arena, &w->stream, err_r));
    (void)props_open(&w->props, w->stream.record); /* just written */
    found = find_item(w, &base, err_r);
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        TRY(create(w, &id, err_r));
        version.v = id.v;
    } else {
        id = base.id;
        TRY(update(w, &base, &version, err_r));
    }
    answer_message_success(w->call);
    write_item_id_as(&w->call->out, w->call, STR("m:ItemId"), id, version);
    answer_message_end(w->call);
    return BATCH_DONE;
}

static int check_action(const struct upload *upload, struct err *err_r)
{
    if ((upload->action == CREATE_NEW && upload->has_item) ||
        (upload->action == UPDATE && !upload->has_item)) {
        return err_tell(err_r, ERR_REQUEST_ITEM,
                        "An ItemId is required to update an item, and not allowed for a new one.");
    }
    return 0;
}

static int one(struct ews_call *call, struct mailbox_tx *tx, void *vargs, size_t i,
               struct str *message_xml_r, struct err *err_r)
{
    struct args *args = vargs;
    struct work w = {.call = call, .tx = tx, .args = args, .upload = &args->uploads[i]};
    struct buf bytes = BUF_INIT;
    struct folder folder;
    int rc;

    (void)message_xml_r;
    arena_reset(args->arena);
    TRY(check_action(w.upload, err_r));
    TRY(folder_ref_resolve(call, tx, &w.upload->folder, FOLDER_AS_PARENT, &folder, err_r));
    w.folder = folder.id;
    rc = base64_decode_lenient(&bytes, w.upload->data)
             ? store(&w, buf_str(&bytes), err_r)
             : err_set(err_r, ERR_PARSE, "the stream is no base64");
    buf_fini(&bytes);
    return rc;
}

static const struct batch BATCH = {.count = count, .mailbox_of = mailbox_of, .one = one};

const struct ews_operation op_upload_items = {
    .name = STR_INIT("UploadItems"),
    .since = EWS_EXCHANGE2010_SP1,
    .run_mode = EWS_RUN_WRITE,
    .parse = parse,
    .batch = &BATCH,
};
