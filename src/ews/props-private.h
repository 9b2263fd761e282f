/*
 * For the files that make up the property table: what a row is. Callers outside see props.h only.
 *
 * Rows stand in the order in which the schema wants their elements; that one order fits every
 * kind of item. Where two kinds
 * disagree (a post's Sender comes last), the FieldURI has a second row for the other kinds, so a
 * FieldURI is unique within a kind.
 */
#ifndef EWS_PROPS_PRIVATE_H
#define EWS_PROPS_PRIVATE_H

#include "ews/props.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct item_edit;
struct mime_attachment;

/* Sets of item kinds. */
#define KIND(k) (1u << ITEM_KIND_##k)
#define K_MEETING                                                                                  \
    (KIND(MEETING_MESSAGE) | KIND(MEETING_REQUEST) | KIND(MEETING_RESPONSE) |                      \
     KIND(MEETING_CANCELLATION))
#define K_MESSAGE (KIND(MESSAGE) | K_MEETING)
#define K_ANY ((1u << ITEM_KIND_COUNT) - 2)

enum row_flags {
    ROW_GET_ONLY = 1 << 0,  /* not in summaries: needs the message itself, or is a list of people */
    ROW_SEARCH = 1 << 1,    /* may stand in a restriction */
    ROW_SORT = 1 << 2,      /* may stand in a sort order */
    ROW_NO_EXISTS = 1 << 3, /* every item has it, so Exists on it is an error */
    ROW_STREAMABLE = 1 << 4, /* summaries cut it at SUMMARY_TEXT_CHARS */
    ROW_STORED = 1 << 5,     /* of items that lie in a folder; an attached item has none */
    ROW_EVERY_SHAPE = 1 << 6 /* IdOnly too */
};

/* Where the value comes from. */
enum row_source {
    SOURCE_NONE, /* nothing is stored yet: always absent */
    SOURCE_TEXT,
    SOURCE_INT,
    SOURCE_ENUM, /* an INT with names */
    SOURCE_BOOL,
    SOURCE_TIME,
    SOURCE_ADDRS,
    SOURCE_TEXTS,
    SOURCE_BYTES,
    SOURCE_FLAG, /* a bit of item.flags */
    SOURCE_CALL  /* the row's value function */
};

struct prop_row {
    struct str uri;         /* empty: reachable by its tag only */
    struct str element;     /* "t:Subject"; empty: likewise */
    struct str open, close; /* "<t:Subject>", "</t:Subject>" */
    uint16_t kinds;         /* that may carry it */
    uint16_t in_default;    /* kinds whose Default shape has it */
    uint16_t in_all;        /* kinds whose AllProperties shape has it, beyond Default */
    uint8_t flags;          /* enum row_flags */
    uint8_t since;          /* enum ews_version: base shapes of older requests leave it out */
    uint8_t source;         /* enum row_source */
    uint8_t prop;           /* enum item_prop: TEXT … BYTES */
    uint8_t mapi;           /* enum mapi_type of tag */
    bool has_absent;        /* INT, ENUM, BOOL: absent means the value `absent` */
    int8_t absent;
    uint16_t tag;         /* MAPI property tag that shows the same value; 0: none */
    uint16_t lid;         /* likewise a named property: its number in the set lid_set; 0: none */
    uint8_t lid_set;      /* enum property_set */
    uint16_t bit;         /* FLAG: the bit; else what the writer distinguishes */
    enum value_type type; /* CALL: what value yields */
    const char *const *names; /* ENUM: NULL-terminated, by number */
    /* NULL: never written. Absent values write nothing. Failures go to view->err. */
    void (*write)(const struct prop_row *row, struct item_view *view, struct buf *out);
    void (*value)(const struct prop_row *row, struct item_view *view, struct value *value_r);
    /* Writing. settable: kinds of item on which clients may set it; 0: read-only. */
    uint16_t settable;
    /* Sets it from its element: t:Subject … ERR_SCHEMA for what the schema forbids there. */
    int (*set)(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
               struct err *err_r);
    /* NULL: nothing can be appended. */
    int (*append)(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                  struct err *err_r);
    /* NULL: cannot be deleted. */
    int (*remove)(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
    /* Sets it from the value of an extended property of its tag; VALUE_NONE removes. NULL: such a property is read-only.
     * Does not depend on settable: some properties can be set in this way alone. */
    int (*put)(const struct prop_row *row, struct item_edit *edit, const struct value *value,
               struct err *err_r);
    /* Dictionaries: the IndexedFieldURI of their entries starts so ("contacts:PhoneNumber"). node is the dictionary's
     * element with one entry in it; NULL removes the entry. */
    struct str indexed;
    int (*set_entry)(const struct prop_row *row, struct item_edit *edit,
                     const struct prop_path *path, const struct xml_node *node, struct err *err_r);
};

/* The table, and a row's position in it. */
extern const struct prop_row prop_rows[];
extern const size_t prop_row_count;
#define PROP_ROWS_MAX 384

static inline size_t prop_row_number(const struct prop_row *row)
{
    return (size_t)(row - prop_rows);
}

/* The row of ExtendedProperty: chosen when a shape names one. */
const struct prop_row *prop_row_extended(void);
/* The row behind a MAPI tag, or NULL. */
const struct prop_row *prop_row_by_tag(uint32_t tag);
/* The row behind an extended path: by tag, or a named property that mirrors a row. NULL: nothing
 * of ours. */
const struct prop_row *prop_row_by_extended(const struct extended_path *path);

/* The path of a FieldURI that is known to be one of the schema's. */
const struct prop_path *prop_path_of_field(struct ews_call *call, struct str uri);
/* The row of the dictionary that an IndexedFieldURI names an entry of, or NULL. */
const struct prop_row *prop_row_of_entry(const struct prop_path *path);

/* ---- uris.c ---- */

/* Properties that one item can have together belong to one group; see docs/decisions/foreign-
 * properties.md. */
enum uri_group { URI_ITEM, URI_MAIL, URI_PEOPLE, URI_TASK, URI_FOLDER, URI_OTHER };
/* What a FieldURI of the schema is; false when the schema has no such. The row is the first one,
 * or NULL. */
bool uri_find(struct str uri, struct str *canonical_r, enum uri_group *group_r,
              const struct prop_row **row_r);
/* The same for IndexedFieldURI. */
bool uri_find_indexed(struct str uri, struct str *canonical_r, enum uri_group *group_r);

/* ---- value.c ---- */

/* VALUE_NONE when the item has none. */
void prop_row_value(const struct prop_row *row, struct item_view *view, struct value *value_r);
enum value_type prop_row_value_type(const struct prop_row *row);
/* A path's value on an item: row, header, or nothing. */
void prop_path_value(const struct prop_path *path, struct item_view *view, struct value *value_r);
enum value_type prop_path_value_type(const struct prop_path *path);
/* Whether items can be put in its order. */
bool prop_path_is_sortable(const struct prop_path *path);
/* False when id, kind and flags of an item tell its value. */
bool prop_path_needs_record(const struct prop_path *path);
/* True when its value takes more than the property record. */
bool prop_path_needs_message(const struct prop_path *path);
/* Whether the value can be shown as that type of extended property. */
bool value_fits_mapi(const struct value *value, enum mapi_type type);
/* A header of the message by its name, case-insensitively; VALUE_NONE if it has none. */
void value_of_header(struct item_view *view, struct str name, struct value *value_r);

/* ---- props_write.c: writers by source ---- */

void write_text(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_int(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_enum(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_bool(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_time(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_single_mailbox(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_texts(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_bytes(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_flag(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_value(const struct prop_row *row, struct item_view *view, struct buf *out); /* of CALL */
/* <t:Mailbox>…; false when there is neither name nor address. */
bool write_mailbox(struct item_view *view, struct buf *out, struct str name, struct str address);

/* ---- props_item.c: properties of every item ---- */

void write_item_id_row(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_parent_folder_id(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_response_objects(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_culture(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_effective_rights(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_conversation_id(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_flag_status(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_extended(const struct prop_row *row, struct item_view *view, struct buf *out);
/* The class of items whose record names none. */
struct str default_item_class(enum item_kind kind);
void value_item_class(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_received(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_size(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_record_key(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_false(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_sender(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_icon_index(const struct prop_row *row, struct item_view *view, struct value *value_r);
void write_icon_index(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_sender(const struct prop_row *row, struct item_view *view, struct buf *out);

/* ---- props_mapi.c: values that are known by their tag only ---- */

void value_message_flags(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_imap_uid(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_normalized_subject(const struct prop_row *row, struct item_view *view,
                              struct value *value_r);
void value_subject_prefix(const struct prop_row *row, struct item_view *view,
                          struct value *value_r);
void value_addr_name(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_addr_address(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_addr_type(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_transport_headers(const struct prop_row *row, struct item_view *view,
                             struct value *value_r);
void value_body_text(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_body_html(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_codepage(const struct prop_row *row, struct item_view *view, struct value *value_r);

/* ---- props_body.c: what needs the message itself ---- */

void write_mime_content(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_body(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_unique_body(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_normalized_body(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_text_body(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_attachments(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_headers(const struct prop_row *row, struct item_view *view, struct buf *out);
enum recipient_list { RECIPIENTS_TO, RECIPIENTS_CC, RECIPIENTS_BCC, RECIPIENTS_REPLY_TO };
void write_recipients(const struct prop_row *row, struct item_view *view, struct buf *out);

/* The id of the view's attachment at that position; false when it lies deeper than an id can
 * say. */
bool attachment_token(const struct item_view *view, size_t index, struct token_attachment *token_r);
/* AttachmentId … IsInline: what both kinds of attachment begin with. */
void attachment_write_head(struct item_view *view, struct buf *out,
                           const struct token_attachment *token,
                           const struct mime_attachment *attachment);

/* ---- props_meeting.c ---- */

void value_response_type(const struct prop_row *row, struct item_view *view, struct value *value_r);
void write_response_type(const struct prop_row *row, struct item_view *view, struct buf *out);
void value_response_requested(const struct prop_row *row, struct item_view *view,
                              struct value *value_r);
void value_is_request(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_is_meeting(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_is_cancelled(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_calendar_item_type(const struct prop_row *row, struct item_view *view,
                              struct value *value_r);
void value_duration(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_appointment_state(const struct prop_row *row, struct item_view *view,
                             struct value *value_r);
void write_attendees(const struct prop_row *row, struct item_view *view, struct buf *out);

/* ---- props_contact.c, dictionary.c, props_list.c ---- */

extern const char *const file_as_mapping_names[];
/* Names as they are shown: stored ones, else made of the others. */
struct str contact_display_name(const struct props *props, struct arena *arena);
struct str contact_file_as(const struct props *props, struct arena *arena);

/* The contact as a vCard, in the view's arena (props_vcard.c). */
struct str contact_vcard(struct item_view *view);

void value_file_as(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_display_name(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_contact_source(const struct prop_row *row, struct item_view *view,
                          struct value *value_r);
void value_part(const struct prop_row *row, struct item_view *view, struct value *value_r);
void write_complete_name(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_dictionary(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_members(const struct prop_row *row, struct item_view *view, struct buf *out);

int set_stored_text(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                    struct err *err_r);
int put_stored_text(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                    struct err *err_r);
int set_file_as_mapping(const struct prop_row *row, struct item_edit *edit,
                        const struct xml_node *node, struct err *err_r);
int put_part(const struct prop_row *row, struct item_edit *edit, const struct value *value,
             struct err *err_r);
int set_dictionary(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r);
int remove_dictionary(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int set_dictionary_entry(const struct prop_row *row, struct item_edit *edit,
                         const struct prop_path *path, const struct xml_node *node,
                         struct err *err_r);
int set_members(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r);
int append_members(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r);
int set_member_entry(const struct prop_row *row, struct item_edit *edit,
                     const struct prop_path *path, const struct xml_node *node, struct err *err_r);

/* ---- props_task.c ---- */

extern const char *const task_status_names[];

void value_task_complete(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_task_recurring(const struct prop_row *row, struct item_view *view,
                          struct value *value_r);
void value_task_percent(const struct prop_row *row, struct item_view *view, struct value *value_r);
void value_task_status_text(const struct prop_row *row, struct item_view *view,
                            struct value *value_r);
void value_task_delegation(const struct prop_row *row, struct item_view *view,
                           struct value *value_r);
void value_task_owner(const struct prop_row *row, struct item_view *view, struct value *value_r);
void write_task_percent(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_task_recurrence(const struct prop_row *row, struct item_view *view, struct buf *out);

int set_task_recurrence(const struct prop_row *row, struct item_edit *edit,
                        const struct xml_node *node, struct err *err_r);
int set_task_status(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                    struct err *err_r);
int remove_task_status(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int put_task_status(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                    struct err *err_r);
int set_task_percent(const struct prop_row *row, struct item_edit *edit,
                     const struct xml_node *node, struct err *err_r);
int remove_task_percent(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int set_task_complete_date(const struct prop_row *row, struct item_edit *edit,
                           const struct xml_node *node, struct err *err_r);
int put_task_complete_date(const struct prop_row *row, struct item_edit *edit,
                           const struct value *value, struct err *err_r);
int put_task_complete(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                      struct err *err_r);
int remove_task_complete_date(const struct prop_row *row, struct item_edit *edit,
                              struct err *err_r);

/* ---- props_calendar.c ---- */

void value_original_start(const struct prop_row *row, struct item_view *view,
                          struct value *value_r);
/* Meetings beside the item: those that conflict with it when the row's bit is set, else adjacent ones. */
void value_neighbour_count(const struct prop_row *row, struct item_view *view,
                           struct value *value_r);
void write_neighbours(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_start_zone(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_end_zone(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_meeting_zone(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_recurrence(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_first_occurrence(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_last_occurrence(const struct prop_row *row, struct item_view *view, struct buf *out);
void write_modified_occurrences(const struct prop_row *row, struct item_view *view,
                                struct buf *out);
void write_deleted_occurrences(const struct prop_row *row, struct item_view *view, struct buf *out);
int set_zone(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
             struct err *err_r);
int set_recurrence(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r);
int remove_recurrence(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int set_attendees(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                  struct err *err_r);
int append_attendees(const struct prop_row *row, struct item_edit *edit,
                     const struct xml_node *node, struct err *err_r);
int remove_attendees(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
/* MimeContent of an appointment: iCalendar. */
struct str calendar_mime_content(struct item_view *view);

/* ---- props_set.c: setters by source, for rows with a number of the record or a flag ---- */

int set_plain(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
              struct err *err_r);
int remove_plain(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int put_plain(const struct prop_row *row, struct item_edit *edit, const struct value *value,
              struct err *err_r);

/* t:From and the like: the one t:Mailbox in it. */
int set_mailbox(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r);
/* Numbers 0 and 1, both of which are kept. */
int set_yes_no(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
               struct err *err_r);
int put_yes_no(const struct prop_row *row, struct item_edit *edit, const struct value *value,
               struct err *err_r);

/* ---- props_set_mail.c: setters of messages, and of what every item has beside plain values ---- */

int set_body(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
             struct err *err_r);
int set_mime_content(const struct prop_row *row, struct item_edit *edit,
                     const struct xml_node *node, struct err *err_r);
int set_attachments(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                    struct err *err_r);
int set_recipients(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r);
int set_receipt(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r);
int set_flag(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
             struct err *err_r);
int set_item_class(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r);
int set_message_id(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r);
int append_body(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r);
int append_recipients(const struct prop_row *row, struct item_edit *edit,
                      const struct xml_node *node, struct err *err_r);
int remove_body(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int remove_recipients(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int remove_flag(const struct prop_row *row, struct item_edit *edit, struct err *err_r);
int put_body_text(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r);
int put_body_html(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r);
int put_addr_name(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r);
int put_addr_address(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                     struct err *err_r);
int put_addr_type(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r);
int put_receipt(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                struct err *err_r);
int put_message_flags(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                      struct err *err_r);
int put_flag_status(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                    struct err *err_r);
int put_item_class(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                   struct err *err_r);
int put_message_id(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                   struct err *err_r);
int put_received(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                 struct err *err_r);
int put_icon_index(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                   struct err *err_r);
int put_ignored(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                struct err *err_r);

/* ---- shape.c ---- */

enum body_choice { BODY_BEST, BODY_HTML, BODY_TEXT };

/* What a row writer may ask of the shape. */
const struct prop_path *const *item_shape_extended(const struct item_shape *shape, size_t *n_r);
const struct str *item_shape_header_names(const struct item_shape *shape, size_t *n_r);
bool item_shape_all_headers(const struct item_shape *shape);
enum body_choice item_shape_body_type(const struct item_shape *shape);
enum body_choice item_shape_unique_body_type(const struct item_shape *shape);
enum body_choice item_shape_normalized_body_type(const struct item_shape *shape);
int64_t item_shape_max_body_chars(const struct item_shape *shape); /* 0: no limit */
/* Whether that entry of a contact's dictionary, whose row it is, is asked for. */
bool item_shape_shows_entry(const struct item_shape *shape, const struct prop_row *row,
                            enum item_kind kind, enum item_prop prop);
/* Whether an answer may hold the message's content: then it is as large as the message. */
bool item_shape_shows_content(const struct item_shape *shape);

#endif
