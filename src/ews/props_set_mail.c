/* Setters of what needs more than a number of the record: bodies, recipients, flags, classes. */
#include "ews/item_edit-private.h"
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "ews/calendar.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "mime/message.h"
#include "xml/xml_doc.h"

/* ---- bodies ---- */

static const char *const body_types[] = {"HTML", "Text", NULL};

static int body_type(const struct xml_node *node, bool *html_r, struct err *err_r)
{
    size_t type;

    TRY(grammar_attr_enum(node, "BodyType", true, body_types, &type, err_r));
    *html_r = type == 0;
    return 0;
}

/* One body, in the form that the client gave: the other form is made when somebody asks for it. */
static void replace_body(struct item_edit *edit, bool html, struct str text)
{
    struct mime_draft *draft = item_edit_draft(edit);

    if (draft->has_html == html && draft->has_text == !html &&
        str_eq(html ? draft->html : draft->text, text)) {
        return;
    }
    draft->has_html = html;
    draft->html = html ? text : STR("");
    draft->has_text = !html;
    draft->text = html ? STR("") : text;
    item_edit_touch(edit, EDIT_BODY);
}

int set_body(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
             struct err *err_r)
{
    bool html = false;

    (void)row;
    TRY(body_type(node, &html, err_r));
    replace_body(edit, html, node->text);
    return 0;
}

static struct str join(struct arena *arena, struct str a, struct str b)
{
    char *p = arena_alloc(arena, a.n + b.n + 1);

    if (a.n != 0) {
        memcpy(p, a.p, a.n);
    }
    if (b.n != 0) {
        memcpy(p + a.n, b.p, b.n);
    }
    return str_of(p, a.n + b.n);
}

/* Where a document ends that something is to be put behind: before its closing tags. */
static size_t html_end(struct str html)
{
    size_t at = SIZE_MAX, next = 0;

    while ((next = str_find_nocase(html, STR("</body"), next)) != SIZE_MAX) {
        at = next++;
    }
    return at != SIZE_MAX ? at : html.n;
}

/* The body keeps its form; what comes in the other one is turned. */
int append_body(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r)
{
    struct mime_draft *draft = item_edit_draft(edit);
    struct arena *arena = item_edit_arena(edit);
    bool html = false;
    size_t end;

    (void)row;
    TRY(body_type(node, &html, err_r));
    if (draft->has_html) {
        struct str more = html ? node->text : mime_text_to_html(arena, node->text);

        end = html_end(draft->html);
        replace_body(edit, true,
                     join(arena, join(arena, str_sub(draft->html, 0, end), more),
                          str_sub(draft->html, end, draft->html.n)));
    } else if (draft->has_text && draft->text.n != 0) {
        replace_body(
            edit, false,
            join(arena, draft->text, html ? mime_html_to_text(arena, node->text) : node->text));
    } else {
        replace_body(edit, html, node->text);
    }
    return 0;
}

int remove_body(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)row, (void)err_r;
    replace_body(edit, false, STR(""));
    return 0;
}

static void put_body(struct item_edit *edit, bool html, const struct value *value)
{
    struct str text =
        value->type == VALUE_NONE ? STR("") : utf8_for_xml(item_edit_arena(edit), value->text);

    replace_body(edit, html && value->type != VALUE_NONE, text);
}

int put_body_text(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r)
{
    (void)row, (void)err_r;
    put_body(edit, false, value);
    return 0;
}

int put_body_html(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r)
{
    (void)row, (void)err_r;
    put_body(edit, true, value);
    return 0;
}

/* ---- the message as a whole ---- */

int mime_content_from_xml(struct arena *arena, const struct xml_node *node, struct str *mime_r,
                          struct err *err_r)
{
    struct buf bytes = BUF_INIT;

    buf_reserve(&bytes, node->text.n / 4 * 3 + 4);
    if (!base64_decode_lenient(&bytes, node->text)) {
        buf_fini(&bytes);
        return err_set(err_r, ERR_MIME_BASE64, "MimeContent");
    }
    if (bytes.n == 0) {
        buf_fini(&bytes);
        return err_set(err_r, ERR_MIME_INVALID, "MimeContent is empty");
    }
    *mime_r = str_dup(arena, buf_str(&bytes));
    buf_fini(&bytes);
    return 0;
}

int set_mime_content(const struct prop_row *row, struct item_edit *edit,
                     const struct xml_node *node, struct err *err_r)
{
    struct str mime = STR_NULL;

    (void)row;
    TRY(mime_content_from_xml(item_edit_arena(edit), node, &mime, err_r));
    if (item_edit_kind(edit) == ITEM_KIND_CALENDAR_ITEM) {
        return calendar_edit_take_mime(edit, mime, err_r);
    }
    if (edit_kind_is_mail(item_edit_kind(edit)) && !mime_looks_like_message(mime)) {
        return err_set(err_r, ERR_MIME_INVALID, "no message");
    }
    edit_set_mime(edit, mime);
    return 0;
}

int set_attachments(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                    struct err *err_r)
{
    struct mime_draft *draft = item_edit_draft(edit);
    struct arena *arena = item_edit_arena(edit);
    size_t n = draft->attachment_count;
    struct mime_draft_attachment *all =
        ARENA_ARRAY(arena, struct mime_draft_attachment, n + node->child_count);
    struct str message_xml = STR_NULL;

    (void)row;
    if (item_edit_base(edit) != NULL) {
        return err_set(err_r, ERR_INVALID_PROPERTY_SET, "attachments have operations of their own");
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = draft->attachments[i];
    }
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        TRY(attachment_from_xml(item_edit_call(edit), arena, child, &all[n], &message_xml, err_r));
        TRY(edit_check_attachments(all, ++n, err_r));
    }
    draft->attachments = all;
    draft->attachment_count = n;
    item_edit_touch(edit, EDIT_ATTACHMENTS);
    return 0;
}

/* ---- flags of a message ---- */

/* Receipts are asked for when a message is sent, not later. */
static int check_unsent(const struct prop_row *row, struct item_edit *edit, int64_t v,
                        struct err *err_r)
{
    bool differs = props_int(item_edit_props(edit), (enum item_prop)row->prop, 0) != v;

    if (differs && !edit_is_unsent(edit)) {
        return err_set(err_r, ERR_UPDATE_SENT, "%.*s", STR_ARG(row->uri));
    }
    return 0;
}

int set_receipt(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r)
{
    bool on = false;

    TRY(grammar_bool(node, &on, err_r));
    TRY(check_unsent(row, edit, on, err_r));
    return set_plain(row, edit, node, err_r);
}

int put_receipt(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                struct err *err_r)
{
    TRY(check_unsent(row, edit, value->type != VALUE_NONE && value->i != 0, err_r));
    return put_plain(row, edit, value, err_r);
}

/* PidTagMessageFlags. Whether a message is read can be told at any time, what else it is only
 * when it is made. */
#define MSGFLAG_READ 0x01
#define MSGFLAG_UNMODIFIED 0x02
#define MSGFLAG_UNSENT 0x08
#define MSGFLAG_RESEND 0x80

int put_message_flags(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                      struct err *err_r)
{
    (void)row;
    if (value->type == VALUE_NONE) {
        return err_set(err_r, ERR_INVALID_PROPERTY_DELETE, "message flags");
    }
    item_edit_set_read(edit, (value->i & MSGFLAG_READ) != 0);
    if (item_edit_base(edit) == NULL) {
        item_edit_set_flag(edit, ITEM_DRAFT, (value->i & MSGFLAG_UNSENT) != 0);
        item_edit_set_flag(edit, ITEM_UNMODIFIED, (value->i & MSGFLAG_UNMODIFIED) != 0);
        item_edit_set_flag(edit, ITEM_RESEND, (value->i & MSGFLAG_RESEND) != 0);
    }
    return 0;
}

/* ---- follow-up flags ---- */

enum { FLAG_NONE, FLAG_COMPLETE, FLAG_FLAGGED, FLAG_STATUS_COUNT };

static const char *const flag_names[] = {"NotFlagged", "Complete", "Flagged", NULL};

static void clear_flag(struct item_edit *edit)
{
    item_edit_remove(edit, IPROP_FLAG_STATUS);
    item_edit_remove(edit, IPROP_FLAG_START);
    item_edit_remove(edit, IPROP_FLAG_DUE);
    item_edit_remove(edit, IPROP_FLAG_COMPLETE);
}

static int flag_date(struct item_edit *edit, const struct xml_node *node, enum item_prop prop,
                     struct err *err_r)
{
    int64_t ms;

    if (node == NULL) {
        item_edit_remove(edit, prop);
        return 0;
    }
    if (!zone_context_time(&item_edit_call(edit)->zone, node->text, &ms)) {
        return grammar_fail(node, err_r, "The '%.*s' element is no dateTime.", STR_ARG(node->name));
    }
    item_edit_set_int(edit, prop, ms);
    return 0;
}

/* A real client puts FlagStatus into a wrong namespace: the names alone are looked at. */
int set_flag(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
             struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_OTHER, "FlagStatus", 1, 1},
                                                    {XML_NS_OTHER, "StartDate", 0, 1},
                                                    {XML_NS_OTHER, "DueDate", 0, 1},
                                                    {XML_NS_OTHER, "CompleteDate", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    size_t status;

    (void)row;
    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    TRY(grammar_enum(found[0], flag_names, &status, err_r));
    if (status == FLAG_NONE) {
        clear_flag(edit);
        return 0;
    }
    item_edit_set_int(edit, IPROP_FLAG_STATUS, (int64_t)status);
    TRY(flag_date(edit, found[1], IPROP_FLAG_START, err_r));
    TRY(flag_date(edit, found[2], IPROP_FLAG_DUE, err_r));
    return flag_date(edit, found[3], IPROP_FLAG_COMPLETE, err_r);
}

int remove_flag(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)row, (void)err_r;
    clear_flag(edit);
    return 0;
}

int put_flag_status(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                    struct err *err_r)
{
    (void)row;
    if (value->type == VALUE_NONE || value->i == FLAG_NONE) {
        clear_flag(edit);
        return 0;
    }
    if (value->i < 0 || value->i >= FLAG_STATUS_COUNT) {
        return err_set(err_r, ERR_EXTENDED_VALUE, "flag status %lld", (long long)value->i);
    }
    item_edit_set_int(edit, IPROP_FLAG_STATUS, value->i);
    return 0;
}

/* ---- others ---- */

int set_item_class(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r)
{
    (void)row;
    return item_edit_set_item_class(edit, one_line(item_edit_arena(edit), node->text), err_r);
}

int put_item_class(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                   struct err *err_r)
{
    (void)row;
    if (value->type == VALUE_NONE) {
        return err_set(err_r, ERR_INVALID_PROPERTY_DELETE, "item class");
    }
    return item_edit_set_item_class(edit, one_line(item_edit_arena(edit), value->text), err_r);
}

/* Clients write it with its angle brackets or without. */
static void put_id(const struct prop_row *row, struct item_edit *edit, struct str text)
{
    struct str id = one_line(item_edit_arena(edit), text);

    if (id.n != 0 && id.p[0] != '<') {
        id = str_printf(item_edit_arena(edit), "<%.*s>", STR_ARG(id));
    }
    item_edit_set_text(edit, (enum item_prop)row->prop, id);
}

int set_message_id(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r)
{
    (void)err_r;
    put_id(row, edit, node->text);
    return 0;
}

int put_message_id(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                   struct err *err_r)
{
    (void)err_r;
    put_id(row, edit, value->type == VALUE_TEXT ? value->text : STR(""));
    return 0;
}

/* When it came in: who puts old mail into a folder knows. */
int put_received(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                 struct err *err_r)
{
    (void)row;
    if (item_edit_base(edit) != NULL || value->type == VALUE_NONE) {
        return err_set(err_r, ERR_INVALID_PROPERTY_SET, "time of delivery of a stored item");
    }
    item_edit_set_received(edit, value->i);
    return 0;
}

int put_icon_index(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                   struct err *err_r)
{
    (void)row, (void)err_r;
    if (value->type == VALUE_NONE) {
        item_edit_remove(edit, IPROP_ICON_INDEX);
    } else {
        item_edit_set_int(edit, IPROP_ICON_INDEX, value->i);
    }
    return 0;
}

/* What is so in any case: texts are UTF-8. */
int put_ignored(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                struct err *err_r)
{
    (void)row, (void)edit, (void)value, (void)err_r;
    return 0;
}
