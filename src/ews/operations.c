#include "ews/call.h"

#include "ews/ops/ops.h"

#include <stdlib.h>

static const struct ews_operation *const OPERATIONS[] = {
    &op_sync_folder_items, &op_sync_folder_hierarchy, &op_get_item,       &op_find_item,
    &op_get_folder,        &op_find_folder,           &op_get_attachment, &op_convert_id,
};

const struct ews_operation *ews_operation_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(OPERATIONS); i++) {
        if (str_eq(OPERATIONS[i]->name, name)) {
            return OPERATIONS[i];
        }
    }
    return NULL;
}

/* Names of the request elements of all operations of the protocol, in order. */
static const char *const KNOWN[] = {
    "AddDelegate",
    "AddDistributionGroupToImList",
    "AddImContactToGroup",
    "AddImGroup",
    "AddNewImContactToGroup",
    "AddNewTelUriContactToGroup",
    "AddTag",
    "ApplyConversationAction",
    "ArchiveItem",
    "ConvertId",
    "CopyFolder",
    "CopyItem",
    "CreateAttachment",
    "CreateFolder",
    "CreateFolderPath",
    "CreateItem",
    "CreateManagedFolder",
    "CreateMeetingInstanceRequest",
    "CreateMeetingSpace",
    "CreateUserConfiguration",
    "DeleteAttachment",
    "DeleteFolder",
    "DeleteItem",
    "DeleteMeetingInstanceRequest",
    "DeleteMeetingSpace",
    "DeleteSearchSuggestion",
    "DeleteUserConfiguration",
    "DisableApp",
    "DisconnectPhoneCall",
    "EmptyFolder",
    "EndSearchSession",
    "ExecuteSearch",
    "ExpandDL",
    "ExportItems",
    "FindAvailableMeetingTimes",
    "FindConversation",
    "FindFolder",
    "FindItem",
    "FindMeetingSpaceByJoinUrl",
    "FindMeetingTimeCandidates",
    "FindMessageTrackingReport",
    "FindPeople",
    "FindTags",
    "GetAppManifests",
    "GetAppMarketplaceUrl",
    "GetAttachment",
    "GetClientAccessToken",
    "GetConversationItems",
    "GetDelegate",
    "GetDiscoverySearchConfiguration",
    "GetEvents",
    "GetFolder",
    "GetHoldOnMailboxes",
    "GetImItemList",
    "GetImItems",
    "GetInboxRules",
    "GetItem",
    "GetLastPrivateCatalogUpdate",
    "GetMailTips",
    "GetMeetingInstanceRequest",
    "GetMeetingSpace",
    "GetMessageTrackingReport",
    "GetNonIndexableItemDetails",
    "GetNonIndexableItemStatistics",
    "GetPasswordExpirationDate",
    "GetPersona",
    "GetPhoneCallInformation",
    "GetPrivateCatalogAddIns",
    "GetRoomLists",
    "GetRooms",
    "GetSearchSuggestions",
    "GetSearchableMailboxes",
    "GetServerTimeZones",
    "GetServiceConfiguration",
    "GetSharingFolder",
    "GetSharingMetadata",
    "GetSpecificUserConfiguration",
    "GetStreamingEvents",
    "GetUserAvailabilityRequest",
    "GetUserConfiguration",
    "GetUserOofSettingsRequest",
    "GetUserPhoto",
    "GetUserRetentionPolicyTags",
    "HideTag",
    "InstallApp",
    "MarkAllItemsAsRead",
    "MarkAsJunk",
    "MoveFolder",
    "MoveItem",
    "PlayOnPhone",
    "RefreshSharingFolder",
    "RemoveContactFromImList",
    "RemoveDelegate",
    "RemoveDistributionGroupFromImList",
    "RemoveImContactFromGroup",
    "RemoveImGroup",
    "ReportMessage",
    "ResolveNames",
    "SearchMailboxes",
    "SendItem",
    "SetHoldOnMailboxes",
    "SetImGroup",
    "SetImListMigrationCompleted",
    "SetTeamMailbox",
    "SetUserOofSettingsRequest",
    "SetUserPhoto",
    "StartSearchSession",
    "Subscribe",
    "SyncFolderHierarchy",
    "SyncFolderItems",
    "UninstallApp",
    "UnpinTeamMailbox",
    "Unsubscribe",
    "UpdateDelegate",
    "UpdateFolder",
    "UpdateInboxRules",
    "UpdateItem",
    "UpdateItemInRecoverableItems",
    "UpdateMeetingInstanceRequest",
    "UpdateMeetingSpace",
    "UpdateUserConfiguration",
    "UploadItems",
};

static int compare_name(const void *key, const void *name)
{
    return str_cmp(*(const struct str *)key, str_from(*(const char *const *)name));
}

bool ews_operation_in_schema(struct str name)
{
    return bsearch(&name, KNOWN, ARRAY_LEN(KNOWN), sizeof(KNOWN[0]), compare_name) != NULL;
}
