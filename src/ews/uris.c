#include "ews/props-private.h"

#include "base/macros.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>

/* All FieldURIs of the schema, by their first part: what is none of these is a schema error,
 * what is one of these and has no row is a property that no item of ours has. */
static const struct uri_family {
    struct str name;
    enum uri_group group;
    const char *properties;
} families[] = {
    {STR_INIT("folder"), URI_FOLDER,
     "FolderId ParentFolderId DisplayName UnreadCount TotalCount ChildFolderCount "
     "FolderClass SearchParameters ManagedFolderInformation PermissionSet "
     "EffectiveRights SharingEffectiveRights DistinguishedFolderId PolicyTag "
     "ArchiveTag ReplicaList"},
    {STR_INIT("item"), URI_ITEM,
     "ItemId ParentFolderId ItemClass MimeContent Attachments Subject DateTimeReceived "
     "Size Categories HasAttachments Importance InReplyTo InternetMessageHeaders "
     "IsAssociated IsDraft IsFromMe IsResend IsSubmitted IsUnmodified DateTimeSent "
     "DateTimeCreated Body ResponseObjects Sensitivity ReminderDueBy ReminderIsSet "
     "ReminderNextTime ReminderMinutesBeforeStart DisplayTo DisplayCc DisplayBcc "
     "Culture EffectiveRights LastModifiedName LastModifiedTime ConversationId "
     "UniqueBody Flag StoreEntryId InstanceKey NormalizedBody EntityExtractionResult "
     "PolicyTag ArchiveTag RetentionDate Preview PredictedActionReasons IsClutter "
     "RightsManagementLicenseData BlockStatus HasBlockedImages "
     "WebClientReadFormQueryString WebClientEditFormQueryString TextBody IconIndex "
     "MimeContentUTF8 Mentions MentionedMe MentionsPreview MentionsEx Hashtags "
     "AppliedHashtags AppliedHashtagsPreview Likes LikesPreview "
     "PendingSocialActivityTagIds AtAllMention CanDelete InferenceClassification "
     "FirstBody"},
    {STR_INIT("message"), URI_MAIL,
     "ConversationIndex ConversationTopic InternetMessageId IsRead IsResponseRequested "
     "IsReadReceiptRequested IsDeliveryReceiptRequested ReceivedBy "
     "ReceivedRepresenting References ReplyTo From Sender ToRecipients CcRecipients "
     "BccRecipients ApprovalRequestData VotingInformation ReminderMessageData "
     "PublishedCalendarItemIcs PublishedCalendarItemName MessageSafety"},
    {STR_INIT("sharingMessage"), URI_MAIL, "SharingMessageAction"},
    {STR_INIT("meeting"), URI_MAIL,
     "AssociatedCalendarItemId IsDelegated IsOutOfDate HasBeenProcessed ResponseType "
     "ProposedStart ProposedEnd DoNotForwardMeeting"},
    {STR_INIT("meetingRequest"), URI_MAIL,
     "MeetingRequestType IntendedFreeBusyStatus ChangeHighlights"},
    {STR_INIT("calendar"), URI_MAIL,
     "Start End OriginalStart StartWallClock EndWallClock StartTimeZoneId "
     "EndTimeZoneId IsAllDayEvent LegacyFreeBusyStatus Location EnhancedLocation When "
     "IsMeeting IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested "
     "CalendarItemType MyResponseType Organizer RequiredAttendees OptionalAttendees "
     "Resources ConflictingMeetingCount AdjacentMeetingCount ConflictingMeetings "
     "AdjacentMeetings InboxReminders Duration TimeZone AppointmentReplyTime "
     "AppointmentSequenceNumber AppointmentState Recurrence FirstOccurrence "
     "LastOccurrence ModifiedOccurrences DeletedOccurrences MeetingTimeZone "
     "ConferenceType AllowNewTimeProposal IsOnlineMeeting MeetingWorkspaceUrl "
     "NetShowUrl UID RecurrenceId DateTimeStamp StartTimeZone EndTimeZone "
     "JoinOnlineMeetingUrl OnlineMeetingSettings IsOrganizer CalendarActivityData "
     "DoNotForwardMeeting"},
    {STR_INIT("task"), URI_TASK,
     "ActualWork AssignedTime BillingInformation ChangeCount Companies CompleteDate "
     "Contacts DelegationState Delegator DueDate IsAssignmentEditable IsComplete "
     "IsRecurring IsTeamTask Mileage Owner PercentComplete Recurrence StartDate Status "
     "StatusDescription TotalWork"},
    {STR_INIT("contacts"), URI_PEOPLE,
     "Alias AssistantName Birthday BusinessHomePage Children Companies CompanyName "
     "CompleteName ContactSource Culture Department DisplayName DirectoryId "
     "DirectReports EmailAddresses AbchEmailAddresses FileAs FileAsMapping Generation "
     "GivenName ImAddresses Initials JobTitle Manager ManagerMailbox MiddleName "
     "Mileage MSExchangeCertificate Nickname Notes OfficeLocation PhoneNumbers "
     "PhoneticFullName PhoneticFirstName PhoneticLastName Photo PhysicalAddresses "
     "PostalAddressIndex Profession SpouseName Surname WeddingAnniversary "
     "UserSMIMECertificate HasPicture AccountName IsAutoUpdateDisabled "
     "IsMessengerEnabled Comment ContactShortId ContactType CreatedBy Gender IsHidden "
     "ObjectId PassportId IsPrivate SourceId TrustLevel Urls Cid SkypeAuthCertificate "
     "SkypeContext SkypeId XboxLiveTag SkypeRelationship YomiNickname InviteFree "
     "HidePresenceAndProfile IsPendingOutbound SupportGroupFeeds UserTileHash "
     "UnifiedInbox Mris Wlid AbchContactId NotInBirthdayCalendar ShellContactType "
     "ImMri PresenceTrustLevel OtherMri ProfileLastChanged MobileIMEnabled "
     "PartnerNetworkProfilePhotoUrl PartnerNetworkThumbnailPhotoUrl PersonId "
     "ConversationGuid"},
    {STR_INIT("distributionlist"), URI_PEOPLE, "Members"},
    {STR_INIT("postitem"), URI_MAIL, "PostedTime"},
    {STR_INIT("conversation"), URI_OTHER,
     "ConversationId ConversationTopic UniqueRecipients GlobalUniqueRecipients "
     "UniqueUnreadSenders GlobalUniqueUnreadSenders UniqueSenders GlobalUniqueSenders "
     "LastDeliveryTime GlobalLastDeliveryTime Categories GlobalCategories FlagStatus "
     "GlobalFlagStatus HasAttachments GlobalHasAttachments HasIrm GlobalHasIrm "
     "MessageCount GlobalMessageCount UnreadCount GlobalUnreadCount Size GlobalSize "
     "ItemClasses GlobalItemClasses Importance GlobalImportance ItemIds GlobalItemIds "
     "LastModifiedTime InstanceKey Preview IconIndex GlobalIconIndex DraftItemIds "
     "HasClutter MentionedMe GlobalMentionedMe AtAllMention GlobalAtAllMention"},
    {STR_INIT("person"), URI_OTHER,
     "FullName GivenName Surname PhoneNumber SMSNumber EmailAddress Alias Department "
     "LinkedInProfileLink Skills ProfessionalBiography ManagementChain DirectReports "
     "Peers TeamSize CurrentJob Birthday Hometown CurrentLocation CompanyProfile "
     "Office Headline MutualConnections Title MutualManager Insights "
     "UserProfilePicture"},
    {STR_INIT("persona"), URI_OTHER,
     "PersonaId PersonaType GivenName CompanyName Surname DisplayName EmailAddress "
     "FileAs HomeCity CreationTime RelevanceScore RankingWeight WorkCity "
     "PersonaObjectStatus FileAsId DisplayNamePrefix YomiCompanyName YomiFirstName "
     "YomiLastName Title EmailAddresses PhoneNumber ImAddress ImAddresses ImAddresses2 "
     "ImAddresses3 FolderIds Attributions DisplayNames Initials FileAses FileAsIds "
     "DisplayNamePrefixes GivenNames MiddleNames Surnames Generations Nicknames "
     "YomiCompanyNames YomiFirstNames YomiLastNames BusinessPhoneNumbers "
     "BusinessPhoneNumbers2 HomePhones HomePhones2 MobilePhones MobilePhones2 "
     "AssistantPhoneNumbers CallbackPhones CarPhones HomeFaxes OrganizationMainPhones "
     "OtherFaxes OtherTelephones OtherPhones2 Pagers RadioPhones TelexNumbers "
     "WorkFaxes Emails1 Emails2 Emails3 BusinessHomePages School PersonalHomePages "
     "OfficeLocations BusinessAddresses HomeAddresses OtherAddresses Titles "
     "Departments CompanyNames Managers AssistantNames Professions SpouseNames Hobbies "
     "WeddingAnniversaries Birthdays Children Locations ExtendedProperties "
     "PostalAddress Bodies IsFavorite InlineLinks ItemLinkIds HasActiveDeals "
     "IsBusinessContact AttributedHasActiveDeals AttributedIsBusinessContact "
     "SourceMailboxGuids LastContactedDate ExternalDirectoryObjectId MapiEntryId "
     "MapiEmailAddress MapiAddressType MapiSearchKey MapiTransmittableDisplayName "
     "MapiSendRichInfo"},
    {STR_INIT("rolemember"), URI_OTHER, "MemberType MemberId DisplayName"},
    {STR_INIT("network"), URI_OTHER,
     "TokenRefreshLastCompleted TokenRefreshLastAttempted SyncEnabled RejectedOffers "
     "SessionHandle RefreshTokenExpiry2 RefreshToken2 PsaLastChanged Offers "
     "LastWelcomeContact LastVersionSaved DomainTag FirstAuthErrorDates ErrorOffers "
     "ContactSyncSuccess ContactSyncError ClientToken2 ClientToken ClientPublishSecret "
     "UserEmail AutoLinkSuccess AutoLinkError IsDefault Settings ProfileUrl "
     "UserTileUrl DomainId DisplayName AccountName SourceEntryID"},
    {STR_INIT("abchperson"), URI_OTHER,
     "FavoriteOrder PersonId ExchangePersonIdGuid AntiLinkInfo RelevanceOrder1 "
     "RelevanceOrder2 ContactHandles Categories"},
    {STR_INIT("booking"), URI_OTHER,
     "ServiceIds StaffIds StaffInitials CustomerName CustomerEmail CustomerPhone "
     "CustomerId"},
    {STR_INIT("insight"), URI_OTHER,
     "InsightId Type StartTimeUtc EndTimeUtc Status Version ApplicationsIds Text "
     "SuggestedActions AppContexts"},
};

static const struct indexed_uri {
    struct str uri;
    enum uri_group group;
} indexed_uris[] = {
    {STR_INIT("item:InternetMessageHeader"), URI_ITEM},
    {STR_INIT("contacts:ImAddress"), URI_PEOPLE},
    {STR_INIT("contacts:PhysicalAddress:Street"), URI_PEOPLE},
    {STR_INIT("contacts:PhysicalAddress:City"), URI_PEOPLE},
    {STR_INIT("contacts:PhysicalAddress:State"), URI_PEOPLE},
    {STR_INIT("contacts:PhysicalAddress:CountryOrRegion"), URI_PEOPLE},
    {STR_INIT("contacts:PhysicalAddress:PostalCode"), URI_PEOPLE},
    {STR_INIT("contacts:PhoneNumber"), URI_PEOPLE},
    {STR_INIT("contacts:EmailAddress"), URI_PEOPLE},
    {STR_INIT("distributionlist:Members:Member"), URI_PEOPLE},
};

/* A request may name two hundred of them, so they stand in a hash table, made once. */
#define URI_SLOTS 2048

struct uri_slot {
    struct str uri;
    enum uri_group group;
    const struct prop_row *row;
};

static struct uri_slot *slots;
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

static size_t hash(struct str s)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    }
    return (h ^ h >> 15) % URI_SLOTS;
}

/* The slot of uri, or the free one where it belongs. */
static struct uri_slot *slot_of(struct str uri)
{
    size_t at = hash(uri);

    while (slots[at].uri.p != NULL && !str_eq(slots[at].uri, uri)) {
        at = (at + 1) % URI_SLOTS;
    }
    return &slots[at];
}

static void add_family(const struct uri_family *family, struct buf *texts)
{
    struct str rest = str_from(family->properties);

    while (rest.n != 0) {
        struct str name = str_split(&rest, ' ');
        struct str uri = {texts->p + texts->n, family->name.n + 1 + name.n};

        assert(texts->cap - texts->n >= uri.n); /* a slot points into it: it may not move */
        buf_add_str(texts, family->name);
        buf_add_char(texts, ':');
        buf_add_str(texts, name);
        *slot_of(uri) = (struct uri_slot){uri, family->group, NULL};
    }
}

static size_t texts_bytes(void)
{
    size_t bytes = 0;

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        for (struct str rest = str_from(families[i].properties); rest.n != 0;) {
            bytes += families[i].name.n + 1 + str_split(&rest, ' ').n;
        }
    }
    return bytes;
}

/* Lives as long as the process. */
static void make_slots(void)
{
    struct buf texts = BUF_INIT;

    slots = mem_alloc_zero(URI_SLOTS, sizeof(*slots));
    buf_reserve(&texts, texts_bytes());
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        add_family(&families[i], &texts);
    }
    for (size_t i = prop_row_count; i-- > 0;) { /* backwards: the first row of a URI stays */
        if (prop_rows[i].uri.n != 0) {
            struct uri_slot *slot = slot_of(prop_rows[i].uri);

            assert(slot->uri.p != NULL);
            slot->row = &prop_rows[i];
        }
    }
}

bool uri_find(struct str uri, struct str *canonical_r, enum uri_group *group_r,
              const struct prop_row **row_r)
{
    const struct uri_slot *slot;

    pthread_once(&slots_once, make_slots);
    slot = slot_of(uri);
    if (slot->uri.p == NULL) {
        return false;
    }
    *canonical_r = slot->uri;
    *group_r = slot->group;
    *row_r = slot->row;
    return true;
}

bool uri_find_indexed(struct str uri, struct str *canonical_r, enum uri_group *group_r)
{
    for (size_t i = 0; i < ARRAY_LEN(indexed_uris); i++) {
        if (str_eq(indexed_uris[i].uri, uri)) {
            *canonical_r = indexed_uris[i].uri;
            *group_r = indexed_uris[i].group;
            return true;
        }
    }
    return false;
}
