#include "ews/recurrence_xml.h"

#include "base/clock.h"
#include "base/macros.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "xml/xml_write.h"

/* ---- names ---- */

#define ALL_DAYS 0x7fu
#define WORK_DAYS 0x3eu
#define FREE_DAYS 0x41u

static const char *const day_names[] = {"Sunday",   "Monday",     "Tuesday",  "Wednesday",
                                        "Thursday", "Friday",     "Saturday", "Day",
                                        "Weekday",  "WeekendDay", NULL};
static const unsigned day_bits[] = {1, 2, 4, 8, 16, 32, 64, ALL_DAYS, WORK_DAYS, FREE_DAYS};
static const char *const week_names[] = {"First", "Second", "Third", "Fourth", "Last", NULL};
static const char *const month_names[] = {"January",  "February", "March",  "April",     "May",
                                          "June",     "July",     "August", "September", "October",
                                          "November", "December", NULL};
#define WEEK_LAST 4

/* ---- dates ---- */

#define DATE_CHARS 10

int date_xml_parse(const struct xml_node *node, int64_t *day_ms_r, struct err *err_r)
{
    struct str text = str_trim(node->text);
    int64_t ms;

    if (text.n < DATE_CHARS || !time_parse(text, 0, &ms) ||
        !time_parse(str_sub(text, 0, DATE_CHARS), 0, day_ms_r)) {
        return grammar_fail(node, err_r, "The '%.*s' element is invalid - it is no date.",
                            STR_ARG(node->name));
    }
    return 0;
}

void date_xml_add(struct buf *out, int64_t day_ms)
{
    char text[TIME_TEXT_BYTES];

    (void)time_format(day_ms, false, text);
    buf_append(out, text, DATE_CHARS);
    BUF_LIT(out, "+00:00");
}

/* ---- reading: an element of a pattern or a range, by name ---- */

static int read_interval(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    int64_t v;

    TRY(grammar_int(node, XS_INT_MIN, XS_INT_MAX, &v, err_r));
    r->interval = (int)v;
    return 0;
}

static int read_day_of_month(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    int64_t v;

    TRY(grammar_int(node, XS_INT_MIN, XS_INT_MAX, &v, err_r));
    r->day_of_month = (int)v;
    return 0;
}

static int read_month(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    size_t i;

    TRY(grammar_enum(node, month_names, &i, err_r));
    r->month = (int)i + 1;
    return 0;
}

static int read_week(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    size_t i;

    TRY(grammar_enum(node, week_names, &i, err_r));
    r->week = i == WEEK_LAST ? -1 : (int)i + 1;
    return 0;
}

static int read_day(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    size_t i;

    TRY(grammar_enum(node, day_names, &i, err_r));
    r->days = day_bits[i];
    return 0;
}

/* A list of names. */
static int read_days(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    struct str rest = str_trim(node->text);

    while (rest.n != 0) {
        struct xml_node one = *node;
        struct str word = str_trim(str_split(&rest, ' '));
        unsigned before = r->days;

        if (word.n == 0) {
            continue;
        }
        one.text = word;
        TRY(read_day(&one, r, err_r));
        r->days |= before;
    }
    return 0;
}

static int read_first_day(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    size_t i;

    TRY(grammar_enum(node, day_names, &i, err_r));
    r->first_day_of_week = i < 7 ? (int)i : 0;
    return 0;
}

static int read_start(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    return date_xml_parse(node, &r->start_day_ms, err_r);
}

static int read_end(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    return date_xml_parse(node, &r->end_day_ms, err_r);
}

static int read_count(const struct xml_node *node, struct recurrence *r, struct err *err_r)
{
    int64_t v;

    TRY(grammar_int(node, XS_INT_MIN, XS_INT_MAX, &v, err_r));
    r->count = (int)v;
    return 0;
}

/* ---- writing: the same ---- */

static void add_name(struct buf *out, const char *element, const char *name)
{
    buf_printf(out, "<t:%s>%s</t:%s>", element, name, element);
}

static void add_number(struct buf *out, const char *element, int v)
{
    buf_printf(out, "<t:%s>%d</t:%s>", element, v, element);
}

static void add_date(struct buf *out, const char *element, int64_t day_ms)
{
    buf_printf(out, "<t:%s>", element);
    date_xml_add(out, day_ms);
    buf_printf(out, "</t:%s>", element);
}

static void write_interval(const struct recurrence *r, struct buf *out)
{
    add_number(out, "Interval", r->interval);
}

static void write_day_of_month(const struct recurrence *r, struct buf *out)
{
    add_number(out, "DayOfMonth", r->day_of_month);
}

static void write_month(const struct recurrence *r, struct buf *out)
{
    add_name(out, "Month", month_names[r->month - 1]);
}

static void write_week(const struct recurrence *r, struct buf *out)
{
    add_name(out, "DayOfWeekIndex", week_names[r->week < 0 ? WEEK_LAST : r->week - 1]);
}

static const char *day_name(unsigned days)
{
    for (size_t i = 0; i < ARRAY_LEN(day_bits); i++) {
        if (day_bits[i] == days) {
            return day_names[i];
        }
    }
    return NULL;
}

static void write_day(const struct recurrence *r, struct buf *out)
{
    add_name(out, "DaysOfWeek", day_name(r->days));
}

static void write_days(const struct recurrence *r, struct buf *out)
{
    const char *between = "";

    BUF_LIT(out, "<t:DaysOfWeek>");
    for (size_t i = 0; i < 7; i++) {
        if ((r->days >> i & 1) != 0) {
            buf_printf(out, "%s%s", between, day_names[i]);
            between = " ";
        }
    }
    BUF_LIT(out, "</t:DaysOfWeek>");
}

static void write_first_day(const struct recurrence *r, struct buf *out)
{
    add_name(out, "FirstDayOfWeek", day_names[r->first_day_of_week]);
}

static void write_start(const struct recurrence *r, struct buf *out)
{
    add_date(out, "StartDate", r->start_day_ms);
}

static void write_end(const struct recurrence *r, struct buf *out)
{
    add_date(out, "EndDate", r->end_day_ms);
}

static void write_count(const struct recurrence *r, struct buf *out)
{
    add_number(out, "NumberOfOccurrences", r->count);
}

/* ---- the tables ---- */

struct part {
    const char *name;
    int (*read)(const struct xml_node *node, struct recurrence *r, struct err *err_r);
    void (*write)(const struct recurrence *r, struct buf *out);
    enum ews_version since; /* optional in requests when later than the first */
};

#define PARTS_MAX 3
struct form {
    const char *element;
    int value; /* enum recur_pattern, enum recur_range */
    struct part parts[PARTS_MAX];
};

#define INTERVAL                                                                                   \
    {                                                                                              \
        "Interval", read_interval, write_interval, EWS_EXCHANGE2007                                \
    }
#define DAY_OF_MONTH                                                                               \
    {                                                                                              \
        "DayOfMonth", read_day_of_month, write_day_of_month, EWS_EXCHANGE2007                      \
    }
#define MONTH                                                                                      \
    {                                                                                              \
        "Month", read_month, write_month, EWS_EXCHANGE2007                                         \
    }
#define WEEK                                                                                       \
    {                                                                                              \
        "DayOfWeekIndex", read_week, write_week, EWS_EXCHANGE2007                                  \
    }
#define DAY                                                                                        \
    {                                                                                              \
        "DaysOfWeek", read_day, write_day, EWS_EXCHANGE2007                                        \
    }
#define DAYS                                                                                       \
    {                                                                                              \
        "DaysOfWeek", read_days, write_days, EWS_EXCHANGE2007                                      \
    }
#define FIRST_DAY                                                                                  \
    {                                                                                              \
        "FirstDayOfWeek", read_first_day, write_first_day, EWS_EXCHANGE2010_SP1                    \
    }
#define START                                                                                      \
    {                                                                                              \
        "StartDate", read_start, write_start, EWS_EXCHANGE2007                                     \
    }
#define END                                                                                        \
    {                                                                                              \
        "EndDate", read_end, write_end, EWS_EXCHANGE2007                                           \
    }
#define COUNT                                                                                      \
    {                                                                                              \
        "NumberOfOccurrences", read_count, write_count, EWS_EXCHANGE2007                           \
    }

static const struct form patterns[] = {
    {"RelativeYearlyRecurrence", RECUR_RELATIVE_YEARLY, {DAY, WEEK, MONTH}},
    {"AbsoluteYearlyRecurrence", RECUR_ABSOLUTE_YEARLY, {DAY_OF_MONTH, MONTH}},
    {"RelativeMonthlyRecurrence", RECUR_RELATIVE_MONTHLY, {INTERVAL, DAY, WEEK}},
    {"AbsoluteMonthlyRecurrence", RECUR_ABSOLUTE_MONTHLY, {INTERVAL, DAY_OF_MONTH}},
    {"WeeklyRecurrence", RECUR_WEEKLY, {INTERVAL, DAYS, FIRST_DAY}},
    {"DailyRecurrence", RECUR_DAILY, {INTERVAL}},
};

static const struct form regenerations[] = {
    {"DailyRegeneration", REGENERATION_DAILY, {INTERVAL}},
    {"WeeklyRegeneration", REGENERATION_WEEKLY, {INTERVAL}},
    {"MonthlyRegeneration", REGENERATION_MONTHLY, {INTERVAL}},
    {"YearlyRegeneration", REGENERATION_YEARLY, {INTERVAL}},
};

static const struct form ranges[] = {
    {"NoEndRecurrence", RECUR_NO_END, {START}},
    {"EndDateRecurrence", RECUR_END_DATE, {START, END}},
    {"NumberedRecurrence", RECUR_NUMBERED, {START, COUNT}},
};

/* ---- the element ---- */

static const struct form *form_of(const struct form *forms, size_t n, const struct xml_node *node)
{
    for (size_t i = 0; node != NULL && i < n; i++) {
        if (xml_is(node, XML_NS_TYPES, forms[i].element)) {
            return &forms[i];
        }
    }
    return NULL;
}

static int read_form(const struct form *form, const struct xml_node *node, struct recurrence *r,
                     struct err *err_r)
{
    struct grammar_child children[PARTS_MAX];
    const struct xml_node *found[PARTS_MAX];
    size_t n = 0;

    for (; n < PARTS_MAX && form->parts[n].name != NULL; n++) {
        children[n] = (struct grammar_child){XML_NS_TYPES, form->parts[n].name,
                                             form->parts[n].since == EWS_EXCHANGE2007, 1};
    }
    TRY(grammar_sequence(node, children, n, found, err_r));
    for (size_t i = 0; i < n; i++) {
        if (found[i] != NULL) {
            TRY(form->parts[i].read(found[i], r, err_r));
        }
    }
    return 0;
}

/* A pattern that is good by itself may have no day before its end; and the protocol knows a last day. */
static int check(const struct recurrence *r, struct err *err_r)
{
    struct recurrence endless = *r;
    int rc = recurrence_check(r, err_r);

    endless.range = RECUR_NO_END;
    if (r->range != RECUR_END_DATE || recurrence_check(&endless, NULL) < 0) {
        return rc;
    }
    if (rc < 0) {
        return err_set(err_r, ERR_RECURRENCE_EMPTY, "a recurrence that ends before it starts");
    }
    return r->end_day_ms > RECURRENCE_END_MS
               ? err_set(err_r, ERR_RECURRENCE_END, "a recurrence that ends too late")
               : 0;
}

/* The two children: a pattern of that form, if it is known, and a range. */
static int read_content(const struct xml_node *node, const struct form *pattern,
                        struct recurrence *r, struct err *err_r)
{
    const struct xml_node *first = node->first_child;
    const struct xml_node *second = first != NULL ? first->next : NULL;
    const struct form *range = form_of(ranges, ARRAY_LEN(ranges), second);

    if (pattern == NULL || range == NULL || second->next != NULL) {
        return grammar_fail(node, err_r, "The element 'Recurrence' has invalid content.");
    }
    r->range = (enum recur_range)range->value;
    TRY(read_form(pattern, first, r, err_r));
    TRY(read_form(range, second, r, err_r));
    return check(r, err_r);
}

int recurrence_xml_parse(const struct xml_node *node, struct recurrence *recurrence_r,
                         struct err *err_r)
{
    const struct form *pattern = form_of(patterns, ARRAY_LEN(patterns), node->first_child);
    struct recurrence r = {.interval = 1};

    r.pattern = pattern != NULL ? (enum recur_pattern)pattern->value : RECUR_NONE;
    TRY(read_content(node, pattern, &r, err_r));
    *recurrence_r = r;
    return 0;
}

int task_recurrence_xml_parse(const struct xml_node *node, struct task_recurrence *recurrence_r,
                              struct err *err_r)
{
    const struct form *form = form_of(regenerations, ARRAY_LEN(regenerations), node->first_child);
    struct recurrence r = {.interval = 1, .pattern = RECUR_DAILY};

    if (form != NULL) {
        TRY(read_content(node, form, &r, err_r));
    } else {
        TRY(recurrence_xml_parse(node, &r, err_r));
    }
    recurrence_r->regeneration = form != NULL ? (enum regeneration)form->value : REGENERATION_NONE;
    recurrence_r->rule = r;
    return 0;
}

static const struct form *form_with(const struct form *forms, size_t n, int value)
{
    for (size_t i = 0; i < n; i++) {
        if (forms[i].value == value) {
            return &forms[i];
        }
    }
    return NULL;
}

static void write_form(const struct form *form, const struct recurrence *r,
                       enum ews_version version, struct buf *out)
{
    buf_printf(out, "<t:%s>", form->element);
    for (size_t i = 0; i < PARTS_MAX && form->parts[i].name != NULL; i++) {
        if (form->parts[i].since <= version) {
            form->parts[i].write(r, out);
        }
    }
    buf_printf(out, "</t:%s>", form->element);
}

static bool is_sayable(const struct recurrence *r)
{
    switch (r->pattern) {
    case RECUR_RELATIVE_MONTHLY:
    case RECUR_RELATIVE_YEARLY: return day_name(r->days) != NULL;
    case RECUR_WEEKLY: return r->days != 0;
    default: return true;
    }
}

static void write_content(const struct form *pattern, const struct recurrence *r,
                          enum ews_version version, struct buf *out)
{
    const struct form *range = form_with(ranges, ARRAY_LEN(ranges), (int)r->range);

    if (pattern != NULL && range != NULL) {
        BUF_LIT(out, "<t:Recurrence>");
        write_form(pattern, r, version, out);
        write_form(range, r, version, out);
        BUF_LIT(out, "</t:Recurrence>");
    }
}

void recurrence_xml_write(struct buf *out, const struct recurrence *recurrence,
                          enum ews_version version)
{
    if (is_sayable(recurrence)) {
        write_content(form_with(patterns, ARRAY_LEN(patterns), (int)recurrence->pattern),
                      recurrence, version, out);
    }
}

void task_recurrence_xml_write(struct buf *out, const struct task_recurrence *recurrence,
                               enum ews_version version)
{
    if (recurrence->regeneration == REGENERATION_NONE) {
        recurrence_xml_write(out, &recurrence->rule, version);
    } else {
        write_content(
            form_with(regenerations, ARRAY_LEN(regenerations), (int)recurrence->regeneration),
            &recurrence->rule, version, out);
    }
}
