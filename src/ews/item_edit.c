/* The state of an edit: record, flags, what was touched, and the message as far as it is taken
 * apart. */
#include "ews/item_edit-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "ews/calendar.h"
#include "ews/call.h"
#include "ews/limits.h"
#include "ews/props-private.h"
#include "mailbox/draft.h"
#include "mime/message.h"

#include <assert.h>

/* ---- making and opening ---- */

static struct item_edit *edit_new(struct ews_call *call, struct arena *arena, enum item_kind kind)
{
    struct item_edit *edit = ARENA_NEW(arena, struct item_edit);

    edit->call = call;
    edit->arena = arena;
    edit->kind = kind;
    return edit;
}

/* What somebody writes is read by him; mail starts as a draft, but a post is out at once. */
static struct item_edit *edit_new_unsent(struct ews_call *call, struct arena *arena,
                                         enum item_kind kind)
{
    struct item_edit *edit = edit_new(call, arena, kind);

    edit->read = true;
    if (edit_kind_is_mail(kind) && kind != ITEM_KIND_POST_ITEM && kind != ITEM_KIND_ITEM) {
        edit->flags = ITEM_DRAFT;
    }
    return edit;
}

struct item_edit *item_edit_new(struct ews_call *call, struct arena *arena, enum item_kind kind)
{
    struct item_edit *edit = edit_new_unsent(call, arena, kind);

    edit->source_known = true;
    if (edit_kind_is_mail(kind)) {
        edit->opened = EDIT_WHOLE;
    }
    return edit;
}

int item_edit_open(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                   const struct item *base, struct item_edit **edit_r, struct err *err_r)
{
    struct item_edit *edit = edit_new(call, arena, base->kind);

    if (!props_open(&edit->props, base->props)) {
        return err_set(err_r, ERR_CORRUPT, "record of item %llu", (unsigned long long)base->id.v);
    }
    edit->tx = tx;
    edit->base = base;
    edit->flags = base->flags & ~(uint32_t)ITEM_READ;
    edit->read = (base->flags & ITEM_READ) != 0;
    edit->version = item_version(base);
    *edit_r = edit;
    return 0;
}

/* The record that follows from a message. The kind does too, where the client said no more than
 * "a message". */
static void follow_message(struct item_edit *edit, struct str mime)
{
    const struct draft_options options = {.received_ms = 1, .now_ms = 1, .draft = true};
    struct item_draft derived;

    item_draft_from_mime(edit->arena, mime, &options, &derived);
    if (edit->kind == ITEM_KIND_MESSAGE && edit->base == NULL) {
        edit->kind = derived.kind;
    }
    edit->flags |= derived.flags & (ITEM_HAS_ATTACHMENTS | ITEM_REPORT);
    (void)props_open(&edit->props, derived.props);
    edit->props.v[IPROP_CREATED] = edit->props.v[IPROP_MODIFIED] = STR_NULL;
}

int item_edit_from_mime(struct ews_call *call, struct arena *arena, enum item_kind kind,
                        struct str mime, struct item_edit **edit_r, struct err *err_r)
{
    struct item_edit *edit;

    if (mime.n == 0 || (edit_kind_is_mail(kind) && !mime_looks_like_message(mime))) {
        return err_set(err_r, ERR_MIME_INVALID, "no message");
    }
    edit = edit_new_unsent(call, arena, kind);
    edit->source_known = true;
    if (kind == ITEM_KIND_CALENDAR_ITEM) {
        *edit_r = edit;
        return calendar_edit_take_mime(edit, mime, err_r);
    }
    edit->source = mime;
    edit->source_is_new = true;
    if (edit_kind_is_mail(kind)) {
        follow_message(edit, mime);
    }
    *edit_r = edit;
    return 0;
}

/* What the client keeps beside the message stays: flags, categories of its own, extended
 * properties. */
void edit_set_mime(struct item_edit *edit, struct str mime)
{
    static const enum item_prop kept[] = {IPROP_CREATED,
                                          IPROP_MODIFIED,
                                          IPROP_MODIFIED_BY,
                                          IPROP_CATEGORIES,
                                          IPROP_FLAG_STATUS,
                                          IPROP_CREATOR,
                                          IPROP_EXTENDED,
                                          IPROP_STAMPS,
                                          IPROP_REMINDER_IS_SET,
                                          IPROP_RECEIVED_BY,
                                          IPROP_REMINDER_DUE_BY,
                                          IPROP_REMINDER_MINUTES,
                                          IPROP_FLAG_START,
                                          IPROP_FLAG_DUE,
                                          IPROP_FLAG_COMPLETE,
                                          IPROP_ICON_INDEX,
                                          IPROP_MESSAGE_STATUS,
                                          IPROP_ITEM_CLASS_NAME,
                                          IPROP_ATTACHMENT_NUMBERS,
                                          IPROP_LAST_VERB,
                                          IPROP_LAST_VERB_TIME,
                                          IPROP_RESPONSE_ORIGINAL,
                                          IPROP_RESPONSE_VERB};
    struct props before;

    if (edit->kind == ITEM_KIND_CALENDAR_ITEM) {
        if (calendar_edit_take_mime(edit, mime, &edit->failure) < 0) {
            item_edit_touch(edit, EDIT_MESSAGE); /* the failure is told when it is stored */
        }
        return;
    }
    edit_replace_attachments(edit);
    before = edit->props;
    edit->source = mime;
    edit->source_known = edit->source_is_new = true;
    edit->opened = EDIT_UNOPENED;
    edit->header_count = 0;
    edit->flags &= ~(uint32_t)(ITEM_HAS_ATTACHMENTS | ITEM_REPORT);
    if (edit_kind_is_mail(edit->kind)) {
        follow_message(edit, mime);
        for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
            edit->props.v[kept[i]] = before.v[kept[i]];
        }
    }
    item_edit_touch(edit, EDIT_MESSAGE);
}

enum item_kind item_edit_kind(const struct item_edit *edit)
{
    return edit->kind;
}

struct arena *item_edit_arena(struct item_edit *edit)
{
    return edit->arena;
}

struct ews_call *item_edit_call(struct item_edit *edit)
{
    return edit->call;
}

const struct item *item_edit_base(const struct item_edit *edit)
{
    return edit->base;
}

int64_t item_edit_now_ms(const struct item_edit *edit)
{
    return clock_unix_ms(edit->call->service->clock);
}

struct seq item_edit_version(const struct item_edit *edit)
{
    return edit->version;
}

/* ---- touching ---- */

bool item_edit_touched(const struct item_edit *edit, uint32_t number)
{
    for (size_t i = 0; i < edit->touched_count; i++) {
        if (edit->touched[i] == number) {
            return true;
        }
    }
    return false;
}

void item_edit_touch(struct item_edit *edit, uint32_t number)
{
    size_t n = edit->touched_count;

    edit->composed = false;
    if (item_edit_touched(edit, number)) {
        return;
    }
    if ((n & (n - 1)) == 0) { /* room doubles */
        edit->touched = arena_grow(edit->arena, edit->touched, n * sizeof(*edit->touched),
                                   (n == 0 ? 1 : 2 * n) * sizeof(*edit->touched));
    }
    edit->touched[n] = number;
    edit->touched_count = n + 1;
}

bool item_edit_changes_content(const struct item_edit *edit)
{
    return edit->touched_count != 0;
}

/* ---- the record ---- */

static bool same(struct str a, struct str b)
{
    return (a.p != NULL) == (b.p != NULL) && str_eq(a, b);
}

static void set_raw(struct item_edit *edit, enum item_prop prop, struct str raw)
{
    if (!same(edit->props.v[prop], raw)) {
        edit->props.v[prop] = raw;
        item_edit_touch(edit, prop);
    }
}

/* An entry of a record as the record's writer codes it; its value alone is taken over. Empty
 * when nothing was written. */
static void set_coded(struct item_edit *edit, enum item_prop prop, struct buf *entry)
{
    struct str rest = str_of(entry->p + 1, entry->n - 1), value = STR_NULL;
    uint64_t number;

    if (rest.n != 0 && str_take_varint(&rest, &number) && str_take_bytes(&rest, &value) &&
        !same(edit->props.v[prop], value)) {
        value = str_dup(edit->arena, value);
    }
    set_raw(edit, prop, value);
    buf_fini(entry);
}

void item_edit_set_text(struct item_edit *edit, enum item_prop prop, struct str text)
{
    struct buf entry = BUF_INIT;
    struct props_writer w;

    if (item_prop_type(prop) == IPROP_TYPE_BYTES) {
        item_edit_set_bytes(edit, prop, text);
        return;
    }
    props_begin(&w, &entry);
    props_add_text(&w, prop, text);
    set_coded(edit, prop, &entry);
}

void item_edit_set_bytes(struct item_edit *edit, enum item_prop prop, struct str bytes)
{
    struct buf entry = BUF_INIT;
    struct props_writer w;

    props_begin(&w, &entry);
    props_add_bytes(&w, prop, bytes);
    set_coded(edit, prop, &entry);
}

void item_edit_set_int(struct item_edit *edit, enum item_prop prop, int64_t v)
{
    struct buf entry = BUF_INIT;
    struct props_writer w;

    props_begin(&w, &entry);
    props_add_int(&w, prop, v);
    set_coded(edit, prop, &entry);
}

void item_edit_set_addrs(struct item_edit *edit, enum item_prop prop, const struct prop_addr *addrs,
                         size_t n)
{
    struct buf entry = BUF_INIT;
    struct props_writer w;

    props_begin(&w, &entry);
    props_add_addrs(&w, prop, addrs, n);
    set_coded(edit, prop, &entry);
}

void item_edit_set_texts(struct item_edit *edit, enum item_prop prop, const struct str *texts,
                         size_t n)
{
    struct buf entry = BUF_INIT;
    struct props_writer w;

    props_begin(&w, &entry);
    props_add_texts(&w, prop, texts, n);
    set_coded(edit, prop, &entry);
}

void item_edit_remove(struct item_edit *edit, enum item_prop prop)
{
    set_raw(edit, prop, STR_NULL);
}

const struct props *item_edit_props(const struct item_edit *edit)
{
    return &edit->props;
}

/* ---- flags and class ---- */

uint32_t item_edit_flags(const struct item_edit *edit)
{
    return edit->flags | (edit->read ? ITEM_READ : 0);
}

void item_edit_set_flag(struct item_edit *edit, uint32_t flag, bool on)
{
    assert((flag & ITEM_READ) == 0);
    if (((edit->flags & flag) != 0) != on) {
        edit->flags ^= flag;
        item_edit_touch(edit, EDIT_FLAGS);
    }
}

void item_edit_set_read(struct item_edit *edit, bool read)
{
    edit->read_given = true;
    edit->read = read;
}

void item_edit_set_received(struct item_edit *edit, int64_t ms)
{
    edit->received_given = true;
    edit->received_ms = ms;
}

/* Which classes are of which kind, the longer ones first. */
static const struct {
    struct str prefix;
    enum item_kind kind;
} kinds_of_classes[] = {
    {STR_INIT("IPM.Schedule.Meeting.Request"), ITEM_KIND_MEETING_REQUEST},
    {STR_INIT("IPM.Schedule.Meeting.Resp"), ITEM_KIND_MEETING_RESPONSE},
    {STR_INIT("IPM.Schedule.Meeting.Canceled"), ITEM_KIND_MEETING_CANCELLATION},
    {STR_INIT("IPM.Schedule.Meeting"), ITEM_KIND_MEETING_MESSAGE},
    {STR_INIT("IPM.Appointment"), ITEM_KIND_CALENDAR_ITEM},
    {STR_INIT("IPM.Contact"), ITEM_KIND_CONTACT},
    {STR_INIT("IPM.DistList"), ITEM_KIND_DISTRIBUTION_LIST},
    {STR_INIT("IPM.Task"), ITEM_KIND_TASK},
    {STR_INIT("IPM.Post"), ITEM_KIND_POST_ITEM},
    {STR_INIT("IPM.Note"), ITEM_KIND_MESSAGE},
    {STR_INIT("REPORT"), ITEM_KIND_MESSAGE},
};

/* "IPM.Note" and "IPM.Note.Custom" are of IPM.Note, "IPM.Notes" is not. 0: any kind may have the
 * class. */
static enum item_kind kind_of_class(struct str item_class)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds_of_classes); i++) {
        struct str prefix = kinds_of_classes[i].prefix;

        if (str_starts_nocase(item_class, prefix) &&
            (item_class.n == prefix.n || item_class.p[prefix.n] == '.')) {
            return kinds_of_classes[i].kind;
        }
    }
    return 0;
}

int item_edit_set_item_class(struct item_edit *edit, struct str item_class, struct err *err_r)
{
    enum item_kind kind = kind_of_class(item_class);

    if (item_class.n == 0 || item_class.n > ITEM_CLASS_MAX_BYTES) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "item class of %zu bytes", item_class.n);
    }
    if (kind != 0 && kind != edit->kind) {
        return err_set(err_r, ERR_OBJECT_TYPE_CHANGED, "class %.*s on an item of kind %d",
                       STR_ARG(item_class), (int)edit->kind);
    }
    if (str_eq(item_class, default_item_class(edit->kind))) {
        item_edit_remove(edit, IPROP_ITEM_CLASS_NAME);
    } else {
        item_edit_set_text(edit, IPROP_ITEM_CLASS_NAME, item_class);
    }
    return 0;
}

/* ---- the message ---- */

struct str edit_source(struct item_edit *edit)
{
    if (!edit->source_known) {
        edit->source_known = true;
        if (edit->base->body.v != 0 && mailbox_body_read(edit->tx, edit->base->body, edit->arena,
                                                         &edit->source, &edit->failure) < 0) {
            edit->source = STR_NULL;
        }
    }
    return edit->source;
}

bool edit_set_header(struct item_edit *edit, struct str name, struct str value)
{
    size_t n = edit->header_count;

    if (!mime_draft_may_have_header(name)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(edit->headers[i].name, name)) {
            edit->headers[i].value = value;
            item_edit_touch(edit, EDIT_EXTENDED);
            return true;
        }
    }
    edit->headers = arena_grow(edit->arena, edit->headers, n * sizeof(*edit->headers),
                               (n + 1) * sizeof(*edit->headers));
    edit->headers[n] = (struct edit_header){str_dup(edit->arena, name), value};
    edit->header_count = n + 1;
    item_edit_touch(edit, EDIT_EXTENDED);
    return true;
}

struct mime_draft *item_edit_recipients(struct item_edit *edit)
{
    const struct mime_envelope *envelope;
    struct mime_message *message;
    struct str source = edit_source(edit);

    if (edit->opened != EDIT_UNOPENED) {
        return &edit->draft;
    }
    if (source.p == NULL) {
        return item_edit_draft(edit);
    }
    message = mime_message_new(edit->arena, source);
    envelope = mime_message_envelope(message);
    edit->draft.to = envelope->to;
    edit->draft.cc = envelope->cc;
    edit->draft.bcc = envelope->bcc;
    edit->draft.reply_to = envelope->reply_to;
    mime_message_free(&message);
    edit->opened = EDIT_RECIPIENTS_OPEN;
    return &edit->draft;
}

struct mime_draft *item_edit_draft(struct item_edit *edit)
{
    struct str source = edit_source(edit);
    struct mime_draft before = edit->draft;
    struct mime_message *message;

    if (edit->opened != EDIT_WHOLE && source.p != NULL) {
        message = mime_message_new(edit->arena, source);
        mime_draft_from_message(message, edit->arena, &edit->draft);
        mime_message_free(&message);
        if (edit->opened == EDIT_RECIPIENTS_OPEN) {
            edit->draft.to = before.to;
            edit->draft.cc = before.cc;
            edit->draft.bcc = before.bcc;
            edit->draft.reply_to = before.reply_to;
        }
    }
    edit->opened = EDIT_WHOLE;
    return &edit->draft;
}

void item_edit_on_store(struct item_edit *edit, item_edit_hook *hook, void *object)
{
    assert(edit->hook == NULL || edit->hook == hook);
    edit->hook = hook;
    edit->object = object;
}

void *item_edit_object(const struct item_edit *edit)
{
    return edit->object;
}
