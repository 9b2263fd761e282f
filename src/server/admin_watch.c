/* What administrators see of subscriptions and of the live log. */
#include "server/admin.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "mailbox/mailbox.h"
#include "mailbox/subscriptions.h"
#include "notify/hub.h"
#include "notify/notice.h"
#include "server/admin-private.h"
#include "server/limits.h"

#include <poll.h>

/* ---- subscriptions ---- */

static const char *const types[] = {
#define X(name, wire) wire,
    NOTICE_TYPES(X)
#undef X
};

struct subscriptions_job {
    struct waited_job waited; /* first */
    struct arena *arena;
    struct subscription *list;
    size_t n;
    struct seq newest; /* of the log */
};

static int list_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct subscriptions_job *j = (struct subscriptions_job *)job;

    j->newest = mailbox_tx_seq(tx);
    return subscription_list(tx, 0, j->arena, &j->list, &j->n, err_r);
}

static int list_of(struct admin *admin, struct mailbox_no no, struct arena *arena,
                   struct subscriptions_job *job, struct err *err_r)
{
    *job = (struct subscriptions_job){.waited = {.job = {.run = list_run}}, .arena = arena};
    return waited_job_run(admin, &job->waited, no, err_r);
}

static void write_id(struct admin *admin, struct mailbox_no no, const struct subscription *s,
                     struct buf *out)
{
    struct token_subscription token = {.mailbox = no, .subscription = s->id};

    memcpy(token.secret, s->secret, sizeof(token.secret));
    token_subscription_write(out, store_token_key(admin->store), &token);
}

static bool is_open(struct admin *admin, struct mailbox_no no, const struct subscription *s)
{
    return admin->hub != NULL && hub_streams_of(admin->hub, no, s->id) != 0;
}

/* How far it was told: what a running server knows is newer than the row. */
static struct log_position told_to(struct admin *admin, struct mailbox_no no,
                                   const struct subscription *s)
{
    struct log_position at = s->cursor;

    if (admin->hub != NULL) {
        (void)hub_cursor(admin->hub, no, s->id, &at);
    }
    return at;
}

static void write_lag(struct admin *admin, struct mailbox_no no, const struct subscription *s,
                      struct seq newest, struct buf *out)
{
    struct log_position at = told_to(admin, no, s);

    if (s->kind == SUBSCRIPTION_PULL) {
        buf_add_char(out, '-');
    } else {
        buf_add_u64(out, newest.v >= at.seq.v ? newest.v + 1 - at.seq.v : 0);
    }
}

static void write_folders(const struct subscription *s, struct buf *out)
{
    if (s->folder_n == 0) {
        BUF_LIT(out, "all");
    } else {
        buf_add_u64(out, s->folder_n);
    }
}

static void write_types(const struct subscription *s, struct buf *out)
{
    const char *between = "";

    for (unsigned t = 0; t < NOTICE_TYPE_COUNT; t++) {
        if ((s->types & NOTICE_BIT(t)) != 0) {
            buf_printf(out, "%s%s", between, types[t]);
            between = ",";
        }
    }
}

static void write_line(struct admin *admin, const struct user *user,
                       const struct subscriptions_job *job, const struct subscription *s,
                       struct buf *out)
{
    int64_t silent_ms = clock_unix_ms(store_clock(admin->store)) - s->used_ms;

    write_id(admin, user->mailbox, s, out);
    buf_printf(out, "\t%.*s\t%s\t%s\t", STR_ARG(user->address), subscription_kind_name(s->kind),
               is_open(admin, user->mailbox, s) ? "open" : "-");
    write_lag(admin, user->mailbox, s, job->newest, out);
    buf_printf(out, "\t%lld\t", (long long)(silent_ms > 0 ? silent_ms / 1000 : 0));
    write_folders(s, out);
    buf_add_char(out, '\t');
    write_types(s, out);
    buf_add_char(out, '\n');
}

/* One user, or all. */
static int users_of(struct admin *admin, struct str address, struct arena *arena,
                    struct user **users_r, size_t *n_r, struct err *err_r)
{
    if (address.n == 0) {
        return store_user_list(admin->store, arena, users_r, n_r, err_r);
    }
    *users_r = ARENA_NEW(arena, struct user);
    *n_r = 1;
    return admin_need_user(admin, address, arena, *users_r, err_r);
}

int admin_subscription_list(struct admin *admin, struct str address, struct arena *arena,
                            struct str *lines_r, struct err *err_r)
{
    struct buf lines = BUF_INIT;
    struct user *users;
    size_t n;
    int rc = users_of(admin, address, arena, &users, &n, err_r);

    for (size_t u = 0; rc == 0 && u < n; u++) {
        struct subscriptions_job job;

        rc = list_of(admin, users[u].mailbox, arena, &job, err_r);
        for (size_t i = 0; rc == 0 && i < job.n; i++) {
            write_line(admin, &users[u], &job, &job.list[i], &lines);
        }
    }
    *lines_r = str_dup(arena, buf_str(&lines));
    buf_fini(&lines);
    return rc;
}

struct found {
    struct user user;
    struct subscription subscription;
    struct seq newest;
};

static int unknown(struct err *err_r)
{
    return err_tell(err_r, ERR_SUBSCRIPTION_NOT_FOUND, "There is no such subscription.");
}

static int find(struct admin *admin, struct str id, struct arena *arena, struct found *found_r,
                struct err *err_r)
{
    struct token_subscription token;
    struct subscriptions_job job;
    int rc;

    TRY(token_subscription_read(store_token_key(admin->store), id, &token, err_r));
    rc = store_user_by_mailbox(admin->store, token.mailbox, arena, &found_r->user, err_r);
    TRY(rc);
    if (rc == 0) {
        return unknown(err_r);
    }
    TRY(list_of(admin, token.mailbox, arena, &job, err_r));
    for (size_t i = 0; i < job.n; i++) {
        if (job.list[i].id.v == token.subscription.v) {
            found_r->subscription = job.list[i];
            found_r->newest = job.newest;
            return 0;
        }
    }
    return unknown(err_r);
}

static void write_time(struct buf *out, const char *name, int64_t ms)
{
    char text[TIME_TEXT_BYTES];

    buf_printf(out, "%s: %.*s\n", name, (int)time_format(ms, false, text), text);
}

static void write_position(struct buf *out, const char *name, struct log_position at)
{
    buf_printf(out, "%s: %llu.%u\n", name, (unsigned long long)at.seq.v, at.taken);
}

static void write_all(struct admin *admin, const struct found *f, struct buf *out)
{
    const struct subscription *s = &f->subscription;
    struct mailbox_no no = f->user.mailbox;

    buf_printf(out, "user: %.*s\nkind: %s\nopen: %s\ntypes: ", STR_ARG(f->user.address),
               subscription_kind_name(s->kind), is_open(admin, no, s) ? "yes" : "no");
    write_types(s, out);
    BUF_LIT(out, "\nfolders: ");
    write_folders(s, out);
    BUF_LIT(out, "\nlag: ");
    write_lag(admin, no, s, f->newest, out);
    BUF_LIT(out, "\n");
    write_position(out, "told", told_to(admin, no, s));
    write_position(out, "stored", s->cursor);
    write_time(out, "created", s->created_ms);
    write_time(out, "used", s->used_ms);
    if (s->kind != SUBSCRIPTION_PUSH) {
        write_time(out, "expires", subscription_expires_ms(s));
    }
    if (s->failing_ms != 0) {
        write_time(out, "failing since", s->failing_ms);
    }
    if (s->url.n != 0) {
        buf_printf(out, "url: %.*s\n", STR_ARG(s->url));
    }
}

int admin_subscription_show(struct admin *admin, struct str id, struct arena *arena,
                            struct str *lines_r, struct err *err_r)
{
    struct buf lines = BUF_INIT;
    struct found found;

    TRY(find(admin, id, arena, &found, err_r));
    write_all(admin, &found, &lines);
    *lines_r = str_dup(arena, buf_str(&lines));
    buf_fini(&lines);
    return 0;
}

struct delete_job {
    struct waited_job waited; /* first */
    struct subscription_id id;
    struct subscription_counts counts; /* of the rest */
};

static int delete_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    int rc = subscription_delete(tx, ((struct delete_job *)job)->id, err_r);

    TRY(rc);
    TRY(subscription_count(tx, &((struct delete_job *)job)->counts, err_r));
    return rc == 1 ? 0 : unknown(err_r);
}

int admin_subscription_delete(struct admin *admin, struct str id, struct err *err_r)
{
    AUTO(arena) arena = arena_new(NULL, "admin");
    struct delete_job job = {.waited = {.job = {.write = true, .run = delete_run}}};
    struct found found;

    TRY(find(admin, id, arena, &found, err_r));
    job.id = found.subscription.id;
    TRY(waited_job_run(admin, &job.waited, found.user.mailbox, err_r));
    if (admin->hub != NULL) {
        hub_subscriptions_changed(admin->hub, found.user.mailbox);
        hub_note_counts(admin->hub, found.user.mailbox, &job.counts);
    }
    return 0;
}

/* ---- the live log ---- */

static const char *const event_names[] = {
    [EVENT_ITEM_NEW_MAIL] = "new-mail",          [EVENT_ITEM_CREATED] = "item-created",
    [EVENT_ITEM_MODIFIED] = "item-modified",     [EVENT_ITEM_READ_FLAG] = "read-flag",
    [EVENT_ITEM_DELETED] = "item-deleted",       [EVENT_ITEM_MOVED] = "item-moved",
    [EVENT_ITEM_COPIED] = "item-copied",         [EVENT_FOLDER_CREATED] = "folder-created",
    [EVENT_FOLDER_MODIFIED] = "folder-modified", [EVENT_FOLDER_DELETED] = "folder-deleted",
    [EVENT_FOLDER_MOVED] = "folder-moved",       [EVENT_FOLDER_COPIED] = "folder-copied",
    [EVENT_FOLDER_CONTENTS] = "folder-contents",
};

struct watch_job {
    struct waited_job waited; /* first */
    const struct user *user;
    bool from_now;
    struct seq at; /* read up to here */
    struct buf *lines;
};

static int write_folder(struct watch_job *j, struct mailbox_tx *tx, const char *name, uint64_t id,
                        struct err *err_r)
{
    AUTO(arena) tmp = arena_new(NULL, "watch");
    struct folder folder;
    int rc = mailbox_folder_get(tx, (struct folder_id){id}, tmp, &folder, err_r);

    TRY(rc);
    buf_printf(j->lines, " %s=%llu", name, (unsigned long long)id);
    if (rc == 1 && folder.name.n != 0) {
        buf_printf(j->lines, " (%.*s)", STR_ARG(folder.name));
    }
    return 0;
}

static int write_event(struct watch_job *j, struct mailbox_tx *tx, const struct event *e,
                       struct err *err_r)
{
    char at[TIME_TEXT_BYTES];
    bool folder = e->kind >= EVENT_FOLDER_CREATED;

    buf_printf(j->lines, "%.*s %.*s %llu %s %s=%llu", (int)time_format(e->at_ms, true, at), at,
               STR_ARG(j->user->address), (unsigned long long)e->seq.v, event_names[e->kind],
               folder ? "folder" : "item", (unsigned long long)e->object);
    TRY(write_folder(j, tx, "in", e->parent, err_r));
    if (e->old_object != 0) {
        buf_printf(j->lines, " was=%llu", (unsigned long long)e->old_object);
        TRY(write_folder(j, tx, "from", e->old_parent, err_r));
    }
    buf_add_char(j->lines, '\n');
    return 0;
}

/* The events are taken out of the log before the folders are asked for: an iterator holds its statement. */
static int take_events(struct mailbox_tx *tx, struct seq after,
                       struct event events[static ADMIN_WATCH_EVENTS], size_t *n_r,
                       struct err *err_r)
{
    struct event_iter *iter;
    size_t n = 0;

    TRY(mailbox_event_iter_begin(tx, after, &iter, err_r));
    while (n < ADMIN_WATCH_EVENTS && mailbox_event_iter_next(iter, &events[n])) {
        n++;
    }
    *n_r = n;
    return mailbox_event_iter_end(&iter, err_r);
}

static int watch_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct watch_job *j = (struct watch_job *)job;
    struct event events[ADMIN_WATCH_EVENTS];
    size_t n;

    if (j->from_now) {
        j->at = mailbox_tx_seq(tx);
        return 0;
    }
    TRY(take_events(tx, j->at, events, &n, err_r));
    for (size_t i = 0; i < n; i++) {
        TRY(write_event(j, tx, &events[i], err_r));
        j->at = events[i].seq;
    }
    return 0;
}

/* places: mailbox and seq of each, as varints. A mailbox that has none starts now. */
static bool place_of(struct str places, struct mailbox_no no, struct seq *at_r)
{
    struct seq at;
    uint64_t mailbox;

    while (str_take_varint(&places, &mailbox) && str_take_varint(&places, &at.v)) {
        if (mailbox == no.v) {
            *at_r = at;
            return true;
        }
    }
    return false;
}

static int look(struct admin *admin, const struct user *users, size_t n, struct str places,
                struct buf *lines, struct buf *next, struct err *err_r)
{
    for (size_t i = 0; i < n; i++) {
        struct watch_job job = {
            .waited = {.job = {.run = watch_run}}, .user = &users[i], .lines = lines};
        int rc;

        job.from_now = !place_of(places, users[i].mailbox, &job.at);
        rc = waited_job_run(admin, &job.waited, users[i].mailbox, err_r);
        if (rc < 0 && rc != -ERR_NO_SUCH_MAILBOX) {
            return rc;
        }
        buf_add_varint(next, users[i].mailbox.v);
        buf_add_varint(next, job.at.v);
    }
    return 0;
}

static void wait_for_something(struct admin *admin, uint64_t commits)
{
    if (admin->hub != NULL) {
        (void)hub_wait_commit(admin->hub, commits, ADMIN_WATCH_WAIT_MS);
    } else {
        (void)poll(NULL, 0, ADMIN_WATCH_WAIT_MS);
    }
}

int admin_watch(struct admin *admin, struct str address, struct str places, struct arena *arena,
                struct admin_watch *watch_r, struct err *err_r)
{
    uint64_t commits = admin->hub != NULL ? hub_commits(admin->hub) : 0;
    struct buf lines = BUF_INIT, next = BUF_INIT;
    struct user *users;
    size_t n;
    int rc = users_of(admin, address, arena, &users, &n, err_r);

    if (rc == 0) {
        rc = look(admin, users, n, places, &lines, &next, err_r);
    }
    if (rc == 0 && lines.n == 0 && places.n != 0) {
        wait_for_something(admin, commits);
    }
    *watch_r = (struct admin_watch){.lines = str_dup(arena, buf_str(&lines)),
                                    .places = str_dup(arena, buf_str(&next))};
    buf_fini(&lines);
    buf_fini(&next);
    return rc;
}
