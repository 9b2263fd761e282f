/* Replies, forwards and posts that answer posts. */
#include "ews/response_objects-private.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/rand.h"
#include "ews/call.h"
#include "ews/item_edit.h"
#include "mime/message.h"

/* ---- the original ---- */

struct original {
    struct item item;
    struct props props;
    struct mime_draft draft; /* its message, taken apart */
    struct mime_addresses from;
};

static struct mime_addresses addresses_of(struct arena *arena, struct str list)
{
    struct mime_address *v = ARENA_NEW(arena, struct mime_address);
    struct prop_addr addr;

    if (!props_next_addr(&list, &addr)) {
        return (struct mime_addresses){NULL, 0};
    }
    *v = (struct mime_address){addr.name, addr.address};
    return (struct mime_addresses){v, 1};
}

static int read_original(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                         const struct response *response, struct original *o, struct err *err_r)
{
    struct mime_message *message;
    struct str mime = STR("");

    TRY(response_find_original(call, tx, arena, response, &o->item, err_r));
    if (!props_open(&o->props, o->item.props)) {
        return err_set(err_r, ERR_CORRUPT, "record of item %llu", (unsigned long long)o->item.id.v);
    }
    if (o->item.body.v != 0) {
        TRY(mailbox_body_read(tx, o->item.body, arena, &mime, err_r));
    }
    message = mime_message_new(arena, mime);
    mime_draft_from_message(message, arena, &o->draft);
    mime_message_free(&message);
    o->from = addresses_of(arena, o->props.v[IPROP_FROM]);
    if (o->from.n == 0) {
        o->from = addresses_of(arena, o->props.v[IPROP_SENDER]);
    }
    return 0;
}

/* ---- subject and thread ---- */

/* "Re: " and the like, once; 0: there is none. */
static size_t prefix_bytes(struct str subject)
{
    static const char *const prefixes[] = {"re:", "fw:", "fwd:", "aw:", "wg:", "sv:", "vs:"};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts_nocase(subject, str_from(prefixes[i]))) {
            return strlen(prefixes[i]);
        }
    }
    return 0;
}

static void make_subject(struct item_edit *edit, const char *prefix, struct str subject)
{
    size_t n;

    subject = str_trim(subject);
    while ((n = prefix_bytes(subject)) != 0) {
        subject = str_trim(str_sub(subject, n, subject.n - n));
    }
    item_edit_set_text(edit, IPROP_SUBJECT,
                       str_printf(item_edit_arena(edit), "%s%.*s", prefix, STR_ARG(subject)));
}

/* All before it, then itself; a message that names only its parent names it here. */
static void set_references(struct item_edit *edit, const struct props *props)
{
    struct str id = props->v[IPROP_INTERNET_MESSAGE_ID], before = props->v[IPROP_REFERENCES];

    if (before.n == 0) {
        before = props->v[IPROP_IN_REPLY_TO];
    }
    if (id.n != 0) {
        item_edit_set_text(edit, IPROP_IN_REPLY_TO, id);
        item_edit_set_text(edit, IPROP_REFERENCES,
                           str_printf(item_edit_arena(edit), "%.*s%s%.*s", STR_ARG(before),
                                      before.n != 0 ? " " : "", STR_ARG(id)));
    }
}

/* A Thread-Index is the thread's beginning, the upper six bytes of it in 100 ns since 1601 and a
 * GUID, then five bytes an answer: how much later it is, in one of two precisions, and what tells
 * answers of one moment apart. */
#define INDEX_HEAD_BYTES 22
#define INDEX_TIME_BYTES 6
#define INDEX_CHILD_BYTES 5
#define INDEX_MAX_BYTES 1024
#define FILETIME_EPOCH_MS INT64_C(11644473600000)
#define FILETIME_A_MS 10000
#define INDEX_FINE_SHIFT 18
#define INDEX_COARSE_SHIFT 23
#define INDEX_COARSE 0x80000000U

static uint32_t index_delta(struct str index, int64_t now_ms)
{
    uint64_t begin = 0, now = (uint64_t)(now_ms + FILETIME_EPOCH_MS) * FILETIME_A_MS, delta;

    for (unsigned i = 0; i < INDEX_TIME_BYTES; i++) {
        begin = begin << 8 | (unsigned char)index.p[i];
    }
    begin <<= 16;
    delta = now > begin ? now - begin : 0;
    if (delta >> INDEX_FINE_SHIFT < INDEX_COARSE) {
        return (uint32_t)(delta >> INDEX_FINE_SHIFT);
    }
    return INDEX_COARSE | ((uint32_t)(delta >> INDEX_COARSE_SHIFT) & (INDEX_COARSE - 1));
}

static void make_thread(struct item_edit *edit, const struct props *props)
{
    struct str before = props->v[IPROP_CONVERSATION_INDEX];
    size_t n = before.n + INDEX_CHILD_BYTES;
    uint32_t delta;
    char *index;

    set_references(edit, props);
    item_edit_set_text(edit, IPROP_CONVERSATION_TOPIC, props->v[IPROP_CONVERSATION_TOPIC]);
    if (before.n < INDEX_HEAD_BYTES || n > INDEX_MAX_BYTES) {
        return;
    }
    index = arena_alloc(item_edit_arena(edit), n);
    memcpy(index, before.p, before.n);
    delta = index_delta(before, item_edit_now_ms(edit));
    for (unsigned i = 0; i < 4; i++) {
        index[before.n + i] = (char)(delta >> (24 - 8 * i));
    }
    rand_bytes(&index[before.n + 4], 1);
    item_edit_set_bytes(edit, IPROP_CONVERSATION_INDEX, str_of(index, n));
}

/* ---- to whom ---- */

struct people {
    struct mime_address *v;
    size_t n;
};

/* Those who are not in `seen` yet, and are then. */
static void add_people(struct arena *arena, struct map *seen, struct mime_addresses list,
                       struct people *people)
{
    for (size_t i = 0; i < list.n; i++) {
        struct str address = str_lower(arena, str_trim(list.v[i].address));

        if (address.n != 0 && map_get(seen, address) == NULL) {
            map_put(seen, address, people);
            people->v[people->n++] = list.v[i];
        }
    }
}

static struct mime_addresses reply_target(const struct original *o)
{
    return o->draft.reply_to.n != 0 ? o->draft.reply_to : o->from;
}

/* Everybody once and not the caller, unless nobody else is left. */
static void address_all(struct item_edit *edit, const struct original *o)
{
    struct arena *arena = item_edit_arena(edit);
    struct mime_draft *draft = item_edit_draft(edit);
    struct mime_addresses first = reply_target(o);
    struct people to = {ARENA_ARRAY(arena, struct mime_address, first.n + o->draft.to.n), 0};
    struct people cc = {ARENA_ARRAY(arena, struct mime_address, o->draft.cc.n), 0};
    AUTO(map) seen = map_new();

    map_put(seen, str_lower(arena, item_edit_call(edit)->caller.address), &to);
    add_people(arena, seen, first, &to);
    add_people(arena, seen, o->draft.to, &to);
    add_people(arena, seen, o->draft.cc, &cc);
    draft->to = to.n + cc.n != 0 ? (struct mime_addresses){to.v, to.n} : first;
    draft->cc = (struct mime_addresses){cc.v, cc.n};
    item_edit_touch(edit, EDIT_TO);
    item_edit_touch(edit, EDIT_CC);
}

static void make_recipients(struct item_edit *edit, enum response_what what,
                            const struct original *o)
{
    if (what == RESPOND_REPLY) {
        item_edit_draft(edit)->to = reply_target(o);
        item_edit_touch(edit, EDIT_TO);
    } else if (what == RESPOND_REPLY_ALL) {
        address_all(edit, o);
    }
}

/* ---- body and attachments ---- */

static void make_body(struct item_edit *edit, const struct response *response,
                      const struct original *o)
{
    const struct mime_draft *from = &o->draft;
    struct mime_draft *draft = item_edit_draft(edit);
    struct response_quoted quoted = {
        .from = o->from,
        .to = from->to,
        .cc = from->cc,
        .has_sent = props_has(&o->props, IPROP_SENT),
        .sent_ms = props_int(&o->props, IPROP_SENT, 0),
        .subject = o->props.v[IPROP_SUBJECT],
        .body = {from->has_html, from->has_html ? from->html : from->text}};
    struct response_text body = response_quote(item_edit_arena(edit), &response->fresh, &quoted);

    draft->has_html = body.html;
    draft->has_text = !body.html;
    *(body.html ? &draft->html : &draft->text) = body.text;
    item_edit_touch(edit, EDIT_BODY);
}

/* A forward takes all, a reply the pictures that the quoted body shows. */
static void make_attachments(struct item_edit *edit, enum response_what what,
                             const struct original *o)
{
    struct mime_draft *draft = item_edit_draft(edit);
    struct mime_draft_attachment *all =
        ARENA_ARRAY(item_edit_arena(edit), struct mime_draft_attachment, o->draft.attachment_count);
    size_t n = 0;

    for (size_t i = 0; i < o->draft.attachment_count; i++) {
        if (what == RESPOND_FORWARD || (o->draft.attachments[i].is_inline && o->draft.has_html)) {
            all[n++] = o->draft.attachments[i];
        }
    }
    if (n != 0) {
        draft->attachments = all;
        draft->attachment_count = n;
        item_edit_touch(edit, EDIT_ATTACHMENTS);
    }
}

/* ---- what the original is told when it is sent ---- */

/* PidTagLastVerbExecuted. */
static int64_t verb_of(enum response_what what)
{
    switch (what) {
    case RESPOND_REPLY: return VERB_REPLIED;
    case RESPOND_REPLY_ALL: return VERB_REPLIED_TO_ALL;
    case RESPOND_FORWARD: return VERB_FORWARDED;
    default: return 0;
    }
}

static void note_original(struct item_edit *edit, enum response_what what, const struct item *item)
{
    if (verb_of(what) != 0) {
        item_edit_set_int(edit, IPROP_RESPONSE_ORIGINAL, (int64_t)item->id.v);
        item_edit_set_int(edit, IPROP_RESPONSE_VERB, verb_of(what));
    }
}

/* ---- making ---- */

int response_make(struct ews_call *call, struct mailbox_tx *tx, struct arena *arena,
                  const struct response *response, struct item_edit **edit_r,
                  struct folder_id *home_r, struct str *message_xml_r, struct err *err_r)
{
    enum response_what what = response->row->what;
    struct original *o = ARENA_NEW(arena, struct original);
    struct item_edit *edit;

    TRY(read_original(call, tx, arena, response, o, err_r));
    edit = item_edit_new(call, arena,
                         what == RESPOND_POST_REPLY ? ITEM_KIND_POST_ITEM : ITEM_KIND_MESSAGE);
    make_subject(edit, response->row->prefix, o->props.v[IPROP_SUBJECT]);
    make_thread(edit, &o->props);
    make_recipients(edit, what, o);
    if (!response->has_body) {
        make_body(edit, response, o);
    }
    if (!response->has_body || what == RESPOND_FORWARD) {
        make_attachments(edit, what, o);
    }
    TRY(item_edit_apply_element(edit, response->node, message_xml_r, err_r));
    note_original(edit, what, &o->item);
    *edit_r = edit;
    *home_r = o->item.folder;
    return 0;
}
