/*
 * The property record: what an item's summary row keeps, as one small byte string. Written when an item is stored, read by every summary answer.
 *
 * Format: version byte 1, then entries in ascending order of number: varint number, varint length, bytes. Numbers are for ever; an unknown number is skipped.
 * A value is UTF-8 text, a zigzag varint (numbers, booleans, enums, times in Unix milliseconds), an address list
 * (for each: varint n, name, varint n, address) or a text list (varint n, text …).
 */
#ifndef MAILBOX_PROPS_H
#define MAILBOX_PROPS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* X(NUMBER, NAME, type) – append only. Types: TEXT INT TIME ADDRS TEXTS BYTES */
#define ITEM_PROPS(X)                                                                                                                                                  \
    X(1, SUBJECT, TEXT)                                                                                                                                                \
    X(2, ITEM_CLASS_NAME, TEXT) /* absent when it is the item class's default, such as IPM.Note */                                                                     \
    X(3, SENSITIVITY, INT)      /* 0 Normal 1 Personal 2 Private 3 Confidential; absent: 0 */                                                                          \
    X(4, IMPORTANCE, INT)       /* 0 Low 1 Normal 2 High; absent: 1 */                                                                                                 \
    X(5, SENT, TIME)                                                                                                                                                   \
    X(6, CREATED, TIME)                                                                                                                                                \
    X(7, MODIFIED, TIME)                                                                                                                                               \
    X(8, MODIFIED_BY, TEXT)                                                                                                                                            \
    X(9, FROM, ADDRS)                                                                                                                                                  \
    X(10, SENDER, ADDRS)                                                                                                                                               \
    X(11, DISPLAY_TO, TEXT) /* names, "; " between */                                                                                                                  \
    X(12, DISPLAY_CC, TEXT)                                                                                                                                            \
    X(13, INTERNET_MESSAGE_ID, TEXT)                                                                                                                                   \
    X(14, IN_REPLY_TO, TEXT)                                                                                                                                           \
    X(15, REFERENCES, TEXT)                                                                                                                                            \
    X(16, READ_RECEIPT, INT)                                                                                                                                           \
    X(17, DELIVERY_RECEIPT, INT)                                                                                                                                       \
    X(18, CONVERSATION_INDEX, BYTES)                                                                                                                                   \
    X(19, CONVERSATION_TOPIC, TEXT)                                                                                                                                    \
    X(20, CATEGORIES, TEXTS)                                                                                                                                           \
    X(21, PREVIEW, TEXT) /* first 255 characters of the text body */                                                                                                   \
    X(22, RECEIVED_BY, ADDRS)                                                                                                                                          \
    X(23, CULTURE, TEXT)                                                                                                                                               \
    X(24, FLAG_STATUS, INT)       /* 0 NotFlagged 1 Complete 2 Flagged (PidTagFlagStatus) */                                                                           \
    X(25, CONVERSATION_ID, BYTES) /* 16 bytes, from the thread's root */                                                                                               \
    X(26, DISPLAY_BCC, TEXT)                                                                                                                                           \
    X(27, CREATOR,                                                                                                                                                     \
      INT) /* number of the mailbox whose user made it; absent: the owner. For RIGHT_EDIT_OWN, RIGHT_DELETE_OWN */                                                     \
    X(28, EXTENDED, BYTES) /* extended properties, as in ews/extended_store.h */                                                                                       \
    X(29, STAMPS, BYTES)   /* when properties were changed, as in ews/item_edit.c */                                                                                   \
    X(30, ATTACHMENT_NUMBERS,                                                                                                                                          \
      BYTES) /* varints: the next number to give, then those of the attachments in the message's order; ones beyond the list follow from the next; absent: 0, 1 … */ \
    X(31, REMINDER_IS_SET, INT)                                                                                                                                        \
    X(32, REMINDER_DUE_BY, TIME)                                                                                                                                       \
    X(33, REMINDER_MINUTES, INT)                                                                                                                                       \
    X(34, FLAG_START, TIME)                                                                                                                                            \
    X(35, FLAG_DUE, TIME)                                                                                                                                              \
    X(36, FLAG_COMPLETE, TIME)                                                                                                                                         \
    X(37, RESPONSE_REQUESTED, INT) /* absent: by the kind of item */                                                                                                   \
    X(38, ICON_INDEX, INT)         /* PidTagIconIndex as somebody set it */                                                                                            \
    X(39, MESSAGE_STATUS, INT)     /* PidTagMessageStatus */                                                                                                           \
    X(40, MEETING_UID, TEXT)                                                                                                                                           \
    X(41, MEETING_START, TIME)                                                                                                                                         \
    X(42, MEETING_END, TIME)                                                                                                                                           \
    X(43, MEETING_LOCATION, TEXT)                                                                                                                                      \
    X(44, MEETING_ORGANIZER, ADDRS)                                                                                                                                    \
    X(45, MEETING_ALL_DAY, INT)                                                                                                                                        \
    X(46, MEETING_BUSY_STATUS,                                                                                                                                         \
      INT) /* 0 Free 1 Tentative 2 Busy 3 OOF; as in LegacyFreeBusyType */                                                                                             \
    X(47, MEETING_RESPONSE_TYPE,                                                                                                                                       \
      INT) /* ResponseTypeType: 0 Unknown 1 Organizer 2 Tentative 3 Accept 4 Decline 5 NoResponseReceived */                                                           \
    X(48, MEETING_SEQUENCE, INT)                                                                                                                                       \
    X(49, MEETING_STAMP, TIME)                                                                                                                                         \
    X(50, MEETING_RECURRENCE_ID, TIME)                                                                                                                                 \
    X(51, MEETING_RECURRING, INT)                                                                                                                                      \
    X(52, MEETING_TIME_ZONE, TEXT) /* TZID as sent */                                                                                                                  \
    X(53, MEETING_PROPOSED_START, TIME)                                                                                                                                \
    X(54, MEETING_PROPOSED_END, TIME)                                                                                                                                  \
    X(55, MEETING_REQUEST_TYPE,                                                                                                                                        \
      INT) /* MeetingRequestTypeType: 0 None 1 FullUpdate 2 InformationalUpdate 3 NewMeetingRequest … */                                                             \
    X(60, FILE_AS, TEXT) /* as somebody set it; absent: made from the names by FILE_AS_MAPPING */                                                                      \
    X(61, FILE_AS_MAPPING,                                                                                                                                             \
      INT) /* FileAsMappingType, in the schema's order: 0 None 1 LastCommaFirst … */                                                                                 \
    X(62, DISPLAY_NAME,                                                                                                                                                \
      TEXT) /* of contacts and distribution lists; absent on contacts: made from the names */                                                                          \
    X(63, GIVEN_NAME, TEXT)                                                                                                                                            \
    X(64, INITIALS, TEXT)                                                                                                                                              \
    X(65, MIDDLE_NAME, TEXT)                                                                                                                                           \
    X(66, NICKNAME, TEXT)                                                                                                                                              \
    X(67, NAME_TITLE, TEXT) /* PidTagDisplayNamePrefix */                                                                                                              \
    X(68, COMPANY_NAME, TEXT)                                                                                                                                          \
    X(69, ASSISTANT_NAME, TEXT)                                                                                                                                        \
    X(70, BIRTHDAY, TIME)                                                                                                                                              \
    X(71, BUSINESS_HOME_PAGE, TEXT)                                                                                                                                    \
    X(72, CHILDREN, TEXTS)                                                                                                                                             \
    X(73, COMPANIES, TEXTS) /* of contacts and tasks */                                                                                                                \
    X(74, DEPARTMENT, TEXT)                                                                                                                                            \
    X(75, GENERATION, TEXT)                                                                                                                                            \
    X(76, JOB_TITLE, TEXT)                                                                                                                                             \
    X(77, MANAGER, TEXT)                                                                                                                                               \
    X(78, MILEAGE, TEXT) /* of contacts and tasks */                                                                                                                   \
    X(79, OFFICE_LOCATION, TEXT)                                                                                                                                       \
    X(80, POSTAL_ADDRESS_INDEX, INT) /* 0 None 1 Home 2 Business 3 Other */                                                                                            \
    X(81, PROFESSION, TEXT)                                                                                                                                            \
    X(82, SPOUSE_NAME, TEXT)                                                                                                                                           \
    X(83, SURNAME, TEXT)                                                                                                                                               \
    X(84, WEDDING_ANNIVERSARY, TIME)                                                                                                                                   \
    X(85, CONTACT_PICTURE, INT) /* 1: an attachment is the contact's picture */                                                                                        \
    X(86, EMAIL_1, TEXTS) /* address, name, routing type, mailbox type; empty ones unknown */                                                                          \
    X(87, EMAIL_2, TEXTS)                                                                                                                                              \
    X(88, EMAIL_3, TEXTS)                                                                                                                                              \
    X(89, IM_1, TEXT)                                                                                                                                                  \
    X(90, IM_2, TEXT)                                                                                                                                                  \
    X(91, IM_3, TEXT)                                                                                                                                                  \
    X(92, PHONE_ASSISTANT, TEXT) /* in the order of PhoneNumberKeyType */                                                                                              \
    X(93, PHONE_BUSINESS_FAX, TEXT)                                                                                                                                    \
    X(94, PHONE_BUSINESS, TEXT)                                                                                                                                        \
    X(95, PHONE_BUSINESS_2, TEXT)                                                                                                                                      \
    X(96, PHONE_CALLBACK, TEXT)                                                                                                                                        \
    X(97, PHONE_CAR, TEXT)                                                                                                                                             \
    X(98, PHONE_COMPANY_MAIN, TEXT)                                                                                                                                    \
    X(99, PHONE_HOME_FAX, TEXT)                                                                                                                                        \
    X(100, PHONE_HOME, TEXT)                                                                                                                                           \
    X(101, PHONE_HOME_2, TEXT)                                                                                                                                         \
    X(102, PHONE_ISDN, TEXT)                                                                                                                                           \
    X(103, PHONE_MOBILE, TEXT)                                                                                                                                         \
    X(104, PHONE_OTHER_FAX, TEXT)                                                                                                                                      \
    X(105, PHONE_OTHER, TEXT)                                                                                                                                          \
    X(106, PHONE_PAGER, TEXT)                                                                                                                                          \
    X(107, PHONE_PRIMARY, TEXT)                                                                                                                                        \
    X(108, PHONE_RADIO, TEXT)                                                                                                                                          \
    X(109, PHONE_TELEX, TEXT)                                                                                                                                          \
    X(110, PHONE_TTY_TDD, TEXT)                                                                                                                                        \
    X(111, PHONE_BUSINESS_MOBILE, TEXT)                                                                                                                                \
    X(112, PHONE_IP, TEXT)                                                                                                                                             \
    X(113, PHONE_MMS, TEXT)                                                                                                                                            \
    X(114, PHONE_MSN, TEXT)                                                                                                                                            \
    X(115, ADDRESS_HOME,                                                                                                                                               \
      TEXTS) /* street, city, state, country or region, postal code; empty ones unknown */                                                                             \
    X(116, ADDRESS_BUSINESS, TEXTS)                                                                                                                                    \
    X(117, ADDRESS_OTHER, TEXTS)                                                                                                                                       \
    X(118, YOMI_FIRST, TEXT)                                                                                                                                           \
    X(119, YOMI_LAST, TEXT)                                                                                                                                            \
    X(120, MEMBERS,                                                                                                                                                    \
      TEXTS) /* of a distribution list; seven texts a member: key, name, address, routing type, mailbox type, item id, status */                                       \
    X(121, TASK_ACTUAL_WORK, INT) /* minutes */                                                                                                                        \
    X(122, TASK_BILLING, TEXT)                                                                                                                                         \
    X(123, TASK_CHANGE_COUNT, INT)                                                                                                                                     \
    X(124, TASK_COMPLETE_DATE, TIME)                                                                                                                                   \
    X(125, TASK_CONTACTS, TEXTS)                                                                                                                                       \
    X(126, TASK_DUE, TIME)                                                                                                                                             \
    X(127, TASK_OWNER, TEXT)                                                                                                                                           \
    X(128, TASK_PERCENT, INT) /* in millionths of a percent */                                                                                                         \
    X(129, TASK_RECURRENCE,                                                                                                                                            \
      BYTES) /* numbers: what follows a regeneration or a rule, see props_task.c */                                                                                    \
    X(130, TASK_START, TIME)                                                                                                                                           \
    X(131, TASK_STATUS,                                                                                                                                                \
      INT) /* 0 NotStarted 1 InProgress 2 Completed 3 WaitingOnOthers 4 Deferred */                                                                                    \
    X(132, TASK_TOTAL_WORK, INT) /* minutes */                                                                                                                         \
    X(133, TASK_TEAM, INT)                                                                                                                                             \
    X(150, CALENDAR_LAST,                                                                                                                                              \
      TIME)                         /* of a recurring item: when its last occurrence has ended, or later; absent: it goes on for ever */                               \
    X(151, CALENDAR_END_ZONE, TEXT) /* absent: MEETING_TIME_ZONE */                                                                                                    \
    X(152, CALENDAR_WHEN, TEXT)                                                                                                                                        \
    X(153, CALENDAR_WORKSPACE_URL, TEXT)                                                                                                                               \
    X(154, CALENDAR_NET_SHOW_URL, TEXT)                                                                                                                                \
    X(155, CALENDAR_CONFERENCE_TYPE, INT)                                                                                                                              \
    X(156, CALENDAR_ALLOW_PROPOSAL, INT)                                                                                                                               \
    X(157, CALENDAR_ONLINE, INT)                                                                                                                                       \
    X(158, CALENDAR_REPLY_TIME, TIME)                                                                                                                                  \
    X(159, CALENDAR_CANCELLED, INT)                                                                                                                                    \
    X(160, CALENDAR_HAS_ATTENDEES, INT)                                                                                                                                \
    X(161, CALENDAR_FIRST,                                                                                                                                             \
      TIME) /* of a recurring item: when an occurrence that was moved before MEETING_START starts */                                                                   \
    X(170, LAST_VERB,                                                                                                                                                  \
      INT) /* PidTagLastVerbExecuted: 102 replied, 103 replied to all, 104 forwarded */                                                                                \
    X(171, LAST_VERB_TIME, TIME)                                                                                                                                       \
    X(172, RESPONSE_ORIGINAL,                                                                                                                                          \
      INT) /* of a draft: the item that it answers, by number; what is done to that when it is sent */                                                                 \
    X(173, RESPONSE_VERB, INT)

enum item_prop {
#define X(n, name, type) IPROP_##name = (n),
    ITEM_PROPS(X)
#undef X
        IPROP_LIMIT = 192 /* numbers stay below */
};

enum item_prop_type {
    IPROP_TYPE_NONE,
    IPROP_TYPE_TEXT,
    IPROP_TYPE_INT,
    IPROP_TYPE_TIME,
    IPROP_TYPE_ADDRS,
    IPROP_TYPE_TEXTS,
    IPROP_TYPE_BYTES
};
enum item_prop_type item_prop_type(enum item_prop prop);

/* A record opened for reading: v[n] is the raw value of property n, p NULL when absent. Slices point into the record. */
struct props {
    struct str v[IPROP_LIMIT];
};
/* False when the record is damaged (what was readable stays set). Empty is a record without properties. */
bool props_open(struct props *props, struct str record);

struct props_writer {
    struct buf *out;
    unsigned last; /* entries must come in ascending order: asserted */
};
void props_begin(struct props_writer *w, struct buf *out);
/* Empty text, empty lists and {NULL,0} are left out. Text is cut at 32 kB on a code point and made valid for XML by the caller. */
void props_add_text(struct props_writer *w, enum item_prop prop, struct str text);
/* As text, for properties of type BYTES: not cut. */
void props_add_bytes(struct props_writer *w, enum item_prop prop, struct str bytes);
void props_add_int(struct props_writer *w, enum item_prop prop, int64_t v);
/* A value as it stands in a record that was opened; p NULL: nothing. */
void props_add_raw(struct props_writer *w, enum item_prop prop, struct str raw);
struct prop_addr {
    struct str name, address;
};
void props_add_addrs(struct props_writer *w, enum item_prop prop, const struct prop_addr *addrs,
                     size_t n);
void props_add_texts(struct props_writer *w, enum item_prop prop, const struct str *texts,
                     size_t n);

static inline bool props_has(const struct props *p, enum item_prop prop)
{
    return p->v[prop].p != NULL;
}
int64_t props_int(const struct props *p, enum item_prop prop, int64_t absent);
/* Iterates an address or text list: false at the end. rest starts as the raw value. */
bool props_next_addr(struct str *rest, struct prop_addr *addr_r);
bool props_next_text(struct str *rest, struct str *text_r);
/* Text number i of a list, from 0; p NULL when it has none. */
struct str props_nth_text(struct str list, size_t i);

#endif
