#include "ews/props-private.h"

#include "base/macros.h"
#include "mime/message.h"

/* Columns that most rows share a way of writing. A line reads: FieldURI, element, kinds, in
 * Default of, in AllProperties of, since, flags, source, tag. */
#define ROW(uri_, element_, kinds_, default_, all_, since_, flags_, ...)                           \
    {                                                                                              \
        .uri = STR_INIT(uri_), .element = STR_INIT("t:" element_),                                 \
        .open = STR_INIT("<t:" element_ ">"), .close = STR_INIT("</t:" element_ ">"),              \
        .kinds = (kinds_), .in_default = (default_), .in_all = (all_),                             \
        .since = EWS_EXCHANGE##since_, .flags = (flags_), __VA_ARGS__                              \
    }
/* A property without FieldURI. */
#define MAPI(tag_, type_, flags_, ...)                                                             \
    {                                                                                              \
        .kinds = K_ANY, .flags = (flags_), .tag = (tag_), .mapi = MAPI_##type_, __VA_ARGS__        \
    }

#define TAG(tag_, type_) .tag = (tag_), .mapi = MAPI_##type_
#define TEXT(prop_) .source = SOURCE_TEXT, .prop = IPROP_##prop_, .write = write_text
#define INT(prop_) .source = SOURCE_INT, .prop = IPROP_##prop_, .write = write_int
#define ENUM(prop_, names_)                                                                        \
    .source = SOURCE_ENUM, .prop = IPROP_##prop_, .names = names_, .write = write_enum
#define BOOL(prop_)                                                                                \
    .source = SOURCE_BOOL, .prop = IPROP_##prop_, .has_absent = true, .write = write_bool
#define TIME(prop_) .source = SOURCE_TIME, .prop = IPROP_##prop_, .write = write_time
#define MAILBOX(prop_) .source = SOURCE_ADDRS, .prop = IPROP_##prop_, .write = write_single_mailbox
#define TEXTS(prop_) .source = SOURCE_TEXTS, .prop = IPROP_##prop_, .write = write_texts
#define BYTES(prop_) .source = SOURCE_BYTES, .prop = IPROP_##prop_, .write = write_bytes
#define FLAG(bit_) .source = SOURCE_FLAG, .bit = (bit_), .write = write_flag
#define ABSENT(v_) .has_absent = true, .absent = (v_)
#define CALL(type_, value_)                                                                        \
    .source = SOURCE_CALL, .type = VALUE_##type_, .value = value_, .write = write_value
#define CALL_AND(type_, value_, write_)                                                            \
    .source = SOURCE_CALL, .type = VALUE_##type_, .value = value_, .write = write_
#define WRITTEN(write_) .write = write_
#define NOTHING .source = SOURCE_NONE
/* Writing columns. SET: a plain value, by its source. SET_ONLY: likewise, and it cannot be deleted. PUT: by its tag alone. */
#define SET(kinds_) .settable = (kinds_), .set = set_plain, .remove = remove_plain, .put = put_plain
#define SET_ONLY(kinds_) .settable = (kinds_), .set = set_plain, .put = put_plain
#define SET_BY(kinds_, set_) .settable = (kinds_), .set = set_
#define APPEND(append_) .append = append_
#define REMOVE(remove_) .remove = remove_
#define PUT(put_) .put = put_
#define ENTRIES(uri_, set_entry_) .indexed = STR_INIT(uri_), .set_entry = set_entry_

/* The named property that shows the same value. */
#define NAMED(set_, lid_, type_) .lid_set = PROPERTY_SET_##set_, .lid = (lid_), .mapi = MAPI_##type_
/* A property without FieldURI and tag. */
#define LID(set_, lid_, type_, flags_, ...)                                                        \
    {                                                                                              \
        .kinds = K_ANY, .flags = (flags_), NAMED(set_, lid_, type_), __VA_ARGS__                   \
    }
/* One text of a list. */
#define PART(prop_, part_)                                                                         \
    CALL(TEXT, value_part), .prop = IPROP_##prop_, .bit = (part_), PUT(put_part)
/* A text whose lines and spaces are kept. */
#define AS_IS(kinds_) SET_BY(kinds_, set_stored_text), REMOVE(remove_plain), PUT(put_stored_text)
/* One that is made of others where none is stored. */
#define STORED_TEXT(prop_, kinds_) .prop = IPROP_##prop_, AS_IS(kinds_)
/* A contact's dictionary, by its first entry. */
#define DICTIONARY(prop_)                                                                          \
    WRITTEN(write_dictionary), .prop = IPROP_##prop_, SET_BY(CON, set_dictionary),                 \
                               REMOVE(remove_dictionary)

#define G ROW_GET_ONLY
#define Q ROW_SEARCH
#define QS (ROW_SEARCH | ROW_SORT)
#define N ROW_NO_EXISTS
#define CUT ROW_STREAMABLE
#define STORED ROW_STORED

#define ANY K_ANY
#define MSG K_MESSAGE
#define MTG K_MEETING
#define MESSAGE_ KIND(MESSAGE)
#define REQ KIND(MEETING_REQUEST)
#define RSP KIND(MEETING_RESPONSE)
#define CAN KIND(MEETING_CANCELLATION)
#define CAL KIND(CALENDAR_ITEM)
#define CON KIND(CONTACT)
#define DL KIND(DISTRIBUTION_LIST)
#define TSK KIND(TASK)
#define POST KIND(POST_ITEM)
/* Kinds whose Default shape is that of Item, and more. */
#define PLAIN (KIND(ITEM) | MESSAGE_ | POST)
#define MSG_POST (MSG | POST)
#define REQ_CAL (REQ | CAL)

static const char *const sensitivity_names[] = {"Normal", "Personal", "Private", "Confidential",
                                                NULL};
static const char *const importance_names[] = {"Low", "Normal", "High", NULL};
static const char *const busy_names[] = {"Free",   "Tentative", "Busy", "OOF", "WorkingElsewhere",
                                         "NoData", NULL};
static const char *const response_names[] = {"Unknown", "Organizer",          "Tentative", "Accept",
                                             "Decline", "NoResponseReceived", NULL};
static const char *const request_names[] = {
    "None",     "FullUpdate",   "InformationalUpdate", "NewMeetingRequest",
    "Outdated", "SilentUpdate", "PrincipalWantsCopy",  NULL};

static const char *const address_index_names[] = {"None", "Home", "Business", "Other", NULL};

/* clang-format off */
const struct prop_row prop_rows[] = {
    /* ---- every item ---- */
    ROW("item:MimeContent", "MimeContent", ANY, 0, 0, 2007, G, WRITTEN(write_mime_content),
        SET_BY(ANY, set_mime_content)),
    ROW("item:ItemId", "ItemId", ANY, ANY, ANY, 2007, STORED | ROW_EVERY_SHAPE,
        WRITTEN(write_item_id_row)),
    ROW("item:ParentFolderId", "ParentFolderId", ANY, 0, ANY, 2007, STORED,
        WRITTEN(write_parent_folder_id)),
    ROW("item:ItemClass", "ItemClass", ANY, 0, ANY, 2007, QS | N, CALL(TEXT, value_item_class),
        TAG(0x001a, STRING), SET_BY(ANY, set_item_class), PUT(put_item_class)),
    ROW("item:Subject", "Subject", ANY, ANY & ~CON, ANY, 2007, QS | CUT, TEXT(SUBJECT),
        TAG(0x0037, STRING), SET(ANY)),
    ROW("item:Sensitivity", "Sensitivity", ANY, PLAIN | MTG, ANY, 2007, QS | N,
        ENUM(SENSITIVITY, sensitivity_names), ABSENT(0), TAG(0x0036, INTEGER), SET(ANY)),
    ROW("item:Body", "Body", ANY, PLAIN | MTG, ANY, 2007, G | Q,
        CALL_AND(TEXT, value_body_text, write_body), TAG(0x1000, STRING), SET_BY(ANY, set_body),
        APPEND(append_body), REMOVE(remove_body), PUT(put_body_text)),
    ROW("item:Attachments", "Attachments", ANY, PLAIN, ANY, 2007, G, WRITTEN(write_attachments),
        SET_BY(ANY, set_attachments)),
    ROW("item:DateTimeReceived", "DateTimeReceived", ANY, 0, ANY, 2007, QS | N,
        CALL(TIME, value_received), TAG(0x0e06, SYSTEM_TIME), PUT(put_received)),
    ROW("item:Size", "Size", ANY, PLAIN, ANY, 2007, QS | N, CALL(INT, value_size),
        TAG(0x0e08, INTEGER)),
    ROW("item:Categories", "Categories", ANY, 0, ANY, 2007, Q, TEXTS(CATEGORIES),
        SET(ANY)),
    ROW("item:Importance", "Importance", ANY, 0, ANY, 2007, QS | N,
        ENUM(IMPORTANCE, importance_names), ABSENT(1), TAG(0x0017, INTEGER), SET(ANY)),
    ROW("item:InReplyTo", "InReplyTo", ANY, 0, ANY, 2007, QS, TEXT(IN_REPLY_TO),
        TAG(0x1042, STRING), SET(ANY)),
    ROW("item:IsSubmitted", "IsSubmitted", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_SUBMITTED)),
    ROW("item:IsDraft", "IsDraft", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_DRAFT)),
    ROW("item:IsFromMe", "IsFromMe", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_FROM_ME)),
    ROW("item:IsResend", "IsResend", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_RESEND)),
    ROW("item:IsUnmodified", "IsUnmodified", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_UNMODIFIED)),
    ROW("item:InternetMessageHeaders", "InternetMessageHeaders", ANY, 0, ANY, 2007, G,
        WRITTEN(write_headers)),
    ROW("item:DateTimeSent", "DateTimeSent", ANY, PLAIN, ANY, 2007, QS, TIME(SENT),
        TAG(0x0039, SYSTEM_TIME), PUT(put_plain)),
    ROW("item:DateTimeCreated", "DateTimeCreated", ANY, PLAIN, ANY, 2007, QS, TIME(CREATED),
        TAG(0x3007, SYSTEM_TIME), PUT(put_plain)),
    ROW("item:ResponseObjects", "ResponseObjects", ANY, PLAIN | MTG | CAL, ANY, 2007, G | STORED,
        WRITTEN(write_response_objects)),
    ROW("item:ReminderDueBy", "ReminderDueBy", ANY, 0, ANY, 2007, QS,
        TIME(REMINDER_DUE_BY), SET(ANY)),
    ROW("item:ReminderIsSet", "ReminderIsSet", ANY, 0, ANY, 2007, Q | N,
        BOOL(REMINDER_IS_SET), SET(ANY)),
    ROW("item:ReminderMinutesBeforeStart", "ReminderMinutesBeforeStart", ANY, 0, ANY, 2007, Q,
        INT(REMINDER_MINUTES), ABSENT(0), SET(ANY)),
    ROW("item:DisplayCc", "DisplayCc", ANY, 0, ANY, 2007, QS | CUT, TEXT(DISPLAY_CC),
        TAG(0x0e03, STRING)),
    ROW("item:DisplayTo", "DisplayTo", ANY, 0, ANY, 2007, QS | CUT, TEXT(DISPLAY_TO),
        TAG(0x0e04, STRING)),
    ROW("item:DisplayBcc", "DisplayBcc", ANY, 0, 0, 2013, QS | CUT, TEXT(DISPLAY_BCC),
        TAG(0x0e02, STRING)),
    ROW("item:HasAttachments", "HasAttachments", ANY, ANY & ~MTG, ANY, 2007, QS | N,
        FLAG(ITEM_HAS_ATTACHMENTS), TAG(0x0e1b, BOOLEAN)),
    ROW("", "ExtendedProperty", ANY, 0, 0, 2007, 0, WRITTEN(write_extended)),
    ROW("item:Culture", "Culture", ANY, 0, ANY, 2007, 0, .source = SOURCE_TEXT,
        .prop = IPROP_CULTURE, .write = write_culture, SET(ANY)),
    ROW("item:EffectiveRights", "EffectiveRights", ANY, 0, ANY, 2007, STORED,
        WRITTEN(write_effective_rights)),
    ROW("item:LastModifiedName", "LastModifiedName", ANY, 0, ANY, 2007, QS, TEXT(MODIFIED_BY),
        TAG(0x3ffa, STRING)),
    ROW("item:LastModifiedTime", "LastModifiedTime", ANY, 0, ANY, 2007, QS, TIME(MODIFIED),
        TAG(0x3008, SYSTEM_TIME)),
    ROW("item:IsAssociated", "IsAssociated", ANY, PLAIN | CAL, ANY, 2010, Q | N,
        FLAG(ITEM_ASSOCIATED)),
    ROW("item:WebClientReadFormQueryString", "WebClientReadFormQueryString", ANY, 0, ANY, 2010, 0,
        NOTHING),
    ROW("item:WebClientEditFormQueryString", "WebClientEditFormQueryString", ANY, 0, ANY, 2010, 0,
        NOTHING),
    ROW("item:ConversationId", "ConversationId", ANY, 0, ANY, 2010, Q, .source = SOURCE_BYTES,
        .prop = IPROP_CONVERSATION_ID, .write = write_conversation_id),
    ROW("item:UniqueBody", "UniqueBody", ANY, 0, 0, 2010, G, WRITTEN(write_unique_body)),
    ROW("item:Flag", "Flag", ANY, 0, ANY, 2013, 0, WRITTEN(write_flag_status),
        SET_BY(ANY, set_flag), REMOVE(remove_flag)),
    ROW("item:StoreEntryId", "StoreEntryId", ANY, 0, 0, 2010_SP2, STORED,
        CALL(BYTES, value_record_key), TAG(0x0fff, BINARY)),
    ROW("item:InstanceKey", "InstanceKey", ANY, 0, ANY, 2013, STORED, CALL(BYTES, value_record_key),
        TAG(0x0ff6, BINARY)),
    ROW("item:NormalizedBody", "NormalizedBody", ANY, 0, 0, 2013, G,
        WRITTEN(write_normalized_body)),
    ROW("item:EntityExtractionResult", "EntityExtractionResult", ANY, 0, 0, 2013, G, NOTHING),
    ROW("item:PolicyTag", "PolicyTag", ANY, 0, 0, 2013, 0, NOTHING),
    ROW("item:ArchiveTag", "ArchiveTag", ANY, 0, 0, 2013, 0, NOTHING),
    ROW("item:RetentionDate", "RetentionDate", ANY, 0, 0, 2013, 0, NOTHING),
    ROW("item:Preview", "Preview", ANY, 0, 0, 2013, CUT, TEXT(PREVIEW)),
    ROW("item:TextBody", "TextBody", ANY, 0, 0, 2013, G | Q,
        CALL_AND(TEXT, value_body_text, write_text_body)),
    ROW("item:IconIndex", "IconIndex", ANY, 0, 0, 2013, 0,
        CALL_AND(INT, value_icon_index, write_icon_index), TAG(0x1080, INTEGER), PUT(put_icon_index)),

    /* ---- messages, meeting messages; a post has some of these ---- */
    ROW("message:Sender", "Sender", MSG, 0, MSG, 2007, QS,
        CALL_AND(TEXTS, value_sender, write_sender), .prop = IPROP_SENDER, SET_BY(MSG, set_mailbox),
        REMOVE(remove_plain)),
    ROW("message:ToRecipients", "ToRecipients", MSG, MESSAGE_, MSG, 2007, G,
        WRITTEN(write_recipients), .bit = RECIPIENTS_TO, SET_BY(MSG, set_recipients),
        APPEND(append_recipients), REMOVE(remove_recipients)),
    ROW("message:CcRecipients", "CcRecipients", MSG, MESSAGE_, MSG, 2007, G,
        WRITTEN(write_recipients), .bit = RECIPIENTS_CC, SET_BY(MSG, set_recipients),
        APPEND(append_recipients), REMOVE(remove_recipients)),
    ROW("message:BccRecipients", "BccRecipients", MSG, MESSAGE_, MSG, 2007, G,
        WRITTEN(write_recipients), .bit = RECIPIENTS_BCC, SET_BY(MSG, set_recipients),
        APPEND(append_recipients), REMOVE(remove_recipients)),
    ROW("message:IsReadReceiptRequested", "IsReadReceiptRequested", MSG, MESSAGE_, MSG, 2007,
        Q | N, BOOL(READ_RECEIPT), TAG(0x0029, BOOLEAN), SET_BY(MSG, set_receipt), PUT(put_receipt)),
    ROW("message:IsDeliveryReceiptRequested", "IsDeliveryReceiptRequested", MSG, MESSAGE_, MSG,
        2007, Q | N, BOOL(DELIVERY_RECEIPT), TAG(0x0023, BOOLEAN), SET_BY(MSG, set_receipt),
        PUT(put_receipt)),
    ROW("message:ConversationIndex", "ConversationIndex", MSG_POST, 0, MSG_POST, 2007, QS,
        BYTES(CONVERSATION_INDEX), TAG(0x0071, BINARY), PUT(put_plain)),
    ROW("message:ConversationTopic", "ConversationTopic", MSG_POST, 0, MSG_POST, 2007, QS | CUT,
        TEXT(CONVERSATION_TOPIC), TAG(0x0070, STRING), PUT(put_plain)),
    ROW("message:From", "From", MSG_POST, (MSG_POST) & ~REQ, MSG_POST, 2007, QS, MAILBOX(FROM),
        SET_BY(MSG_POST, set_mailbox), REMOVE(remove_plain)),
    ROW("message:InternetMessageId", "InternetMessageId", MSG_POST, 0, MSG_POST, 2007, QS,
        TEXT(INTERNET_MESSAGE_ID), TAG(0x1035, STRING), SET_BY(MSG_POST, set_message_id),
        PUT(put_message_id)),
    ROW("message:IsRead", "IsRead", MSG_POST, MESSAGE_ | POST, MSG_POST, 2007, QS | N,
        FLAG(ITEM_READ), TAG(0x0e69, BOOLEAN), SET_ONLY(MSG_POST)),
    ROW("message:IsResponseRequested", "IsResponseRequested", MSG, 0, MSG, 2007, Q | N,
        CALL(BOOL, value_response_requested), TAG(0x0063, BOOLEAN),
        .prop = IPROP_RESPONSE_REQUESTED, SET_BY(MSG, set_yes_no), REMOVE(remove_plain),
        PUT(put_yes_no)),
    ROW("postitem:PostedTime", "PostedTime", POST, POST, POST, 2007_SP1, QS,
        CALL(TIME, value_received)),
    ROW("message:References", "References", MSG_POST, 0, MSG_POST, 2007, QS, TEXT(REFERENCES),
        TAG(0x1039, STRING), SET(MSG_POST)),
    ROW("message:Sender", "Sender", POST, 0, POST, 2007_SP1, QS,
        CALL_AND(TEXTS, value_sender, write_sender), .prop = IPROP_SENDER, SET_BY(POST, set_mailbox),
        REMOVE(remove_plain)),
    ROW("message:ReplyTo", "ReplyTo", MSG, 0, MSG, 2007, G, WRITTEN(write_recipients),
        .bit = RECIPIENTS_REPLY_TO, SET_BY(MSG, set_recipients),
        APPEND(append_recipients), REMOVE(remove_recipients)),
    ROW("message:ReceivedBy", "ReceivedBy", MSG, 0, MSG, 2007, QS, MAILBOX(RECEIVED_BY)),
    ROW("message:ReceivedRepresenting", "ReceivedRepresenting", MSG, 0, MSG, 2007, QS,
        MAILBOX(RECEIVED_BY)),

    /* ---- meeting messages and appointments ---- */
    ROW("meeting:AssociatedCalendarItemId", "AssociatedCalendarItemId", MTG, MTG, MTG, 2007, G,
        NOTHING),
    ROW("meeting:IsDelegated", "IsDelegated", MTG, 0, MTG, 2007, Q | N, CALL(BOOL, value_false)),
    ROW("meeting:IsOutOfDate", "IsOutOfDate", MTG, MTG, MTG, 2007, N, CALL(BOOL, value_false)),
    ROW("meeting:HasBeenProcessed", "HasBeenProcessed", MTG, MTG, MTG, 2007, Q | N,
        CALL(BOOL, value_false)),
    ROW("meeting:ResponseType", "ResponseType", MTG, MTG, MTG, 2007, Q | N,
        CALL_AND(INT, value_response_type, write_enum), .names = response_names),
    ROW("calendar:UID", "UID", MTG | CAL, 0, MTG | CAL, 2007, Q, TEXT(MEETING_UID),
        SET_ONLY(CAL)),
    ROW("calendar:RecurrenceId", "RecurrenceId", MTG | CAL, 0, MTG | CAL, 2007, Q,
        TIME(MEETING_RECURRENCE_ID)),
    ROW("calendar:DateTimeStamp", "DateTimeStamp", MTG | CAL, 0, MTG | CAL, 2007, Q,
        TIME(MEETING_STAMP)),
    ROW("meetingRequest:MeetingRequestType", "MeetingRequestType", REQ, REQ, REQ, 2007, G,
        ENUM(MEETING_REQUEST_TYPE, request_names)),
    ROW("meetingRequest:IntendedFreeBusyStatus", "IntendedFreeBusyStatus", REQ, REQ, REQ, 2007,
        Q | N, ENUM(MEETING_BUSY_STATUS, busy_names), ABSENT(2)),
    ROW("calendar:Start", "Start", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS, TIME(MEETING_START),
        TAG(0x0060, SYSTEM_TIME),
        SET_ONLY(CAL)),
    ROW("calendar:End", "End", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS, TIME(MEETING_END),
        TAG(0x0061, SYSTEM_TIME),
        SET_ONLY(CAL)),
    ROW("calendar:OriginalStart", "OriginalStart", REQ_CAL, 0, REQ_CAL, 2007, G, CALL(TIME, value_original_start)),
    ROW("calendar:IsAllDayEvent", "IsAllDayEvent", REQ_CAL, 0, REQ_CAL, 2007, QS | N,
        BOOL(MEETING_ALL_DAY),
        SET(CAL)),
    ROW("calendar:LegacyFreeBusyStatus", "LegacyFreeBusyStatus", REQ_CAL, CAL, REQ_CAL, 2007,
        QS | N, ENUM(MEETING_BUSY_STATUS, busy_names), ABSENT(2),
        SET(CAL)),
    ROW("calendar:Location", "Location", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS | CUT,
        TEXT(MEETING_LOCATION),
        SET(CAL)),
    ROW("calendar:When", "When", REQ_CAL, 0, REQ_CAL, 2007, 0, TEXT(CALENDAR_WHEN), SET(CAL)),
    ROW("calendar:IsMeeting", "IsMeeting", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        CALL(BOOL, value_is_meeting)),
    ROW("calendar:IsCancelled", "IsCancelled", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        CALL(BOOL, value_is_cancelled)),
    ROW("calendar:IsRecurring", "IsRecurring", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        BOOL(MEETING_RECURRING)),
    ROW("calendar:MeetingRequestWasSent", "MeetingRequestWasSent", REQ_CAL, 0, REQ_CAL, 2007,
        Q | N, CALL(BOOL, value_is_request)),
    ROW("calendar:IsResponseRequested", "IsResponseRequested", CAL, 0, CAL, 2007, 0,
        BOOL(RESPONSE_REQUESTED), .absent = 1, SET(CAL)),
    ROW("calendar:CalendarItemType", "CalendarItemType", REQ_CAL, CAL, REQ_CAL, 2007, 0,
        CALL(TEXT, value_calendar_item_type)),
    ROW("calendar:MyResponseType", "MyResponseType", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        CALL_AND(INT, value_response_type, write_enum), .names = response_names),
    ROW("calendar:Organizer", "Organizer", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS,
        MAILBOX(MEETING_ORGANIZER)),
    ROW("calendar:RequiredAttendees", "RequiredAttendees", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_attendees), .bit = MIME_ATTENDEE_REQUIRED,
        SET_BY(CAL, set_attendees), APPEND(append_attendees),
        REMOVE(remove_attendees)),
    ROW("calendar:OptionalAttendees", "OptionalAttendees", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_attendees), .bit = MIME_ATTENDEE_OPTIONAL,
        SET_BY(CAL, set_attendees), APPEND(append_attendees),
        REMOVE(remove_attendees)),
    ROW("calendar:Resources", "Resources", REQ_CAL, 0, REQ_CAL, 2007, G, WRITTEN(write_attendees),
        .bit = MIME_ATTENDEE_RESOURCE,
        SET_BY(CAL, set_attendees), APPEND(append_attendees),
        REMOVE(remove_attendees)),
    ROW("calendar:ConflictingMeetingCount", "ConflictingMeetingCount", REQ_CAL, 0, REQ_CAL, 2007,
        G, CALL(INT, value_neighbour_count), .bit = true),
    ROW("calendar:AdjacentMeetingCount", "AdjacentMeetingCount", REQ_CAL, 0, REQ_CAL, 2007, G,
        CALL(INT, value_neighbour_count), .bit = false),
    ROW("calendar:ConflictingMeetings", "ConflictingMeetings", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_neighbours), .bit = true),
    ROW("calendar:AdjacentMeetings", "AdjacentMeetings", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_neighbours), .bit = false),
    ROW("calendar:Duration", "Duration", REQ_CAL, 0, REQ_CAL, 2007, 0, CALL(TEXT, value_duration)),
    ROW("calendar:TimeZone", "TimeZone", REQ_CAL, 0, REQ_CAL, 2007, 0, TEXT(MEETING_TIME_ZONE)),
    ROW("calendar:AppointmentReplyTime", "AppointmentReplyTime", REQ_CAL, 0, REQ_CAL, 2007, Q,
        TIME(CALENDAR_REPLY_TIME)),
    ROW("calendar:AppointmentSequenceNumber", "AppointmentSequenceNumber", REQ_CAL, 0, REQ_CAL,
        2007, G, INT(MEETING_SEQUENCE)),
    ROW("calendar:AppointmentState", "AppointmentState", REQ_CAL, 0, REQ_CAL, 2007, 0,
        CALL(INT, value_appointment_state)),
    ROW("calendar:Recurrence", "Recurrence", REQ_CAL, 0, REQ_CAL, 2007, G, WRITTEN(write_recurrence),
        SET_BY(CAL, set_recurrence), REMOVE(remove_recurrence)),
    ROW("calendar:FirstOccurrence", "FirstOccurrence", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_first_occurrence)),
    ROW("calendar:LastOccurrence", "LastOccurrence", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_last_occurrence)),
    ROW("calendar:ModifiedOccurrences", "ModifiedOccurrences", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_modified_occurrences)),
    ROW("calendar:DeletedOccurrences", "DeletedOccurrences", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_deleted_occurrences)),
    ROW("calendar:MeetingTimeZone", "MeetingTimeZone", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_meeting_zone), .prop = IPROP_MEETING_TIME_ZONE, SET_BY(CAL, set_zone),
        REMOVE(remove_plain)),
    ROW("calendar:StartTimeZone", "StartTimeZone", REQ_CAL, 0, REQ_CAL, 2010, 0,
        WRITTEN(write_start_zone), .prop = IPROP_MEETING_TIME_ZONE, SET_BY(CAL, set_zone),
        REMOVE(remove_plain)),
    ROW("calendar:EndTimeZone", "EndTimeZone", REQ_CAL, 0, REQ_CAL, 2010, 0,
        WRITTEN(write_end_zone), .prop = IPROP_CALENDAR_END_ZONE, SET_BY(CAL, set_zone),
        REMOVE(remove_plain)),
    ROW("calendar:ConferenceType", "ConferenceType", REQ_CAL, 0, REQ_CAL, 2007, 0,
        INT(CALENDAR_CONFERENCE_TYPE), SET(CAL)),
    ROW("calendar:AllowNewTimeProposal", "AllowNewTimeProposal", REQ_CAL, 0, REQ_CAL, 2007, 0,
        BOOL(CALENDAR_ALLOW_PROPOSAL), .absent = 1, SET(CAL)),
    ROW("calendar:IsOnlineMeeting", "IsOnlineMeeting", REQ_CAL, 0, REQ_CAL, 2007, 0,
        BOOL(CALENDAR_ONLINE), SET(CAL)),
    ROW("calendar:MeetingWorkspaceUrl", "MeetingWorkspaceUrl", REQ_CAL, 0, REQ_CAL, 2007, 0,
        TEXT(CALENDAR_WORKSPACE_URL), SET(CAL)),
    ROW("calendar:NetShowUrl", "NetShowUrl", REQ_CAL, 0, REQ_CAL, 2007, 0,
        TEXT(CALENDAR_NET_SHOW_URL), SET(CAL)),
    /* Responses and cancellations tell their time since 2013, and in an order of their own. */
    ROW("calendar:Start", "Start", RSP | CAN, 0, RSP | CAN, 2013, QS, TIME(MEETING_START)),
    ROW("calendar:End", "End", RSP | CAN, 0, RSP | CAN, 2013, QS, TIME(MEETING_END)),
    ROW("calendar:Location", "Location", RSP | CAN, 0, RSP | CAN, 2013, QS | CUT,
        TEXT(MEETING_LOCATION)),
    ROW("meeting:ProposedStart", "ProposedStart", RSP, 0, RSP, 2013_SP1, Q,
        TIME(MEETING_PROPOSED_START)),
    ROW("meeting:ProposedEnd", "ProposedEnd", RSP, 0, RSP, 2013_SP1, Q,
        TIME(MEETING_PROPOSED_END)),

    /* ---- contacts and distribution lists ---- */
    ROW("contacts:FileAs", "FileAs", CON, CON, CON, 2007, QS, CALL(TEXT, value_file_as),
        STORED_TEXT(FILE_AS, CON), NAMED(ADDRESS, 0x8005, STRING)),
    ROW("contacts:FileAsMapping", "FileAsMapping", CON, 0, CON, 2007, Q,
        ENUM(FILE_AS_MAPPING, file_as_mapping_names), SET_BY(CON, set_file_as_mapping),
        REMOVE(remove_plain)),
    ROW("contacts:DisplayName", "DisplayName", CON, 0, CON, 2007, QS,
        CALL(TEXT, value_display_name), STORED_TEXT(DISPLAY_NAME, CON), TAG(0x3001, STRING)),
    ROW("contacts:GivenName", "GivenName", CON, 0, CON, 2007, QS, TEXT(GIVEN_NAME),
        TAG(0x3a06, STRING), AS_IS(CON)),
    ROW("contacts:Initials", "Initials", CON, 0, CON, 2007, QS, TEXT(INITIALS), TAG(0x3a0a, STRING),
        AS_IS(CON)),
    ROW("contacts:MiddleName", "MiddleName", CON, 0, CON, 2007, QS, TEXT(MIDDLE_NAME),
        TAG(0x3a44, STRING), AS_IS(CON)),
    ROW("contacts:Nickname", "Nickname", CON, 0, CON, 2007, QS, TEXT(NICKNAME), TAG(0x3a4f, STRING),
        AS_IS(CON)),
    ROW("contacts:CompleteName", "CompleteName", CON, CON, CON, 2007, 0,
        WRITTEN(write_complete_name)),
    ROW("contacts:CompanyName", "CompanyName", CON, CON, CON, 2007, QS, TEXT(COMPANY_NAME),
        TAG(0x3a16, STRING), AS_IS(CON)),
    ROW("contacts:EmailAddresses", "EmailAddresses", CON, CON, CON, 2007, 0, DICTIONARY(EMAIL_1),
        ENTRIES("contacts:EmailAddress", set_dictionary_entry)),
    ROW("contacts:PhysicalAddresses", "PhysicalAddresses", CON, CON, CON, 2007, 0,
        DICTIONARY(ADDRESS_HOME), ENTRIES("contacts:PhysicalAddress", set_dictionary_entry)),
    ROW("contacts:PhoneNumbers", "PhoneNumbers", CON, CON, CON, 2007, 0,
        DICTIONARY(PHONE_ASSISTANT), ENTRIES("contacts:PhoneNumber", set_dictionary_entry)),
    ROW("contacts:AssistantName", "AssistantName", CON, 0, CON, 2007, QS, TEXT(ASSISTANT_NAME),
        TAG(0x3a30, STRING), AS_IS(CON)),
    ROW("contacts:Birthday", "Birthday", CON, 0, CON, 2007, QS, TIME(BIRTHDAY),
        TAG(0x3a42, SYSTEM_TIME), SET(CON)),
    ROW("contacts:BusinessHomePage", "BusinessHomePage", CON, 0, CON, 2007, QS,
        TEXT(BUSINESS_HOME_PAGE), TAG(0x3a51, STRING), AS_IS(CON)),
    ROW("contacts:Children", "Children", CON, 0, CON, 2007, Q, TEXTS(CHILDREN),
        TAG(0x3a58, STRING_ARRAY), SET(CON)),
    ROW("contacts:Companies", "Companies", CON, 0, CON, 2007, Q, TEXTS(COMPANIES), SET(CON),
        NAMED(COMMON, 0x8539, STRING_ARRAY)),
    ROW("contacts:ContactSource", "ContactSource", CON, 0, CON, 2007, 0,
        CALL(TEXT, value_contact_source)),
    ROW("contacts:Department", "Department", CON, 0, CON, 2007, QS, TEXT(DEPARTMENT),
        TAG(0x3a18, STRING), AS_IS(CON)),
    ROW("contacts:Generation", "Generation", CON, 0, CON, 2007, QS, TEXT(GENERATION),
        TAG(0x3a05, STRING), AS_IS(CON)),
    ROW("contacts:ImAddresses", "ImAddresses", CON, CON, CON, 2007, 0, DICTIONARY(IM_1),
        ENTRIES("contacts:ImAddress", set_dictionary_entry)),
    ROW("contacts:JobTitle", "JobTitle", CON, CON, CON, 2007, QS, TEXT(JOB_TITLE),
        TAG(0x3a17, STRING), AS_IS(CON)),
    ROW("contacts:Manager", "Manager", CON, 0, CON, 2007, QS, TEXT(MANAGER), TAG(0x3a4e, STRING),
        AS_IS(CON)),
    ROW("contacts:Mileage", "Mileage", CON, 0, CON, 2007, QS, TEXT(MILEAGE), AS_IS(CON),
        NAMED(COMMON, 0x8534, STRING)),
    ROW("contacts:OfficeLocation", "OfficeLocation", CON, 0, CON, 2007, QS, TEXT(OFFICE_LOCATION),
        TAG(0x3a19, STRING), AS_IS(CON)),
    ROW("contacts:PostalAddressIndex", "PostalAddressIndex", CON, 0, CON, 2007, Q,
        ENUM(POSTAL_ADDRESS_INDEX, address_index_names), ABSENT(0), SET(CON),
        NAMED(ADDRESS, 0x8022, INTEGER)),
    ROW("contacts:Profession", "Profession", CON, 0, CON, 2007, QS, TEXT(PROFESSION),
        TAG(0x3a46, STRING), AS_IS(CON)),
    ROW("contacts:SpouseName", "SpouseName", CON, 0, CON, 2007, QS, TEXT(SPOUSE_NAME),
        TAG(0x3a48, STRING), AS_IS(CON)),
    ROW("contacts:Surname", "Surname", CON, 0, CON, 2007, QS, TEXT(SURNAME), TAG(0x3a11, STRING),
        AS_IS(CON)),
    ROW("contacts:WeddingAnniversary", "WeddingAnniversary", CON, 0, CON, 2007, QS,
        TIME(WEDDING_ANNIVERSARY), TAG(0x3a41, SYSTEM_TIME), SET(CON)),
    ROW("contacts:HasPicture", "HasPicture", CON, 0, CON, 2010, Q, BOOL(CONTACT_PICTURE),
        NAMED(ADDRESS, 0x8015, BOOLEAN), PUT(put_plain)),
    ROW("contacts:DisplayName", "DisplayName", DL, DL, DL, 2007, QS, TEXT(DISPLAY_NAME), AS_IS(DL)),
    ROW("contacts:FileAs", "FileAs", DL, DL, DL, 2007, QS, TEXT(DISPLAY_NAME)),
    ROW("contacts:ContactSource", "ContactSource", DL, DL, DL, 2007, 0,
        CALL(TEXT, value_contact_source)),
    ROW("distributionlist:Members", "Members", DL, 0, DL, 2010, G, WRITTEN(write_members),
        .prop = IPROP_MEMBERS, SET_BY(DL, set_members), APPEND(append_members),
        REMOVE(remove_plain), ENTRIES("distributionlist:Members:Member", set_member_entry)),

    /* ---- tasks ---- */
    ROW("task:ActualWork", "ActualWork", TSK, 0, TSK, 2007, QS, INT(TASK_ACTUAL_WORK), SET(TSK),
        NAMED(TASK, 0x8110, INTEGER)),
    ROW("task:AssignedTime", "AssignedTime", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:BillingInformation", "BillingInformation", TSK, 0, TSK, 2007, QS, TEXT(TASK_BILLING),
        AS_IS(TSK), NAMED(COMMON, 0x8535, STRING)),
    ROW("task:ChangeCount", "ChangeCount", TSK, 0, TSK, 2007, Q, INT(TASK_CHANGE_COUNT),
        .has_absent = true),
    ROW("task:Companies", "Companies", TSK, 0, TSK, 2007, Q, TEXTS(COMPANIES), SET(TSK)),
    ROW("task:CompleteDate", "CompleteDate", TSK, 0, TSK, 2007, QS, TIME(TASK_COMPLETE_DATE),
        SET_BY(TSK, set_task_complete_date), REMOVE(remove_task_complete_date),
        PUT(put_task_complete_date), NAMED(TASK, 0x810f, SYSTEM_TIME)),
    ROW("task:Contacts", "Contacts", TSK, 0, TSK, 2007, Q, TEXTS(TASK_CONTACTS), SET(TSK),
        NAMED(COMMON, 0x853a, STRING_ARRAY)),
    ROW("task:DelegationState", "DelegationState", TSK, 0, TSK, 2007, 0,
        CALL(TEXT, value_task_delegation)),
    ROW("task:Delegator", "Delegator", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:DueDate", "DueDate", TSK, TSK, TSK, 2007, QS, TIME(TASK_DUE), SET(TSK),
        NAMED(TASK, 0x8105, SYSTEM_TIME)),
    ROW("task:IsAssignmentEditable", "IsAssignmentEditable", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:IsComplete", "IsComplete", TSK, 0, TSK, 2007, Q | N, CALL(BOOL, value_task_complete),
        PUT(put_task_complete), NAMED(TASK, 0x811c, BOOLEAN)),
    ROW("task:IsRecurring", "IsRecurring", TSK, 0, TSK, 2007, Q | N,
        CALL(BOOL, value_task_recurring)),
    ROW("task:IsTeamTask", "IsTeamTask", TSK, 0, TSK, 2007, Q | N, BOOL(TASK_TEAM),
        NAMED(TASK, 0x8103, BOOLEAN), PUT(put_plain)),
    ROW("task:Mileage", "Mileage", TSK, 0, TSK, 2007, QS, TEXT(MILEAGE), AS_IS(TSK)),
    ROW("task:Owner", "Owner", TSK, 0, TSK, 2007, QS, CALL(TEXT, value_task_owner),
        STORED_TEXT(TASK_OWNER, 0), NAMED(TASK, 0x811f, STRING)),
    ROW("task:PercentComplete", "PercentComplete", TSK, TSK, TSK, 2007, QS | N,
        CALL_AND(INT, value_task_percent, write_task_percent), SET_BY(TSK, set_task_percent),
        REMOVE(remove_task_percent)),
    ROW("task:Recurrence", "Recurrence", TSK, 0, TSK, 2007, G, WRITTEN(write_task_recurrence),
        .prop = IPROP_TASK_RECURRENCE, SET_BY(TSK, set_task_recurrence), REMOVE(remove_plain)),
    ROW("task:StartDate", "StartDate", TSK, TSK, TSK, 2007, QS, TIME(TASK_START), SET(TSK),
        NAMED(TASK, 0x8104, SYSTEM_TIME)),
    ROW("task:Status", "Status", TSK, TSK, TSK, 2007, QS | N, ENUM(TASK_STATUS, task_status_names),
        ABSENT(0), SET_BY(TSK, set_task_status), REMOVE(remove_task_status), PUT(put_task_status),
        NAMED(TASK, 0x8101, INTEGER)),
    ROW("task:StatusDescription", "StatusDescription", TSK, 0, TSK, 2007, Q,
        CALL(TEXT, value_task_status_text)),
    ROW("task:TotalWork", "TotalWork", TSK, 0, TSK, 2007, QS, INT(TASK_TOTAL_WORK), SET(TSK),
        NAMED(TASK, 0x8111, INTEGER)),

    /* ---- by tag or name only ---- */
    MAPI(0x1081, INTEGER, QS, INT(LAST_VERB), PUT(put_plain)),
    MAPI(0x1082, SYSTEM_TIME, QS, TIME(LAST_VERB_TIME), PUT(put_plain)),

    /* ---- likewise: entries of contacts' dictionaries ---- */
    MAPI(0x3a45, STRING, QS, TEXT(NAME_TITLE), PUT(put_stored_text)),
    MAPI(0x3a08, STRING, QS, TEXT(PHONE_BUSINESS), PUT(put_stored_text)),
    MAPI(0x3a1b, STRING, QS, TEXT(PHONE_BUSINESS_2), PUT(put_stored_text)),
    MAPI(0x3a24, STRING, QS, TEXT(PHONE_BUSINESS_FAX), PUT(put_stored_text)),
    MAPI(0x3a2e, STRING, QS, TEXT(PHONE_ASSISTANT), PUT(put_stored_text)),
    MAPI(0x3a02, STRING, QS, TEXT(PHONE_CALLBACK), PUT(put_stored_text)),
    MAPI(0x3a1e, STRING, QS, TEXT(PHONE_CAR), PUT(put_stored_text)),
    MAPI(0x3a57, STRING, QS, TEXT(PHONE_COMPANY_MAIN), PUT(put_stored_text)),
    MAPI(0x3a25, STRING, QS, TEXT(PHONE_HOME_FAX), PUT(put_stored_text)),
    MAPI(0x3a09, STRING, QS, TEXT(PHONE_HOME), PUT(put_stored_text)),
    MAPI(0x3a2f, STRING, QS, TEXT(PHONE_HOME_2), PUT(put_stored_text)),
    MAPI(0x3a2d, STRING, QS, TEXT(PHONE_ISDN), PUT(put_stored_text)),
    MAPI(0x3a1c, STRING, QS, TEXT(PHONE_MOBILE), PUT(put_stored_text)),
    MAPI(0x3a23, STRING, QS, TEXT(PHONE_OTHER_FAX), PUT(put_stored_text)),
    MAPI(0x3a1f, STRING, QS, TEXT(PHONE_OTHER), PUT(put_stored_text)),
    MAPI(0x3a21, STRING, QS, TEXT(PHONE_PAGER), PUT(put_stored_text)),
    MAPI(0x3a1a, STRING, QS, TEXT(PHONE_PRIMARY), PUT(put_stored_text)),
    MAPI(0x3a1d, STRING, QS, TEXT(PHONE_RADIO), PUT(put_stored_text)),
    MAPI(0x3a2c, STRING, QS, TEXT(PHONE_TELEX), PUT(put_stored_text)),
    MAPI(0x3a4b, STRING, QS, TEXT(PHONE_TTY_TDD), PUT(put_stored_text)),
    MAPI(0x3a5d, STRING, QS, PART(ADDRESS_HOME, 0)),
    MAPI(0x3a59, STRING, QS, PART(ADDRESS_HOME, 1)),
    MAPI(0x3a5c, STRING, QS, PART(ADDRESS_HOME, 2)),
    MAPI(0x3a5a, STRING, QS, PART(ADDRESS_HOME, 3)),
    MAPI(0x3a5b, STRING, QS, PART(ADDRESS_HOME, 4)),
    MAPI(0x3a63, STRING, QS, PART(ADDRESS_OTHER, 0)),
    MAPI(0x3a5f, STRING, QS, PART(ADDRESS_OTHER, 1)),
    MAPI(0x3a62, STRING, QS, PART(ADDRESS_OTHER, 2)),
    MAPI(0x3a60, STRING, QS, PART(ADDRESS_OTHER, 3)),
    MAPI(0x3a61, STRING, QS, PART(ADDRESS_OTHER, 4)),
    LID(ADDRESS, 0x8045, STRING, QS, PART(ADDRESS_BUSINESS, 0)),
    LID(ADDRESS, 0x8046, STRING, QS, PART(ADDRESS_BUSINESS, 1)),
    LID(ADDRESS, 0x8047, STRING, QS, PART(ADDRESS_BUSINESS, 2)),
    LID(ADDRESS, 0x8049, STRING, QS, PART(ADDRESS_BUSINESS, 3)),
    LID(ADDRESS, 0x8048, STRING, QS, PART(ADDRESS_BUSINESS, 4)),
    LID(ADDRESS, 0x8083, STRING, QS, PART(EMAIL_1, 0)),
    LID(ADDRESS, 0x8080, STRING, QS, PART(EMAIL_1, 1)),
    LID(ADDRESS, 0x8082, STRING, QS, PART(EMAIL_1, 2)),
    LID(ADDRESS, 0x8093, STRING, QS, PART(EMAIL_2, 0)),
    LID(ADDRESS, 0x8090, STRING, QS, PART(EMAIL_2, 1)),
    LID(ADDRESS, 0x8092, STRING, QS, PART(EMAIL_2, 2)),
    LID(ADDRESS, 0x80a3, STRING, QS, PART(EMAIL_3, 0)),
    LID(ADDRESS, 0x80a0, STRING, QS, PART(EMAIL_3, 1)),
    LID(ADDRESS, 0x80a2, STRING, QS, PART(EMAIL_3, 2)),
    LID(ADDRESS, 0x8062, STRING, QS, TEXT(IM_1), PUT(put_stored_text)),
    LID(ADDRESS, 0x802c, STRING, QS, TEXT(YOMI_FIRST), PUT(put_stored_text)),
    LID(ADDRESS, 0x802d, STRING, QS, TEXT(YOMI_LAST), PUT(put_stored_text)),

    /* ---- by tag only ---- */
    MAPI(0x0e07, INTEGER, QS | N, CALL(INT, value_message_flags), PUT(put_message_flags)),
    MAPI(0x0e17, INTEGER, QS | N, .source = SOURCE_INT, .prop = IPROP_MESSAGE_STATUS, ABSENT(0),
         PUT(put_plain)),
    MAPI(0x0e23, INTEGER, QS | N | STORED, CALL(INT, value_imap_uid)),
    MAPI(0x0ff9, BINARY, STORED, CALL(BYTES, value_record_key)),
    MAPI(0x0e1d, STRING, QS, CALL(TEXT, value_normalized_subject)),
    MAPI(0x003d, STRING, QS, CALL(TEXT, value_subject_prefix)),
    MAPI(0x0c1a, STRING, QS, CALL(TEXT, value_addr_name), .prop = IPROP_SENDER,
         PUT(put_addr_name)),
    MAPI(0x0c1f, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_SENDER,
         PUT(put_addr_address)),
    MAPI(0x0c1e, STRING, QS, CALL(TEXT, value_addr_type), .prop = IPROP_SENDER,
         PUT(put_addr_type)),
    MAPI(0x5d01, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_SENDER,
         PUT(put_addr_address)),
    MAPI(0x0042, STRING, QS, CALL(TEXT, value_addr_name), .prop = IPROP_FROM,
         PUT(put_addr_name)),
    MAPI(0x0065, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_FROM,
         PUT(put_addr_address)),
    MAPI(0x0064, STRING, QS, CALL(TEXT, value_addr_type), .prop = IPROP_FROM,
         PUT(put_addr_type)),
    MAPI(0x5d02, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_FROM,
         PUT(put_addr_address)),
    MAPI(0x0040, STRING, QS, CALL(TEXT, value_addr_name), .prop = IPROP_RECEIVED_BY),
    MAPI(0x0076, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_RECEIVED_BY),
    MAPI(0x0075, STRING, QS, CALL(TEXT, value_addr_type), .prop = IPROP_RECEIVED_BY),
    MAPI(0x5d07, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_RECEIVED_BY),
    MAPI(0x007d, STRING, G, CALL(TEXT, value_transport_headers)),
    MAPI(0x1013, BINARY, G, CALL(BYTES, value_body_html), PUT(put_body_html)),
    MAPI(0x3fde, INTEGER, Q, CALL(INT, value_codepage), PUT(put_ignored)),
    MAPI(0x1090, INTEGER, QS, .source = SOURCE_INT, .prop = IPROP_FLAG_STATUS,
         PUT(put_flag_status)),
};
/* clang-format on */

const size_t prop_row_count = ARRAY_LEN(prop_rows);
_Static_assert(ARRAY_LEN(prop_rows) <= PROP_ROWS_MAX, "shapes keep a bit a row");

const struct prop_row *prop_row_by_tag(uint32_t tag)
{
    for (size_t i = 0; i < prop_row_count; i++) {
        if (prop_rows[i].tag == tag && tag != 0) {
            return &prop_rows[i];
        }
    }
    return NULL;
}

const struct prop_row *prop_row_extended(void)
{
    const struct prop_row *row = prop_rows;

    while (row->write != write_extended) {
        row++;
    }
    return row;
}

static const struct prop_row *row_by_lid(enum property_set set, int32_t lid)
{
    for (size_t i = 0; i < prop_row_count; i++) {
        if (prop_rows[i].lid_set == set && prop_rows[i].lid == lid && lid != 0) {
            return &prop_rows[i];
        }
    }
    return NULL;
}

/* Categories are a named property of old; most others have numbers. */
const struct prop_row *prop_row_by_extended(const struct extended_path *path)
{
    const struct prop_row *row;

    if (!path->named) {
        return prop_row_by_tag(path->tag);
    }
    if (path->set != PROPERTY_SET_NONE && path->name.p == NULL) {
        return row_by_lid(path->set, path->id);
    }
    if (path->set != PROPERTY_SET_PUBLIC_STRINGS || !str_is(path->name, "Keywords")) {
        return NULL;
    }
    for (row = prop_rows; row->prop != IPROP_CATEGORIES; row++) {
    }
    return row;
}

const struct prop_row *prop_row_of_entry(const struct prop_path *path)
{
    enum item_prop first, end;

    for (size_t i = 0; i < prop_row_count && path->place.prop != 0; i++) {
        if (prop_rows[i].write == write_dictionary &&
            dictionary_range((enum item_prop)prop_rows[i].prop, &first, &end) &&
            path->place.prop >= first && path->place.prop < end) {
            return &prop_rows[i];
        }
    }
    return NULL;
}
