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
#define ITEM_PROPS(X)                                                                              \
    X(1, SUBJECT, TEXT)                                                                            \
    X(2, ITEM_CLASS_NAME, TEXT)        /* absent when it is the item class's default, such as IPM.Note */ \
    X(3, SENSITIVITY, INT)             /* 0 Normal 1 Personal 2 Private 3 Confidential; absent: 0 */ \
    X(4, IMPORTANCE, INT)              /* 0 Low 1 Normal 2 High; absent: 1 */                      \
    X(5, SENT, TIME)                                                                               \
    X(6, CREATED, TIME)                                                                            \
    X(7, MODIFIED, TIME)                                                                           \
    X(8, MODIFIED_BY, TEXT)                                                                        \
    X(9, FROM, ADDRS)                                                                              \
    X(10, SENDER, ADDRS)                                                                           \
    X(11, DISPLAY_TO, TEXT)            /* names, "; " between */                                   \
    X(12, DISPLAY_CC, TEXT)                                                                        \
    X(13, INTERNET_MESSAGE_ID, TEXT)                                                               \
    X(14, IN_REPLY_TO, TEXT)                                                                       \
    X(15, REFERENCES, TEXT)                                                                        \
    X(16, READ_RECEIPT, INT)                                                                       \
    X(17, DELIVERY_RECEIPT, INT)                                                                   \
    X(18, CONVERSATION_INDEX, BYTES)                                                               \
    X(19, CONVERSATION_TOPIC, TEXT)                                                                \
    X(20, CATEGORIES, TEXTS)                                                                       \
    X(21, PREVIEW, TEXT)               /* first 255 characters of the text body */                 \
    X(22, RECEIVED_BY, ADDRS)                                                                      \
    X(23, CULTURE, TEXT)                                                                           \
    X(24, FLAG_STATUS, INT)            /* 0 NotFlagged 1 Complete 2 Flagged (PidTagFlagStatus) */  \
    X(25, CONVERSATION_ID, BYTES)      /* 16 bytes, from the thread's root */                      \
    X(26, DISPLAY_BCC, TEXT)                                                                       \
    X(40, MEETING_UID, TEXT)                                                                       \
    X(41, MEETING_START, TIME)                                                                     \
    X(42, MEETING_END, TIME)                                                                       \
    X(43, MEETING_LOCATION, TEXT)                                                                  \
    X(44, MEETING_ORGANIZER, ADDRS)                                                                \
    X(45, MEETING_ALL_DAY, INT)                                                                    \
    X(46, MEETING_BUSY_STATUS, INT)    /* 0 Free 1 Tentative 2 Busy 3 OOF; as in LegacyFreeBusyType */ \
    X(47, MEETING_RESPONSE_TYPE, INT)  /* ResponseTypeType: 0 Unknown 1 Organizer 2 Tentative 3 Accept 4 Decline 5 NoResponseReceived */ \
    X(48, MEETING_SEQUENCE, INT)                                                                   \
    X(49, MEETING_STAMP, TIME)                                                                     \
    X(50, MEETING_RECURRENCE_ID, TIME)                                                             \
    X(51, MEETING_RECURRING, INT)                                                                  \
    X(52, MEETING_TIME_ZONE, TEXT)     /* TZID as sent */                                          \
    X(53, MEETING_PROPOSED_START, TIME)                                                            \
    X(54, MEETING_PROPOSED_END, TIME)                                                              \
    X(55, MEETING_REQUEST_TYPE, INT)   /* MeetingRequestTypeType: 0 None 1 FullUpdate 2 InformationalUpdate 3 NewMeetingRequest … */

enum item_prop {
#define X(n, name, type) IPROP_##name = (n),
    ITEM_PROPS(X)
#undef X
    IPROP_LIMIT = 64  /* numbers stay below */
};

enum item_prop_type { IPROP_TYPE_NONE, IPROP_TYPE_TEXT, IPROP_TYPE_INT, IPROP_TYPE_TIME, IPROP_TYPE_ADDRS, IPROP_TYPE_TEXTS, IPROP_TYPE_BYTES };
enum item_prop_type item_prop_type(enum item_prop prop);

/* A record opened for reading: v[n] is the raw value of property n, p NULL when absent. Slices point into the record. */
struct props {
    struct str v[IPROP_LIMIT];
};
/* False when the record is damaged (what was readable stays set). Empty is a record without properties. */
bool props_open(struct props *props, struct str record);

struct props_writer {
    struct buf *out;
    unsigned last;  /* entries must come in ascending order: asserted */
};
void props_begin(struct props_writer *w, struct buf *out);
/* Empty text, empty lists and {NULL,0} are left out. Text is cut at 32 kB on a code point and made valid for XML by the caller. */
void props_add_text(struct props_writer *w, enum item_prop prop, struct str text);
/* As text, for properties of type BYTES: not cut. */
void props_add_bytes(struct props_writer *w, enum item_prop prop, struct str bytes);
void props_add_int(struct props_writer *w, enum item_prop prop, int64_t v);
struct prop_addr {
    struct str name, address;
};
void props_add_addrs(struct props_writer *w, enum item_prop prop, const struct prop_addr *addrs, size_t n);
void props_add_texts(struct props_writer *w, enum item_prop prop, const struct str *texts, size_t n);

static inline bool props_has(const struct props *p, enum item_prop prop)
{
    return p->v[prop].p != NULL;
}
int64_t props_int(const struct props *p, enum item_prop prop, int64_t absent);
/* Iterates an address or text list: false at the end. rest starts as the raw value. */
bool props_next_addr(struct str *rest, struct prop_addr *addr_r);
bool props_next_text(struct str *rest, struct str *text_r);

#endif
