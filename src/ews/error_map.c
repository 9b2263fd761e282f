#include "ews/error_map.h"

#include <assert.h>
#include <sysexits.h>

#define ROW(kind_, code, http, exit_, lmtp, ends)                                                  \
    [ERR_##kind_] = {ERR_##kind_, STR_INIT(code), (http), (exit_), (lmtp), (ends)}

static const struct error_row ROWS[ERR_KIND_COUNT] = {
    ROW(NONE, "NoError", 200, EX_OK, "250 2.0.0", false),
    ROW(INTERNAL, "ErrorInternalServerError", 500, EX_SOFTWARE, "451 4.3.0", true),
    ROW(IO, "ErrorInternalServerError", 500, EX_IOERR, "451 4.3.0", true),
    ROW(CORRUPT, "ErrorInternalServerError", 500, EX_DATAERR, "451 4.3.0", false),
    ROW(STORE_FULL, "ErrorInsufficientResources", 500, EX_CANTCREAT, "452 4.3.1", true),
    ROW(STORE_BUSY, "ErrorServerBusy", 500, EX_TEMPFAIL, "451 4.3.2", true),
    ROW(STORE_NEWER, "ErrorMailboxStoreUnavailable", 500, EX_CONFIG, "451 4.3.5", true),
    ROW(OUTCOME_UNKNOWN, "ErrorInternalServerTransientError", 500, EX_TEMPFAIL, "451 4.3.0", true),
    ROW(CONSTRAINT, "ErrorInternalServerError", 500, EX_SOFTWARE, "451 4.3.0", true),
    ROW(TIMEOUT, "ErrorTimeoutExpired", 500, EX_TEMPFAIL, "451 4.3.0", true),
    ROW(BUSY, "ErrorServerBusy", 500, EX_TEMPFAIL, "451 4.3.2", true),
    ROW(CONNECTION_COUNT, "ErrorExceededConnectionCount", 500, EX_TEMPFAIL, "451 4.3.2", true),
    ROW(TOO_LARGE, "ErrorMessageSizeExceeded", 413, EX_DATAERR, "552 5.3.4", false),
    ROW(SHUTTING_DOWN, "ErrorServerBusy", 500, EX_TEMPFAIL, "421 4.3.2", true),
    ROW(USAGE, "ErrorInvalidArgument", 500, EX_USAGE, "501 5.5.4", false),
    ROW(EXISTS, "ErrorInvalidOperation", 500, EX_CANTCREAT, "554 5.0.0", false),
    ROW(NOT_SUPPORTED, "ErrorInvalidOperation", 500, EX_UNAVAILABLE, "502 5.5.1", false),
    ROW(PARSE, "ErrorCorruptData", 500, EX_DATAERR, "554 5.6.0", false),

    ROW(ACCESS_DENIED, "ErrorAccessDenied", 500, EX_NOPERM, "550 5.7.1", false),
    ROW(AUTH_FAILED, "ErrorAccessDenied", 401, EX_NOPERM, "535 5.7.8", true),
    ROW(NO_SUCH_MAILBOX, "ErrorNonExistentMailbox", 500, EX_NOUSER, "550 5.1.1", false),
    ROW(QUOTA, "ErrorQuotaExceeded", 500, EX_CANTCREAT, "452 4.2.2", false),

    ROW(ID_EMPTY, "ErrorInvalidIdEmpty", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(ID_MALFORMED, "ErrorInvalidIdMalformed", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(ID_IS_ITEM, "ErrorCannotUseItemIdForFolderId", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(ID_IS_FOLDER, "ErrorCannotUseFolderIdForItemId", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(CHANGE_KEY, "ErrorInvalidChangeKey", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(ATTACHMENT_ID, "ErrorInvalidAttachmentId", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(SYNC_STATE, "ErrorInvalidSyncStateData", 500, EX_DATAERR, "554 5.0.0", false),

    ROW(ITEM_NOT_FOUND, "ErrorItemNotFound", 500, EX_NOINPUT, "554 5.0.0", false),
    ROW(FOLDER_NOT_FOUND, "ErrorFolderNotFound", 500, EX_NOINPUT, "550 5.2.0", false),
    ROW(SYNC_FOLDER_NOT_FOUND, "ErrorSyncFolderNotFound", 500, EX_NOINPUT, "554 5.0.0", false),
    ROW(PARENT_FOLDER_NOT_FOUND, "ErrorParentFolderNotFound", 500, EX_NOINPUT, "554 5.0.0", false),
    ROW(TO_FOLDER_NOT_FOUND, "ErrorToFolderNotFound", 500, EX_NOINPUT, "554 5.0.0", false),
    ROW(FOLDER_EXISTS, "ErrorFolderExists", 500, EX_CANTCREAT, "554 5.0.0", false),
    ROW(DELETE_DISTINGUISHED, "ErrorDeleteDistinguishedFolder", 500, EX_NOPERM, "554 5.0.0", false),
    ROW(MOVE_DISTINGUISHED, "ErrorMoveDistinguishedFolder", 500, EX_NOPERM, "554 5.0.0", false),
    ROW(MOVE_COPY_FAILED, "ErrorMoveCopyFailed", 500, EX_CANTCREAT, "554 5.0.0", false),
    ROW(NAME_INVALID, "ErrorFolderSavePropertyError", 500, EX_DATAERR, "554 5.0.0", false),

    ROW(SCHEMA, "ErrorSchemaValidation", 500, EX_DATAERR, "554 5.0.0", true),
    ROW(REQUEST, "ErrorInvalidRequest", 500, EX_DATAERR, "554 5.0.0", true),
    ROW(SERVER_VERSION, "ErrorInvalidServerVersion", 500, EX_PROTOCOL, "554 5.0.0", true),
    ROW(OPERATION, "ErrorInvalidOperation", 500, EX_UNAVAILABLE, "554 5.0.0", true),
    ROW(OPERATION_ITEM, "ErrorInvalidOperation", 500, EX_UNAVAILABLE, "554 5.0.0", false),
    ROW(PROPERTY_REQUEST, "ErrorInvalidPropertyRequest", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PROPERTY_FOR_OPERATION, "ErrorInvalidPropertyForOperation", 500, EX_DATAERR, "554 5.0.0",
        false),
    ROW(EXTENDED_PROPERTY, "ErrorInvalidExtendedProperty", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PROPERTY_TAG, "ErrorNoPropertyTagForCustomProperties", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(MAPI_TYPE, "ErrorUnsupportedMapiPropertyType", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PATH_FOR_QUERY, "ErrorUnsupportedPathForQuery", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PATH_FOR_SORT, "ErrorUnsupportedPathForSortGroup", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PROPERTY_FOR_EXISTS, "ErrorInvalidPropertyForExists", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PROPERTY_VALUE, "ErrorInvalidValueForProperty", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(RESTRICTION, "ErrorInvalidRestriction", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(RESTRICTION_TOO_COMPLEX, "ErrorRestrictionTooComplex", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PAGING_MAX_ROWS, "ErrorInvalidPagingMaxRows", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PAGING_OFFSET, "ErrorInvalidIndexedPagingParameters", 500, EX_DATAERR, "554 5.0.0", false),
    ROW(PAGING_FRACTION, "ErrorInvalidFractionalPagingParameters", 500, EX_DATAERR, "554 5.0.0",
        false),
    ROW(IMPERSONATION_HEADER, "ErrorInvalidExchangeImpersonationHeaderData", 500, EX_DATAERR,
        "554 5.0.0", true),
    ROW(IMPERSONATION_DENIED, "ErrorImpersonateUserDenied", 500, EX_NOPERM, "554 5.0.0", true),
    ROW(TIME_ZONE, "ErrorInvalidValueForProperty", 500, EX_DATAERR, "554 5.0.0", true),
    /* A fault of SOAP itself; the code is for the log only. */
    ROW(MUST_UNDERSTAND, "ErrorInvalidOperation", 500, EX_PROTOCOL, "554 5.0.0", true),
    ROW(ID_FORMAT, "ErrorInvalidOperation", 500, EX_UNAVAILABLE, "554 5.0.0", false),
    ROW(MIME_CONTENT, "ErrorMimeContentConversionFailed", 500, EX_DATAERR, "554 5.6.0", false),
};

const struct error_row *error_row(enum err_kind kind)
{
    assert(kind < ERR_KIND_COUNT);
    return &ROWS[kind];
}
