#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "mime/limits.h"

/* What the fields say before they are weighed against each other; a smaller rank of importance wins. */
struct reading {
    struct arena *arena;
    struct mime_envelope *envelope;
    unsigned importance_rank;
};

static void read_subject(struct reading *r, struct str raw)
{
    r->envelope->subject = mime_field_text(r->arena, raw);
}

/* The first <...> of a value, else the whole value. */
static struct str first_id(struct arena *arena, struct str raw)
{
    struct str s = mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    size_t open = str_find_char(s, '<', 0);
    size_t close = open != SIZE_MAX ? str_find_char(s, '>', open) : SIZE_MAX;

    return mime_clean(arena, close != SIZE_MAX ? str_sub(s, open, close + 1 - open) : s);
}

static void read_message_id(struct reading *r, struct str raw)
{
    r->envelope->message_id = first_id(r->arena, raw);
}

static void read_in_reply_to(struct reading *r, struct str raw)
{
    r->envelope->in_reply_to = first_id(r->arena, raw);
}

static void read_references(struct reading *r, struct str raw)
{
    r->envelope->references =
        mime_clean(r->arena, mime_field_unfold(r->arena, raw, MIME_SHORT_VALUE_BYTES_MAX));
}

static void read_date(struct reading *r, struct str raw)
{
    r->envelope->has_date = mime_field_date(r->arena, raw, &r->envelope->date_ms);
}

#define ADDRESS_READER(field)                                                                      \
    static void read_##field(struct reading *r, struct str raw)                                    \
    {                                                                                              \
        mime_field_addresses(r->arena, raw, &r->envelope->field);                                  \
    }
ADDRESS_READER(from)
ADDRESS_READER(sender)
ADDRESS_READER(to)
ADDRESS_READER(cc)
ADDRESS_READER(bcc)
ADDRESS_READER(reply_to)

struct word {
    const char *word;
    int value;
};

static const struct word importance_words[] = {
    {"high", MIME_IMPORTANCE_HIGH},    {"normal", MIME_IMPORTANCE_NORMAL},
    {"low", MIME_IMPORTANCE_LOW},      {"urgent", MIME_IMPORTANCE_HIGH},
    {"1", MIME_IMPORTANCE_HIGH},       {"2", MIME_IMPORTANCE_HIGH},
    {"3", MIME_IMPORTANCE_NORMAL},     {"4", MIME_IMPORTANCE_LOW},
    {"5", MIME_IMPORTANCE_LOW},        {"non-urgent", MIME_IMPORTANCE_LOW},
    {"highest", MIME_IMPORTANCE_HIGH}, {"lowest", MIME_IMPORTANCE_LOW},
};

static const struct word sensitivity_words[] = {
    {"personal", MIME_SENSITIVITY_PERSONAL},
    {"private", MIME_SENSITIVITY_PRIVATE},
    {"company-confidential", MIME_SENSITIVITY_CONFIDENTIAL},
    {"confidential", MIME_SENSITIVITY_CONFIDENTIAL},
};

/* By the first word of a value ("1 (Highest)"); -1 when it is none of them. */
static int value_of_word(struct arena *arena, struct str raw, const struct word *words, size_t n)
{
    struct str s = mime_field_unfold(arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    size_t end = 0;

    while (end < s.n && s.p[end] != ' ' && s.p[end] != '\t' && s.p[end] != '(') {
        end++;
    }
    s = str_sub(s, 0, end);
    for (size_t i = 0; i < n; i++) {
        if (str_is_nocase(s, words[i].word)) {
            return words[i].value;
        }
    }
    return -1;
}

static void read_ranked_importance(struct reading *r, struct str raw, unsigned rank)
{
    int v = value_of_word(r->arena, raw, importance_words, ARRAY_LEN(importance_words));

    if (v >= 0 && rank < r->importance_rank) {
        r->envelope->importance = (enum mime_importance)v;
        r->importance_rank = rank;
    }
}

static void read_importance(struct reading *r, struct str raw)
{
    read_ranked_importance(r, raw, 0);
}

static void read_x_priority(struct reading *r, struct str raw)
{
    read_ranked_importance(r, raw, 1);
}

static void read_priority(struct reading *r, struct str raw)
{
    read_ranked_importance(r, raw, 2);
}

static void read_sensitivity(struct reading *r, struct str raw)
{
    int v = value_of_word(r->arena, raw, sensitivity_words, ARRAY_LEN(sensitivity_words));

    if (v >= 0) {
        r->envelope->sensitivity = (enum mime_sensitivity)v;
    }
}

static void read_read_receipt(struct reading *r, struct str raw)
{
    r->envelope->read_receipt_requested = str_trim(raw).n > 0;
}

static void read_delivery_receipt(struct reading *r, struct str raw)
{
    r->envelope->delivery_receipt_requested = str_trim(raw).n > 0;
}

static void read_thread_topic(struct reading *r, struct str raw)
{
    r->envelope->thread_topic = mime_field_text(r->arena, raw);
}

static void read_thread_index(struct reading *r, struct str raw)
{
    struct str s = mime_field_unfold(r->arena, raw, MIME_SHORT_VALUE_BYTES_MAX);
    struct buf bytes = BUF_INIT;

    if (base64_decode_lenient(&bytes, s) && bytes.n >= MIME_THREAD_INDEX_BYTES_MIN &&
        bytes.n <= MIME_THREAD_INDEX_BYTES_MAX) {
        r->envelope->thread_index = str_dup(r->arena, buf_str(&bytes));
    }
    buf_fini(&bytes);
}

static void read_keywords(struct reading *r, struct str raw)
{
    struct str rest = mime_field_text(r->arena, raw);
    struct str *words = ARENA_ARRAY(r->arena, struct str, MIME_KEYWORDS_MAX);
    size_t n = 0;

    while (rest.p != NULL && n < MIME_KEYWORDS_MAX) {
        struct str word = str_trim(str_split(&rest, ','));

        if (word.n > 0) {
            words[n++] = word;
        }
    }
    r->envelope->keywords = words;
    r->envelope->keyword_count = n;
}

static void read_language(struct reading *r, struct str raw)
{
    struct str s = mime_field_text(r->arena, raw);

    r->envelope->language = str_trim(str_split(&s, ','));
}

enum repeat { FIRST_ONLY, ALL };

/* Fields that people send in any order; of a repeated one the first counts, or all. */
static const struct row {
    const char *name;
    enum repeat repeat;
    void (*read)(struct reading *r, struct str raw);
} rows[] = {
    {"Subject", FIRST_ONLY, read_subject},
    {"Message-ID", FIRST_ONLY, read_message_id},
    {"In-Reply-To", FIRST_ONLY, read_in_reply_to},
    {"References", FIRST_ONLY, read_references},
    {"Date", FIRST_ONLY, read_date},
    {"From", FIRST_ONLY, read_from},
    {"Sender", FIRST_ONLY, read_sender},
    {"To", ALL, read_to},
    {"Cc", ALL, read_cc},
    {"Bcc", ALL, read_bcc},
    {"Reply-To", FIRST_ONLY, read_reply_to},
    {"Importance", FIRST_ONLY, read_importance},
    {"X-Priority", FIRST_ONLY, read_x_priority},
    {"X-MSMail-Priority", FIRST_ONLY, read_priority},
    {"Priority", FIRST_ONLY, read_priority},
    {"Sensitivity", FIRST_ONLY, read_sensitivity},
    {"Disposition-Notification-To", FIRST_ONLY, read_read_receipt},
    {"X-Confirm-Reading-To", FIRST_ONLY, read_read_receipt},
    {"Return-Receipt-To", FIRST_ONLY, read_delivery_receipt},
    {"Thread-Topic", FIRST_ONLY, read_thread_topic},
    {"Thread-Index", FIRST_ONLY, read_thread_index},
    {"Keywords", FIRST_ONLY, read_keywords},
    {"Content-Language", FIRST_ONLY, read_language},
};

static void read_field(struct reading *r, const struct mime_field *field, uint32_t *seen)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_is_nocase(field->name, rows[i].name)) {
            continue;
        }
        if (rows[i].repeat == ALL || (*seen & 1u << i) == 0) {
            *seen |= 1u << i;
            rows[i].read(r, field->raw);
        }
        return;
    }
}

/* "Re:" and its kin in the languages of common mail programs. */
static const char *const reply_prefixes[] = {"re",  "fw",   "fwd", "aw",  "wg",  "sv",     "vs",
                                             "vb",  "antw", "tr",  "rif", "r",   "i",      "enc",
                                             "res", "odp",  "pd",  "ynt", "ilt", "doorst", "betr"};

static size_t skip(struct str s, size_t at, const char *set)
{
    while (at < s.n && s.p[at] != '\0' && strchr(set, s.p[at]) != NULL) {
        at++;
    }
    return at;
}

/* Where the colon of "Re:", "Re :", "Re[2]:" may stand after the prefix. */
static size_t skip_counter(struct str s, size_t at)
{
    size_t open = skip(s, at, " ");
    size_t digits = skip(s, open, "[(");

    if (digits != open + 1) {
        return open;
    }
    return skip(s, skip(s, digits, "0123456789"), "]) ");
}

/* The length of a reply prefix with its colon at the start, 0 if there is none. */
static size_t reply_prefix_bytes(struct str s)
{
    for (size_t i = 0; i < ARRAY_LEN(reply_prefixes); i++) {
        struct str prefix = str_from(reply_prefixes[i]);
        size_t at;

        if (!str_starts_nocase(s, prefix)) {
            continue;
        }
        at = skip_counter(s, prefix.n);
        if (at < s.n && s.p[at] == ':') {
            return at + 1;
        }
    }
    return 0;
}

static struct str without_reply_prefixes(struct str s)
{
    size_t n;

    for (s = str_trim(s); (n = reply_prefix_bytes(s)) != 0;) {
        s = str_trim(str_sub(s, n, SIZE_MAX));
    }
    return s;
}

void mime_envelope_read(struct arena *arena, struct mime_fields fields,
                        struct mime_envelope *envelope_r)
{
    struct reading r = {arena, envelope_r, UINT32_MAX};
    uint32_t seen = 0;

    *envelope_r = (struct mime_envelope){.importance = MIME_IMPORTANCE_NORMAL};
    for (size_t i = 0; i < fields.n; i++) {
        read_field(&r, &fields.v[i], &seen);
    }
    if (envelope_r->thread_topic.n == 0) {
        envelope_r->thread_topic = without_reply_prefixes(envelope_r->subject);
    }
}

_Static_assert(ARRAY_LEN(rows) <= 32, "seen has a bit for each row");
