/* What the words of a query string mean. */
#include "ews/aqs-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "ews/limits.h"
#include "ews/props-private.h"

/* ContainmentComparisonType: words are found whatever their case and accents. */
#define COMPARE_LOOSELY 3

static const struct aqs_field fields[] = {
    {"subject", FIELD_TEXT, {"item:Subject"}},
    {"title", FIELD_TEXT, {"item:Subject"}},
    {"body", FIELD_TEXT, {"item:Body"}},
    {"from", FIELD_TEXT, {"message:From", "message:Sender"}},
    {"to", FIELD_TEXT, {"item:DisplayTo", "#To"}},
    {"cc", FIELD_TEXT, {"item:DisplayCc", "#Cc"}},
    {"bcc", FIELD_TEXT, {"item:DisplayBcc", "#Bcc"}},
    {"participants",
     FIELD_TEXT,
     {"message:From", "item:DisplayTo", "item:DisplayCc", "item:DisplayBcc", "#To", "#Cc", "#Bcc"}},
    {"category", FIELD_TEXT, {"item:Categories"}},
    {"categories", FIELD_TEXT, {"item:Categories"}},
    {"class", FIELD_TEXT, {"item:ItemClass"}},
    {"itemclass", FIELD_TEXT, {"item:ItemClass"}},
    {"location", FIELD_TEXT, {"calendar:Location"}},
    {"hasattachment", FIELD_BOOL, {"item:HasAttachments"}},
    {"hasattachments", FIELD_BOOL, {"item:HasAttachments"}},
    {"isread", FIELD_BOOL, {"message:IsRead"}},
    {"read", FIELD_BOOL, {"message:IsRead"}},
    {"importance", FIELD_ENUM, {"item:Importance"}},
    {"received", FIELD_DATE, {"item:DateTimeReceived"}},
    {"date", FIELD_DATE, {"item:DateTimeReceived"}},
    {"sent", FIELD_DATE, {"item:DateTimeSent"}},
    {"start", FIELD_DATE, {"calendar:Start"}},
    {"due", FIELD_DATE, {"task:DueDate"}},
    {"size", FIELD_SIZE, {"item:Size"}},
    {"kind", FIELD_KIND, {"item:ItemClass"}},
};

/* A word by itself; what needs the message comes last. */
const struct aqs_field aqs_anywhere = {"",
                                       FIELD_TEXT,
                                       {"item:Subject", "message:From", "item:DisplayTo",
                                        "item:DisplayCc", "item:Categories", "contacts:DisplayName",
                                        "calendar:Location", "item:Body"}};

const struct aqs_field *aqs_field_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (str_is_nocase(name, fields[i].name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* ---- building ---- */

struct restriction *aqs_node(struct aqs_parser *p, enum operator op)
{
    struct restriction *r = ARENA_NEW(p->call->arena, struct restriction);

    r->op = op;
    return r;
}

static const struct prop_path *path_of(struct aqs_parser *p, const char *name)
{
    struct prop_path *path;

    if (*name != '#') {
        return prop_path_of_field(p->call, str_from(name));
    }
    path = ARENA_NEW(p->call->arena, struct prop_path);
    path->kind = PATH_INDEXED;
    path->uri = STR("item:InternetMessageHeader");
    path->index = str_from(name + 1);
    return path;
}

static struct restriction *new_leaf(struct aqs_parser *p, enum operator op, const char *name)
{
    struct restriction *r = aqs_node(p, op);

    r->path = path_of(p, name);
    r->needs_message = prop_path_needs_message(r->path);
    return r;
}

struct restriction *aqs_unwrap(struct restriction *r)
{
    return r->first != NULL && r->first->next == NULL ? r->first : r;
}

/* ---- terms, by the form of their field ---- */

static struct restriction *contains(struct aqs_parser *p, const char *name, struct str text,
                                    enum contain_mode mode)
{
    struct restriction *r = new_leaf(p, OP_CONTAINS, name);

    r->mode = mode;
    r->comparison = COMPARE_LOOSELY;
    r->constant.text = text_normalize(p->call->arena, text, COMPARE_LOOSELY);
    return r;
}

static int text_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                     bool phrase, struct restriction **r_r, struct err *err_r)
{
    struct restriction *any = aqs_node(p, OP_OR);

    while (!phrase && value.n > 1 && value.p[value.n - 1] == '*') {
        value.n--;
    }
    (void)err_r;
    for (size_t i = 0; i < AQS_URIS_MAX && field->uris[i] != NULL; i++) {
        restriction_add_child(any,
                              contains(p, field->uris[i], value,
                                       phrase ? CONTAIN_EXACT_PHRASE : CONTAIN_PREFIX_ON_WORDS));
    }
    *r_r = aqs_unwrap(any);
    return 0;
}

static int equal_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                      struct restriction **r_r, struct err *err_r)
{
    struct restriction *r = new_leaf(p, OP_EQUAL, field->uris[0]);

    restriction_read_constant(p->call, r->path, value, &r->constant);
    if (!restriction_constant_fits(&r->constant, prop_path_value_type(r->path))) {
        return aqs_fail(p, err_r);
    }
    *r_r = r;
    return 0;
}

static int bool_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                     struct restriction **r_r, struct err *err_r)
{
    if (str_is_nocase(value, "yes") || str_is_nocase(value, "no")) {
        value = str_is_nocase(value, "yes") ? STR("true") : STR("false");
    }
    return equal_term(p, field, value, r_r, err_r);
}

/* Names of the schema begin with a large letter. */
static int enum_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                     struct restriction **r_r, struct err *err_r)
{
    struct restriction *r = new_leaf(p, OP_EQUAL, field->uris[0]);
    const char *const *names = r->path->row->names;

    for (size_t i = 0; names[i] != NULL; i++) {
        if (str_is_nocase(value, names[i])) {
            return equal_term(p, field, str_from(names[i]), r_r, err_r);
        }
    }
    return aqs_fail(p, err_r);
}

/* Item classes that begin so; NULL-terminated. */
#define KIND_CLASSES_MAX 3
static const struct {
    const char *name;
    const char *classes[KIND_CLASSES_MAX];
} kinds[] = {
    {"email", {"IPM.Note"}},
    {"contacts", {"IPM.Contact", "IPM.DistList"}},
    {"meetings", {"IPM.Appointment", "IPM.Schedule"}},
    {"calendar", {"IPM.Appointment"}},
    {"tasks", {"IPM.Task"}},
    {"notes", {"IPM.StickyNote"}},
    {"posts", {"IPM.Post"}},
    {"journals", {"IPM.Activity"}},
};

static int kind_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                     struct restriction **r_r, struct err *err_r)
{
    struct restriction *any = aqs_node(p, OP_OR);

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_is_nocase(value, kinds[i].name)) {
            for (size_t j = 0; j < KIND_CLASSES_MAX && kinds[i].classes[j] != NULL; j++) {
                restriction_add_child(
                    any,
                    contains(p, field->uris[0], str_from(kinds[i].classes[j]), CONTAIN_PREFIXED));
            }
            *r_r = aqs_unwrap(any);
            return 0;
        }
    }
    return aqs_fail(p, err_r);
}

/* ---- numbers and times: from, to, or both ---- */

enum relation { IS, ABOVE, FROM, BELOW, UP_TO };

static enum relation take_relation(struct str *value)
{
    static const struct {
        struct str text;
        enum relation relation;
    } relations[] = {{STR_INIT(">="), FROM},
                     {STR_INIT("<="), UP_TO},
                     {STR_INIT(">"), ABOVE},
                     {STR_INIT("<"), BELOW},
                     {STR_INIT("="), IS}};

    for (size_t i = 0; i < ARRAY_LEN(relations); i++) {
        if (str_starts(*value, relations[i].text)) {
            *value = str_sub(*value, relations[i].text.n, value->n);
            return relations[i].relation;
        }
    }
    return IS;
}

static void add_bound(struct aqs_parser *p, struct restriction *all, const char *uri,
                      enum operator op, int64_t v)
{
    struct restriction *r = new_leaf(p, op, uri);

    r->constant = (struct constant){.is_int = true, .is_time = true, .i = v, .time_ms = v};
    restriction_add_child(all, r);
}

/* The span from..to, up to and without `to`, or what lies before or after it. */
static struct restriction *span_term(struct aqs_parser *p, const char *uri, enum relation relation,
                                     int64_t from, int64_t to)
{
    struct restriction *all = aqs_node(p, OP_AND);

    if (relation == IS || relation == FROM) {
        add_bound(p, all, uri, OP_GREATER_EQUAL, from);
    }
    if (relation == IS || relation == UP_TO) {
        add_bound(p, all, uri, OP_LESS, to);
    }
    if (relation == ABOVE) {
        add_bound(p, all, uri, OP_GREATER_EQUAL, to);
    }
    if (relation == BELOW) {
        add_bound(p, all, uri, OP_LESS, from);
    }
    return aqs_unwrap(all);
}

static bool parse_span(struct aqs_parser *p, struct str text, struct aqs_span *span_r)
{
    return aqs_span_parse(str_trim(text), clock_unix_ms(p->call->service->clock), &p->call->zone,
                          span_r);
}

/* Two words without quotes are one date: received:last week. */
static struct str with_next_word(struct aqs_parser *p, struct str value)
{
    static const char *const units[] = {"week", "month", "year"};
    struct aqs_parser ahead = *p;

    if (!str_is_nocase(value, "this") && !str_is_nocase(value, "last") &&
        !str_is_nocase(value, "next")) {
        return value;
    }
    aqs_skip_space(&ahead);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_is_nocase(aqs_peek_word(&ahead), units[i])) {
            aqs_skip(p, (size_t)(ahead.rest.p - p->rest.p) + aqs_peek_word(&ahead).n);
            return str_printf(p->call->arena, "%.*s %s", STR_ARG(value), units[i]);
        }
    }
    return value;
}

static int date_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                     struct restriction **r_r, struct err *err_r)
{
    struct aqs_span first, last;
    size_t dots = str_find(value, STR(".."), 0);
    enum relation relation = IS;

    if (dots != SIZE_MAX) {
        if (!parse_span(p, str_sub(value, 0, dots), &first) ||
            !parse_span(p, str_sub(value, dots + 2, value.n), &last)) {
            return aqs_fail(p, err_r);
        }
    } else {
        relation = take_relation(&value);
        if (!parse_span(p, with_next_word(p, value), &first)) {
            return aqs_fail(p, err_r);
        }
        last = first;
    }
    *r_r = span_term(p, field->uris[0], relation, first.from_ms, last.to_ms);
    return 0;
}

static bool parse_size(struct str text, int64_t *bytes_r)
{
    static const struct {
        struct str unit;
        int64_t bytes;
    } units[] = {{STR_INIT("KB"), 1024}, {STR_INIT("MB"), 1024 * 1024}, {STR_INIT("B"), 1}};
    int64_t factor = 1;

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_ends_nocase(text, units[i].unit)) {
            text.n -= units[i].unit.n;
            factor = units[i].bytes;
            break;
        }
    }
    if (!str_to_i64(text, bytes_r) || *bytes_r < 0 || *bytes_r > XS_INT_MAX) {
        return false;
    }
    *bytes_r *= factor;
    return true;
}

static int size_term(struct aqs_parser *p, const struct aqs_field *field, struct str value,
                     struct restriction **r_r, struct err *err_r)
{
    enum relation relation = take_relation(&value);
    int64_t bytes;

    if (!parse_size(value, &bytes)) {
        return aqs_fail(p, err_r);
    }
    *r_r = span_term(p, field->uris[0], relation, bytes, bytes + 1);
    return 0;
}

int aqs_term(struct aqs_parser *p, const struct aqs_field *field, struct str value, bool phrase,
             struct restriction **r_r, struct err *err_r)
{
    switch (field->form) {
    case FIELD_BOOL: return bool_term(p, field, value, r_r, err_r);
    case FIELD_ENUM: return enum_term(p, field, value, r_r, err_r);
    case FIELD_DATE: return date_term(p, field, value, r_r, err_r);
    case FIELD_SIZE: return size_term(p, field, value, r_r, err_r);
    case FIELD_KIND: return kind_term(p, field, value, r_r, err_r);
    case FIELD_TEXT: break;
    }
    return text_term(p, field, value, phrase, r_r, err_r);
}
