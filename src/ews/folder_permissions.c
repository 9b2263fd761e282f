/* Who else may do what in a folder, as PermissionSet and EffectiveRights say it. */
#include "ews/folders-private.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/grammar.h"
#include "ews/limits.h"
#include "mailbox/store.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* ---- levels ---- */

#define SEES (RIGHT_FOLDER_VISIBLE)
#define READS (SEES | RIGHT_READ_ITEMS)
#define WRITES (READS | RIGHT_CREATE_ITEMS)
#define AUTHORS (WRITES | RIGHT_EDIT_OWN | RIGHT_DELETE_OWN)
#define EDITS (AUTHORS | RIGHT_EDIT_ALL | RIGHT_DELETE_ALL)

enum level {
    LEVEL_NONE,
    LEVEL_OWNER,
    LEVEL_PUBLISHING_EDITOR,
    LEVEL_EDITOR,
    LEVEL_PUBLISHING_AUTHOR,
    LEVEL_AUTHOR,
    LEVEL_NONEDITING_AUTHOR,
    LEVEL_REVIEWER,
    LEVEL_CONTRIBUTOR,
    LEVEL_FREE_BUSY_TIME,
    LEVEL_FREE_BUSY_DETAILS,
    LEVEL_CUSTOM,
    LEVEL_COUNT
};

static const char *const LEVEL_NAMES[LEVEL_COUNT + 1] = {
    [LEVEL_NONE] = "None",
    [LEVEL_OWNER] = "Owner",
    [LEVEL_PUBLISHING_EDITOR] = "PublishingEditor",
    [LEVEL_EDITOR] = "Editor",
    [LEVEL_PUBLISHING_AUTHOR] = "PublishingAuthor",
    [LEVEL_AUTHOR] = "Author",
    [LEVEL_NONEDITING_AUTHOR] = "NoneditingAuthor",
    [LEVEL_REVIEWER] = "Reviewer",
    [LEVEL_CONTRIBUTOR] = "Contributor",
    [LEVEL_FREE_BUSY_TIME] = "FreeBusyTimeOnly",
    [LEVEL_FREE_BUSY_DETAILS] = "FreeBusyTimeAndSubjectAndLocation",
    [LEVEL_CUSTOM] = "Custom",
};

static const uint32_t LEVEL_RIGHTS[LEVEL_CUSTOM] = {
    [LEVEL_NONE] = 0,
    [LEVEL_OWNER] = EDITS | RIGHT_CREATE_SUBFOLDERS | RIGHT_FOLDER_OWNER | RIGHT_FOLDER_CONTACT,
    [LEVEL_PUBLISHING_EDITOR] = EDITS | RIGHT_CREATE_SUBFOLDERS,
    [LEVEL_EDITOR] = EDITS,
    [LEVEL_PUBLISHING_AUTHOR] = AUTHORS | RIGHT_CREATE_SUBFOLDERS,
    [LEVEL_AUTHOR] = AUTHORS,
    [LEVEL_NONEDITING_AUTHOR] = WRITES | RIGHT_DELETE_OWN,
    [LEVEL_REVIEWER] = READS,
    [LEVEL_CONTRIBUTOR] = SEES | RIGHT_CREATE_ITEMS,
    [LEVEL_FREE_BUSY_TIME] = RIGHT_FREE_BUSY_TIME,
    [LEVEL_FREE_BUSY_DETAILS] = RIGHT_FREE_BUSY_TIME | RIGHT_FREE_BUSY_DETAILS,
};

/* The greater right holds the lesser: one spelling for one meaning. */
static uint32_t normal(uint32_t rights)
{
    rights |= (rights & RIGHT_EDIT_ALL) != 0 ? RIGHT_EDIT_OWN : 0;
    rights |= (rights & RIGHT_DELETE_ALL) != 0 ? RIGHT_DELETE_OWN : 0;
    rights |= (rights & RIGHT_FREE_BUSY_DETAILS) != 0 ? RIGHT_FREE_BUSY_TIME : 0;
    if ((rights & RIGHT_READ_ITEMS) != 0) {
        rights &= ~(uint32_t)(RIGHT_FREE_BUSY_TIME | RIGHT_FREE_BUSY_DETAILS);
    }
    return rights;
}

static bool is_calendar_level(size_t level)
{
    return level == LEVEL_FREE_BUSY_TIME || level == LEVEL_FREE_BUSY_DETAILS;
}

static enum level level_of(uint32_t rights, bool calendar)
{
    for (size_t i = 0; i < LEVEL_CUSTOM; i++) {
        if (LEVEL_RIGHTS[i] == normal(rights) && (calendar || !is_calendar_level(i))) {
            return (enum level)i;
        }
    }
    return LEVEL_CUSTOM;
}

/* ---- the parts of a permission ---- */

struct yes_no_row {
    const char *name;
    struct str element;
    uint32_t right;
};

static const struct yes_no_row YES_NO[] = {
    {"CanCreateItems", STR_INIT("t:CanCreateItems"), RIGHT_CREATE_ITEMS},
    {"CanCreateSubFolders", STR_INIT("t:CanCreateSubFolders"), RIGHT_CREATE_SUBFOLDERS},
    {"IsFolderOwner", STR_INIT("t:IsFolderOwner"), RIGHT_FOLDER_OWNER},
    {"IsFolderVisible", STR_INIT("t:IsFolderVisible"), RIGHT_FOLDER_VISIBLE},
    {"IsFolderContact", STR_INIT("t:IsFolderContact"), RIGHT_FOLDER_CONTACT},
};

/* Degrees, by the index of their names. */
static const char *const ACTION_NAMES[] = {"None", "Owned", "All", NULL};
static const uint32_t EDIT_DEGREES[] = {0, RIGHT_EDIT_OWN, RIGHT_EDIT_OWN | RIGHT_EDIT_ALL};
static const uint32_t DELETE_DEGREES[] = {0, RIGHT_DELETE_OWN, RIGHT_DELETE_OWN | RIGHT_DELETE_ALL};
static const char *const READ_NAMES[] = {"None", "FullDetails", NULL};
static const uint32_t READ_DEGREES[] = {0, RIGHT_READ_ITEMS};
static const char *const CALENDAR_READ_NAMES[] = {"None", "TimeOnly", "TimeAndSubjectAndLocation",
                                                  "FullDetails", NULL};
static const uint32_t CALENDAR_READ_DEGREES[] = {
    0, RIGHT_FREE_BUSY_TIME, RIGHT_FREE_BUSY_TIME | RIGHT_FREE_BUSY_DETAILS, RIGHT_READ_ITEMS};

/* ---- parsing ---- */

struct parser {
    struct ews_call *call;
    bool calendar; /* the set is one of a calendar folder */
};

enum permission_child {
    USER,
    FIRST_YES_NO,
    EDIT = FIRST_YES_NO + ARRAY_LEN(YES_NO),
    DELETE,
    READ,
    LEVEL,
    CALENDAR_LEVEL,
    PERMISSION_CHILDREN
};

static int parse_user(struct ews_call *call, const struct xml_node *node,
                      struct mailbox_no *member_r, struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "SID", 0, 1},
                                                    {XML_NS_TYPES, "PrimarySmtpAddress", 0, 1},
                                                    {XML_NS_TYPES, "DisplayName", 0, 1},
                                                    {XML_NS_TYPES, "DistinguishedUser", 0, 1},
                                                    {XML_NS_TYPES, "ExternalUserIdentity", 0, 1}};
    static const char *const distinguished[] = {"Default", "Anonymous", NULL};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct user user;
    size_t which;
    int rc;

    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    if (found[3] != NULL) {
        TRY(grammar_enum(found[3], distinguished, &which, err_r));
        *member_r = which == 0 ? MEMBER_DEFAULT : MEMBER_ANONYMOUS;
        return 0;
    }
    if (found[1] == NULL) {
        return err_set(err_r, ERR_PERMISSION_USER, "a permission without an address");
    }
    rc = store_user_find(call->service->store, str_trim(found[1]->text), call->arena, &user, err_r);
    if (rc == 0) {
        return err_set(err_r, ERR_PERMISSION_USER, "a permission for an unknown address");
    }
    TRY(rc);
    *member_r = user.mailbox;
    return 0;
}

/* Adds what an element says to rights; *mask gathers what was said at all. */
static int parse_degree(const struct xml_node *node, const char *const *names,
                        const uint32_t *degrees, uint32_t *rights, uint32_t *mask,
                        struct err *err_r)
{
    size_t which;

    if (node == NULL) {
        return 0;
    }
    TRY(grammar_enum(node, names, &which, err_r));
    *rights |= degrees[which];
    for (size_t i = 0; names[i] != NULL; i++) {
        *mask |= degrees[i];
    }
    return 0;
}

static int parse_parts(const struct parser *p, const struct xml_node *const *found,
                       uint32_t *rights, uint32_t *mask, struct err *err_r)
{
    for (size_t i = 0; i < ARRAY_LEN(YES_NO); i++) {
        bool yes;

        if (found[FIRST_YES_NO + i] != NULL) {
            TRY(grammar_bool(found[FIRST_YES_NO + i], &yes, err_r));
            *rights |= yes ? YES_NO[i].right : 0;
            *mask |= YES_NO[i].right;
        }
    }
    TRY(parse_degree(found[EDIT], ACTION_NAMES, EDIT_DEGREES, rights, mask, err_r));
    TRY(parse_degree(found[DELETE], ACTION_NAMES, DELETE_DEGREES, rights, mask, err_r));
    return p->calendar ? parse_degree(found[READ], CALENDAR_READ_NAMES, CALENDAR_READ_DEGREES,
                                      rights, mask, err_r)
                       : parse_degree(found[READ], READ_NAMES, READ_DEGREES, rights, mask, err_r);
}

/* The parts by name. The schema has them in an order, spells CanCreateSubFolders so, and has one of the levels each for
 * calendars and others; a widely used client keeps to none of that. */
static int find_parts(const struct xml_node *node, const struct xml_node **found, struct err *err_r)
{
    static const char *const names[PERMISSION_CHILDREN] = {
        [USER] = "UserId",           [EDIT] = "EditItems",
        [DELETE] = "DeleteItems",    [READ] = "ReadItems",
        [LEVEL] = "PermissionLevel", [CALENDAR_LEVEL] = "CalendarPermissionLevel",
    };

    for (const struct xml_node *part = node->first_child; part != NULL; part = part->next) {
        size_t i = 0;

        while (i < PERMISSION_CHILDREN &&
               !str_is_nocase(part->name,
                              names[i] != NULL ? names[i] : YES_NO[i - FIRST_YES_NO].name)) {
            i++;
        }
        if (part->ns != XML_NS_TYPES || i == PERMISSION_CHILDREN || found[i] != NULL) {
            return grammar_fail(part, err_r, "The element '%.*s' has invalid child element '%.*s'.",
                                STR_ARG(node->name), STR_ARG(part->name));
        }
        found[i] = part;
    }
    if (found[LEVEL] == NULL) {
        found[LEVEL] = found[CALENDAR_LEVEL];
    }
    if (found[USER] == NULL || found[LEVEL] == NULL) {
        return grammar_fail(node, err_r, "The element '%.*s' has incomplete content.",
                            STR_ARG(node->name));
    }
    return 0;
}

/* A level stands for all its parts: what is said beside it may not say otherwise. */
static int parse_permission(const struct parser *p, const struct xml_node *node,
                            struct permission *permission_r, struct err *err_r)
{
    const struct xml_node *found[PERMISSION_CHILDREN] = {NULL};
    uint32_t rights = 0, mask = 0;
    size_t level;

    TRY(find_parts(node, found, err_r));
    TRY(parse_user(p->call, found[USER], &permission_r->member, err_r));
    TRY(parse_parts(p, found, &rights, &mask, err_r));
    TRY(grammar_enum(found[LEVEL], LEVEL_NAMES, &level, err_r));
    if (is_calendar_level(level) && !p->calendar) {
        return grammar_fail(found[LEVEL], err_r, "The 'PermissionLevel' element is invalid.");
    }
    if (level != LEVEL_CUSTOM && (LEVEL_RIGHTS[level] & mask) != rights) {
        return err_set(err_r, ERR_PERMISSION_SETTINGS, "parts that are not those of the level");
    }
    permission_r->rights = normal(level == LEVEL_CUSTOM ? rights : LEVEL_RIGHTS[level]);
    return 0;
}

static int parse_list(const struct parser *p, const struct xml_node *node, struct permission *list,
                      struct err *err_r)
{
    const char *name = p->calendar ? "CalendarPermission" : "Permission";
    size_t n = 0;

    for (const struct xml_node *entry = node->first_child; entry != NULL; entry = entry->next) {
        if (!xml_is(entry, XML_NS_TYPES, name)) {
            return grammar_fail(entry, err_r, "The element '%.*s' is no permission.",
                                STR_ARG(entry->name));
        }
        TRY(parse_permission(p, entry, &list[n], err_r));
        for (size_t i = 0; i < n; i++) {
            if (list[i].member.v == list[n].member.v) {
                return err_set(err_r, ERR_PERMISSION_TWICE, "two permissions of one user");
            }
        }
        n++;
    }
    return 0;
}

int folder_permissions_parse(struct ews_call *call, const struct xml_node *node, bool calendar,
                             struct permission **permissions_r, size_t *n_r, struct err *err_r)
{
    static const char *const list_names[] = {"Permissions", "CalendarPermissions"};
    const struct parser p = {.call = call, .calendar = calendar};
    const struct grammar_child children[] = {{XML_NS_TYPES, list_names[calendar], 1, 1},
                                             {XML_NS_TYPES, "UnknownEntries", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct permission *list;

    /* A widely used client wraps the set in itself. */
    if (node->child_count == 1 && xml_is(node->first_child, XML_NS_TYPES, "PermissionSet")) {
        node = node->first_child;
    }
    if (node->first_child != NULL &&
        xml_is(node->first_child, XML_NS_TYPES, list_names[!calendar])) {
        return err_set(err_r, calendar ? ERR_PERMISSION_NO_CALENDAR : ERR_PERMISSION_CALENDAR,
                       "permissions of the other kind");
    }
    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    if (found[0]->child_count > PERMISSIONS_MAX) {
        return err_set(err_r, ERR_PERMISSION_SETTINGS, "%u permissions", found[0]->child_count);
    }
    list = ARENA_ARRAY(call->arena, struct permission, found[0]->child_count);
    TRY(parse_list(&p, found[0], list, err_r));
    *permissions_r = list;
    *n_r = found[0]->child_count;
    return 0;
}

/* ---- writing ---- */

/* The greatest degree that is held whole. */
static void write_degree(struct buf *out, struct str element, const char *const *names,
                         const uint32_t *degrees, uint32_t rights)
{
    size_t greatest = 0;

    for (size_t i = 0; names[i] != NULL; i++) {
        greatest = (rights & degrees[i]) == degrees[i] ? i : greatest;
    }
    xml_add_element(out, element, str_from(names[greatest]));
}

static void write_user(struct buf *out, const struct permission *permission,
                       const struct user *user)
{
    BUF_LIT(out, "<t:UserId>");
    if (user != NULL) {
        xml_add_element(out, STR("t:PrimarySmtpAddress"), user->address);
        if (user->display_name.n != 0) {
            xml_add_element(out, STR("t:DisplayName"), user->display_name);
        }
    } else {
        xml_add_element(out, STR("t:DistinguishedUser"),
                        permission->member.v == MEMBER_DEFAULT.v ? STR("Default")
                                                                 : STR("Anonymous"));
    }
    BUF_LIT(out, "</t:UserId>");
}

static void write_permission(struct buf *out, bool calendar, const struct permission *permission,
                             const struct user *user)
{
    uint32_t rights = normal(permission->rights);

    xml_open(out, calendar ? STR("t:CalendarPermission") : STR("t:Permission"));
    write_user(out, permission, user);
    for (size_t i = 0; i < ARRAY_LEN(YES_NO); i++) {
        xml_add_element_bool(out, YES_NO[i].element, (rights & YES_NO[i].right) != 0);
    }
    write_degree(out, STR("t:EditItems"), ACTION_NAMES, EDIT_DEGREES, rights);
    write_degree(out, STR("t:DeleteItems"), ACTION_NAMES, DELETE_DEGREES, rights);
    if (calendar) {
        write_degree(out, STR("t:ReadItems"), CALENDAR_READ_NAMES, CALENDAR_READ_DEGREES, rights);
    } else {
        write_degree(out, STR("t:ReadItems"), READ_NAMES, READ_DEGREES, rights);
    }
    xml_add_element(out, calendar ? STR("t:CalendarPermissionLevel") : STR("t:PermissionLevel"),
                    str_from(LEVEL_NAMES[level_of(rights, calendar)]));
    xml_close(out, calendar ? STR("t:CalendarPermission") : STR("t:Permission"));
}

static bool is_distinguished(struct mailbox_no member)
{
    return member.v == MEMBER_DEFAULT.v || member.v == MEMBER_ANONYMOUS.v;
}

/* Rows of users who are gone give nobody anything, and are not told. */
int folder_permissions_write(const struct folder_view *view, struct buf *out, struct err *err_r)
{
    bool calendar = view->element->element == CALENDAR;
    struct str list = calendar ? STR("t:CalendarPermissions") : STR("t:Permissions");
    struct ews_call *call = view->call;
    struct permission *permissions;
    uint32_t rights = 0;
    struct user user;
    size_t n;

    TRY(access_rights(call, view->tx, view->folder->id, &rights, err_r));
    if ((rights & RIGHT_FOLDER_OWNER) == 0) {
        return 0;
    }
    TRY(permissions_list(view->tx, view->folder->id, call->arena, &permissions, &n, err_r));
    BUF_LIT(out, "<t:PermissionSet>");
    xml_open(out, list);
    for (size_t i = 0; i < n; i++) {
        int found = is_distinguished(permissions[i].member)
                        ? 0
                        : store_user_by_mailbox(call->service->store, permissions[i].member,
                                                call->arena, &user, err_r);

        TRY(found);
        if (found == 1 || is_distinguished(permissions[i].member)) {
            write_permission(out, calendar, &permissions[i], found == 1 ? &user : NULL);
        }
    }
    xml_close(out, list);
    BUF_LIT(out, "</t:PermissionSet>");
    return 0;
}

int folder_effective_rights_write(const struct folder_view *view, struct buf *out,
                                  struct err *err_r)
{
    static const struct yes_no_row rows[] = {
        {NULL, STR_INIT("t:CreateAssociated"), RIGHT_CREATE_ITEMS},
        {NULL, STR_INIT("t:CreateContents"), RIGHT_CREATE_ITEMS},
        {NULL, STR_INIT("t:CreateHierarchy"), RIGHT_CREATE_SUBFOLDERS},
        {NULL, STR_INIT("t:Delete"), RIGHT_FOLDER_OWNER},
        {NULL, STR_INIT("t:Modify"), RIGHT_FOLDER_OWNER},
        {NULL, STR_INIT("t:Read"), RIGHT_READ_ITEMS},
    };
    uint32_t rights = 0;

    TRY(access_rights(view->call, view->tx, view->folder->id, &rights, err_r));
    BUF_LIT(out, "<t:EffectiveRights>");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        xml_add_element_bool(out, rows[i].element, (rights & rows[i].right) != 0);
    }
    if (view->call->version >= EWS_EXCHANGE2010) {
        xml_add_element_bool(out, STR("t:ViewPrivateItems"), access_is_owner(view->call));
    }
    BUF_LIT(out, "</t:EffectiveRights>");
    return 0;
}
