/*
 * Extended properties: t:ExtendedFieldURI in requests, t:ExtendedProperty in answers; and the XML
 * of any property path for m:MessageXml. Used by the folder table and by the item table.
 */
#ifndef EWS_EXTENDED_H
#define EWS_EXTENDED_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct value;
struct xml_node;

/* Names of MapiPropertyTypeType. */
#define MAPI_TYPES(X)                                                                              \
    X(APPLICATION_TIME, "ApplicationTime")                                                         \
    X(APPLICATION_TIME_ARRAY, "ApplicationTimeArray")                                              \
    X(BINARY, "Binary")                                                                            \
    X(BINARY_ARRAY, "BinaryArray")                                                                 \
    X(BOOLEAN, "Boolean")                                                                          \
    X(CLSID, "CLSID")                                                                              \
    X(CLSID_ARRAY, "CLSIDArray")                                                                   \
    X(CURRENCY, "Currency")                                                                        \
    X(CURRENCY_ARRAY, "CurrencyArray")                                                             \
    X(DOUBLE, "Double")                                                                            \
    X(DOUBLE_ARRAY, "DoubleArray")                                                                 \
    X(ERROR, "Error")                                                                              \
    X(FLOAT, "Float")                                                                              \
    X(FLOAT_ARRAY, "FloatArray")                                                                   \
    X(INTEGER, "Integer")                                                                          \
    X(INTEGER_ARRAY, "IntegerArray")                                                               \
    X(LONG, "Long")                                                                                \
    X(LONG_ARRAY, "LongArray")                                                                     \
    X(NULL, "Null")                                                                                \
    X(OBJECT, "Object")                                                                            \
    X(OBJECT_ARRAY, "ObjectArray")                                                                 \
    X(SHORT, "Short")                                                                              \
    X(SHORT_ARRAY, "ShortArray")                                                                   \
    X(SYSTEM_TIME, "SystemTime")                                                                   \
    X(SYSTEM_TIME_ARRAY, "SystemTimeArray")                                                        \
    X(STRING, "String")                                                                            \
    X(STRING_ARRAY, "StringArray")

enum mapi_type {
#define X(name, wire) MAPI_##name,
    MAPI_TYPES(X)
#undef X
        MAPI_TYPE_COUNT
};
const char *mapi_type_name(enum mapi_type type);
bool mapi_type_is_array(enum mapi_type type);

/* X(NAME, wire name, GUID) */
#define PROPERTY_SETS(X)                                                                           \
    X(MEETING, "Meeting", "6ed8da90-450b-101b-98da-00aa003f1305")                                  \
    X(APPOINTMENT, "Appointment", "00062002-0000-0000-c000-000000000046")                          \
    X(COMMON, "Common", "00062008-0000-0000-c000-000000000046")                                    \
    X(PUBLIC_STRINGS, "PublicStrings", "00020329-0000-0000-c000-000000000046")                     \
    X(ADDRESS, "Address", "00062004-0000-0000-c000-000000000046")                                  \
    X(INTERNET_HEADERS, "InternetHeaders", "00020386-0000-0000-c000-000000000046")                 \
    X(CALENDAR_ASSISTANT, "CalendarAssistant", "11000e07-b51b-40d6-af21-caa85edab1d0")             \
    X(UNIFIED_MESSAGING, "UnifiedMessaging", "4442858e-a9e3-4e80-b900-317a210cc15b")               \
    X(TASK, "Task", "00062003-0000-0000-c000-000000000046")                                        \
    X(SHARING, "Sharing", "00062040-0000-0000-c000-000000000046")

enum property_set {
    PROPERTY_SET_NONE, /* a tag, or a set known by its GUID only */
#define X(name, wire, guid) PROPERTY_SET_##name,
    PROPERTY_SETS(X)
#undef X
        PROPERTY_SET_COUNT
};

/*
 * A checked ExtendedFieldURI. Either tag is set (!named), or a set with exactly one of name and id.
 * Texts point into the request.
 */
struct extended_path {
    enum mapi_type type;
    bool named;
    uint16_t tag;          /* without its type part */
    enum property_set set; /* also found for a PropertySetId that is a distinguished one's GUID */
    struct str set_guid;   /* PropertySetId as sent, p NULL when the set was named */
    struct str name;       /* PropertyName, p NULL when by id */
    int32_t id;            /* PropertyId */
};

/* node is t:ExtendedFieldURI. ERR_SCHEMA, ERR_EXTENDED_PROPERTY, ERR_PROPERTY_TAG,
 * ERR_MAPI_TYPE. */
int extended_path_parse(const struct xml_node *node, struct extended_path *path_r,
                        struct err *err_r) WARN_UNUSED;
/* 8-4-4-4-12 hexadecimal digits. */
bool guid_is_valid(struct str s);
/* Same property, whatever the spelling (the set by name or GUID); types must agree too. */
bool extended_path_equal(const struct extended_path *a, const struct extended_path *b);
/* <t:ExtendedFieldURI …/>: PropertyTag as 0x and lower-case hex without leading zeros,
 * PropertyId decimal. Clients compare these texts. */
void extended_path_write(struct buf *out, const struct extended_path *path);
/* <t:ExtendedProperty> with Value, or Values for TEXTS. VALUE_NONE and empty lists write
 * nothing: absent values are left out. */
void extended_property_write(struct buf *out, const struct extended_path *path,
                             const struct value *value, bool millis);

/* XML of a t:FieldURI, t:IndexedFieldURI or t:ExtendedFieldURI of the request, for inside
 * m:MessageXml. Lives in arena. */
struct str path_message_xml(struct arena *arena, const struct xml_node *node);

#endif
