/*
 * The store's files, its lock, and the table of open mailboxes. Users are in users.c.
 *
 * Crash safety (docs/design/db.md): a mailbox's number is spent, and noted in the table `doomed`, before its file is made; the note goes in the
 * transaction that makes the user. So a file without a user is always noted, is removed at the next opening, and its number is never given again.
 */
#include "mailbox/store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mailbox/folder_write.h"
#include "mailbox/limits.h"
#include "mailbox/mailbox.h"
#include "mailbox/schema.h"
#include "mailbox/store-private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static int path_format(struct mailbox_path *path_r, struct err *err_r, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static int path_format(struct mailbox_path *path_r, struct err *err_r, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(path_r->text, sizeof(path_r->text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(path_r->text)) {
        return err_set(err_r, ERR_USAGE, "the path of the store is too long");
    }
    return 0;
}

static int errno_error(const char *what, const char *path, struct err *err_r)
{
    enum err_kind kind = errno == ENOSPC || errno == EDQUOT ? ERR_STORE_FULL : ERR_IO;

    return err_set(err_r, kind, "%s %s: %s", what, path, strerror(errno));
}

/* The entries of a directory, on stable storage. */
static int sync_dir(const char *path, struct err *err_r)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0) {
        return errno_error("open", path, err_r);
    }
    rc = fsync(fd) == 0 ? 0 : errno_error("fsync", path, err_r);
    close(fd);
    return rc;
}

/* Only the owner reads mail. One that is there already is as good. */
static int make_dir(const char *path, struct err *err_r)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return 0;
    }
    return errno_error("mkdir", path, err_r);
}

static int mailbox_dir_path(const struct store *store, struct mailbox_no no,
                            struct mailbox_path *path_r, struct err *err_r)
{
    return path_format(path_r, err_r, "%s/mailboxes/%02u", store->dir, (unsigned)(no.v % 100));
}

int store_mailbox_path(const struct store *store, struct mailbox_no no, const char *suffix,
                       struct mailbox_path *path_r, struct err *err_r)
{
    return path_format(path_r, err_r, "%s/mailboxes/%02u/%llu.db%s", store->dir,
                       (unsigned)(no.v % 100), (unsigned long long)no.v, suffix);
}

static int make_mailbox_dirs(struct store *store, struct mailbox_no no, struct err *err_r)
{
    struct mailbox_path path;

    TRY(path_format(&path, err_r, "%s/mailboxes", store->dir));
    TRY(make_dir(path.text, err_r));
    TRY(sync_dir(store->dir, err_r));
    TRY(mailbox_dir_path(store, no, &path, err_r));
    TRY(make_dir(path.text, err_r));
    TRY(path_format(&path, err_r, "%s/mailboxes", store->dir));
    return sync_dir(path.text, err_r);
}

int store_mailbox_make(struct store *store, struct mailbox_no no, struct err *err_r)
{
    AUTO(mailbox) mailbox = NULL;
    struct mailbox_path path;

    TRY(make_mailbox_dirs(store, no, err_r));
    TRY(store_mailbox_path(store, no, "", &path, err_r));
    TRY(mailbox_open(path.text, true, no, store->clock, &mailbox, err_r));
    TRY(mailbox_dir_path(store, no, &path, err_r));
    return sync_dir(path.text, err_r);
}

/* The files are gone for good before their note goes. There may have been none, nor a directory for them. */
static int sync_removal(struct store *store, struct mailbox_no no, struct err *err_r)
{
    struct mailbox_path path;

    TRY(mailbox_dir_path(store, no, &path, err_r));
    return access(path.text, F_OK) == 0 ? sync_dir(path.text, err_r) : 0;
}

static int remove_files(struct store *store, struct mailbox_no no, struct err *err_r)
{
    /* The main file last: the others mean nothing without it, and would be taken for a new one's. */
    static const char *const suffixes[] = {"-journal", "-wal", "-shm", ""};
    struct mailbox_path path;
    size_t i;

    for (i = 0; i < ARRAY_LEN(suffixes); i++) {
        TRY(store_mailbox_path(store, no, suffixes[i], &path, err_r));
        if (unlink(path.text) != 0 && errno != ENOENT) {
            return errno_error("unlink", path.text, err_r);
        }
    }
    TRY(sync_removal(store, no, err_r));
    return directory_forget_doomed(store, no, err_r);
}

int store_sweep_doomed(struct store *store, struct err *err_r)
{
    struct mailbox_no no = {0};
    int rc;

    while ((rc = directory_next_doomed(store, no, &no, err_r)) == 1) {
        TRY(remove_files(store, no, err_r));
    }
    return rc;
}

/* ---- opening the store ---- */

static int take_lock(struct store *store, bool create, struct err *err_r)
{
    struct mailbox_path path;

    TRY(path_format(&path, err_r, "%s/lock", store->dir));
    store->lock_fd = open(path.text, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (store->lock_fd < 0) {
        return errno_error("open", path.text, err_r);
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return err_set(err_r, ERR_STORE_BUSY, "another process has the store %s open",
                           store->dir);
        }
        return errno_error("flock", path.text, err_r);
    }
    return 0;
}

static int open_directory(struct store *store, bool create, struct err *err_r)
{
    struct db_options options = {
        .create = create,
        .busy_timeout_ms = STORE_BUSY_TIMEOUT_MS,
        .migrations = directory_migrations,
        .migration_count = directory_migration_count,
    };
    struct mailbox_path path;

    TRY(path_format(&path, err_r, "%s/directory.db", store->dir));
    options.path = path.text;
    TRY(db_open(&options, &store->directory, err_r));
    TRY(directory_load_key(store, err_r));
    return create ? sync_dir(store->dir, err_r) : 0;
}

static struct store *store_new(const struct store_options *options)
{
    struct store *store = mem_alloc_zero(1, sizeof(*store));
    size_t n = strlen(options->dir);

    assert(options->clock != NULL);
    store->dir = mem_alloc(n + 1);
    memcpy(store->dir, options->dir, n + 1);
    store->lock_fd = -1;
    store->clock = options->clock;
    store->quota_bytes = options->quota_bytes;
    store->max_idle =
        options->max_open_mailboxes != 0 ? options->max_open_mailboxes : STORE_MAX_OPEN_MAILBOXES;
    store->table = u64map_new();
    pthread_mutex_init(&store->directory_mutex, NULL);
    pthread_mutex_init(&store->table_mutex, NULL);
    return store;
}

int store_open(const struct store_options *options, struct store **store_r, struct err *err_r)
{
    AUTO(store) store = store_new(options);

    if (options->create) {
        TRY(make_dir(store->dir, err_r));
    }
    TRY(take_lock(store, options->create, err_r));
    TRY(open_directory(store, options->create, err_r));
    TRY(store_sweep_doomed(store, err_r));
    *store_r = take(&store);
    return 0;
}

const struct token_key *store_token_key(const struct store *store)
{
    return &store->key;
}

struct clock *store_clock(const struct store *store)
{
    return store->clock;
}

/* ---- the table of open mailboxes; idle_* with table_mutex held ---- */

static void idle_unlink(struct store *store, struct open_mailbox *entry)
{
    *(entry->prev != NULL ? &entry->prev->next : &store->idle_first) = entry->next;
    *(entry->next != NULL ? &entry->next->prev : &store->idle_last) = entry->prev;
    entry->prev = entry->next = NULL;
    store->idle_count--;
}

static void idle_push(struct store *store, struct open_mailbox *entry)
{
    entry->prev = NULL;
    entry->next = store->idle_first;
    *(store->idle_first != NULL ? &store->idle_first->prev : &store->idle_last) = entry;
    store->idle_first = entry;
    store->idle_count++;
}

/* Out of the table; the caller closes it after giving back the mutex. */
static void idle_remove(struct store *store, struct open_mailbox *entry)
{
    idle_unlink(store, entry);
    u64map_remove(store->table, entry->no.v);
}

static void close_entry(struct open_mailbox *entry)
{
    mailbox_close(&entry->mailbox);
    free(entry);
}

/* Marks the mailbox as taken. Its handle is NULL when the caller has to open it. */
static struct open_mailbox *take_entry(struct store *store, struct mailbox_no no)
{
    struct open_mailbox *entry;

    pthread_mutex_lock(&store->table_mutex);
    entry = u64map_get(store->table, no.v);
    if (entry != NULL) {
        assert(!entry->taken);
        idle_unlink(store, entry);
    } else {
        entry = mem_alloc_zero(1, sizeof(*entry));
        entry->no = no;
        u64map_put(store->table, no.v, entry);
    }
    entry->taken = true;
    pthread_mutex_unlock(&store->table_mutex);
    return entry;
}

/* Gives a taken entry back: to the LRU, or away if it has no handle, a doubtful one, or no user any more. */
static void return_entry(struct store *store, struct open_mailbox *entry)
{
    struct open_mailbox *victim = NULL;
    struct mailbox_no no = entry->no;
    bool doomed;

    pthread_mutex_lock(&store->table_mutex);
    assert(entry->taken);
    entry->taken = false;
    doomed = entry->doomed;
    if (doomed || entry->mailbox == NULL || mailbox_is_doubtful(entry->mailbox)) {
        u64map_remove(store->table, no.v);
        victim = entry;
    } else {
        idle_push(store, entry);
        if (store->idle_count > store->max_idle) {
            victim = store->idle_last;
            idle_remove(store, victim);
        }
    }
    pthread_mutex_unlock(&store->table_mutex);
    if (victim != NULL) {
        close_entry(victim);
    }
    if (doomed) {
        /* A failure is no answer to whoever released it: the number stays noted, and the next opening of the store removes the files. */
        int rc = remove_files(store, no, NULL);
        (void)rc;
    }
}

static int open_for_user(struct store *store, struct open_mailbox *entry, struct err *err_r)
{
    struct mailbox_path path;
    int found = directory_has_mailbox(store, entry->no, err_r);

    TRY(found);
    if (found == 0) {
        return err_set(err_r, ERR_NO_SUCH_MAILBOX, "mailbox %llu has no user",
                       (unsigned long long)entry->no.v);
    }
    TRY(store_mailbox_path(store, entry->no, "", &path, err_r));
    TRY(mailbox_open(path.text, false, entry->no, store->clock, &entry->mailbox, err_r));
    mailbox_set_quota(entry->mailbox, store->quota_bytes);
    return 0;
}

int store_mailbox_take(struct store *store, struct mailbox_no no, struct mailbox **mailbox_r,
                       struct err *err_r)
{
    struct open_mailbox *entry = take_entry(store, no);

    if (entry->mailbox == NULL) {
        int rc = open_for_user(store, entry, err_r);

        if (rc < 0) {
            return_entry(store, entry);
            return rc;
        }
    }
    *mailbox_r = entry->mailbox;
    return 0;
}

void store_mailbox_release(struct store *store, struct mailbox **mailbox)
{
    struct mailbox *m = take(mailbox);
    struct open_mailbox *entry;

    pthread_mutex_lock(&store->table_mutex);
    entry = u64map_get(store->table, mailbox_number(m).v);
    pthread_mutex_unlock(&store->table_mutex);
    assert(entry != NULL && entry->mailbox == m);
    return_entry(store, entry);
}

int store_mailbox_doom(struct store *store, struct mailbox_no no, struct err *err_r)
{
    struct open_mailbox *entry;

    pthread_mutex_lock(&store->table_mutex);
    entry = u64map_get(store->table, no.v);
    if (entry != NULL && entry->taken) {
        entry->doomed = true;
        pthread_mutex_unlock(&store->table_mutex);
        return 0;
    }
    if (entry != NULL) {
        idle_remove(store, entry);
    }
    pthread_mutex_unlock(&store->table_mutex);
    if (entry != NULL) {
        close_entry(entry);
    }
    return remove_files(store, no, err_r);
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (s == NULL) {
        return;
    }
    *store = NULL;
    while (s->idle_first != NULL) {
        struct open_mailbox *entry = s->idle_first;

        idle_remove(s, entry);
        close_entry(entry);
    }
    assert(u64map_count(s->table) == 0);
    u64map_free(&s->table);
    db_close(&s->directory);
    if (s->lock_fd >= 0) {
        close(s->lock_fd);
    }
    pthread_mutex_destroy(&s->directory_mutex);
    pthread_mutex_destroy(&s->table_mutex);
    free(s->dir);
    free(s);
}
