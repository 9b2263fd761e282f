/* Composing and storing what was edited. */
#include "ews/item_edit-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/rand.h"
#include "ews/call.h"
#include "ews/limits.h"
#include "mailbox/draft.h"
#include "mime/message.h"
#include "mime/patch.h"

/* ---- from the record into the message ---- */

static struct mime_addresses addresses_of(struct arena *arena, struct str list)
{
    struct str rest = list;
    struct prop_addr addr;
    struct mime_address *v;
    size_t n = 0;

    while (props_next_addr(&rest, &addr)) {
        n++;
    }
    v = ARENA_ARRAY(arena, struct mime_address, n);
    for (size_t i = 0; props_next_addr(&list, &addr); i++) {
        v[i] = (struct mime_address){addr.name, addr.address};
    }
    return (struct mime_addresses){v, n};
}

static void fill_subject(struct item_edit *e, struct mime_draft *d)
{
    d->subject = e->props.v[IPROP_SUBJECT];
}

static void fill_message_id(struct item_edit *e, struct mime_draft *d)
{
    d->message_id = e->props.v[IPROP_INTERNET_MESSAGE_ID];
}

static void fill_in_reply_to(struct item_edit *e, struct mime_draft *d)
{
    d->in_reply_to = e->props.v[IPROP_IN_REPLY_TO];
}

static void fill_references(struct item_edit *e, struct mime_draft *d)
{
    d->references = e->props.v[IPROP_REFERENCES];
}

static void fill_sent(struct item_edit *e, struct mime_draft *d)
{
    d->has_date = props_has(&e->props, IPROP_SENT);
    d->date_ms = props_int(&e->props, IPROP_SENT, 0);
}

static void fill_from(struct item_edit *e, struct mime_draft *d)
{
    d->from = addresses_of(e->arena, e->props.v[IPROP_FROM]);
}

static void fill_sender(struct item_edit *e, struct mime_draft *d)
{
    d->sender = addresses_of(e->arena, e->props.v[IPROP_SENDER]);
}

static void fill_importance(struct item_edit *e, struct mime_draft *d)
{
    d->importance =
        (enum mime_importance)props_int(&e->props, IPROP_IMPORTANCE, MIME_IMPORTANCE_NORMAL);
}

static void fill_sensitivity(struct item_edit *e, struct mime_draft *d)
{
    d->sensitivity =
        (enum mime_sensitivity)props_int(&e->props, IPROP_SENSITIVITY, MIME_SENSITIVITY_NORMAL);
}

static void fill_read_receipt(struct item_edit *e, struct mime_draft *d)
{
    d->read_receipt_requested = props_int(&e->props, IPROP_READ_RECEIPT, 0) != 0;
}

static void fill_delivery_receipt(struct item_edit *e, struct mime_draft *d)
{
    d->delivery_receipt_requested = props_int(&e->props, IPROP_DELIVERY_RECEIPT, 0) != 0;
}

static void fill_topic(struct item_edit *e, struct mime_draft *d)
{
    d->thread_topic = e->props.v[IPROP_CONVERSATION_TOPIC];
}

static void fill_index(struct item_edit *e, struct mime_draft *d)
{
    d->thread_index = e->props.v[IPROP_CONVERSATION_INDEX];
}

#define FIELD_NAMES_MAX 4

/* What of the record stands in the header of a message, too. */
static const struct field {
    enum item_prop prop;
    bool of_received; /* received messages show its edits as well, others keep to the record */
    void (*fill)(struct item_edit *edit, struct mime_draft *draft);
    const char *names[FIELD_NAMES_MAX];
} fields[] = {
    {IPROP_SUBJECT, true, fill_subject, {"Subject"}},
    {IPROP_INTERNET_MESSAGE_ID, false, fill_message_id, {"Message-ID"}},
    {IPROP_IN_REPLY_TO, false, fill_in_reply_to, {"In-Reply-To"}},
    {IPROP_REFERENCES, false, fill_references, {"References"}},
    {IPROP_SENT, false, fill_sent, {"Date"}},
    {IPROP_FROM, false, fill_from, {"From"}},
    {IPROP_SENDER, false, fill_sender, {"Sender"}},
    {IPROP_IMPORTANCE,
     false,
     fill_importance,
     {"Importance", "X-Priority", "X-MSMail-Priority", "Priority"}},
    {IPROP_SENSITIVITY, false, fill_sensitivity, {"Sensitivity"}},
    {IPROP_READ_RECEIPT,
     false,
     fill_read_receipt,
     {"Disposition-Notification-To", "X-Confirm-Reading-To"}},
    {IPROP_DELIVERY_RECEIPT, false, fill_delivery_receipt, {"Return-Receipt-To"}},
    {IPROP_CONVERSATION_TOPIC, false, fill_topic, {"Thread-Topic"}},
    {IPROP_CONVERSATION_INDEX, false, fill_index, {"Thread-Index"}},
};

static const struct {
    uint32_t part;
    const char *name;
} recipient_fields[] = {
    {EDIT_TO, "To"},
    {EDIT_CC, "Cc"},
    {EDIT_BCC, "Bcc"},
    {EDIT_REPLY_TO, "Reply-To"},
};

/* Whether the record's value is another than the message's. Without a message the record is all
 * there is. */
static bool field_differs(const struct item_edit *edit, const struct field *field)
{
    if (edit->source.p == NULL || item_edit_touched(edit, field->prop)) {
        return true;
    }
    return edit->base != NULL && edit_stamp_of(edit, field->prop).v != 0;
}

/* ---- header fields that clients set by name ---- */

static const struct edit_header *header_of(const struct item_edit *edit, struct str name)
{
    for (size_t i = 0; i < edit->header_count; i++) {
        if (str_eq_nocase(edit->headers[i].name, name)) {
            return &edit->headers[i];
        }
    }
    return NULL;
}

/* The draft's others without those that are set, and these after them. */
static void fill_headers(struct item_edit *edit, struct mime_draft *draft)
{
    struct mime_header *headers =
        ARENA_ARRAY(edit->arena, struct mime_header, draft->header_count + edit->header_count);
    size_t n = 0;

    for (size_t i = 0; i < draft->header_count; i++) {
        if (header_of(edit, draft->headers[i].name) == NULL) {
            headers[n++] = draft->headers[i];
        }
    }
    for (size_t i = 0; i < edit->header_count; i++) {
        if (edit->headers[i].value.p != NULL) {
            headers[n++] = (struct mime_header){edit->headers[i].name, edit->headers[i].value};
        }
    }
    draft->headers = headers;
    draft->header_count = n;
}

/* ---- composing ---- */

static struct str compose_whole(struct item_edit *edit)
{
    struct mime_draft draft;

    edit_order_attachments(edit);
    draft = edit->draft;
    if (edit_kind_is_mail(edit->kind)) {
        for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
            if (field_differs(edit, &fields[i])) {
                fields[i].fill(edit, &draft);
            }
        }
    }
    fill_headers(edit, &draft);
    return mime_compose(&draft, edit->arena);
}

struct names {
    const char **v;
    size_t n;
};

static void add_name(struct names *names, const char *name)
{
    if (name != NULL) {
        names->v[names->n++] = name;
    }
}

/* The header fields that this edit changes. */
static struct names changed_names(struct item_edit *edit)
{
    size_t room = ARRAY_LEN(fields) * FIELD_NAMES_MAX + ARRAY_LEN(recipient_fields);
    struct names names = {ARENA_ARRAY(edit->arena, const char *, room + edit->header_count), 0};

    for (size_t i = 0; i < ARRAY_LEN(fields) && edit_kind_is_mail(edit->kind); i++) {
        if (item_edit_touched(edit, fields[i].prop) &&
            (fields[i].of_received || edit_is_unsent(edit))) {
            for (size_t j = 0; j < FIELD_NAMES_MAX; j++) {
                add_name(&names, fields[i].names[j]);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(recipient_fields); i++) {
        if (item_edit_touched(edit, recipient_fields[i].part)) {
            add_name(&names, recipient_fields[i].name);
        }
    }
    for (size_t i = 0; i < edit->header_count; i++) {
        add_name(&names, str_cstr(edit->arena, edit->headers[i].name));
    }
    return names;
}

/* The header alone is changed; the rest stays byte for byte. */
static struct str patch_header(struct item_edit *edit)
{
    struct names names = changed_names(edit);
    struct mime_draft values = {.to = edit->draft.to,
                                .cc = edit->draft.cc,
                                .bcc = edit->draft.bcc,
                                .reply_to = edit->draft.reply_to};
    struct str source;

    if (names.n == 0) {
        return edit->source_is_new ? edit->source : STR_NULL;
    }
    source = edit_source(edit);
    if (source.p == NULL) {
        return STR_NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fields[i].fill(edit, &values);
    }
    fill_headers(edit, &values);
    return mime_replace_fields(source, &values, names.v, names.n, edit->arena);
}

void item_edit_complete_mail(struct item_edit *edit)
{
    struct str address = edit->call->caller.address;
    size_t at = str_find_char(address, '@', 0);
    struct str domain = at != SIZE_MAX ? str_sub(address, at + 1, address.n) : STR("");
    unsigned char random[16];

    if (!props_has(&edit->props, IPROP_INTERNET_MESSAGE_ID)) {
        rand_bytes(random, sizeof(random));
        item_edit_set_text(edit, IPROP_INTERNET_MESSAGE_ID,
                           mime_make_message_id(random, domain, edit->arena));
    }
    if (!props_has(&edit->props, IPROP_SENT)) {
        item_edit_set_int(edit, IPROP_SENT, item_edit_now_ms(edit));
    }
}

static int run_hook(struct item_edit *edit, struct err *err_r)
{
    /* Whatever was changed of a calendar item, its event says it too. */
    if (edit->kind == ITEM_KIND_CALENDAR_ITEM && (edit->base == NULL || edit->touched_count != 0)) {
        (void)item_edit_event(edit);
    }
    if (edit->hook != NULL && !edit->hook_done) {
        edit->hook_done = true;
        TRY(edit->hook(edit, err_r));
    }
    return 0;
}

/* *mime_r: the message to be stored; p NULL: it stays as it is, or there is none. */
static int compose(struct item_edit *edit, struct str *mime_r, struct err *err_r)
{
    TRY(run_hook(edit, err_r));
    if (edit->base == NULL && edit->source.p == NULL && edit_kind_is_mail(edit->kind)) {
        item_edit_complete_mail(edit);
    }
    edit_note_picture(edit);
    if (!edit->composed) {
        edit->message = edit->opened == EDIT_WHOLE ? compose_whole(edit) : patch_header(edit);
        edit->composed = true;
    }
    if (edit->failure.kind != ERR_NONE) {
        *err_r = edit->failure;
        return -(int)edit->failure.kind;
    }
    *mime_r = edit->message;
    return 0;
}

int item_edit_message(struct item_edit *edit, struct str *mime_r, struct err *err_r)
{
    struct str mime = STR_NULL;

    TRY(compose(edit, &mime, err_r));
    if (mime.p == NULL) {
        mime = edit_source(edit);
    }
    *mime_r = mime;
    return 0;
}

/* ---- from the message into the record ---- */

/* What lists show of a message, after it changed. */
static void refresh_from_message(struct item_edit *edit, struct str mime)
{
    struct mime_message *message = mime_message_new(edit->arena, mime);
    size_t touched = edit->touched_count;
    struct mime_summary summary;

    mime_message_summary(message, &summary);
    item_edit_set_text(edit, IPROP_DISPLAY_TO, summary.display_to);
    item_edit_set_text(edit, IPROP_DISPLAY_CC, summary.display_cc);
    item_edit_set_text(edit, IPROP_DISPLAY_BCC, summary.display_bcc);
    item_edit_set_text(edit, IPROP_PREVIEW, summary.preview);
    edit->flags &= ~(uint32_t)ITEM_HAS_ATTACHMENTS;
    edit->flags |= summary.has_attachments ? ITEM_HAS_ATTACHMENTS : 0;
    edit->touched_count = touched;
    mime_message_free(&message);
}

/* A message made of properties: what delivery would say of it, and over that what was set. */
static void derive_from_message(struct item_edit *edit, struct str mime)
{
    const struct draft_options options = {
        .received_ms = 1, .now_ms = item_edit_now_ms(edit), .draft = true};
    struct item_draft derived;
    struct props props;

    item_draft_from_mime(edit->arena, mime, &options, &derived);
    (void)props_open(&props, derived.props);
    props.v[IPROP_ITEM_CLASS_NAME] = STR_NULL; /* the kind says it, or the client */
    for (size_t i = 0; i < IPROP_LIMIT; i++) {
        if (edit->props.v[i].p == NULL) {
            edit->props.v[i] = props.v[i];
        }
    }
    edit->flags &= ~(uint32_t)ITEM_HAS_ATTACHMENTS;
    edit->flags |= derived.flags & ITEM_HAS_ATTACHMENTS;
}

static void follow(struct item_edit *edit, struct str mime)
{
    bool given = edit->source.p != NULL && mime.p == edit->source.p;

    if (mime.p == NULL || (given && edit_kind_is_mail(edit->kind))) {
        return; /* as it was opened */
    }
    if (edit->base == NULL && edit->source.p == NULL && edit_kind_is_mail(edit->kind)) {
        derive_from_message(edit, mime);
    } else {
        refresh_from_message(edit, mime);
    }
}

/* ---- storing ---- */

static struct str caller_name(const struct ews_call *call)
{
    return call->caller.display_name.n != 0 ? call->caller.display_name : call->caller.address;
}

/* What follows from a change is none that somebody made. */
static void note_modified(struct item_edit *edit)
{
    size_t touched = edit->touched_count;

    item_edit_set_int(edit, IPROP_MODIFIED, item_edit_now_ms(edit));
    item_edit_set_text(edit, IPROP_MODIFIED_BY, caller_name(edit->call));
    if (edit->kind == ITEM_KIND_TASK) {
        item_edit_set_int(edit, IPROP_TASK_CHANGE_COUNT,
                          props_int(&edit->props, IPROP_TASK_CHANGE_COUNT, 0) + 1);
    }
    edit->touched_count = touched;
}

struct str edit_extended(const struct item_edit *edit)
{
    struct str bytes;

    if (edit->extended.arena == NULL) {
        return edit->props.v[IPROP_EXTENDED];
    }
    bytes = extended_store_bytes(&edit->extended);
    return bytes.n != 0 ? bytes : STR_NULL;
}

static int write_record(struct item_edit *edit, struct str *record_r, struct err *err_r)
{
    struct buf out = BUF_INIT;
    struct props_writer w;
    size_t n;

    edit->props.v[IPROP_EXTENDED] = edit_extended(edit);
    props_begin(&w, &out);
    for (size_t i = 1; i < IPROP_LIMIT; i++) {
        props_add_raw(&w, (enum item_prop)i, edit->props.v[i]);
    }
    n = out.n;
    *record_r = n <= EDIT_RECORD_MAX_BYTES ? str_dup(edit->arena, buf_str(&out)) : STR_NULL;
    buf_fini(&out);
    return n <= EDIT_RECORD_MAX_BYTES
               ? 0
               : err_set(err_r, ERR_PROPERTY_SAVE, "a record of %zu bytes", n);
}

/* Mail that is stored as it was sent keeps the time when it came; what is written now comes now. */
static int64_t received_ms(const struct item_edit *edit, struct str mime)
{
    struct mime_message *message;
    int64_t ms = item_edit_now_ms(edit);

    if (edit->received_given) {
        return edit->received_ms;
    }
    if (edit->source.p != NULL && (edit->flags & ITEM_DRAFT) == 0 &&
        edit_kind_is_mail(edit->kind)) {
        message = mime_message_new(edit->arena, mime);
        if (!mime_message_received_ms(message, &ms)) {
            ms = props_int(&edit->props, IPROP_SENT, ms);
        }
        mime_message_free(&message);
    }
    return ms;
}

int item_edit_create(struct item_edit *edit, struct mailbox_tx *tx, struct folder_id folder,
                     struct item_id *id_r, struct err *err_r)
{
    struct item_draft draft = {.mime = STR_NULL};

    TRY(compose(edit, &draft.mime, err_r));
    follow(edit, draft.mime);
    item_edit_set_int(edit, IPROP_CREATED,
                      props_int(&edit->props, IPROP_CREATED, item_edit_now_ms(edit)));
    note_modified(edit);
    if (edit->call->caller.mailbox.v != edit->call->mailbox.v) {
        item_edit_set_int(edit, IPROP_CREATOR, (int64_t)edit->call->caller.mailbox.v);
    }
    draft.kind = edit->kind;
    draft.flags = item_edit_flags(edit);
    draft.received_ms = received_ms(edit, draft.mime);
    draft.size = draft.mime.n;
    TRY(write_record(edit, &draft.props, err_r));
    TRY(mailbox_item_add(tx, folder, &draft, id_r, err_r));
    edit->version = (struct seq){id_r->v};
    return 0;
}

static int write_update(struct item_edit *edit, struct mailbox_tx *tx, struct err *err_r)
{
    struct item_update update = {.mime = STR_NULL};
    struct seq next = {mailbox_tx_seq(tx).v + 1}; /* that the update will take */

    TRY(compose(edit, &update.mime, err_r));
    if (update.mime.p == edit->source.p && !edit->source_is_new) {
        update.mime = STR_NULL; /* as it is stored */
    }
    follow(edit, update.mime);
    note_modified(edit);
    edit->props.v[IPROP_STAMPS] = edit_stamps(edit, next);
    TRY(write_record(edit, &update.props, err_r));
    update.flags = edit->flags & ~(uint32_t)ITEM_UNMODIFIED;
    update.size = update.mime.n;
    update.received = edit->received_given;
    update.received_ms = edit->received_ms;
    TRY(mailbox_item_update(tx, edit->base->id, &update, err_r));
    edit->version = mailbox_tx_seq(tx);
    return 0;
}

int item_edit_store(struct item_edit *edit, struct mailbox_tx *tx, struct err *err_r)
{
    bool was_read = (edit->base->flags & ITEM_READ) != 0;

    TRY(run_hook(edit, err_r));
    if (edit->touched_count != 0) {
        TRY(write_update(edit, tx, err_r));
    }
    if (edit->read_given && edit->read != was_read) {
        TRY(mailbox_item_set_read(tx, edit->base->id, edit->read, err_r));
    }
    return 0;
}
