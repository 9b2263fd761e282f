/*
 * Errors: a kind, a text that a client may see, a text for the log, and where it arose.
 *
 * A fallible function returns 0 or -(int)kind. Kinds are the single vocabulary of failure in the
 * house; what a kind means on a wire (ResponseCode, fault, HTTP status, LMTP reply, exit code)
 * stands in the one table of src/ews/error_map.c and in the tables of the other doors. "Not found"
 * by a find function is a result, not an error: such functions return 1 (found) or 0.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/macros.h"

#include <stdarg.h>

/* What is still usable after the error. */
enum err_scope {
    ERR_SCOPE_ITEM,    /* only this object; go on with the next */
    ERR_SCOPE_FOLDER,  /* this folder */
    ERR_SCOPE_SESSION, /* end this request or connection */
    ERR_SCOPE_STORE    /* the store is in trouble: stop accepting writes */
};

/* X(NAME, scope, default text for clients) */
#define ERR_KINDS(X)                                                                               \
    /* the machine */                                                                              \
    X(INTERNAL, SESSION, "An internal server error occurred. The operation failed.")               \
    X(IO, STORE, "An internal server error occurred. The operation failed.")                       \
    X(CORRUPT, STORE, "An internal server error occurred. The operation failed.")                  \
    X(STORE_FULL, STORE, "There is not enough disk space.")                                        \
    X(STORE_BUSY, SESSION, "The server cannot service this request right now. Try again later.")   \
    X(STORE_NEWER, STORE, "The store was written by a newer version.")                             \
    X(OUTCOME_UNKNOWN, SESSION, "The outcome of the operation is not known.")                      \
    X(CONSTRAINT, ITEM, "An internal server error occurred. The operation failed.")                \
    X(TIMEOUT, SESSION, "The operation timed out.")                                                \
    X(BUSY, SESSION, "The server cannot service this request right now. Try again later.")         \
    X(CONNECTION_COUNT, SESSION, "Too many concurrent connections opened.")                        \
    X(TOO_LARGE, ITEM, "The message exceeds the maximum supported size.")                          \
    X(SHUTTING_DOWN, SESSION,                                                                      \
      "The server cannot service this request right now. Try again later.")                        \
    X(USAGE, SESSION, "Invalid argument.")                                                         \
    X(EXISTS, ITEM, "The object exists already.")                                                  \
    X(NOT_SUPPORTED, ITEM, "The operation is not supported.")                                      \
    X(PARSE, SESSION, "The input could not be parsed.")                                            \
    /* who may */                                                                                  \
    X(ACCESS_DENIED, ITEM, "Access is denied. Check credentials and try again.")                   \
    X(AUTH_FAILED, SESSION, "The credentials are not valid.")                                      \
    X(NO_SUCH_MAILBOX, ITEM, "The SMTP address has no mailbox associated with it.")                \
    X(QUOTA, ITEM, "The mailbox has exceeded its quota.")                                          \
    /* ids and tokens */                                                                           \
    X(ID_EMPTY, ITEM, "Id must be non-empty.")                                                     \
    X(ID_MALFORMED, ITEM, "Id is malformed.")                                                      \
    X(ID_IS_ITEM, ITEM, "The folder ID specified is an item ID.")                                  \
    X(ID_IS_FOLDER, ITEM, "The item ID specified is a folder ID.")                                 \
    X(CHANGE_KEY, ITEM, "The change key is invalid.")                                              \
    X(ATTACHMENT_ID, ITEM, "The attachment ID is invalid.")                                        \
    X(SYNC_STATE, FOLDER, "Synchronization state data is corrupt or otherwise invalid.")           \
    /* folders and items */                                                                        \
    X(ITEM_NOT_FOUND, ITEM, "The specified object was not found in the store.")                    \
    X(FOLDER_NOT_FOUND, FOLDER, "The specified folder could not be found in the store.")           \
    X(SYNC_FOLDER_NOT_FOUND, FOLDER, "The specified folder could not be found in the store.")      \
    X(PARENT_FOLDER_NOT_FOUND, FOLDER, "The specified parent folder could not be found.")          \
    X(TO_FOLDER_NOT_FOUND, FOLDER, "The specified target folder could not be found.")              \
    X(FOLDER_EXISTS, FOLDER, "A folder with the specified name already exists.")                   \
    X(DELETE_DISTINGUISHED, FOLDER, "Distinguished folders cannot be deleted.")                    \
    X(MOVE_DISTINGUISHED, FOLDER, "Distinguished folders cannot be moved.")                        \
    X(MOVE_COPY_FAILED, ITEM, "The move or copy operation failed.")                                \
    X(NAME_INVALID, FOLDER, "The folder name is invalid.")                                         \
    X(FOLDER_CLASS_OVERRIDE, FOLDER, "Folder class cannot be set for this folder type.")           \
    X(OBJECT_TYPE_CHANGED, FOLDER, "The object type cannot be changed.")                           \
    X(CREATE_SUBFOLDER_DENIED, FOLDER, "You do not have permission to create subfolders here.")    \
    X(CANNOT_EMPTY, FOLDER, "The folder cannot be emptied.")                                       \
    X(CANNOT_DELETE, ITEM, "The object cannot be deleted.")                                        \
    X(CROSS_MAILBOX, FOLDER, "Folders cannot be moved or copied to another mailbox.")              \
    X(CANCELLATIONS_REQUIRED, ITEM, "SendMeetingCancellations is required for calendar items.")    \
    X(TASK_OCCURRENCES_REQUIRED, ITEM, "AffectedTaskOccurrences is required for tasks.")           \
    X(CONFLICT, ITEM, "The object was changed by somebody else.")                                  \
    X(PERMISSION_SETTINGS, FOLDER, "The permission settings are invalid.")                         \
    X(PERMISSION_USER, FOLDER, "The user of a permission is unknown or not named.")                \
    X(PERMISSION_TWICE, FOLDER, "A user has more than one permission.")                            \
    X(PERMISSION_CALENDAR, FOLDER, "Calendar permissions can only be set on calendar folders.")    \
    X(PERMISSION_NO_CALENDAR, FOLDER, "Only calendar permissions can be set on calendar folders.") \
    X(INVALID_PROPERTY_SET, ITEM, "The property cannot be set.")                                   \
    X(INVALID_PROPERTY_DELETE, ITEM, "The property cannot be deleted.")                            \
    X(INVALID_PROPERTY_APPEND, ITEM, "The property cannot be appended to.")                        \
    X(UPDATE_MISMATCH, ITEM, "The property of the update is not the one that its path names.")     \
    X(UPDATE_COUNT, ITEM, "An update must set exactly one property.")                              \
    X(MESSAGE_DISPOSITION_REQUIRED, ITEM, "MessageDisposition is required for messages.")          \
    X(INVITATIONS_REQUIRED, ITEM, "SendMeetingInvitations is required for calendar items.")        \
    X(INVITATIONS_OR_CANCELLATIONS_REQUIRED, ITEM,                                                 \
      "SendMeetingInvitationsOrCancellations is required for calendar items.")                     \
    X(SEND_AS_DENIED, ITEM, "The caller may not send as the given sender.")                        \
    X(RECIPIENTS, ITEM, "At least one recipient is not valid, or there is none.")                  \
    X(SAVED_FOLDER_NOT_FOUND, FOLDER, "The folder to save the item in was not found.")             \
    X(CREATE_ITEM_DENIED, ITEM, "You do not have permission to create items here.")                \
    X(CHANGE_KEY_REQUIRED, ITEM, "A change key is required for this operation.")                   \
    X(STALE, ITEM, "The change key is not the current one.")                                       \
    X(SEND_SETTINGS, ITEM, "A folder was given for a copy that is not to be saved.")               \
    X(READ_RECEIPT, ITEM, "No read receipt is pending for the message.")                           \
    X(UPDATE_SENT, ITEM, "The property cannot be changed on a message that was sent.")             \
    X(PROPERTY_SAVE, ITEM, "A property of the item could not be saved.")                           \
    X(MIME_BASE64, ITEM, "The MIME content is not valid base64.")                                  \
    X(MIME_INVALID, ITEM, "The MIME content is not valid.")                                        \
    X(REQUIRED_PROPERTY, ITEM, "A required property is missing.")                                  \
    X(EXTENDED_VALUE, ITEM, "The value of an extended property is not of its type.")               \
    X(REQUEST_ITEM, ITEM, "What is asked for this object contradicts itself.")                     \
    X(NO_ARCHIVE, ITEM, "The mailbox has no archive.")                                             \
    /* requests */                                                                                 \
    X(SCHEMA, SESSION, "The request failed schema validation.")                                    \
    X(REQUEST, SESSION, "The request is invalid.")                                                 \
    X(SERVER_VERSION, SESSION, "The specified server version is invalid.")                         \
    X(OPERATION, SESSION, "The operation is not supported by this server.")                        \
    X(OPERATION_ITEM, ITEM, "The operation is not valid for this object.")                         \
    X(PROPERTY_REQUEST, ITEM, "Property is not valid for this object type.")                       \
    X(PROPERTY_FOR_OPERATION, SESSION, "Property is not valid for this operation.")                \
    X(EXTENDED_PROPERTY, SESSION, "The extended property attribute combination is invalid.")       \
    X(PROPERTY_TAG, SESSION, "The property tag is in the range of custom properties.")             \
    X(MAPI_TYPE, SESSION, "The MAPI property type is not supported.")                              \
    X(PATH_FOR_QUERY, SESSION, "The property cannot be used in a restriction.")                    \
    X(PATH_FOR_SORT, SESSION, "The property cannot be used to sort or group.")                     \
    X(PROPERTY_FOR_EXISTS, SESSION, "The property cannot be used in an Exists restriction.")       \
    X(PROPERTY_VALUE, SESSION, "The value is not valid for the property.")                         \
    X(RESTRICTION, SESSION, "The restriction is invalid or unsupported.")                          \
    X(RESTRICTION_TOO_COMPLEX, SESSION, "The restriction is too complex.")                         \
    X(QUERY_STRING, SESSION, "The query string is not understood.")                                \
    X(QUERY_TOO_LONG, SESSION, "The query string is too long.")                                    \
    X(PAGING_MAX_ROWS, SESSION, "MaxEntriesReturned must be greater than zero.")                   \
    X(PAGING_OFFSET, SESSION, "The paging offset must not be negative.")                           \
    X(PAGING_FRACTION, SESSION, "The fraction of the paging view is invalid.")                     \
    X(IMPERSONATION_HEADER, SESSION, "The ExchangeImpersonation header is invalid.")               \
    X(IMPERSONATION_DENIED, SESSION, "The caller may not impersonate the requested user.")         \
    X(TIME_ZONE, SESSION, "The time zone is not known.")                                           \
    X(MUST_UNDERSTAND, SESSION, "A header that must be understood was not.")                       \
    X(ID_FORMAT, ITEM, "The id format is not supported.")                                          \
    /* subscriptions */                                                                            \
    X(SUBSCRIPTION_NOT_FOUND, ITEM, "The specified subscription was not found.")                   \
    X(SUBSCRIPTION_INVALID, ITEM, "Subscription is invalid.")                                      \
    X(SUBSCRIPTION_DENIED, ITEM,                                                                   \
      "Access is denied. Only the subscription owner may access the subscription.")                \
    X(SUBSCRIPTION_DELEGATE, ITEM, "Subscriptions are not supported for delegate user access.")    \
    X(SUBSCRIPTION_REQUEST, ITEM, "The subscription request is invalid.")                          \
    X(SUBSCRIPTION_COUNT, ITEM, "The mailbox has as many subscriptions as it may have.")           \
    X(PULL_ID, ITEM, "The subscription is not a pull subscription.")                               \
    X(PUSH_URL, ITEM, "The URL of the push subscription is invalid or not allowed.")               \
    X(WATERMARK, ITEM, "The watermark is invalid.")                                                \
    X(READ_EVENTS, ITEM, "The events could not be read.")                                          \
    X(EVENTS_MISSED, ITEM, "Events were missed: synchronize the subscribed folders.")              \
    X(STREAM_TAKEN_OVER, ITEM, "A newer connection uses the subscription.")                        \
    /* calendars */                                                                                \
    X(CALENDAR_RANGE, SESSION, "The range of the calendar view is too big.")                       \
    X(CALENDAR_END, ITEM, "The end date is earlier than the start date.")                          \
    X(CALENDAR_VIEW_ALONE, SESSION,                                                                \
      "A calendar view cannot be combined with a restriction or an order.")                        \
    X(CALENDAR_FOLDER, FOLDER, "A calendar view needs a calendar folder.")                         \
    X(CALENDAR_RECURRENCE, ITEM, "The recurrence is invalid.")                                     \
    X(RECURRENCE_EMPTY, ITEM, "The recurrence has no occurrence before its end.")                  \
    X(RECURRENCE_END, ITEM, "The recurrence ends after the first of September 4500.")              \
    X(OCCURRENCE_INDEX, ITEM, "The occurrence index is out of the recurrence's range.")            \
    X(OCCURRENCE_DELETED, ITEM, "The occurrence was deleted from the recurrence.")                 \
    X(OCCURRENCE_NOT_MASTER, ITEM, "The id is not one of a recurring master.")                     \
    X(OCCURRENCE_NOT_ONE, ITEM, "The id is not one of an occurrence.")                             \
    X(OCCURRENCE_MOVE, ITEM, "An occurrence of a recurring item cannot be moved or copied.")       \
    X(OCCURRENCE_CROSSING, ITEM, "An occurrence cannot be moved over another one.")                \
    X(MIME_CONTENT, ITEM, "The MIME content could not be converted.")

enum err_kind {
    ERR_NONE = 0,
#define X(name, scope, text) ERR_##name,
    ERR_KINDS(X)
#undef X
        ERR_KIND_COUNT
};

#define ERR_CLIENT_TEXT_BYTES 256
#define ERR_LOG_TEXT_BYTES 512

struct err {
    enum err_kind kind;
    char client_text[ERR_CLIENT_TEXT_BYTES]; /* safe to send; starts as the kind's default text */
    char log_text[ERR_LOG_TEXT_BYTES];       /* may name files and engines; never secrets */
    const char *file;
    int line;               /* source of the error */
    int at_line, at_column; /* position in the input, 0 if none */
};

#define ERR_INIT ((struct err){.kind = ERR_NONE})

/* Fills *e (which may be NULL) and returns -kind. The text goes to the log only. */
#define err_set(e, kind, ...) err_set_at((e), (kind), __FILE__, __LINE__, __VA_ARGS__)
int err_set_at(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* As err_set, and the same text replaces the default text for clients. */
#define err_tell(e, kind, ...) err_tell_at((e), (kind), __FILE__, __LINE__, __VA_ARGS__)
int err_tell_at(struct err *e, enum err_kind kind, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

const char *err_kind_name(enum err_kind kind); /* "ITEM_NOT_FOUND" */
const char *err_kind_text(enum err_kind kind); /* default text for clients */
enum err_scope err_kind_scope(enum err_kind kind);

#endif
