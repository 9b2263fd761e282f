#include "server/admin.h"

#include "auth/auth.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "mailbox/draft.h"
#include "mailbox/mailbox.h"
#include "notify/hub.h"
#include "server/admin-private.h"

/* ---- users ---- */

static int hash_if_any(struct arena *arena, struct str password, struct str *hash_r,
                       struct err *err_r)
{
    if (password.n == 0) {
        *hash_r = STR("");
        return 0;
    }
    return auth_hash_password(arena, password, hash_r, err_r);
}

int admin_user_add(struct admin *admin, struct str address, struct str display_name,
                   struct str password, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "admin");
    struct user user = {.address = address, .display_name = display_name};
    struct mailbox_no mailbox;

    TRY(hash_if_any(arena, password, &user.password_hash, err_r));
    return store_user_add(admin->store, &user, &mailbox, err_r);
}

int admin_user_list(struct admin *admin, struct arena *arena, struct str *lines_r,
                    struct err *err_r)
{
    struct user *users;
    struct buf lines = BUF_INIT;
    size_t n;

    TRY(store_user_list(admin->store, arena, &users, &n, err_r));
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&lines, users[i].address);
        if (users[i].display_name.n > 0) {
            buf_add_char(&lines, '\t');
            buf_add_str(&lines, users[i].display_name);
        }
        buf_add_char(&lines, '\n');
    }
    *lines_r = str_dup(arena, buf_str(&lines));
    buf_fini(&lines);
    return 0;
}

int admin_user_passwd(struct admin *admin, struct str address, struct str password,
                      struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "admin");
    struct str hash;

    TRY(hash_if_any(arena, password, &hash, err_r));
    return store_user_set_password(admin->store, address, hash, err_r);
}

int admin_user_delete(struct admin *admin, struct str address, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "admin");
    struct user user;

    TRY(admin_need_user(admin, address, arena, &user, err_r));
    TRY(store_user_delete(admin->store, address, err_r));
    /* Nobody may go on hearing of a mailbox that is no more: streams and pushes end now. */
    if (admin->hub != NULL) {
        hub_subscriptions_changed(admin->hub, user.mailbox);
        hub_note_counts(admin->hub, user.mailbox, &(struct subscription_counts){{0}});
    }
    return 0;
}

/* ---- jobs that are waited for ---- */

static void waited_job_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct waited_job *w = (struct waited_job *)job;

    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    if (rc < 0) {
        w->err = *err;
    }
    w->has_ended = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
}

int waited_job_run(struct admin *admin, struct waited_job *w, struct mailbox_no no,
                   struct err *err_r)
{
    w->job.mailbox = no;
    w->job.done = waited_job_done;
    w->has_ended = false;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->ended, NULL);
    workers_submit(admin->workers, &w->job);
    pthread_mutex_lock(&w->lock);
    while (!w->has_ended) {
        pthread_cond_wait(&w->ended, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&w->ended);
    pthread_mutex_destroy(&w->lock);
    if (w->rc < 0 && err_r != NULL) {
        *err_r = w->err;
    }
    return w->rc;
}

int admin_need_user(struct admin *admin, struct str address, struct arena *arena,
                    struct user *user_r, struct err *err_r)
{
    int found = store_user_find(admin->store, address, arena, user_r, err_r);

    TRY(found);
    return found > 0
               ? 0
               : err_tell(err_r, ERR_NO_SUCH_MAILBOX, "There is no user %.*s.", STR_ARG(address));
}

/* ---- import ---- */

static const struct {
    enum distinguished number;
    struct str wire, class;
} distinguished_names[] = {
#define X(name, wire, parent, class, display, created) {DF_##name, STR_INIT(wire), STR_INIT(class)},
    DISTINGUISHED_FOLDERS(X)
#undef X
};

/* Those that hold mail and the like; the root and the search folders hold none. */
static enum distinguished distinguished_by_wire_name(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(distinguished_names); i++) {
        if (str_eq_nocase(name, distinguished_names[i].wire) &&
            distinguished_names[i].class.n > 0) {
            return distinguished_names[i].number;
        }
    }
    return DF_NONE;
}

static int get_distinguished(struct mailbox_tx *tx, enum distinguished d, struct arena *arena,
                             struct folder_id *id_r, struct err *err_r)
{
    struct folder folder;
    int found = mailbox_folder_by_distinguished(tx, d, arena, &folder, err_r);

    TRY(found);
    if (found > 0) {
        *id_r = folder.id;
    }
    return found;
}

/* The folder of one name of a path; top: directly below msgfolderroot, where wire names count. */
static int enter_folder(struct mailbox_tx *tx, bool top, struct str name, struct arena *arena,
                        struct folder_id *id, struct err *err_r)
{
    enum distinguished d = top ? distinguished_by_wire_name(name) : DF_NONE;
    struct folder folder;
    int found = mailbox_folder_by_name(tx, *id, name, arena, &folder, err_r);

    TRY(found);
    if (found > 0) {
        *id = folder.id;
        return 0;
    }
    if (d != DF_NONE) {
        found = get_distinguished(tx, d, arena, id, err_r);
        TRY(found);
        if (found > 0) {
            return 0;
        }
    }
    return mailbox_folder_create(
        tx, &(struct folder_draft){.parent = *id, .name = name, .folder_class = STR("IPF.Note")},
        id, err_r);
}

static int find_or_make_folder(struct mailbox_tx *tx, struct str path, struct arena *arena,
                               struct folder_id *id_r, struct err *err_r)
{
    struct folder_id id;
    bool top = true;
    int found = get_distinguished(tx, DF_MSGFOLDERROOT, arena, &id, err_r);

    TRY(found);
    if (found == 0) {
        return err_set(err_r, ERR_CORRUPT, "the mailbox has no top folder");
    }
    while (path.n > 0) {
        struct str name = str_split(&path, '/');

        if (name.n > 0) {
            TRY(enter_folder(tx, top, name, arena, &id, err_r));
            top = false;
        }
    }
    if (top) {
        return err_tell(err_r, ERR_NAME_INVALID, "The folder has no name.");
    }
    *id_r = id;
    return 0;
}

struct import {
    struct waited_job waited; /* first */
    struct admin *admin;
    struct user user;
    struct str folder;
    const struct admin_message *messages;
    size_t message_count;
};

static int store_message(const struct import *w, struct mailbox_tx *tx, struct folder_id folder,
                         const struct admin_message *m, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "import");
    struct item_draft draft;
    struct item_id id;

    item_draft_from_mime(arena, m->bytes,
                         &(struct draft_options){
                             .received_ms = m->received_ms,
                             .now_ms = clock_unix_ms(store_clock(w->admin->store)),
                             .recipient = w->user.address,
                             .recipient_name = w->user.display_name,
                             .read = m->read,
                             .delivered = m->delivered,
                             .draft = m->draft,
                         },
                         &draft);
    return mailbox_item_add(tx, folder, &draft, &id, err_r);
}

static int import_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    const struct import *w = (const struct import *)job;
    AUTO(arena) arena = arena_new(NULL, "import.folders");
    struct folder_id folder = {0};
    struct str path = STR_NULL;

    for (size_t i = 0; i < w->message_count; i++) {
        const struct admin_message *m = &w->messages[i];
        struct str wanted = m->folder.n > 0 ? m->folder : w->folder;

        if (i == 0 || !str_eq(wanted, path)) {
            TRY(find_or_make_folder(tx, wanted, arena, &folder, err_r));
            arena_reset(arena);
            path = wanted;
        }
        TRY(store_message(w, tx, folder, m, err_r));
    }
    return 0;
}

int admin_import(struct admin *admin, struct str address, struct str folder,
                 const struct admin_message *messages, size_t n, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "admin");
    struct import w = {
        .waited = {.job = {.write = true, .run = import_run}},
        .admin = admin,
        .folder = folder,
        .messages = messages,
        .message_count = n,
    };

    TRY(admin_need_user(admin, address, arena, &w.user, err_r));
    return waited_job_run(admin, &w.waited, w.user.mailbox, err_r);
}

/* ---- check ---- */

static int check_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    (void)job;
    return mailbox_check(tx, err_r);
}

int admin_check(struct admin *admin, struct str address, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "admin");
    struct waited_job w = {.job = {.run = check_run}};
    struct user user;

    TRY(admin_need_user(admin, address, arena, &user, err_r));
    return waited_job_run(admin, &w, user.mailbox, err_r);
}
