/* Folders: made, called, shared, moved, copied, emptied, deleted. */
#include "ews_actions.h"

#include <stdio.h>
#include <string.h>

/* What a copy may take along, so that histories stay small. */
#define MAX_COPIED_FOLDERS 12
#define MAX_COPIED_ITEMS 40

/* Few, so that they meet; and one that differs in case alone. */
static const char *pick_name(struct eh *h)
{
    static const char *const names[] = {"a", "A", "b", "c", "inbox", "Deletions"};

    return eh_one_in(h, 2) ? names[eh_pick(h, ARRAY_LEN(names))] : eh_new_text(h, "folder");
}

static const char *folder_element(const struct em_folder *f)
{
    return f->calendar ? "CalendarFolder" : "Folder";
}

/* ---- CreateFolder, CreateFolderPath ---- */

static const char *refusal_of_name(const struct em *m, int parent, const char *name)
{
    return em_folder_child(m, parent, name) != EM_GONE ? "ErrorFolderExists" : NULL;
}

#define MAX_MADE 3

void act_create_folder(struct eh *h)
{
    int user = eh_pick_user(h), parent = eh_pick_folder(h, user), made[MAX_MADE];
    const char *elements = "", *xml = eh_folder_xml(h, parent);
    size_t n = 1 + eh_pick(h, MAX_MADE - 1);

    for (size_t i = 0; i < n; i++) {
        const char *name = pick_name(h);
        bool calendar = eh_one_in(h, 6);
        const char *element = calendar ? "CalendarFolder" : "Folder";
        const char *refusal =
            refusal_of_target(&h->model, user, parent, RIGHT_CREATE_SUBFOLDERS,
                              "ErrorParentFolderNotFound", "ErrorCreateSubfolderAccessDenied");

        if (refusal == NULL) {
            refusal = refusal_of_name(&h->model, parent, name);
        }
        made[i] = expect_success(h, refusal)
                      ? em_folder_add(&h->model, user, parent, name, calendar)
                      : EM_GONE;
        elements = eh_xml(h, "%s<t:%s><t:DisplayName>%s</t:DisplayName></t:%s>", elements, element,
                          name, element);
    }
    eh_ask(h, user,
           "<m:CreateFolder><m:ParentFolderId>%s</m:ParentFolderId><m:Folders>%s</m:Folders>"
           "</m:CreateFolder>",
           xml, elements);
    for (size_t i = 0; i < n; i++) {
        if (made[i] != EM_GONE) {
            eh_note_folder(h, i, made[i]);
        }
    }
}

/* One element of a path below *at, which becomes its folder, or EM_GONE. */
static const char *step_path(struct em *m, int user, int *at, const char *name, bool first)
{
    int parent = *at, child;
    const char *refusal;

    *at = EM_GONE;
    if (parent == EM_GONE) {
        return "ErrorParentFolderNotFound";
    }
    if (first && (m->folders[parent].gone || !em_may(m, user, parent, RIGHT_FOLDER_VISIBLE))) {
        return "ErrorParentFolderNotFound";
    }
    child = em_folder_child(m, parent, name);
    if (child != EM_GONE) {
        *at = em_may(m, user, child, RIGHT_FOLDER_VISIBLE) ? child : EM_GONE;
        return *at == EM_GONE ? "ErrorFolderNotFound" : NULL;
    }
    refusal = refusal_of_rights(m, user, parent, RIGHT_CREATE_SUBFOLDERS,
                                "ErrorCreateSubfolderAccessDenied");
    *at = refusal == NULL ? em_folder_add(m, user, parent, name, false) : EM_GONE;
    return refusal;
}

void act_create_folder_path(struct eh *h)
{
    int user = eh_pick_user(h), at = eh_pick_folder(h, user), path[MAX_MADE];
    const char *elements = "", *xml = eh_folder_xml(h, at);
    size_t n = 1 + eh_pick(h, MAX_MADE);

    for (size_t i = 0; i < n; i++) {
        const char *name = pick_name(h);

        (void)expect_success(h, step_path(&h->model, user, &at, name, i == 0));
        path[i] = at;
        elements =
            eh_xml(h, "%s<t:Folder><t:DisplayName>%s</t:DisplayName></t:Folder>", elements, name);
    }
    eh_ask(h, user,
           "<m:CreateFolderPath><m:ParentFolderId>%s</m:ParentFolderId><m:RelativeFolderPath>%s"
           "</m:RelativeFolderPath></m:CreateFolderPath>",
           xml, elements);
    for (size_t i = 0; i < n; i++) {
        if (path[i] != EM_GONE) {
            eh_note_folder(h, i, path[i]);
        }
    }
}

/* ---- UpdateFolder ---- */

/* What needs the rights of an owner. */
static const char *refusal_of_owning(const struct em *m, int user, int folder)
{
    return first_refusal(
        eh_refusal_of_folder(m, user, folder),
        refusal_of_rights(m, user, folder, RIGHT_FOLDER_OWNER, "ErrorAccessDenied"));
}

static void ask_update(struct eh *h, int user, int folder, const char *key, const char *update)
{
    const struct em_folder *f = &h->model.folders[folder];

    eh_ask(h, user,
           "<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id='%s'%s/><t:Updates>%s"
           "</t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>",
           f->id, key == NULL ? "" : eh_xml(h, " ChangeKey='%s'", key), update);
}

void act_rename_folder(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_pick_folder(h, user);
    struct em_folder *f = &h->model.folders[folder];
    const char *name = pick_name(h), *key = eh_one_in(h, 2) ? f->key : NULL, *refusal;
    bool stale = f->old_key != NULL && eh_one_in(h, 3);

    refusal = refusal_of_owning(&h->model, user, folder);
    if (refusal == NULL && stale) {
        refusal = "ErrorIrresolvableConflict";
    }
    if (refusal == NULL && f->parent != EM_GONE &&
        em_folder_child(&h->model, f->parent, name) != folder) {
        refusal = refusal_of_name(&h->model, f->parent, name);
    }
    if (expect_success(h, refusal) && strcmp(f->name, name) != 0) {
        snprintf(f->name, sizeof(f->name), "%s", name);
        em_folder_changed(f);
    }
    ask_update(h, user, folder, stale ? f->old_key : key,
               eh_xml(h,
                      "<t:SetFolderField><t:FieldURI FieldURI='folder:DisplayName'/><t:%s>"
                      "<t:DisplayName>%s</t:DisplayName></t:%s></t:SetFolderField>",
                      folder_element(f), name, folder_element(f)));
    if (refusal == NULL) {
        eh_note_folder(h, 0, folder);
    }
}

#define SEES RIGHT_FOLDER_VISIBLE
#define READS (SEES | RIGHT_READ_ITEMS)
#define WRITES (READS | RIGHT_CREATE_ITEMS)
#define AUTHORS (WRITES | RIGHT_EDIT_OWN | RIGHT_DELETE_OWN)
#define EDITS (AUTHORS | RIGHT_EDIT_ALL | RIGHT_DELETE_ALL)

static const struct {
    const char *level;
    const char *parts; /* of Custom */
    uint32_t rights;
} levels[] = {
    {"None", "", 0},
    {"Owner", "", EDITS | RIGHT_CREATE_SUBFOLDERS | RIGHT_FOLDER_OWNER | RIGHT_FOLDER_CONTACT},
    {"Owner", "", EDITS | RIGHT_CREATE_SUBFOLDERS | RIGHT_FOLDER_OWNER | RIGHT_FOLDER_CONTACT},
    {"PublishingEditor", "", EDITS | RIGHT_CREATE_SUBFOLDERS},
    {"Editor", "", EDITS},
    {"PublishingAuthor", "", AUTHORS | RIGHT_CREATE_SUBFOLDERS},
    {"Author", "", AUTHORS},
    {"NoneditingAuthor", "", WRITES | RIGHT_DELETE_OWN},
    {"Reviewer", "", READS},
    {"Contributor", "", SEES | RIGHT_CREATE_ITEMS},
    {"Custom", "<t:IsFolderVisible>true</t:IsFolderVisible>", SEES},
    {"Custom", "<t:ReadItems>FullDetails</t:ReadItems>", RIGHT_READ_ITEMS},
    {"Custom", "<t:IsFolderOwner>true</t:IsFolderOwner><t:IsFolderVisible>true</t:IsFolderVisible>",
     SEES | RIGHT_FOLDER_OWNER},
    {"Custom",
     "<t:IsFolderVisible>true</t:IsFolderVisible><t:EditItems>All</t:EditItems>"
     "<t:DeleteItems>Owned</t:DeleteItems><t:ReadItems>FullDetails</t:ReadItems>",
     READS | RIGHT_EDIT_OWN | RIGHT_EDIT_ALL | RIGHT_DELETE_OWN},
    {"Custom",
     "<t:CanCreateItems>true</t:CanCreateItems><t:IsFolderVisible>true</t:IsFolderVisible>"
     "<t:DeleteItems>All</t:DeleteItems><t:ReadItems>FullDetails</t:ReadItems>",
     WRITES | RIGHT_DELETE_OWN | RIGHT_DELETE_ALL},
};

static const char *permissions_xml(struct eh *h, const struct em_folder *f, size_t level)
{
    const char *kind = f->calendar ? "CalendarPermission" : "Permission";

    return eh_xml(h,
                  "<t:SetFolderField><t:FieldURI FieldURI='folder:PermissionSet'/><t:%s>"
                  "<t:PermissionSet><t:%ss><t:%s><t:UserId><t:PrimarySmtpAddress>%s@example.com"
                  "</t:PrimarySmtpAddress></t:UserId>%s<t:%sLevel>%s</t:%sLevel></t:%s></t:%ss>"
                  "</t:PermissionSet></t:%s></t:SetFolderField>",
                  folder_element(f), kind, kind, f->owner == 0 ? "bob" : "alice",
                  levels[level].parts, kind, levels[level].level, kind, kind, kind,
                  folder_element(f));
}

/* Gives, takes, or takes all by deleting the set. */
void act_share_folder(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_pick_folder(h, user);
    size_t level = eh_pick(h, ARRAY_LEN(levels));
    bool none = eh_one_in(h, 10);
    struct em_folder *f;
    const char *refusal;
    uint32_t rights;

    if (eh_one_in(h, 4)) {
        folder = h->model.known[user][DF_MSGFOLDERROOT];
    }
    f = &h->model.folders[folder];
    rights = none ? 0 : levels[level].rights;
    refusal = refusal_of_owning(&h->model, user, folder);
    if (expect_success(h, refusal) && f->rights != rights) {
        f->rights = rights;
        em_folder_changed(f);
    }
    ask_update(h, user, folder, NULL,
               none ? "<t:DeleteFolderField><t:FieldURI FieldURI='folder:PermissionSet'/>"
                      "</t:DeleteFolderField>"
                    : permissions_xml(h, f, level));
    if (refusal == NULL) {
        f->key = NULL; /* a row that gives nothing is another set than none */
        f->old_key = NULL;
        eh_note_folder(h, 0, folder);
    }
}

/* ---- MoveFolder, CopyFolder ---- */

static const char *refusal_of_placing(const struct em *m, int user, int folder, int to, bool move)
{
    const struct em_folder *f = &m->folders[folder];
    const char *refusal = refusal_of_owning(m, user, folder);
    int clash;

    if (refusal != NULL) {
        return refusal;
    }
    if (m->folders[to].owner != f->owner) {
        return "ErrorCrossMailboxMoveCopy";
    }
    refusal = refusal_of_target(m, user, to, RIGHT_CREATE_SUBFOLDERS, "ErrorToFolderNotFound",
                                "ErrorCreateSubfolderAccessDenied");
    if (refusal != NULL) {
        return refusal;
    }
    if (move && f->distinguished != DF_NONE) {
        return "ErrorMoveDistinguishedFolder";
    }
    clash = em_folder_child(m, to, f->name);
    return to == folder || em_folder_is_below(m, to, folder) ||
                   (clash != EM_GONE && !(move && clash == folder))
               ? "ErrorMoveCopyFailed"
               : NULL;
}

static bool is_small(const struct em *m, int folder)
{
    int below[EM_MAX_FOLDERS];
    size_t n = em_folders_below(m, folder, below);
    unsigned items = em_folder_counts(m, folder).total;

    for (size_t i = 0; i < n; i++) {
        items += em_folder_counts(m, below[i]).total;
    }
    return n <= MAX_COPIED_FOLDERS && items <= MAX_COPIED_ITEMS;
}

static void place(struct eh *h, bool move)
{
    int user = eh_pick_user(h), folder = eh_pick_folder(h, user), to = eh_pick_folder(h, user);
    const char *xml = eh_folder_xml(h, folder), *to_xml = eh_folder_xml(h, to), *refusal;
    int owner = h->model.folders[folder].owner;

    refusal = refusal_of_placing(&h->model, user, folder, to, move);
    if (refusal == NULL && !move && !is_small(&h->model, folder)) {
        return;
    }
    if (expect_success(h, refusal)) {
        if (move) {
            em_folder_move(&h->model, folder, to);
        } else {
            folder = em_folder_copy(&h->model, folder, to);
        }
    }
    eh_ask(h, user, "<m:%s><m:ToFolderId>%s</m:ToFolderId><m:FolderIds>%s</m:FolderIds></m:%s>",
           move ? "MoveFolder" : "CopyFolder", to_xml, xml, move ? "MoveFolder" : "CopyFolder");
    if (refusal == NULL) {
        eh_note_folder(h, 0, folder);
        if (!move) {
            eh_learn_folders(h, owner);
        }
    }
}

void act_move_folder(struct eh *h)
{
    place(h, true);
}

void act_copy_folder(struct eh *h)
{
    place(h, false);
}

/* ---- DeleteFolder, EmptyFolder ---- */

static const char *const delete_types[] = {"HardDelete", "SoftDelete", "MoveToDeletedItems"};
enum delete_type { HARD, SOFT, TO_BIN };

static const char *refusal_of_bin(const struct em *m, int user, int folder, enum delete_type type)
{
    return type == TO_BIN && m->folders[folder].owner != user ? "ErrorCannotDeleteObject" : NULL;
}

void act_delete_folder(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_pick_folder(h, user);
    const char *xml = eh_folder_xml(h, folder), *refusal;
    enum delete_type type = (enum delete_type)eh_pick(h, 3);
    const struct em_folder *f = &h->model.folders[folder];

    refusal = first_refusal(refusal_of_owning(&h->model, user, folder),
                            refusal_of_bin(&h->model, user, folder, type));
    if (refusal == NULL && f->distinguished != DF_NONE) {
        refusal = "ErrorDeleteDistinguishedFolder";
    }
    if (expect_success(h, refusal)) {
        if (type == TO_BIN &&
            !em_folder_is_below(&h->model, folder, h->model.known[f->owner][DF_DELETEDITEMS])) {
            em_folder_trash(&h->model, folder);
        } else {
            em_folder_delete(&h->model, folder);
        }
    }
    eh_ask(h, user,
           "<m:DeleteFolder DeleteType='%s'><m:FolderIds>%s</m:FolderIds></m:DeleteFolder>",
           delete_types[type], xml);
}

static bool can_be_emptied(const struct em_folder *f)
{
    return !f->calendar && f->distinguished != DF_ROOT && f->distinguished != DF_MSGFOLDERROOT &&
           f->distinguished != DF_SEARCHFOLDERS && f->distinguished != DF_RECOVERABLEITEMSROOT;
}

static bool has_distinguished_below(const struct em *m, int folder)
{
    int below[EM_MAX_FOLDERS];
    size_t n = em_folders_below(m, folder, below);

    for (size_t i = 0; i < n; i++) {
        if (m->folders[below[i]].distinguished != DF_NONE) {
            return true;
        }
    }
    return false;
}

static const char *refusal_of_empty(const struct em *m, int user, int folder, enum delete_type type,
                                    bool deep)
{
    uint32_t needed = RIGHT_DELETE_ALL | (deep ? RIGHT_FOLDER_OWNER : 0u);
    const char *refusal =
        first_refusal(eh_refusal_of_folder(m, user, folder),
                      refusal_of_rights(m, user, folder, needed, "ErrorAccessDenied"));

    refusal = first_refusal(refusal, refusal_of_bin(m, user, folder, type));
    if (refusal == NULL && !can_be_emptied(&m->folders[folder])) {
        refusal = "ErrorCannotEmptyFolder";
    }
    return refusal == NULL && deep && has_distinguished_below(m, folder)
               ? "ErrorDeleteDistinguishedFolder"
               : refusal;
}

/* What lies where it would go to, goes a step further. */
static enum em_where where_to(const struct em_folder *f, enum delete_type type)
{
    if (type == TO_BIN && f->distinguished != DF_DELETEDITEMS) {
        return EM_TO_BIN;
    }
    return type == HARD || f->distinguished == DF_RECOVERABLEITEMSDELETIONS ? EM_NOWHERE
                                                                            : EM_TO_RECOVERABLE;
}

void act_empty_folder(struct eh *h)
{
    int user = eh_pick_user(h), folder = eh_pick_folder(h, user);
    const char *xml = eh_folder_xml(h, folder);
    enum delete_type type = (enum delete_type)eh_pick(h, 3);
    bool deep = eh_one_in(h, 2);

    if (expect_success(h, refusal_of_empty(&h->model, user, folder, type, deep))) {
        em_folder_empty(&h->model, folder, where_to(&h->model.folders[folder], type), deep);
    }
    eh_ask(h, user,
           "<m:EmptyFolder DeleteType='%s' DeleteSubFolders='%s'><m:FolderIds>%s</m:FolderIds>"
           "</m:EmptyFolder>",
           delete_types[type], deep ? "true" : "false", xml);
}
