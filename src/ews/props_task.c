/* Properties of tasks. Status, PercentComplete and CompleteDate follow one another: what is
 * complete is so in all three. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/clock.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "ews/recurrence_xml.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

#include <stdlib.h>

/* TaskStatusType by number. */
enum { TASK_NOT_STARTED, TASK_IN_PROGRESS, TASK_COMPLETED, TASK_WAITING, TASK_DEFERRED };
const char *const task_status_names[] = {"NotStarted",      "InProgress", "Completed",
                                         "WaitingOnOthers", "Deferred",   NULL};

/* PercentComplete is kept in millionths. */
#define PERCENT 1000000
#define ALL_PERCENT (INT64_C(100) * PERCENT)

static int64_t status_of(const struct props *props)
{
    return props_int(props, IPROP_TASK_STATUS, TASK_NOT_STARTED);
}

/* ---- values ---- */

void value_task_complete(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    *value_r = (struct value){.type = VALUE_BOOL, .i = status_of(&view->props) == TASK_COMPLETED};
}

void value_task_recurring(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    *value_r =
        (struct value){.type = VALUE_BOOL, .i = props_has(&view->props, IPROP_TASK_RECURRENCE)};
}

/* In searches, whole percents count. */
void value_task_percent(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    *value_r = (struct value){.type = VALUE_INT,
                              .i = props_int(&view->props, IPROP_TASK_PERCENT, 0) / PERCENT};
}

void write_task_percent(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    int64_t v = props_int(&view->props, IPROP_TASK_PERCENT, 0);
    int64_t rest = v % PERCENT;

    buf_add_str(out, row->open);
    buf_add_i64(out, v / PERCENT);
    if (rest != 0) {
        size_t at = out->n;

        buf_printf(out, ".%06lld", (long long)rest);
        while (out->n > at && out->p[out->n - 1] == '0') {
            out->n--;
        }
    }
    buf_add_str(out, row->close);
}

void value_task_status_text(const struct prop_row *row, struct item_view *view,
                            struct value *value_r)
{
    static const struct str texts[] = {STR_INIT("Not Started"), STR_INIT("In Progress"),
                                       STR_INIT("Completed"), STR_INIT("Waiting on someone else"),
                                       STR_INIT("Deferred")};
    int64_t status = status_of(&view->props);

    (void)row;
    if (status >= 0 && status < (int64_t)ARRAY_LEN(texts)) {
        *value_r = (struct value){.type = VALUE_TEXT, .text = texts[status]};
    }
}

/* Nobody assigns tasks here. */
void value_task_delegation(const struct prop_row *row, struct item_view *view,
                           struct value *value_r)
{
    (void)row, (void)view;
    *value_r = (struct value){.type = VALUE_TEXT, .text = STR("NoMatch")};
}

/* Whoever has the mailbox, unless the task says otherwise. */
void value_task_owner(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    struct str owner = view->props.v[row->prop];

    if (owner.n == 0 && view->call->mailbox.v == view->call->caller.mailbox.v) {
        owner = view->call->caller.display_name;
    }
    *value_r = (struct value){.type = owner.n != 0 ? VALUE_TEXT : VALUE_NONE, .text = owner};
}

/* ---- recurrence: numbers in this order ---- */

static void code_recurrence(struct buf *out, const struct task_recurrence *t)
{
    const struct recurrence *r = &t->rule;
    const int64_t numbers[] = {t->regeneration, r->pattern,    r->interval,
                               r->days,         r->week,       r->day_of_month,
                               r->month,        r->range,      r->count,
                               r->start_day_ms, r->end_day_ms, r->first_day_of_week};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        buf_add_zigzag(out, numbers[i]);
    }
}

static bool decode_recurrence(struct str coded, struct task_recurrence *t_r)
{
    int64_t v[12];

    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        if (!str_take_zigzag(&coded, &v[i])) {
            return false;
        }
    }
    *t_r = (struct task_recurrence){.regeneration = (enum regeneration)v[0],
                                    .rule = {.pattern = (enum recur_pattern)v[1],
                                             .interval = (int)v[2],
                                             .days = (unsigned)v[3],
                                             .week = (int)v[4],
                                             .day_of_month = (int)v[5],
                                             .month = (int)v[6],
                                             .range = (enum recur_range)v[7],
                                             .count = (int)v[8],
                                             .start_day_ms = v[9],
                                             .end_day_ms = v[10],
                                             .first_day_of_week = (int)v[11]}};
    return true;
}

void write_task_recurrence(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct task_recurrence recurrence;

    if (decode_recurrence(view->props.v[row->prop], &recurrence)) {
        task_recurrence_xml_write(out, &recurrence, view->call->version);
    }
}

int set_task_recurrence(const struct prop_row *row, struct item_edit *edit,
                        const struct xml_node *node, struct err *err_r)
{
    struct task_recurrence recurrence;
    struct buf coded = BUF_INIT;

    TRY(task_recurrence_xml_parse(node, &recurrence, err_r));
    code_recurrence(&coded, &recurrence);
    item_edit_set_bytes(edit, (enum item_prop)row->prop, buf_str(&coded));
    buf_fini(&coded);
    return 0;
}

/* ---- progress ---- */

/* NotStarted and 0 % are what a task without these is. */
static void put_number(struct item_edit *edit, enum item_prop prop, int64_t v)
{
    if (v == 0) {
        item_edit_remove(edit, prop);
    } else {
        item_edit_set_int(edit, prop, v);
    }
}

static void complete(struct item_edit *edit)
{
    item_edit_set_int(edit, IPROP_TASK_STATUS, TASK_COMPLETED);
    item_edit_set_int(edit, IPROP_TASK_PERCENT, ALL_PERCENT);
    if (!props_has(item_edit_props(edit), IPROP_TASK_COMPLETE_DATE)) {
        item_edit_set_int(edit, IPROP_TASK_COMPLETE_DATE, item_edit_now_ms(edit));
    }
}

/* No longer complete, if it was: then it begins anew. */
static void set_open_status(struct item_edit *edit, int64_t status)
{
    bool was_complete = status_of(item_edit_props(edit)) == TASK_COMPLETED;

    put_number(edit, IPROP_TASK_STATUS, status);
    item_edit_remove(edit, IPROP_TASK_COMPLETE_DATE);
    if (was_complete || status == TASK_NOT_STARTED) {
        put_number(edit, IPROP_TASK_PERCENT, 0);
    }
}

static void set_status(struct item_edit *edit, int64_t status)
{
    if (status == TASK_COMPLETED) {
        complete(edit);
    } else {
        set_open_status(edit, status);
    }
}

static void set_percent(struct item_edit *edit, int64_t percent)
{
    int64_t status = status_of(item_edit_props(edit));

    if (percent >= ALL_PERCENT) {
        complete(edit);
        return;
    }
    if (status == TASK_COMPLETED || (status == TASK_NOT_STARTED && percent > 0)) {
        set_open_status(edit, percent > 0 ? TASK_IN_PROGRESS : TASK_NOT_STARTED);
    }
    put_number(edit, IPROP_TASK_PERCENT, percent);
}

int set_task_status(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                    struct err *err_r)
{
    size_t status;

    TRY(grammar_enum(node, row->names, &status, err_r));
    set_status(edit, (int64_t)status);
    return 0;
}

int remove_task_status(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)row, (void)err_r;
    set_status(edit, TASK_NOT_STARTED);
    return 0;
}

int put_task_status(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                    struct err *err_r)
{
    (void)row;
    if (value->i < TASK_NOT_STARTED || value->i > TASK_DEFERRED) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "task status %lld", (long long)value->i);
    }
    set_status(edit, value->i);
    return 0;
}

#define DOUBLE_MAX_CHARS 40

/* An xs:double; no percentage is infinite. */
static int parse_percent(const struct xml_node *node, int64_t *percent_r, struct err *err_r)
{
    struct str text = str_trim(node->text);
    char digits[DOUBLE_MAX_CHARS + 1], *end;
    double v;

    memcpy(digits, text.p, text.n < DOUBLE_MAX_CHARS ? text.n : DOUBLE_MAX_CHARS);
    digits[text.n < DOUBLE_MAX_CHARS ? text.n : DOUBLE_MAX_CHARS] = '\0';
    v = strtod(digits, &end);
    if (text.n == 0 || text.n > DOUBLE_MAX_CHARS || *end != '\0' ||
        strspn(digits, "0123456789+-.eE") < text.n) {
        return grammar_fail(node, err_r, "The 'PercentComplete' element is invalid.");
    }
    if (v < 0 || v > 100) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "PercentComplete");
    }
    *percent_r = (int64_t)(v * PERCENT + 0.5);
    return 0;
}

int set_task_percent(const struct prop_row *row, struct item_edit *edit,
                     const struct xml_node *node, struct err *err_r)
{
    int64_t percent = 0;

    (void)row;
    TRY(parse_percent(node, &percent, err_r));
    set_percent(edit, percent);
    return 0;
}

int remove_task_percent(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)row, (void)err_r;
    set_percent(edit, 0);
    return 0;
}

int set_task_complete_date(const struct prop_row *row, struct item_edit *edit,
                           const struct xml_node *node, struct err *err_r)
{
    TRY(set_plain(row, edit, node, err_r));
    complete(edit);
    return 0;
}

int remove_task_complete_date(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)row, (void)err_r;
    if (props_has(item_edit_props(edit), IPROP_TASK_COMPLETE_DATE)) {
        set_open_status(edit, TASK_NOT_STARTED);
    }
    return 0;
}

int put_task_complete_date(const struct prop_row *row, struct item_edit *edit,
                           const struct value *value, struct err *err_r)
{
    if (value->type == VALUE_NONE) {
        return remove_task_complete_date(row, edit, err_r);
    }
    TRY(put_plain(row, edit, value, err_r));
    complete(edit);
    return 0;
}

int put_task_complete(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                      struct err *err_r)
{
    bool was_complete = status_of(item_edit_props(edit)) == TASK_COMPLETED;

    (void)row, (void)err_r;
    if (value->i != 0) {
        complete(edit);
    } else if (was_complete) {
        set_open_status(edit, TASK_NOT_STARTED);
    }
    return 0;
}
