/* t:Recurrence of appointments and tasks: patterns and ranges, in requests and answers. */
#ifndef EWS_RECURRENCE_XML_H
#define EWS_RECURRENCE_XML_H

#include "base/buf.h"
#include "base/err.h"
#include "ews/call.h"
#include "mime/recurrence.h"

struct xml_node;

/* node is t:Recurrence. ERR_SCHEMA; ERR_PROPERTY_VALUE for numbers that no rule has and rules that never come true. */
int recurrence_xml_parse(const struct xml_node *node, struct recurrence *recurrence_r,
                         struct err *err_r) WARN_UNUSED;
/* <t:Recurrence>…; nothing for one that the protocol cannot say. */
void recurrence_xml_write(struct buf *out, const struct recurrence *recurrence,
                          enum ews_version version);

/* Of tasks: when one is done, the next begins so long after. The rule then has that interval and the range. */
enum regeneration {
    REGENERATION_NONE,
    REGENERATION_DAILY,
    REGENERATION_WEEKLY,
    REGENERATION_MONTHLY,
    REGENERATION_YEARLY
};
struct task_recurrence {
    enum regeneration regeneration;
    struct recurrence rule; /* of a regeneration: RECUR_DAILY */
};
int task_recurrence_xml_parse(const struct xml_node *node, struct task_recurrence *recurrence_r,
                              struct err *err_r) WARN_UNUSED;
void task_recurrence_xml_write(struct buf *out, const struct task_recurrence *recurrence,
                               enum ews_version version);

/* xs:date or xs:dateTime: midnight of the day as written, as UTC. ERR_SCHEMA. */
int date_xml_parse(const struct xml_node *node, int64_t *day_ms_r, struct err *err_r) WARN_UNUSED;
/* "2026-11-22+00:00": a client takes a date for one only when it has a zone; the day is to be read as it stands. */
void date_xml_add(struct buf *out, int64_t day_ms);

#endif
