#include "support/ews_fixture.h"

#include "base/arena.h"
#include "mailbox/draft.h"
#include "mailbox/permissions.h"
#include "mailbox/store.h"
#include "mailbox/token.h"
#include "mailbox/workers.h"
#include "mime/message.h"

#include <ftw.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must(rc, err) fixture_must((rc), (err), __LINE__)

static int fixture_must(int rc, const struct err *err, int line)
{
    if (rc < 0) {
        fprintf(stderr, "fixture, line %d: %s: %s\n", line, err_kind_name(err->kind),
                err->log_text);
        abort();
    }
    return rc;
}

/* ---- the store ---- */

static struct mailbox_no add_user(struct ews_fixture *f, const char *address)
{
    const struct user user = {.address = str_from(address), .display_name = STR("Alice Example")};
    struct mailbox_no no;
    struct err err;

    must(store_user_add(f->store, &user, &no, &err), &err);
    return no;
}

struct ews_fixture *ews_fixture_new(void)
{
    struct ews_fixture *f = calloc(1, sizeof(*f));
    struct store_options options = {.create = true};
    struct err err;

    if (f == NULL) {
        abort();
    }
    snprintf(f->dir, sizeof(f->dir), "%s/ews-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(f->dir) == NULL) {
        abort();
    }
    mime_init();
    clock_manual_init(&f->clock, 1700000000000);
    f->arena = arena_new(NULL, "test");
    options.dir = f->dir;
    options.clock = &f->clock.base;
    must(store_open(&options, &f->store, &err), &err);
    f->alice = add_user(f, "alice@example.com");
    f->bob = add_user(f, "bob@example.com");
    f->in = f->as = f->alice;
    f->service = (struct ews_service){.store = f->store,
                                      .clock = &f->clock.base,
                                      .major = 15,
                                      .minor = 2,
                                      .major_build = 2562,
                                      .minor_build = 17,
                                      .version = STR("V2017_07_11")};
    f->version = "Exchange2013_SP1";
    return f;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void ews_fixture_free(struct ews_fixture **fixture)
{
    struct ews_fixture *f = *fixture;

    store_close(&f->store);
    (void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(&f->arena);
    free(f);
    *fixture = NULL;
}

int ews_fixture_setup(void **state)
{
    *state = ews_fixture_new();
    return 0;
}

int ews_fixture_teardown(void **state)
{
    struct ews_fixture *f = *state;

    ews_fixture_free(&f);
    return 0;
}

/* ---- transactions ---- */

struct work {
    struct ews_fixture *fixture;
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct err err;
};

static int do_nothing(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    (void)job;
    (void)tx;
    (void)err_r;
    return 0;
}

static void is_done(struct mailbox_job *job, int rc, const struct err *err)
{
    (void)job;
    must(rc, err);
}

/* Until the workers have done what was given to them for this mailbox. */
static void settle(struct ews_fixture *f, struct mailbox_no no)
{
    struct mailbox_job job = {.mailbox = no, .run = do_nothing, .done = is_done};

    while (f->workers != NULL && !workers_run_here(f->workers, &job)) {
        sched_yield();
    }
}

static struct work begin(struct ews_fixture *f, enum mailbox_tx_mode mode)
{
    struct work w = {.fixture = f};

    settle(f, f->in);
    must(store_mailbox_take(f->store, f->in, &w.mailbox, &w.err), &w.err);
    must(mailbox_tx_begin(w.mailbox, mode, &w.tx, &w.err), &w.err);
    return w;
}

static void end(struct work *w, int rc)
{
    must(rc, &w->err);
    must(mailbox_tx_commit(&w->tx, &w->err), &w->err);
    store_mailbox_release(w->fixture->store, &w->mailbox);
}

struct folder_id ews_folder(struct ews_fixture *f, enum distinguished which)
{
    struct work w = begin(f, MAILBOX_TX_READ);
    struct folder folder = {.id = {0}};

    end(&w, mailbox_folder_by_distinguished(w.tx, which, f->arena, &folder, &w.err));
    return folder.id;
}

struct folder_id ews_given_folder(struct ews_fixture *f, struct folder_id parent, const char *name,
                                  const char *folder_class)
{
    const struct folder_draft draft = {
        .parent = parent, .name = str_from(name), .folder_class = str_from(folder_class)};
    struct work w = begin(f, MAILBOX_TX_WRITE);
    struct folder_id id = {0};

    end(&w, mailbox_folder_create(w.tx, &draft, &id, &w.err));
    return id;
}

struct item_id ews_given_mime(struct ews_fixture *f, struct folder_id folder, const char *mime)
{
    const struct draft_options options = {.received_ms = clock_unix_ms(&f->clock.base),
                                          .now_ms = clock_unix_ms(&f->clock.base),
                                          .recipient = STR("alice@example.com"),
                                          .recipient_name = STR("Alice Example"),
                                          .delivered = true};
    struct work w = begin(f, MAILBOX_TX_WRITE);
    struct item_draft draft;
    struct item_id id = {0};

    item_draft_from_mime(f->arena, str_from(mime), &options, &draft);
    end(&w, mailbox_item_add(w.tx, folder, &draft, &id, &w.err));
    clock_manual_advance(&f->clock, 1000);
    return id;
}

struct item_id ews_given_message(struct ews_fixture *f, struct folder_id folder,
                                 const char *subject)
{
    return ews_given_mime(f, folder,
                          arena_printf(f->arena,
                                       "From: Bob Example <bob@example.com>\r\n"
                                       "To: Alice Example <alice@example.com>\r\n"
                                       "Subject: %s\r\nMessage-ID: <1@example.com>\r\n"
                                       "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\nHello.\r\n",
                                       subject));
}

static struct item_id given_bare(struct ews_fixture *f, struct folder_id folder,
                                 enum item_kind kind, uint32_t flags)
{
    const struct item_draft draft = {.kind = kind,
                                     .flags = flags,
                                     .received_ms = clock_unix_ms(&f->clock.base),
                                     .props = STR("\x01")};
    struct work w = begin(f, MAILBOX_TX_WRITE);
    struct item_id id = {0};

    end(&w, mailbox_item_add(w.tx, folder, &draft, &id, &w.err));
    return id;
}

struct item_id ews_given_associated(struct ews_fixture *f, struct folder_id folder)
{
    return given_bare(f, folder, ITEM_KIND_ITEM, ITEM_ASSOCIATED);
}

struct item_id ews_given_item(struct ews_fixture *f, struct folder_id folder, enum item_kind kind)
{
    return given_bare(f, folder, kind, 0);
}

void ews_given_rights(struct ews_fixture *f, struct folder_id folder, struct mailbox_no who,
                      uint32_t rights)
{
    const struct permission permission = {who, rights};
    struct work w = begin(f, MAILBOX_TX_WRITE);

    end(&w, permissions_replace(w.tx, folder, &permission, 1, &w.err));
}

bool ews_find_item(struct ews_fixture *f, struct item_id id, struct item *item_r)
{
    struct work w = begin(f, MAILBOX_TX_READ);
    int found = mailbox_item_get(w.tx, id, f->arena, item_r, &w.err);

    end(&w, found);
    return found == 1;
}

bool ews_find_folder(struct ews_fixture *f, struct folder_id id, struct folder *folder_r)
{
    struct work w = begin(f, MAILBOX_TX_READ);
    int found = mailbox_folder_get(w.tx, id, f->arena, folder_r, &w.err);

    end(&w, found);
    return found == 1;
}

void ews_check_mailbox(struct ews_fixture *f)
{
    struct work w = begin(f, MAILBOX_TX_READ);

    end(&w, mailbox_check(w.tx, &w.err));
}

void ews_set_read(struct ews_fixture *f, struct item_id id, bool read)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);

    end(&w, mailbox_item_set_read(w.tx, id, read, &w.err));
}

void ews_touch(struct ews_fixture *f, struct item_id id)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);
    struct item item;

    must(mailbox_item_get(w.tx, id, f->arena, &item, &w.err), &w.err);
    end(&w, mailbox_item_update(
                w.tx, id, &(struct item_update){.props = item.props, .flags = item.flags}, &w.err));
}

void ews_delete_item(struct ews_fixture *f, struct item_id id)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);

    end(&w, mailbox_item_delete(w.tx, id, &w.err));
}

struct item_id ews_move_item(struct ews_fixture *f, struct item_id id, struct folder_id to)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);
    struct item_id moved = {0};

    end(&w, mailbox_item_move(w.tx, id, to, &moved, &w.err));
    return moved;
}

void ews_rename_folder(struct ews_fixture *f, struct folder_id id, const char *name)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);

    end(&w, mailbox_folder_rename(w.tx, id, str_from(name), &w.err));
}

void ews_move_folder(struct ews_fixture *f, struct folder_id id, struct folder_id to)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);

    end(&w, mailbox_folder_move(w.tx, id, to, &w.err));
}

void ews_delete_folder(struct ews_fixture *f, struct folder_id id)
{
    struct work w = begin(f, MAILBOX_TX_WRITE);

    end(&w, mailbox_folder_delete(w.tx, id, &w.err));
}

/* ---- ids ---- */

static const char *kept(struct ews_fixture *f, struct buf *text)
{
    const char *s = str_cstr(f->arena, buf_str(text));

    buf_fini(text);
    return s;
}

static const char *folder_token(struct ews_fixture *f, struct mailbox_no mailbox,
                                struct folder_id id)
{
    const struct token_folder token = {mailbox, id};
    struct buf text = BUF_INIT;

    token_folder_write(&text, store_token_key(f->store), &token);
    return kept(f, &text);
}

const char *ews_item_id(struct ews_fixture *f, struct item_id id)
{
    const struct token_item token = {f->in, id};
    struct buf text = BUF_INIT;

    token_item_write(&text, store_token_key(f->store), &token);
    return kept(f, &text);
}

const char *ews_folder_id(struct ews_fixture *f, struct folder_id id)
{
    return folder_token(f, f->in, id);
}

const char *ews_foreign_folder_id(struct ews_fixture *f, struct folder_id id)
{
    return folder_token(f, f->bob, id);
}

/* ---- asking ---- */

struct leg {
    struct mailbox_job job;
    struct ews_fixture *fixture;
    struct ews_call *call;
    sem_t over;
};

/* f->fail_leg: its commit fails. */
static int run_in(struct ews_fixture *f, struct ews_call *call, struct mailbox_tx *tx,
                  struct err *err_r)
{
    TRY(ews_call_run(call, tx, err_r));
    return f->fail_leg == f->legs ? err_set(err_r, ERR_IO, "the test wants this leg to fail") : 0;
}

static int leg_run(struct mailbox_job *job, struct mailbox_tx *tx, struct err *err_r)
{
    struct leg *leg = container_of(job, struct leg, job);

    return run_in(leg->fixture, leg->call, tx, err_r);
}

static void leg_done(struct mailbox_job *job, int rc, const struct err *err)
{
    struct leg *leg = container_of(job, struct leg, job);

    if (rc < 0) {
        ews_call_fail(leg->call, err);
    }
    sem_post(&leg->over);
}

static void run_leg_on_workers(struct ews_fixture *f, struct ews_call *call, enum ews_next next)
{
    struct leg leg = {.job = {.mailbox = ews_call_mailbox(call),
                              .write = next == EWS_RUN_WRITE,
                              .run = leg_run,
                              .done = leg_done},
                      .fixture = f,
                      .call = call};

    sem_init(&leg.over, 0, 0);
    workers_submit(f->workers, &leg.job);
    while (sem_wait(&leg.over) != 0) {
    }
    sem_destroy(&leg.over);
    settle(f, leg.job.mailbox);
}

static void run_leg(struct ews_fixture *f, struct ews_call *call, enum ews_next next)
{
    enum mailbox_tx_mode mode = next == EWS_RUN_WRITE ? MAILBOX_TX_WRITE : MAILBOX_TX_READ;
    struct work w = {.fixture = f};
    struct err err;

    if (f->workers != NULL) {
        run_leg_on_workers(f, call, next);
        return;
    }
    must(store_mailbox_take(f->store, ews_call_mailbox(call), &w.mailbox, &w.err), &w.err);
    must(mailbox_tx_begin(w.mailbox, mode, &w.tx, &w.err), &w.err);
    if (run_in(f, call, w.tx, &err) < 0) {
        mailbox_tx_rollback(&w.tx);
        ews_call_fail(call, &err);
        store_mailbox_release(f->store, &w.mailbox);
    } else {
        end(&w, 0);
    }
}

static void run(struct ews_fixture *f, struct ews_call *call, enum ews_next next)
{
    for (f->legs = 1; next != EWS_ANSWERED; f->legs++) {
        run_leg(f, call, next);
        next = ews_call_next(call);
    }
    f->legs--;
}

/* Documents of streams differ from the schema where clients want it: their tests check them. */
static void keep_answer(struct str answer)
{
    static unsigned count;
    const char *dir = getenv("EWER_ANSWERS");
    char path[256];
    FILE *file;

    if (dir == NULL || !str_starts(answer, STR("<?xml"))) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%d-%u.xml", dir, (int)getpid(), count++);
    file = fopen(path, "w");
    if (file == NULL || fwrite(answer.p, 1, answer.n, file) != answer.n || fclose(file) != 0) {
        abort();
    }
}

const char *ews_ask_raw(struct ews_fixture *f, struct str request)
{
    static const struct xml_limits LIMITS = {1U << 30, 200, 10000000, 64};
    const struct ews_caller caller = {
        f->as, f->as.v == f->alice.v ? STR("alice@example.com") : STR("bob@example.com"),
        STR("Alice Example")};
    struct ews_call *call = ews_call_new(f->arena, &f->service, &caller);
    enum ews_next next;
    struct err err;

    ews_call_feed(call, request.p, request.n);
    next = ews_call_prepare(call);
    if (next != EWS_ANSWERED) {
        run(f, call, next);
    }
    if (f->refuse) {
        buf_clear(&call->out); /* as when the door has taken the bytes already */
        (void)err_set(&err, ERR_BUSY, "the test wants the answer refused");
        ews_call_refuse(call, &err);
    }
    f->http_status = call->http_status;
    f->outcome = call->outcome;
    f->answer = str_of(str_cstr(f->arena, buf_str(&call->out)), call->out.n);
    f->stream = call->stream;
    f->subscriptions_changed = call->subscriptions_changed;
    f->root = NULL;
    keep_answer(f->answer);
    if (f->stream == NULL) {
        must(xml_parse(f->arena, f->answer, &LIMITS, &f->root, &err), &err);
    }
    ews_call_free(&call);
    return f->answer.p;
}

const char *ews_ask_with_header(struct ews_fixture *f, const char *header, const char *body)
{
    return ews_ask_raw(
        f, str_printf(f->arena,
                      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                      "xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" "
                      "xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">"
                      "<s:Header>%s</s:Header><s:Body>%s</s:Body></s:Envelope>",
                      header, body));
}

const char *ews_ask(struct ews_fixture *f, const char *fmt, ...)
{
    const char *body, *header = "";
    va_list ap;

    va_start(ap, fmt);
    body = arena_vprintf(f->arena, fmt, ap);
    va_end(ap);
    if (f->version != NULL) {
        header = arena_printf(f->arena, "<t:RequestServerVersion Version=\"%s\"/>", f->version);
    }
    return ews_ask_with_header(f, header, body);
}

/* ---- looking ---- */

static const struct xml_node *find_nth(const struct xml_node *node, const char *name, size_t *n)
{
    const struct xml_node *found = NULL;

    for (; node != NULL && found == NULL; node = node->next) {
        if (str_is(node->name, name) && (*n)-- == 0) {
            return node;
        }
        found = find_nth(node->first_child, name, n);
    }
    return found;
}

const struct xml_node *ews_nth(const struct ews_fixture *f, const char *name, size_t n)
{
    return find_nth(f->root, name, &n);
}

size_t ews_count(const struct ews_fixture *f, const char *name)
{
    size_t n = 0;

    while (ews_nth(f, name, n) != NULL) {
        n++;
    }
    return n;
}

const char *ews_text(struct ews_fixture *f, const char *name)
{
    const struct xml_node *node = ews_nth(f, name, 0);

    return node != NULL ? str_cstr(f->arena, node->text) : NULL;
}

const char *ews_attr(struct ews_fixture *f, const char *name, const char *attr)
{
    const struct xml_node *node = ews_nth(f, name, 0);
    struct str value = node != NULL ? xml_attr(node, attr) : STR_NULL;

    return value.p != NULL ? str_cstr(f->arena, value) : NULL;
}

const char *ews_children(struct ews_fixture *f, const struct xml_node *node)
{
    struct buf text = BUF_INIT;

    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        if (text.n != 0) {
            buf_add_char(&text, ' ');
        }
        buf_add_str(&text, child->name);
    }
    return kept(f, &text);
}

const char *ews_codes(struct ews_fixture *f)
{
    struct buf text = BUF_INIT;
    const struct xml_node *node;

    for (size_t i = 0; (node = ews_nth(f, "ResponseCode", i)) != NULL; i++) {
        if (i != 0) {
            buf_add_char(&text, ' ');
        }
        buf_add_str(&text, node->text);
    }
    return kept(f, &text);
}

static void outline(struct buf *out, const struct xml_node *node)
{
    buf_add_str(out, node->name);
    if (node->first_child == NULL) {
        return;
    }
    buf_add_char(out, '(');
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        outline(out, child);
        if (child->next != NULL) {
            buf_add_char(out, ' ');
        }
    }
    buf_add_char(out, ')');
}

const char *ews_outline(struct ews_fixture *f, const struct xml_node *node)
{
    struct buf text = BUF_INIT;

    outline(&text, node);
    return kept(f, &text);
}
