#include "mime/mime-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "mime/ical.h"
#include "mime/limits.h"

#include <pthread.h>

/* Calendar mail is rare enough to queue here. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void ical_lock(void)
{
    pthread_mutex_lock(&lock);
}

void ical_unlock(void)
{
    icalmemory_free_ring();
    pthread_mutex_unlock(&lock);
}

static const struct {
    const char *name;
    enum mime_method method;
} methods[] = {
    {"PUBLISH", MIME_METHOD_PUBLISH}, {"REQUEST", MIME_METHOD_REQUEST},
    {"REPLY", MIME_METHOD_REPLY},     {"CANCEL", MIME_METHOD_CANCEL},
    {"COUNTER", MIME_METHOD_COUNTER},
};

enum mime_method mime_method_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_is_nocase(name, methods[i].name)) {
            return methods[i].method;
        }
    }
    return name.n > 0 ? MIME_METHOD_OTHER : MIME_METHOD_NONE;
}

/* ---- times ---- */

static bool is_time_kind(icalproperty *property)
{
    icalvalue *value = icalproperty_get_value(property);
    icalvalue_kind kind = value != NULL ? icalvalue_isa(value) : ICAL_NO_VALUE;

    return kind == ICAL_DATE_VALUE || kind == ICAL_DATETIME_VALUE;
}

static bool is_sane(const struct icaltimetype *tt)
{
    return tt->year >= MIME_YEAR_MIN && tt->year <= MIME_YEAR_MAX && tt->month >= 1 &&
           tt->month <= 12 && tt->day >= 1 && tt->day <= 31 && tt->hour >= 0 && tt->hour <= 24 &&
           tt->minute >= 0 && tt->minute <= 59 && tt->second >= 0 && tt->second <= 60;
}

static int64_t as_utc_ms(const struct icaltimetype *tt)
{
    int64_t days = time_days_from_civil(tt->year, (unsigned)tt->month, (unsigned)tt->day);

    return (((days * 24 + tt->hour) * 60 + tt->minute) * 60 + tt->second) * 1000;
}

static struct str tzid_of(struct ical_reader *r, icalproperty *property)
{
    icalparameter *parameter = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);

    if (parameter == NULL) {
        return STR("");
    }
    return mime_clean_cstr(r->arena, icalparameter_get_tzid(parameter));
}

bool ical_read_time(struct ical_reader *r, icalproperty *property, int64_t *ms_r)
{
    struct icaltimetype tt;
    struct str tzid;

    if (!is_time_kind(property)) {
        return false;
    }
    tt = icalvalue_get_datetime(icalproperty_get_value(property));
    if (!is_sane(&tt)) {
        return false;
    }
    *ms_r = as_utc_ms(&tt);
    tzid = tzid_of(r, property);
    if (!tt.is_date && !icaltime_is_utc(tt) && tzid.n > 0) {
        *ms_r -= (int64_t)zone_offset_s(&r->zones, r->calendar, tzid, &tt) * 1000;
    }
    return true;
}

static void read_start(struct ical_reader *r, icalproperty *property)
{
    struct mime_calendar *c = r->out;

    if (!c->has_start && ical_read_time(r, property, &c->start_ms)) {
        c->has_start = true;
        c->all_day = icalvalue_isa(icalproperty_get_value(property)) == ICAL_DATE_VALUE;
        c->tzid = tzid_of(r, property);
    }
}

static void read_end(struct ical_reader *r, icalproperty *property)
{
    if (!r->out->has_end) {
        r->out->has_end = ical_read_time(r, property, &r->out->end_ms);
    }
}

static void read_stamp(struct ical_reader *r, icalproperty *property)
{
    r->out->has_stamp = ical_read_time(r, property, &r->out->stamp_ms);
}

static void read_recurrence_id(struct ical_reader *r, icalproperty *property)
{
    r->out->has_recurrence_id = ical_read_time(r, property, &r->out->recurrence_id_ms);
}

/* ---- texts and words ---- */

struct str ical_text_of(struct arena *arena, icalproperty *property)
{
    icalvalue *value = icalproperty_get_value(property);
    const char *text = NULL;

    switch (value != NULL ? icalvalue_isa(value) : ICAL_NO_VALUE) {
    case ICAL_TEXT_VALUE: text = icalvalue_get_text(value); break;
    case ICAL_X_VALUE: text = icalvalue_get_x(value); break;
    case ICAL_CALADDRESS_VALUE: text = icalvalue_get_caladdress(value); break;
    default: break;
    }
    return mime_clean_cstr(arena, text);
}

static void read_uid(struct ical_reader *r, icalproperty *property)
{
    r->out->uid = ical_text_of(r->arena, property);
}

static void read_summary(struct ical_reader *r, icalproperty *property)
{
    r->out->summary = ical_text_of(r->arena, property);
}

static void read_location(struct ical_reader *r, icalproperty *property)
{
    r->out->location = ical_text_of(r->arena, property);
}

static void read_description(struct ical_reader *r, icalproperty *property)
{
    r->out->description = ical_text_of(r->arena, property);
}

static void read_sequence(struct ical_reader *r, icalproperty *property)
{
    int v = icalproperty_get_sequence(property);

    r->out->sequence = v > 0 ? v : 0;
}

static void read_rrule(struct ical_reader *r, icalproperty *property)
{
    char *rule = icalproperty_get_value_as_string_r(property);

    r->out->recurring = true;
    r->out->rrule = mime_clean_cstr(r->arena, rule);
    icalmemory_free_buffer(rule);
}

static void read_rdate(struct ical_reader *r, icalproperty *property)
{
    (void)property;
    r->out->recurring = true;
}

static void read_status(struct ical_reader *r, icalproperty *property)
{
    if (icalproperty_get_status(property) == ICAL_STATUS_CANCELLED) {
        r->out->cancelled = true;
    }
}

static void read_transparency(struct ical_reader *r, icalproperty *property)
{
    if (icalproperty_get_transp(property) == ICAL_TRANSP_TRANSPARENT) {
        r->out->busy = MIME_BUSY_FREE;
    }
}

/* ---- people ---- */

static struct str name_of(struct ical_reader *r, icalproperty *property)
{
    icalparameter *cn = icalproperty_get_first_parameter(property, ICAL_CN_PARAMETER);

    return str_trim(mime_clean_cstr(r->arena, cn != NULL ? icalparameter_get_cn(cn) : NULL));
}

static struct mime_address read_person(struct ical_reader *r, icalproperty *property)
{
    struct str address = str_trim(ical_text_of(r->arena, property));

    if (str_starts_nocase(address, STR("mailto:"))) {
        address = str_trim(str_sub(address, 7, SIZE_MAX));
    }
    return (struct mime_address){name_of(r, property), address};
}

static void read_organizer(struct ical_reader *r, icalproperty *property)
{
    r->out->organizer = read_person(r, property);
}

static enum mime_attendee_role role_of(icalproperty *property)
{
    icalparameter *cutype = icalproperty_get_first_parameter(property, ICAL_CUTYPE_PARAMETER);
    icalparameter *role = icalproperty_get_first_parameter(property, ICAL_ROLE_PARAMETER);
    icalparameter_cutype kind =
        cutype != NULL ? icalparameter_get_cutype(cutype) : ICAL_CUTYPE_INDIVIDUAL;

    if (kind == ICAL_CUTYPE_RESOURCE || kind == ICAL_CUTYPE_ROOM) {
        return MIME_ATTENDEE_RESOURCE;
    }
    switch (role != NULL ? icalparameter_get_role(role) : ICAL_ROLE_REQPARTICIPANT) {
    case ICAL_ROLE_OPTPARTICIPANT:
    case ICAL_ROLE_NONPARTICIPANT: return MIME_ATTENDEE_OPTIONAL;
    default: return MIME_ATTENDEE_REQUIRED;
    }
}

static enum mime_partstat partstat_of(icalproperty *property)
{
    icalparameter *p = icalproperty_get_first_parameter(property, ICAL_PARTSTAT_PARAMETER);

    switch (p != NULL ? icalparameter_get_partstat(p) : ICAL_PARTSTAT_NONE) {
    case ICAL_PARTSTAT_ACCEPTED: return MIME_PARTSTAT_ACCEPTED;
    case ICAL_PARTSTAT_DECLINED: return MIME_PARTSTAT_DECLINED;
    case ICAL_PARTSTAT_TENTATIVE: return MIME_PARTSTAT_TENTATIVE;
    case ICAL_PARTSTAT_NEEDSACTION: return MIME_PARTSTAT_NEEDS_ACTION;
    default: return MIME_PARTSTAT_NONE;
    }
}

static void read_attendees(struct ical_reader *r, icalcomponent *event)
{
    struct mime_attendee *v = NULL;
    size_t n = 0, cap = 0;

    for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_ATTENDEE_PROPERTY);
         p != NULL && n < MIME_ATTENDEES_MAX;
         p = icalcomponent_get_next_property(event, ICAL_ATTENDEE_PROPERTY)) {
        if (n == cap) {
            size_t more = cap == 0 ? 8 : 2 * cap;

            v = arena_grow(r->arena, v, cap * sizeof(*v), more * sizeof(*v));
            cap = more;
        }
        v[n++] = (struct mime_attendee){read_person(r, p), role_of(p), partstat_of(p)};
    }
    r->out->attendees = v;
    r->out->attendee_count = n;
}

/* ---- the event ---- */

static const struct {
    icalproperty_kind kind;
    void (*read)(struct ical_reader *r, icalproperty *property);
} rows[] = {
    {ICAL_UID_PROPERTY, read_uid},           {ICAL_SUMMARY_PROPERTY, read_summary},
    {ICAL_LOCATION_PROPERTY, read_location}, {ICAL_DESCRIPTION_PROPERTY, read_description},
    {ICAL_DTSTART_PROPERTY, read_start},     {ICAL_DTEND_PROPERTY, read_end},
    {ICAL_DTSTAMP_PROPERTY, read_stamp},     {ICAL_RECURRENCEID_PROPERTY, read_recurrence_id},
    {ICAL_RRULE_PROPERTY, read_rrule},       {ICAL_RDATE_PROPERTY, read_rdate},
    {ICAL_SEQUENCE_PROPERTY, read_sequence}, {ICAL_ORGANIZER_PROPERTY, read_organizer},
    {ICAL_STATUS_PROPERTY, read_status},     {ICAL_TRANSP_PROPERTY, read_transparency},
};

static void read_properties(struct ical_reader *r, icalcomponent *event)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        icalproperty *property = icalcomponent_get_first_property(event, rows[i].kind);

        if (property != NULL && icalproperty_get_value(property) != NULL) {
            rows[i].read(r, property);
        }
    }
}

static const struct {
    const char *word;
    enum mime_busy busy;
} busy_words[] = {
    {"FREE", MIME_BUSY_FREE},
    {"TENTATIVE", MIME_BUSY_TENTATIVE},
    {"BUSY", MIME_BUSY_BUSY},
    {"OOF", MIME_BUSY_OOF},
};

static bool read_busy(struct ical_reader *r, icalcomponent *event, const char *name)
{
    for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_X_PROPERTY); p != NULL;
         p = icalcomponent_get_next_property(event, ICAL_X_PROPERTY)) {
        const char *x_name = icalproperty_get_x_name(p);

        if (x_name == NULL || g_ascii_strcasecmp(x_name, name) != 0) {
            continue;
        }
        struct str word = str_trim(ical_text_of(r->arena, p));

        for (size_t i = 0; i < ARRAY_LEN(busy_words); i++) {
            if (str_is_nocase(word, busy_words[i].word)) {
                r->out->busy = busy_words[i].busy;
                return true;
            }
        }
    }
    return false;
}

/* RFC 5545: without DTEND the event lasts DURATION, else a day or no time. */
static void settle_end(struct ical_reader *r, icalcomponent *event)
{
    struct mime_calendar *c = r->out;
    icalproperty *p = icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY);
    icalvalue *value = p != NULL ? icalproperty_get_value(p) : NULL;

    if (!c->has_start || c->has_end) {
        return;
    }
    c->has_end = true;
    c->end_ms = c->start_ms;
    if (value != NULL && icalvalue_isa(value) == ICAL_DURATION_VALUE) {
        int64_t seconds = icaldurationtype_as_int(icalvalue_get_duration(value));

        c->end_ms += seconds > 0 ? seconds * 1000 : 0;
    } else if (c->all_day) {
        c->end_ms += INT64_C(86400000);
    }
}

struct mime_calendar *ical_read_event(struct ical_reader *r, icalcomponent *event,
                                      enum mime_method method)
{
    r->out = ARENA_NEW(r->arena, struct mime_calendar);
    r->out->method = method;
    r->out->busy = MIME_BUSY_BUSY;
    r->out->cancelled = method == MIME_METHOD_CANCEL;
    read_properties(r, event);
    settle_end(r, event);
    if (!read_busy(r, event, "X-MICROSOFT-CDO-INTENDEDSTATUS")) {
        read_busy(r, event, "X-MICROSOFT-CDO-BUSYSTATUS");
    }
    read_attendees(r, event);
    return r->out;
}

enum mime_method ical_method(struct ical_reader *r)
{
    icalproperty *p = icalcomponent_get_first_property(r->calendar, ICAL_METHOD_PROPERTY);
    char *word = p != NULL ? icalproperty_get_value_as_string_r(p) : NULL;
    enum mime_method method = mime_method_of(mime_clean_cstr(r->arena, word));

    if (word != NULL) {
        icalmemory_free_buffer(word);
    }
    return method;
}

icalcomponent *ical_calendar_of(icalcomponent *root)
{
    return icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT
               ? root
               : icalcomponent_get_first_component(root, ICAL_VCALENDAR_COMPONENT);
}

static const struct mime_calendar *read_calendar(struct ical_reader *r, icalcomponent *root,
                                                 struct str method)
{
    icalcomponent *event;

    r->calendar = ical_calendar_of(root);
    if (r->calendar == NULL) {
        return NULL;
    }
    event = icalcomponent_get_first_component(r->calendar, ICAL_VEVENT_COMPONENT);
    if (event == NULL) {
        return NULL;
    }
    return ical_read_event(r, event, method.n > 0 ? mime_method_of(method) : ical_method(r));
}

/* One content line a line: folds joined, line ends of any kind made one, so that libical sees the lines that is_bounded saw. */
static struct str unfold(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c != '\r' && c != '\n') {
            out[n++] = c;
            continue;
        }
        if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') {
            i++;
        }
        if (i + 1 < text.n && (text.p[i + 1] == ' ' || text.p[i + 1] == '\t')) {
            i++;
        } else {
            out[n++] = '\n';
        }
    }
    return str_of(out, n);
}

static struct str name_of_line(struct str line)
{
    struct str rest = line;

    rest = str_split(&rest, ':');
    return str_find_char(line, ':', 0) == SIZE_MAX ? STR("") : str_trim(str_split(&rest, ';'));
}

/* libical frees nested components by recursion and complains on stderr of an END too many: such parts are refused before it sees them. */
static bool is_bounded(struct str text)
{
    size_t depth = 0, components = 0, lines = 0;
    struct str line;

    for (size_t at = 0; at < text.n;) {
        at = mime_line(text, at, &line);
        struct str name = name_of_line(line);

        if (str_is_nocase(name, "BEGIN")) {
            depth++;
            components++;
        } else if (str_is_nocase(name, "END") && depth-- == 0) {
            return false;
        }
        if (depth > MIME_CALENDAR_DEPTH_MAX || components > MIME_CALENDAR_COMPONENTS_MAX ||
            ++lines > MIME_CALENDAR_LINES_MAX) {
            return false;
        }
    }
    return components > 0;
}

icalcomponent *ical_parse(struct arena *arena, struct str text)
{
    text = unfold(arena, text);
    return is_bounded(text) ? icalparser_parse_string(text.p) : NULL;
}

const struct mime_calendar *mime_calendar_parse(struct arena *arena, struct str text,
                                                struct str method)
{
    struct ical_reader r = {.arena = arena};
    const struct mime_calendar *calendar = NULL;
    icalcomponent *root;

    ical_lock();
    root = ical_parse(arena, text);
    if (root != NULL) {
        calendar = read_calendar(&r, root, method);
        zone_cache_fini(&r.zones);
        icalcomponent_free(root);
    }
    ical_unlock();
    return calendar;
}
