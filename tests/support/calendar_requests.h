/* Appointments by requests, as clients put them; for the tests of calendars. Answers are looked at with ews_fixture. */
#ifndef SUPPORT_CALENDAR_REQUESTS_H
#define SUPPORT_CALENDAR_REQUESTS_H

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "support/ews_fixture.h"

#include <string.h>

#define BERLIN "<t:StartTimeZone Id='W. Europe Standard Time'/>"
#define NEW_YORK "<t:StartTimeZone Id='Eastern Standard Time'/>"
#define NAMED(paths) "<t:AdditionalProperties>" paths "</t:AdditionalProperties>"
#define URI(uri) "<t:FieldURI FieldURI='" uri "'/>"

static inline const char *calendar_code(struct ews_fixture *f)
{
    const char *code = ews_text(f, "ResponseCode");

    return code != NULL ? code : "fault";
}

/* Properties as XML, in the schema's order. Returns the ItemId's text; NULL when it was refused. */
static inline const char *calendar_create(struct ews_fixture *f, const char *properties)
{
    ews_ask(f,
            "<m:CreateItem SendMeetingInvitations='SendToNone'><m:Items><t:CalendarItem>%s"
            "</t:CalendarItem></m:Items></m:CreateItem>",
            properties);
    return ews_attr(f, "ItemId", "Id");
}

static inline void calendar_get(struct ews_fixture *f, const char *id, const char *shape)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape>%s</m:ItemShape><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds>"
            "</m:GetItem>",
            shape, id);
}

#define ALL_PROPERTIES "<t:BaseShape>AllProperties</t:BaseShape>"
#define ID_ONLY "<t:BaseShape>IdOnly</t:BaseShape>"

static inline void calendar_get_all(struct ews_fixture *f, const char *id)
{
    calendar_get(f, id, ALL_PROPERTIES);
}

/* An occurrence by its number; returns its id. */
static inline const char *calendar_get_occurrence(struct ews_fixture *f, const char *master,
                                                  int index)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape>" ALL_PROPERTIES "</m:ItemShape><m:ItemIds>"
            "<t:OccurrenceItemId RecurringMasterId='%s' InstanceIndex='%d'/></m:ItemIds>"
            "</m:GetItem>",
            master, index);
    return ews_attr(f, "ItemId", "Id");
}

static inline void calendar_delete(struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:DeleteItem DeleteType='HardDelete' SendMeetingCancellations='SendToNone'>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:DeleteItem>",
            id);
}

/* uri is set by the element in properties. */
static inline void calendar_update(struct ews_fixture *f, const char *id, const char *uri,
                                   const char *properties)
{
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='SaveOnly' "
            "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates><t:SetItemField><t:FieldURI FieldURI='%s'/>"
            "<t:CalendarItem>%s</t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange>"
            "</m:ItemChanges></m:UpdateItem>",
            id, uri, properties);
}

/* updates: t:SetItemField and the like. */
static inline void calendar_change(struct ews_fixture *f, const char *id, const char *updates)
{
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite' MessageDisposition='SaveOnly' "
            "SendMeetingInvitationsOrCancellations='SendToNone'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates>%s</t:Updates></t:ItemChange></m:ItemChanges>"
            "</m:UpdateItem>",
            id, updates);
}

/* Pieces of updates. */
#define CALENDAR_SET(uri, xml)                                                                     \
    "<t:SetItemField><t:FieldURI FieldURI='" uri "'/><t:CalendarItem>" xml                         \
    "</t:CalendarItem></t:SetItemField>"
#define CALENDAR_APPEND(uri, xml)                                                                  \
    "<t:AppendToItemField><t:FieldURI FieldURI='" uri "'/><t:CalendarItem>" xml                    \
    "</t:CalendarItem></t:AppendToItemField>"
#define CALENDAR_DELETE(uri)                                                                       \
    "<t:DeleteItemField><t:FieldURI FieldURI='" uri "'/></t:DeleteItemField>"

static inline const char *calendar_encoded(struct ews_fixture *f, const char *text)
{
    struct buf out = BUF_INIT;
    const char *copy;

    base64_encode(&out, text, strlen(text));
    copy = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return copy;
}

/* The answer's first t:MimeContent. */
static inline const char *calendar_decoded(struct ews_fixture *f)
{
    struct buf out = BUF_INIT;
    const char *copy;

    assert_true(base64_decode_lenient(&out, ews_nth(f, "MimeContent", 0)->text));
    copy = str_cstr(f->arena, buf_str(&out));
    buf_fini(&out);
    return copy;
}

static inline void calendar_view(struct ews_fixture *f, const char *attributes)
{
    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape>" ID_ONLY NAMED(
            URI("item:Subject") URI("calendar:Start") URI("calendar:End") URI(
                "calendar:CalendarItemType")) "</m:ItemShape><m:CalendarView %s/>"
                                              "<m:ParentFolderIds><t:DistinguishedFolderId Id='calendar'/></m:ParentFolderIds>"
                                              "</m:FindItem>",
        attributes);
}

/* Text of the n-th element of that name. */
static inline const char *calendar_nth_text(struct ews_fixture *f, const char *name, size_t n)
{
    const struct xml_node *node = ews_nth(f, name, n);

    return node == NULL ? "(none)" : str_cstr(f->arena, node->text);
}

/* A child of the n-th element of that name. */
static inline const char *calendar_child(struct ews_fixture *f, const char *parent,
                                         const char *name)
{
    const struct xml_node *node = ews_nth(f, parent, 0);

    node = node != NULL ? xml_child(node, XML_NS_TYPES, name) : NULL;
    return node == NULL ? "(none)" : str_cstr(f->arena, node->text);
}

static inline const char *calendar_child_attr(struct ews_fixture *f, const char *parent,
                                              const char *name, const char *attr)
{
    const struct xml_node *node = ews_nth(f, parent, 0);

    node = node != NULL ? xml_child(node, XML_NS_TYPES, name) : NULL;
    return node == NULL ? "(none)" : str_cstr(f->arena, xml_attr(node, attr));
}

#endif
