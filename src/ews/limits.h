/* Numbers of the room ews, each with its reason. */
#ifndef EWS_LIMITS_H
#define EWS_LIMITS_H

#include <stdint.h>

/* A request's bytes: what Exchange takes by default; a message of 40 MB fits in base64. */
#define REQUEST_MAX_BYTES (64U * 1024 * 1024)
/* A request of work that may be done on an event loop: some hundred ids fit, which cost some
 * milliseconds. */
#define QUICK_REQUEST_BYTES (16U * 1024)
/* The deepest lawful request is a nested restriction; attachments are not expanded in XML. */
#define REQUEST_MAX_DEPTH 128
/* A batch of nearly 100,000 ids fits, and its answer still fits in memory. */
#define REQUEST_MAX_NODES 100000
/* The richest element of the schema has 20 attributes. */
#define REQUEST_MAX_ATTRS 32

/* Offending values are repeated in fault details up to here. */
#define GRAMMAR_SHOWN_BYTES 64

/* Permissions that a folder may have: every user of a large office; they are compared with each other. */
#define PERMISSIONS_MAX 1000

/* Paths that a shape may name: twice what the schema has, so that a client's own extended
 * properties fit. */
#define SHAPE_MAX_PATHS 1024

/* Room for <m:SyncState>…</m:SyncState> and the flag, which stand before the changes but are
 * known after them. */
#define SYNC_STATE_GAP_BYTES 192
/* Changes that a call may ask for: the schema's facet. */
#define SYNC_MAX_CHANGES 512

/* How long a client is asked to wait when the server is busy: a queue of requests is worked off
 * by then. */
#define BUSY_BACK_OFF_MS 2000

/* xs:dateTime knows no zone further from UTC. */
#define ZONE_MAX_OFFSET_MINUTES (14 * 60)

/* Where summaries cut long strings, as documented for FindItem. */
#define SUMMARY_TEXT_CHARS 255

/* Rows a FindItem or FindFolder answers at most, whatever its view asks for. */
#define FIND_MAX_ROWS 1000
/* Items whose sort keys are held in memory at once, and the bytes of the keys: a folder of a
 * million subjects. */
#define FIND_MAX_MATCHES 2000000
#define FIND_MAX_KEY_BYTES (128U * 1024 * 1024)
/* One key: what tells two long strings apart. */
#define FIND_KEY_CHARS 255
#define FIND_MAX_SORT_FIELDS 16
/* A restriction: what people build by hand stays below a tenth of it. */
#define RESTRICTION_MAX_NODES 1000
#define RESTRICTION_MAX_DEPTH 64
/* Items that one request may walk over, bytes of messages that it may read for a restriction on
 * bodies or headers, and bytes of values that its restriction may look at: some seconds of work. */
#define FIND_MAX_WALKED 5000000
#define RESTRICTION_MAX_BYTES (UINT64_C(2) * 1024 * 1024 * 1024)
/* What opening a message costs at least, in bytes read. */
#define MESSAGE_OPEN_BYTES 1024
/* What one test costs at least, in bytes looked at. */
#define RESTRICTION_TEST_BYTES 64

/* Bytes of messages that one request holds on their way to another mailbox: one more leg for each. */
#define TRANSFER_MAX_BYTES (32U * 1024 * 1024)

/* An answer that has grown so large takes no further items: they are refused and can be asked
 * for again. The first is always served. */
#define ANSWER_MAX_BYTES (128U * 1024 * 1024)
/* Bytes of messages that one request may have opened, whatever it shows of them: some tens of
 * seconds of work. */
#define READ_MAX_BYTES (UINT64_C(4) * 1024 * 1024 * 1024)

/* Members of a distribution list: each summary of it reads them. */
#define LIST_MAX_MEMBERS 5000
/* A QueryString: what people type. */
#define QUERY_MAX_BYTES 4096
#define QUERY_MAX_TERMS 100

/* PidTagMessageClass. */
#define ITEM_CLASS_MAX_BYTES 255
/* Properties of one item whose last change is remembered one by one: more than a client changes between two looks. */
#define EDIT_STAMPS_MAX 32
/* Extended properties of one item, keys and values: they are read with every summary. */
#define EXTENDED_MAX_BYTES (256U * 1024)
#define EXTENDED_MAX_COUNT 1000U
/* The record of one item, as edited: a thousand of them are an answer. */
#define EDIT_RECORD_MAX_BYTES (512U * 1024)
/* Items in items in attachments: what clients build, and what a stack bears. */
#define ATTACHMENT_MAX_DEPTH 16
/* Attachments of one item that a client may add, decoded, and how many: what mail systems carry at most, and half
 * of the parts that a message is read with. */
#define ATTACHMENTS_MAX_BYTES (150U * 1024 * 1024)
#define ATTACHMENTS_MAX_COUNT 1000
/* Of an address that is told in an error. */
#define ADDRESS_SHOWN_BYTES 100
/* Recipients of one message, as mail servers commonly limit it. */
#define SEND_MAX_RECIPIENTS 5000

/* Attendees of a meeting: as many as the calendar object is read with. */
#define CALENDAR_MAX_ATTENDEES 2000
/* A calendar object: what is read of one (mime/limits.h) when it stands encoded in its message. */
#define CALENDAR_MAX_BYTES (700U * 1024)
/* Of a body that is repeated in the object, for readers of iCalendar; the whole stands beside it. */
#define CALENDAR_DESCRIPTION_BYTES (32U * 1024)
/* Of the body of a single occurrence that is kept as HTML; of a longer one only the text is. */
#define CALENDAR_HTML_BYTES (64U * 1024)
/* A calendar view: what Exchange refuses beyond, the rows of one answer, and occurrences of all items that are looked at
 * for it. */
#define CALENDAR_VIEW_MAX_DAYS 731
#define CALENDAR_VIEW_MAX_ROWS 1000
/* Meetings beside others: items of a calendar that a request walks over, spans that it compares, bytes of series that it reads (each is held with its deleted occurrences), and times that it asks a series
 * (each of some microseconds). A tenth of a second in all; beyond, nothing is said of them. */
#define NEIGHBOURS_MAX_WALKED 20000
#define NEIGHBOURS_MAX_COMPARED 1000000
#define NEIGHBOURS_MAX_READ_BYTES (32U * 1024 * 1024)
#define NEIGHBOURS_SERIES_BYTES (64U * 1024)
#define NEIGHBOURS_MAX_EXPANDED 5000
/* Of one item; of a day with more of them nothing is said. */
#define NEIGHBOURS_MAX_FOUND 100

/* Folders that a subscription may name: they stand in its row, and every event is looked up among them. Who watches more
 * asks for all. */
#define SUBSCRIBE_MAX_FOLDERS 1000
/* A note of the subscriber's to himself, kept in the row. */
#define SUBSCRIBE_MAX_CALLER_DATA_BYTES 4096
/* The longest Timeout and StatusFrequency, the longest ConnectionTimeout, and the ids of one stream: the protocol's. */
#define SUBSCRIBE_MAX_MINUTES 1440
#define STREAM_MAX_MINUTES 30
#define STREAM_MAX_SUBSCRIPTIONS 200
/* Events of one GetEvents answer: as documented. */
#define GET_EVENTS_MAX 50
/* What a listener answers to a push: a status word in an envelope. */
#define PUSH_RESULT_MAX_BYTES (64U * 1024)
#define PUSH_RESULT_MAX_DEPTH 32
#define PUSH_RESULT_MAX_NODES 200

/* The last day on which a recurrence may end, as documented: 4500-09-01. */
#define RECURRENCE_END_MS INT64_C(79860124800000)
/* What following one rule day by day costs a calendar view, in items walked: some milliseconds. */
#define FIND_RULE_ITEMS 10000

/* xs:int */
#define XS_INT_MAX 2147483647
#define XS_INT_MIN (-2147483647 - 1)

#endif
