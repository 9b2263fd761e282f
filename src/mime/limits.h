/* Numbers of the room mime, each with its reason. Callers: the .c files of mime only. */
#ifndef MIME_LIMITS_H
#define MIME_LIMITS_H

/* A message that passed twenty lists and scanners has some hundred fields; what follows these is not looked at. */
#define MIME_FIELDS_MAX 2000
/* Fields beyond are not looked at; servers commonly refuse header blocks of more than 256 kB. */
#define MIME_HEADER_BLOCK_BYTES_MAX (1024u * 1024)
/* One value: a To of some five thousand recipients. */
#define MIME_VALUE_BYTES_MAX (256u * 1024)
/* Values that become parameters or identifiers (Content-Type, Message-ID ...) have no business being longer. */
#define MIME_SHORT_VALUE_BYTES_MAX (16u * 1024)
/* Mailboxes kept of one field. */
#define MIME_ADDRESSES_MAX 5000
/* Groups of one field, nested or not. */
#define MIME_GROUPS_MAX 100
#define MIME_KEYWORDS_MAX 100
/* A Thread-Index is 22 bytes and 5 more for each reply. */
#define MIME_THREAD_INDEX_BYTES_MIN 22
#define MIME_THREAD_INDEX_BYTES_MAX 1024

/* Multiparts within multiparts; real mail stays below 10. What lies deeper is one opaque attachment. */
#define MIME_DEPTH_MAX 100
/* A digest of a busy list has some hundred parts, each costs us half a kilobyte; what follows is not looked at. */
#define MIME_PARTS_MAX 2000
/* RFC 2046 says 70; longer ones are seen. A multipart with a longer one is shown as text. */
#define MIME_BOUNDARY_BYTES_MAX 250
/* Names of attachments. */
#define MIME_NAME_BYTES_MAX 1024

/* Raw bytes of a text body looked at for a preview, first try and last. */
#define MIME_PREVIEW_FIRST_BYTES (4u * 1024)
#define MIME_PREVIEW_LAST_BYTES (512u * 1024)
/* Characters of a preview, as Exchange gives it. */
#define MIME_PREVIEW_CHARS 255
/* Names of recipients in a row; answers cut them to less. */
#define MIME_DISPLAY_BYTES_MAX (16u * 1024)
/* A delivery report is read this far to find its first Action. */
#define MIME_REPORT_BYTES_MAX (64u * 1024)
/* Scratch for sizing an encoded attachment without keeping it. */
#define MIME_DECODE_PIECE_BYTES (16u * 1024)

/* A meeting request with a thousand attendees and a long description is below this. */
#define MIME_CALENDAR_BYTES_MAX (1024u * 1024)
/* libical frees components by recursion; a VALARM in a VEVENT in a VCALENDAR is three. */
#define MIME_CALENDAR_DEPTH_MAX 16
#define MIME_CALENDAR_COMPONENTS_MAX 2000
#define MIME_ATTENDEES_MAX 2000
/* The same request, folded; libical spends a microsecond a line. */
#define MIME_CALENDAR_LINES_MAX 20000
/* A zone has two observances with a rule each, some history makes it a few dozen and some hundred single changes. */
#define MIME_ZONE_OBSERVANCES_MAX 100
#define MIME_ZONE_RULES_MAX 8
#define MIME_ZONE_DATES_MAX 1000
/* Zone files of the system: the longest has 4 kB; a full set, with its aliases, has 1800. */
#define MIME_ZONE_FILE_BYTES_MAX (64u * 1024)
#define MIME_ZONE_NAME_BYTES_MAX 64
#define MIME_ZONES_KEPT_MAX 2048
/* Times outside are taken for absent. */
#define MIME_YEAR_MIN 1601
#define MIME_YEAR_MAX 9999

/* Deleted occurrences of one event: every day of ten years. */
#define MIME_EXDATES_MAX 4000
/* Days looked at, from its start, of a rule that is none of the protocol's: five centuries, some ten milliseconds. */
#define MIME_RULE_DAYS_MAX 183000
/* A zone's description beside an event; with all its history the longest of the system's has some 10 kB. */
#define MIME_VTIMEZONE_BYTES_MAX (32u * 1024)

/* Written. RFC 5322 allows lines of 998 bytes without their end. */
#define MIME_LINE_BYTES_MAX 998
/* An address with each byte escaped still fits a line; RFC 5321 ends at 320, names of other directories are longer. */
#define MIME_ADDRESS_BYTES_MAX 450
/* A name of a header field, with room for a value on its first line. */
#define MIME_HEADER_NAME_BYTES_MAX 200

#endif
