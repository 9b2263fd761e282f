#include "mailbox/draft.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "mailbox/limits.h"
#include "mailbox/props.h"
#include "mime/message.h"

#include <sodium.h>

struct drafting {
    struct arena *arena;
    const struct draft_options *options;
    struct mime_message *message;
    struct mime_summary summary;
    struct str thread_root; /* what all messages of a thread have in common */
    struct props_writer w;
};

/* ---- kind and flags ---- */

static const struct {
    struct str class;
    enum item_kind kind;
} kinds[] = {
    {STR_INIT("IPM.Schedule.Meeting.Request"), ITEM_KIND_MEETING_REQUEST},
    {STR_INIT("IPM.Schedule.Meeting.Resp."), ITEM_KIND_MEETING_RESPONSE},
    {STR_INIT("IPM.Schedule.Meeting.Canceled"), ITEM_KIND_MEETING_CANCELLATION},
};

static enum item_kind kind_of(struct str class)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_starts(class, kinds[i].class)) {
            return kinds[i].kind;
        }
    }
    return ITEM_KIND_MESSAGE;
}

static uint32_t flags_of(const struct drafting *d)
{
    uint32_t flags = 0;

    flags |= d->options->read ? ITEM_READ : 0;
    flags |= d->options->draft ? ITEM_DRAFT : 0;
    flags |= d->options->delivered ? ITEM_UNMODIFIED : 0;
    flags |= d->summary.has_attachments ? ITEM_HAS_ATTACHMENTS : 0;
    flags |= str_starts(d->summary.item_class, STR("REPORT.")) ? ITEM_REPORT : 0;
    return flags;
}

/* Zero asks for the message's own time: when it last came in somewhere, else when it was written. */
static int64_t received_ms(struct drafting *d)
{
    int64_t ms;

    if (d->options->received_ms != 0) {
        return d->options->received_ms;
    }
    if (mime_message_received_ms(d->message, &ms)) {
        return ms;
    }
    return d->summary.envelope->has_date ? d->summary.envelope->date_ms : d->options->now_ms;
}

/* ---- conversation ---- */

/* The first <...> of s, else s. */
static struct str first_id(struct str s)
{
    size_t open = str_find_char(s, '<', 0);
    size_t close = open != SIZE_MAX ? str_find_char(s, '>', open) : SIZE_MAX;

    return close != SIZE_MAX ? str_sub(s, open, close + 1 - open) : s;
}

/* The oldest message known of the thread: References name it first; a reply by a poor client knows only its parent. Without ids the topic is
 * all that a thread has, and a message without any is alone. */
static struct str thread_root(const struct mime_message *message, const struct mime_envelope *e)
{
    if (e->references.n > 0) {
        return first_id(e->references);
    }
    if (e->in_reply_to.n > 0) {
        return e->in_reply_to;
    }
    if (e->message_id.n > 0) {
        return e->message_id;
    }
    return e->thread_topic.n > 0 ? e->thread_topic : mime_message_header_block(message);
}

#define CONVERSATION_ID_BYTES 16

static struct str conversation_id(const struct drafting *d)
{
    unsigned char *id = arena_alloc(d->arena, CONVERSATION_ID_BYTES);

    crypto_generichash(id, CONVERSATION_ID_BYTES, (const unsigned char *)d->thread_root.p,
                       d->thread_root.n, NULL, 0);
    return str_of(id, CONVERSATION_ID_BYTES);
}

/* 1601-01-01 to 1970-01-01. */
#define FILETIME_EPOCH_MS INT64_C(11644473600000)
#define INDEX_TIME_BYTES 6

/* A header block: the upper six bytes of the time in 100 ns since 1601 (the first is 1 until 2057), and a GUID. */
static struct str conversation_index(const struct drafting *d, struct str id)
{
    const struct mime_envelope *e = d->summary.envelope;
    int64_t ms = e->has_date ? e->date_ms : d->options->now_ms;
    uint64_t filetime = ms > -FILETIME_EPOCH_MS ? (uint64_t)(ms + FILETIME_EPOCH_MS) * 10000 : 0;
    char *index;

    if (e->thread_index.n > 0) {
        return e->thread_index;
    }
    index = arena_alloc(d->arena, INDEX_TIME_BYTES + CONVERSATION_ID_BYTES);
    index[0] = 1;
    for (unsigned i = 1; i < INDEX_TIME_BYTES; i++) {
        index[i] = (char)(filetime >> (56 - 8 * i));
    }
    memcpy(index + INDEX_TIME_BYTES, id.p, CONVERSATION_ID_BYTES);
    return str_of(index, INDEX_TIME_BYTES + CONVERSATION_ID_BYTES);
}

/* ---- properties ---- */

static void add_text(struct drafting *d, enum item_prop prop, struct str text, size_t max_bytes)
{
    props_add_text(&d->w, prop, utf8_cut(text, max_bytes));
}

/* A value that most items have is left out. */
static void add_unless(struct drafting *d, enum item_prop prop, int64_t v, int64_t usual)
{
    if (v != usual) {
        props_add_int(&d->w, prop, v);
    }
}

static void add_addresses(struct drafting *d, enum item_prop prop, struct mime_addresses from)
{
    struct prop_addr addrs[DRAFT_AUTHORS_MAX];
    size_t n = from.n < DRAFT_AUTHORS_MAX ? from.n : DRAFT_AUTHORS_MAX;

    for (size_t i = 0; i < n; i++) {
        addrs[i].name = utf8_cut(from.v[i].name, DRAFT_NAME_BYTES_MAX);
        addrs[i].address = utf8_cut(from.v[i].address, DRAFT_NAME_BYTES_MAX);
    }
    props_add_addrs(&d->w, prop, addrs, n);
}

static struct mime_addresses first_of(struct mime_addresses a, struct mime_addresses b)
{
    return a.n > 0 ? a : b;
}

static void add_modified_by(struct drafting *d)
{
    const struct draft_options *o = d->options;

    add_text(d, IPROP_MODIFIED_BY, o->recipient_name.n > 0 ? o->recipient_name : o->recipient,
             DRAFT_NAME_BYTES_MAX);
}

static void add_times(struct drafting *d)
{
    const struct mime_envelope *e = d->summary.envelope;

    if (e->has_date || d->options->delivered) {
        props_add_int(&d->w, IPROP_SENT, e->has_date ? e->date_ms : received_ms(d));
    }
    props_add_int(&d->w, IPROP_CREATED, d->options->now_ms);
    props_add_int(&d->w, IPROP_MODIFIED, d->options->now_ms);
}

static void add_conversation(struct drafting *d, struct str id)
{
    struct str index = conversation_index(d, id);

    props_add_bytes(&d->w, IPROP_CONVERSATION_INDEX, index);
    add_text(d, IPROP_CONVERSATION_TOPIC, d->summary.envelope->thread_topic,
             DRAFT_SUBJECT_BYTES_MAX);
}

static void add_categories(struct drafting *d)
{
    const struct mime_envelope *e = d->summary.envelope;

    props_add_texts(&d->w, IPROP_CATEGORIES, e->keywords, e->keyword_count);
}

static void add_received_by(struct drafting *d)
{
    const struct draft_options *o = d->options;
    struct prop_addr who = {o->recipient_name, o->recipient};

    if (o->recipient.n > 0) {
        props_add_addrs(&d->w, IPROP_RECEIVED_BY, &who, 1);
    }
}

/* In ascending order of number, as the record wants it. */
static void add_message(struct drafting *d)
{
    const struct mime_summary *s = &d->summary;
    const struct mime_envelope *e = s->envelope;
    struct str id = conversation_id(d);

    add_text(d, IPROP_SUBJECT, e->subject, DRAFT_SUBJECT_BYTES_MAX);
    if (!str_is(s->item_class, "IPM.Note")) {
        add_text(d, IPROP_ITEM_CLASS_NAME, s->item_class, DRAFT_NAME_BYTES_MAX);
    }
    add_unless(d, IPROP_SENSITIVITY, e->sensitivity, MIME_SENSITIVITY_NORMAL);
    add_unless(d, IPROP_IMPORTANCE, e->importance, MIME_IMPORTANCE_NORMAL);
    add_times(d);
    add_modified_by(d);
    add_addresses(d, IPROP_FROM, first_of(e->from, e->sender));
    add_addresses(d, IPROP_SENDER, first_of(e->sender, e->from));
    add_text(d, IPROP_DISPLAY_TO, s->display_to, DRAFT_DISPLAY_BYTES_MAX);
    add_text(d, IPROP_DISPLAY_CC, s->display_cc, DRAFT_DISPLAY_BYTES_MAX);
    add_text(d, IPROP_INTERNET_MESSAGE_ID, e->message_id, DRAFT_ID_BYTES_MAX);
    add_text(d, IPROP_IN_REPLY_TO, e->in_reply_to, DRAFT_ID_BYTES_MAX);
    add_text(d, IPROP_REFERENCES, e->references, DRAFT_REFERENCES_BYTES_MAX);
    add_unless(d, IPROP_READ_RECEIPT, e->read_receipt_requested, 0);
    add_unless(d, IPROP_DELIVERY_RECEIPT, e->delivery_receipt_requested, 0);
    add_conversation(d, id);
    add_categories(d);
    add_text(d, IPROP_PREVIEW, s->preview, SIZE_MAX);
    add_received_by(d);
    add_text(d, IPROP_CULTURE, e->language, DRAFT_NAME_BYTES_MAX);
    props_add_bytes(&d->w, IPROP_CONVERSATION_ID, id);
    add_text(d, IPROP_DISPLAY_BCC, s->display_bcc, DRAFT_DISPLAY_BYTES_MAX);
}

/* ---- meetings ---- */

/* ResponseTypeType and MeetingRequestTypeType, by position. */
enum {
    RESPONSE_TENTATIVE = 2,
    RESPONSE_ACCEPT = 3,
    RESPONSE_DECLINE = 4,
    RESPONSE_NONE_RECEIVED = 5
};
enum { REQUEST_FULL_UPDATE = 1, REQUEST_NEW = 3 };

static const struct {
    const char *class;
    int response;
} responses[] = {
    {"IPM.Schedule.Meeting.Request", RESPONSE_NONE_RECEIVED},
    {"IPM.Schedule.Meeting.Resp.Pos", RESPONSE_ACCEPT},
    {"IPM.Schedule.Meeting.Resp.Neg", RESPONSE_DECLINE},
    {"IPM.Schedule.Meeting.Resp.Tent", RESPONSE_TENTATIVE},
};

static int response_of(struct str class)
{
    for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
        if (str_is(class, responses[i].class)) {
            return responses[i].response;
        }
    }
    return 0;
}

/* A request without ORGANIZER comes from whom it is from; a reply does not. */
static void add_organizer(struct drafting *d, enum item_kind kind)
{
    struct mime_addresses who = {&d->summary.calendar->organizer, 1};

    if (who.v[0].address.n == 0 && who.v[0].name.n == 0) {
        who = kind == ITEM_KIND_MEETING_RESPONSE ? (struct mime_addresses){NULL, 0}
                                                 : d->summary.envelope->from;
    }
    add_addresses(d, IPROP_MEETING_ORGANIZER, who);
}

static void add_time_if(struct drafting *d, enum item_prop prop, bool has, int64_t ms)
{
    if (has) {
        props_add_int(&d->w, prop, ms);
    }
}

static void add_meeting(struct drafting *d, enum item_kind kind)
{
    const struct mime_calendar *c = d->summary.calendar;
    bool proposes = c->method == MIME_METHOD_COUNTER;

    add_text(d, IPROP_MEETING_UID, c->uid, DRAFT_ID_BYTES_MAX);
    add_time_if(d, IPROP_MEETING_START, c->has_start, c->start_ms);
    add_time_if(d, IPROP_MEETING_END, c->has_end, c->end_ms);
    add_text(d, IPROP_MEETING_LOCATION, c->location, DRAFT_SUBJECT_BYTES_MAX);
    add_organizer(d, kind);
    add_unless(d, IPROP_MEETING_ALL_DAY, c->all_day, 0);
    props_add_int(&d->w, IPROP_MEETING_BUSY_STATUS, c->busy);
    add_unless(d, IPROP_MEETING_RESPONSE_TYPE, response_of(d->summary.item_class), 0);
    add_unless(d, IPROP_MEETING_SEQUENCE, c->sequence, 0);
    add_time_if(d, IPROP_MEETING_STAMP, c->has_stamp, c->stamp_ms);
    add_time_if(d, IPROP_MEETING_RECURRENCE_ID, c->has_recurrence_id, c->recurrence_id_ms);
    add_unless(d, IPROP_MEETING_RECURRING, c->recurring, 0);
    add_text(d, IPROP_MEETING_TIME_ZONE, c->tzid, DRAFT_ID_BYTES_MAX);
    add_time_if(d, IPROP_MEETING_PROPOSED_START, proposes && c->has_start, c->start_ms);
    add_time_if(d, IPROP_MEETING_PROPOSED_END, proposes && c->has_end, c->end_ms);
    if (kind == ITEM_KIND_MEETING_REQUEST) {
        props_add_int(&d->w, IPROP_MEETING_REQUEST_TYPE,
                      c->sequence == 0 ? REQUEST_NEW : REQUEST_FULL_UPDATE);
    }
}

/* ---- the draft ---- */

static struct str make_record(struct drafting *d, enum item_kind kind)
{
    struct buf out = BUF_INIT;
    struct str record;

    props_begin(&d->w, &out);
    add_message(d);
    if (kind != ITEM_KIND_MESSAGE) {
        add_meeting(d, kind);
    }
    record = str_dup(d->arena, buf_str(&out));
    buf_fini(&out);
    return record;
}

void item_draft_from_mime(struct arena *arena, struct str mime, const struct draft_options *options,
                          struct item_draft *draft_r)
{
    struct drafting d = {.arena = arena, .options = options};
    enum item_kind kind;

    d.message = mime_message_new(arena, mime);
    mime_message_summary(d.message, &d.summary);
    d.thread_root = thread_root(d.message, d.summary.envelope);
    kind = kind_of(d.summary.item_class);
    *draft_r = (struct item_draft){
        .kind = kind,
        .flags = flags_of(&d),
        .received_ms = received_ms(&d),
        .size = mime.n,
        .props = make_record(&d, kind),
        .mime = mime,
        .delivered = options->delivered,
    };
    mime_message_free(&d.message);
}
