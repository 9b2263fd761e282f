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

/* clang-format off */
const struct prop_row prop_rows[] = {
    /* ---- every item ---- */
    ROW("item:MimeContent", "MimeContent", ANY, 0, 0, 2007, G, WRITTEN(write_mime_content)),
    ROW("item:ItemId", "ItemId", ANY, ANY, ANY, 2007, STORED | ROW_EVERY_SHAPE,
        WRITTEN(write_item_id_row)),
    ROW("item:ParentFolderId", "ParentFolderId", ANY, 0, ANY, 2007, STORED,
        WRITTEN(write_parent_folder_id)),
    ROW("item:ItemClass", "ItemClass", ANY, 0, ANY, 2007, QS | N, CALL(TEXT, value_item_class),
        TAG(0x001a, STRING)),
    ROW("item:Subject", "Subject", ANY, ANY & ~CON, ANY, 2007, QS | CUT, TEXT(SUBJECT),
        TAG(0x0037, STRING)),
    ROW("item:Sensitivity", "Sensitivity", ANY, PLAIN | MTG, ANY, 2007, QS | N,
        ENUM(SENSITIVITY, sensitivity_names), ABSENT(0), TAG(0x0036, INTEGER)),
    ROW("item:Body", "Body", ANY, PLAIN | MTG, ANY, 2007, G | Q,
        CALL_AND(TEXT, value_body_text, write_body), TAG(0x1000, STRING)),
    ROW("item:Attachments", "Attachments", ANY, PLAIN, ANY, 2007, G, WRITTEN(write_attachments)),
    ROW("item:DateTimeReceived", "DateTimeReceived", ANY, 0, ANY, 2007, QS | N,
        CALL(TIME, value_received), TAG(0x0e06, SYSTEM_TIME)),
    ROW("item:Size", "Size", ANY, PLAIN, ANY, 2007, QS | N, CALL(INT, value_size),
        TAG(0x0e08, INTEGER)),
    ROW("item:Categories", "Categories", ANY, 0, ANY, 2007, Q, TEXTS(CATEGORIES)),
    ROW("item:Importance", "Importance", ANY, 0, ANY, 2007, QS | N,
        ENUM(IMPORTANCE, importance_names), ABSENT(1), TAG(0x0017, INTEGER)),
    ROW("item:InReplyTo", "InReplyTo", ANY, 0, ANY, 2007, QS, TEXT(IN_REPLY_TO),
        TAG(0x1042, STRING)),
    ROW("item:IsSubmitted", "IsSubmitted", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_SUBMITTED)),
    ROW("item:IsDraft", "IsDraft", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_DRAFT)),
    ROW("item:IsFromMe", "IsFromMe", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_FROM_ME)),
    ROW("item:IsResend", "IsResend", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_RESEND)),
    ROW("item:IsUnmodified", "IsUnmodified", ANY, 0, ANY, 2007, QS | N, FLAG(ITEM_UNMODIFIED)),
    ROW("item:InternetMessageHeaders", "InternetMessageHeaders", ANY, 0, ANY, 2007, G,
        WRITTEN(write_headers)),
    ROW("item:DateTimeSent", "DateTimeSent", ANY, PLAIN, ANY, 2007, QS, TIME(SENT),
        TAG(0x0039, SYSTEM_TIME)),
    ROW("item:DateTimeCreated", "DateTimeCreated", ANY, PLAIN, ANY, 2007, QS, TIME(CREATED),
        TAG(0x3007, SYSTEM_TIME)),
    ROW("item:ResponseObjects", "ResponseObjects", ANY, PLAIN | MTG | CAL, ANY, 2007, G,
        WRITTEN(write_response_objects)),
    ROW("item:ReminderDueBy", "ReminderDueBy", ANY, 0, ANY, 2007, QS, NOTHING),
    ROW("item:ReminderIsSet", "ReminderIsSet", ANY, 0, ANY, 2007, Q | N, CALL(BOOL, value_false)),
    ROW("item:ReminderMinutesBeforeStart", "ReminderMinutesBeforeStart", ANY, 0, ANY, 2007, Q,
        CALL(INT, value_zero)),
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
        .prop = IPROP_CULTURE, .write = write_culture),
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
    ROW("item:Flag", "Flag", ANY, 0, ANY, 2013, 0, WRITTEN(write_flag_status)),
    ROW("item:StoreEntryId", "StoreEntryId", ANY, 0, 0, 2010_SP2, STORED,
        CALL(BYTES, value_record_key), TAG(0x0fff, BINARY)),
    ROW("item:InstanceKey", "InstanceKey", ANY, 0, ANY, 2013, STORED, CALL(BYTES, value_record_key),
        TAG(0x0ff6, BINARY)),
    ROW("item:NormalizedBody", "NormalizedBody", ANY, 0, 0, 2013, G, WRITTEN(write_normalized_body)),
    ROW("item:EntityExtractionResult", "EntityExtractionResult", ANY, 0, 0, 2013, G, NOTHING),
    ROW("item:PolicyTag", "PolicyTag", ANY, 0, 0, 2013, 0, NOTHING),
    ROW("item:ArchiveTag", "ArchiveTag", ANY, 0, 0, 2013, 0, NOTHING),
    ROW("item:RetentionDate", "RetentionDate", ANY, 0, 0, 2013, 0, NOTHING),
    ROW("item:Preview", "Preview", ANY, 0, 0, 2013, CUT, TEXT(PREVIEW)),
    ROW("item:TextBody", "TextBody", ANY, 0, 0, 2013, G | Q,
        CALL_AND(TEXT, value_body_text, write_text_body)),
    ROW("item:IconIndex", "IconIndex", ANY, 0, 0, 2013, 0,
        CALL_AND(INT, value_icon_index, write_icon_index), TAG(0x1080, INTEGER)),

    /* ---- messages, meeting messages; a post has some of these ---- */
    ROW("message:Sender", "Sender", MSG, 0, MSG, 2007, QS,
        CALL_AND(TEXTS, value_sender, write_sender)),
    ROW("message:ToRecipients", "ToRecipients", MSG, MESSAGE_, MSG, 2007, G,
        WRITTEN(write_recipients), .bit = RECIPIENTS_TO),
    ROW("message:CcRecipients", "CcRecipients", MSG, MESSAGE_, MSG, 2007, G,
        WRITTEN(write_recipients), .bit = RECIPIENTS_CC),
    ROW("message:BccRecipients", "BccRecipients", MSG, MESSAGE_, MSG, 2007, G,
        WRITTEN(write_recipients), .bit = RECIPIENTS_BCC),
    ROW("message:IsReadReceiptRequested", "IsReadReceiptRequested", MSG, MESSAGE_, MSG, 2007,
        Q | N, BOOL(READ_RECEIPT), TAG(0x0029, BOOLEAN)),
    ROW("message:IsDeliveryReceiptRequested", "IsDeliveryReceiptRequested", MSG, MESSAGE_, MSG,
        2007, Q | N, BOOL(DELIVERY_RECEIPT), TAG(0x0023, BOOLEAN)),
    ROW("message:ConversationIndex", "ConversationIndex", MSG_POST, 0, MSG_POST, 2007, QS,
        BYTES(CONVERSATION_INDEX), TAG(0x0071, BINARY)),
    ROW("message:ConversationTopic", "ConversationTopic", MSG_POST, 0, MSG_POST, 2007, QS | CUT,
        TEXT(CONVERSATION_TOPIC), TAG(0x0070, STRING)),
    ROW("message:From", "From", MSG_POST, (MSG_POST) & ~REQ, MSG_POST, 2007, QS, MAILBOX(FROM)),
    ROW("message:InternetMessageId", "InternetMessageId", MSG_POST, 0, MSG_POST, 2007, QS,
        TEXT(INTERNET_MESSAGE_ID), TAG(0x1035, STRING)),
    ROW("message:IsRead", "IsRead", MSG_POST, MESSAGE_ | POST, MSG_POST, 2007, QS | N,
        FLAG(ITEM_READ), TAG(0x0e69, BOOLEAN)),
    ROW("message:IsResponseRequested", "IsResponseRequested", MSG, 0, MSG, 2007, Q | N,
        CALL(BOOL, value_is_request), TAG(0x0063, BOOLEAN)),
    ROW("postitem:PostedTime", "PostedTime", POST, POST, POST, 2007_SP1, QS,
        CALL(TIME, value_received)),
    ROW("message:References", "References", MSG_POST, 0, MSG_POST, 2007, QS, TEXT(REFERENCES),
        TAG(0x1039, STRING)),
    ROW("message:Sender", "Sender", POST, 0, POST, 2007_SP1, QS,
        CALL_AND(TEXTS, value_sender, write_sender)),
    ROW("message:ReplyTo", "ReplyTo", MSG, 0, MSG, 2007, G, WRITTEN(write_recipients),
        .bit = RECIPIENTS_REPLY_TO),
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
    ROW("calendar:UID", "UID", MTG | CAL, 0, MTG | CAL, 2007, Q, TEXT(MEETING_UID)),
    ROW("calendar:RecurrenceId", "RecurrenceId", MTG | CAL, 0, MTG | CAL, 2007, Q,
        TIME(MEETING_RECURRENCE_ID)),
    ROW("calendar:DateTimeStamp", "DateTimeStamp", MTG | CAL, 0, MTG | CAL, 2007, Q,
        TIME(MEETING_STAMP)),
    ROW("meetingRequest:MeetingRequestType", "MeetingRequestType", REQ, REQ, REQ, 2007, G,
        ENUM(MEETING_REQUEST_TYPE, request_names)),
    ROW("meetingRequest:IntendedFreeBusyStatus", "IntendedFreeBusyStatus", REQ, REQ, REQ, 2007,
        Q | N, ENUM(MEETING_BUSY_STATUS, busy_names), ABSENT(2)),
    ROW("calendar:Start", "Start", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS, TIME(MEETING_START),
        TAG(0x0060, SYSTEM_TIME)),
    ROW("calendar:End", "End", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS, TIME(MEETING_END),
        TAG(0x0061, SYSTEM_TIME)),
    ROW("calendar:OriginalStart", "OriginalStart", REQ_CAL, 0, REQ_CAL, 2007, G, NOTHING),
    ROW("calendar:IsAllDayEvent", "IsAllDayEvent", REQ_CAL, 0, REQ_CAL, 2007, QS | N,
        BOOL(MEETING_ALL_DAY)),
    ROW("calendar:LegacyFreeBusyStatus", "LegacyFreeBusyStatus", REQ_CAL, CAL, REQ_CAL, 2007,
        QS | N, ENUM(MEETING_BUSY_STATUS, busy_names), ABSENT(2)),
    ROW("calendar:Location", "Location", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS | CUT,
        TEXT(MEETING_LOCATION)),
    ROW("calendar:When", "When", REQ_CAL, 0, REQ_CAL, 2007, 0, NOTHING),
    ROW("calendar:IsMeeting", "IsMeeting", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        CALL(BOOL, value_is_meeting)),
    ROW("calendar:IsCancelled", "IsCancelled", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        CALL(BOOL, value_is_cancelled)),
    ROW("calendar:IsRecurring", "IsRecurring", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        BOOL(MEETING_RECURRING)),
    ROW("calendar:MeetingRequestWasSent", "MeetingRequestWasSent", REQ_CAL, 0, REQ_CAL, 2007,
        Q | N, CALL(BOOL, value_is_request)),
    ROW("calendar:IsResponseRequested", "IsResponseRequested", CAL, 0, CAL, 2007, 0, NOTHING),
    ROW("calendar:CalendarItemType", "CalendarItemType", REQ_CAL, CAL, REQ_CAL, 2007, 0,
        CALL(TEXT, value_calendar_item_type)),
    ROW("calendar:MyResponseType", "MyResponseType", REQ_CAL, 0, REQ_CAL, 2007, Q | N,
        CALL_AND(INT, value_response_type, write_enum), .names = response_names),
    ROW("calendar:Organizer", "Organizer", REQ_CAL, REQ_CAL, REQ_CAL, 2007, QS,
        MAILBOX(MEETING_ORGANIZER)),
    ROW("calendar:RequiredAttendees", "RequiredAttendees", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_attendees), .bit = MIME_ATTENDEE_REQUIRED),
    ROW("calendar:OptionalAttendees", "OptionalAttendees", REQ_CAL, 0, REQ_CAL, 2007, G,
        WRITTEN(write_attendees), .bit = MIME_ATTENDEE_OPTIONAL),
    ROW("calendar:Resources", "Resources", REQ_CAL, 0, REQ_CAL, 2007, G, WRITTEN(write_attendees),
        .bit = MIME_ATTENDEE_RESOURCE),
    ROW("calendar:ConflictingMeetingCount", "ConflictingMeetingCount", REQ_CAL, 0, REQ_CAL, 2007,
        G, NOTHING),
    ROW("calendar:AdjacentMeetingCount", "AdjacentMeetingCount", REQ_CAL, 0, REQ_CAL, 2007, G,
        NOTHING),
    ROW("calendar:ConflictingMeetings", "ConflictingMeetings", REQ_CAL, 0, REQ_CAL, 2007, G,
        NOTHING),
    ROW("calendar:AdjacentMeetings", "AdjacentMeetings", REQ_CAL, 0, REQ_CAL, 2007, G, NOTHING),
    ROW("calendar:Duration", "Duration", REQ_CAL, 0, REQ_CAL, 2007, 0, CALL(TEXT, value_duration)),
    ROW("calendar:TimeZone", "TimeZone", REQ_CAL, 0, REQ_CAL, 2007, 0, TEXT(MEETING_TIME_ZONE)),
    ROW("calendar:AppointmentReplyTime", "AppointmentReplyTime", REQ_CAL, 0, REQ_CAL, 2007, Q,
        NOTHING),
    ROW("calendar:AppointmentSequenceNumber", "AppointmentSequenceNumber", REQ_CAL, 0, REQ_CAL,
        2007, G, INT(MEETING_SEQUENCE)),
    ROW("calendar:AppointmentState", "AppointmentState", REQ_CAL, 0, REQ_CAL, 2007, 0,
        CALL(INT, value_appointment_state)),
    ROW("calendar:Recurrence", "Recurrence", REQ_CAL, 0, REQ_CAL, 2007, G, NOTHING),
    ROW("calendar:FirstOccurrence", "FirstOccurrence", REQ_CAL, 0, REQ_CAL, 2007, G, NOTHING),
    ROW("calendar:LastOccurrence", "LastOccurrence", REQ_CAL, 0, REQ_CAL, 2007, G, NOTHING),
    ROW("calendar:ModifiedOccurrences", "ModifiedOccurrences", REQ_CAL, 0, REQ_CAL, 2007, G,
        NOTHING),
    ROW("calendar:DeletedOccurrences", "DeletedOccurrences", REQ_CAL, 0, REQ_CAL, 2007, G,
        NOTHING),
    ROW("calendar:MeetingTimeZone", "MeetingTimeZone", REQ_CAL, 0, REQ_CAL, 2007, G, NOTHING),
    ROW("calendar:StartTimeZone", "StartTimeZone", REQ_CAL, 0, REQ_CAL, 2010, 0, NOTHING),
    ROW("calendar:EndTimeZone", "EndTimeZone", REQ_CAL, 0, REQ_CAL, 2010, 0, NOTHING),
    ROW("calendar:ConferenceType", "ConferenceType", REQ_CAL, 0, REQ_CAL, 2007, 0, NOTHING),
    ROW("calendar:AllowNewTimeProposal", "AllowNewTimeProposal", REQ_CAL, 0, REQ_CAL, 2007, 0,
        NOTHING),
    ROW("calendar:IsOnlineMeeting", "IsOnlineMeeting", REQ_CAL, 0, REQ_CAL, 2007, 0, NOTHING),
    ROW("calendar:MeetingWorkspaceUrl", "MeetingWorkspaceUrl", REQ_CAL, 0, REQ_CAL, 2007, 0,
        NOTHING),
    ROW("calendar:NetShowUrl", "NetShowUrl", REQ_CAL, 0, REQ_CAL, 2007, 0, NOTHING),
    /* Responses and cancellations tell their time since 2013, and in an order of their own. */
    ROW("calendar:Start", "Start", RSP | CAN, 0, RSP | CAN, 2013, QS, TIME(MEETING_START)),
    ROW("calendar:End", "End", RSP | CAN, 0, RSP | CAN, 2013, QS, TIME(MEETING_END)),
    ROW("calendar:Location", "Location", RSP | CAN, 0, RSP | CAN, 2013, QS | CUT,
        TEXT(MEETING_LOCATION)),
    ROW("meeting:ProposedStart", "ProposedStart", RSP, 0, RSP, 2013_SP1, Q,
        TIME(MEETING_PROPOSED_START)),
    ROW("meeting:ProposedEnd", "ProposedEnd", RSP, 0, RSP, 2013_SP1, Q,
        TIME(MEETING_PROPOSED_END)),

    /* ---- contacts; nothing of theirs is stored yet, and nothing is pretended ---- */
    ROW("contacts:FileAs", "FileAs", CON, CON, CON, 2007, QS, NOTHING),
    ROW("contacts:FileAsMapping", "FileAsMapping", CON, 0, CON, 2007, Q, NOTHING),
    ROW("contacts:DisplayName", "DisplayName", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:GivenName", "GivenName", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Initials", "Initials", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:MiddleName", "MiddleName", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Nickname", "Nickname", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:CompleteName", "CompleteName", CON, CON, CON, 2007, 0, NOTHING),
    ROW("contacts:CompanyName", "CompanyName", CON, CON, CON, 2007, QS, NOTHING),
    ROW("contacts:EmailAddresses", "EmailAddresses", CON, CON, CON, 2007, 0, NOTHING),
    ROW("contacts:PhysicalAddresses", "PhysicalAddresses", CON, CON, CON, 2007, 0, NOTHING),
    ROW("contacts:PhoneNumbers", "PhoneNumbers", CON, CON, CON, 2007, 0, NOTHING),
    ROW("contacts:AssistantName", "AssistantName", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Birthday", "Birthday", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:BusinessHomePage", "BusinessHomePage", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Children", "Children", CON, 0, CON, 2007, Q, NOTHING),
    ROW("contacts:Companies", "Companies", CON, 0, CON, 2007, Q, NOTHING),
    ROW("contacts:ContactSource", "ContactSource", CON, 0, CON, 2007, 0, NOTHING),
    ROW("contacts:Department", "Department", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Generation", "Generation", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:ImAddresses", "ImAddresses", CON, CON, CON, 2007, 0, NOTHING),
    ROW("contacts:JobTitle", "JobTitle", CON, CON, CON, 2007, QS, NOTHING),
    ROW("contacts:Manager", "Manager", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Mileage", "Mileage", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:OfficeLocation", "OfficeLocation", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:PostalAddressIndex", "PostalAddressIndex", CON, 0, CON, 2007, Q, NOTHING),
    ROW("contacts:Profession", "Profession", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:SpouseName", "SpouseName", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:Surname", "Surname", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:WeddingAnniversary", "WeddingAnniversary", CON, 0, CON, 2007, QS, NOTHING),
    ROW("contacts:HasPicture", "HasPicture", CON, 0, CON, 2010, Q, NOTHING),
    ROW("contacts:DisplayName", "DisplayName", DL, DL, DL, 2007, QS, NOTHING),
    ROW("contacts:FileAs", "FileAs", DL, DL, DL, 2007, QS, NOTHING),
    ROW("contacts:ContactSource", "ContactSource", DL, DL, DL, 2007, 0, NOTHING),
    ROW("distributionlist:Members", "Members", DL, 0, DL, 2010, G, NOTHING),

    /* ---- tasks; likewise ---- */
    ROW("task:ActualWork", "ActualWork", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:AssignedTime", "AssignedTime", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:BillingInformation", "BillingInformation", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:ChangeCount", "ChangeCount", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:Companies", "Companies", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:CompleteDate", "CompleteDate", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:Contacts", "Contacts", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:DelegationState", "DelegationState", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:Delegator", "Delegator", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:DueDate", "DueDate", TSK, TSK, TSK, 2007, QS, NOTHING),
    ROW("task:IsAssignmentEditable", "IsAssignmentEditable", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:IsComplete", "IsComplete", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:IsRecurring", "IsRecurring", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:IsTeamTask", "IsTeamTask", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:Mileage", "Mileage", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:Owner", "Owner", TSK, 0, TSK, 2007, QS, NOTHING),
    ROW("task:PercentComplete", "PercentComplete", TSK, TSK, TSK, 2007, QS, NOTHING),
    ROW("task:Recurrence", "Recurrence", TSK, 0, TSK, 2007, G, NOTHING),
    ROW("task:StartDate", "StartDate", TSK, TSK, TSK, 2007, QS, NOTHING),
    ROW("task:Status", "Status", TSK, TSK, TSK, 2007, QS, NOTHING),
    ROW("task:StatusDescription", "StatusDescription", TSK, 0, TSK, 2007, Q, NOTHING),
    ROW("task:TotalWork", "TotalWork", TSK, 0, TSK, 2007, QS, NOTHING),

    /* ---- by tag only ---- */
    MAPI(0x0e07, INTEGER, QS | N, CALL(INT, value_message_flags)),
    MAPI(0x0e17, INTEGER, QS | N, CALL(INT, value_zero)),
    MAPI(0x0e23, INTEGER, QS | N | STORED, CALL(INT, value_imap_uid)),
    MAPI(0x0ff9, BINARY, STORED, CALL(BYTES, value_record_key)),
    MAPI(0x0e1d, STRING, QS, CALL(TEXT, value_normalized_subject)),
    MAPI(0x003d, STRING, QS, CALL(TEXT, value_subject_prefix)),
    MAPI(0x0c1a, STRING, QS, CALL(TEXT, value_addr_name), .prop = IPROP_SENDER),
    MAPI(0x0c1f, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_SENDER),
    MAPI(0x0c1e, STRING, QS, CALL(TEXT, value_addr_type), .prop = IPROP_SENDER),
    MAPI(0x5d01, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_SENDER),
    MAPI(0x0042, STRING, QS, CALL(TEXT, value_addr_name), .prop = IPROP_FROM),
    MAPI(0x0065, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_FROM),
    MAPI(0x0064, STRING, QS, CALL(TEXT, value_addr_type), .prop = IPROP_FROM),
    MAPI(0x5d02, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_FROM),
    MAPI(0x0040, STRING, QS, CALL(TEXT, value_addr_name), .prop = IPROP_RECEIVED_BY),
    MAPI(0x0076, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_RECEIVED_BY),
    MAPI(0x0075, STRING, QS, CALL(TEXT, value_addr_type), .prop = IPROP_RECEIVED_BY),
    MAPI(0x5d07, STRING, QS, CALL(TEXT, value_addr_address), .prop = IPROP_RECEIVED_BY),
    MAPI(0x007d, STRING, G, CALL(TEXT, value_transport_headers)),
    MAPI(0x1013, BINARY, G, CALL(BYTES, value_body_html)),
    MAPI(0x3fde, INTEGER, Q, CALL(INT, value_codepage)),
    MAPI(0x1090, INTEGER, QS, .source = SOURCE_INT, .prop = IPROP_FLAG_STATUS),
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

/* Categories are a named property of old. */
const struct prop_row *prop_row_by_extended(const struct extended_path *path)
{
    const struct prop_row *row;

    if (!path->named) {
        return prop_row_by_tag(path->tag);
    }
    if (path->set != PROPERTY_SET_PUBLIC_STRINGS || !str_is(path->name, "Keywords")) {
        return NULL;
    }
    for (row = prop_rows; row->prop != IPROP_CATEGORIES; row++) {
    }
    return row;
}
