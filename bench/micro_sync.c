/*
 * micro-sync: what the mailbox room's part of an item sync costs, in CPU time, without tokens, XML and HTTP.
 *
 *     micro-sync [ITEMS]      default 100000; the mailbox is made in TMPDIR or /tmp
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "mailbox/mailbox.h"
#include "mailbox/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE 512
#define PROPS_BYTES 420 /* a usual message's record: subject, names, ids, preview */
#define SMALL_FOLDER 1000

struct bench {
    char dir[96], path[128];
    struct mailbox *mailbox;
    struct folder_id large, small;
    struct err err;
};

static void must(struct bench *b, int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", err_kind_name(b->err.kind), b->err.log_text);
        exit(1);
    }
}

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct mailbox_tx *begin(struct bench *b, enum mailbox_tx_mode mode)
{
    struct mailbox_tx *tx = NULL;

    must(b, mailbox_tx_begin(b->mailbox, mode, &tx, &b->err));
    return tx;
}

/* ---- making the mailbox ---- */

static void add_items(struct bench *b, struct folder_id folder, unsigned n)
{
    char props[PROPS_BYTES], mime[3000];
    struct mailbox_tx *tx = begin(b, MAILBOX_TX_WRITE);
    unsigned i;

    memset(props, 'p', sizeof(props));
    memset(mime, 'm', sizeof(mime));
    for (i = 0; i < n; i++) {
        const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE,
                                         .received_ms = 1600000000000 + i * 1000,
                                         .size = sizeof(mime),
                                         .props = {props, sizeof(props)},
                                         .mime = {mime, sizeof(mime)},
                                         .delivered = true};
        struct item_id id;

        must(b, mailbox_item_add(tx, folder, &draft, &id, &b->err));
    }
    must(b, mailbox_tx_commit(&tx, &b->err));
}

static struct folder_id add_folder(struct bench *b, const char *name)
{
    struct mailbox_tx *tx = begin(b, MAILBOX_TX_WRITE);
    struct arena *arena = arena_new(NULL, "bench");
    struct folder_id id = {0};
    struct folder top;

    must(b, mailbox_folder_by_distinguished(tx, DF_MSGFOLDERROOT, arena, &top, &b->err));
    must(b,
         mailbox_folder_create(tx, &(struct folder_draft){.parent = top.id, .name = str_from(name)},
                               &id, &b->err));
    must(b, mailbox_tx_commit(&tx, &b->err));
    arena_free(&arena);
    return id;
}

static void make_mailbox(struct bench *b, unsigned items)
{
    const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    double t;
    unsigned i;

    snprintf(b->dir, sizeof(b->dir), "%s/micro-sync-XXXXXX", base);
    if (mkdtemp(b->dir) == NULL) {
        perror(b->dir);
        exit(1);
    }
    snprintf(b->path, sizeof(b->path), "%s/m.db", b->dir);
    must(b,
         mailbox_open(b->path, true, (struct mailbox_no){1}, clock_system(), &b->mailbox, &b->err));
    b->large = add_folder(b, "large");
    b->small = add_folder(b, "small");
    add_items(b, b->small, SMALL_FOLDER);
    t = cpu_ns();
    for (i = 0; i < items; i += 100) {
        add_items(b, b->large, 100);
    }
    printf("delivery, 100 a commit   %8.2f us an item\n", (cpu_ns() - t) / items / 1e3);
    t = cpu_ns();
    for (i = 0; i < 200; i++) {
        add_items(b, b->large, 1);
    }
    printf("delivery, 1 a commit     %8.2f us an item\n", (cpu_ns() - t) / 200 / 1e3);
}

static void remove_mailbox(struct bench *b)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[160];
    size_t i;

    mailbox_close(&b->mailbox);
    for (i = 0; i < ARRAY_LEN(suffixes); i++) {
        snprintf(path, sizeof(path), "%s%s", b->path, suffixes[i]);
        (void)unlink(path);
    }
    (void)rmdir(b->dir);
}

/* ---- measuring ---- */

/* One page in a transaction of its own; the changes told. */
static unsigned page(struct bench *b, struct folder_id folder, bool with_props,
                     struct sync_position *pos, bool *done_r)
{
    const struct item_sync_options options = {
        .folder = folder, .max_changes = PAGE, .with_props = with_props};
    struct mailbox_tx *tx = begin(b, MAILBOX_TX_READ);
    struct item_sync *sync = NULL;
    struct item_change change;
    unsigned n = 0;

    must(b, item_sync_begin(tx, &options, pos, &sync, &b->err));
    while (item_sync_next(sync, &change)) {
        n++;
    }
    must(b, item_sync_end(&sync, pos, done_r, &b->err));
    mailbox_tx_rollback(&tx);
    return n;
}

static unsigned walk(struct bench *b, struct folder_id folder, bool with_props,
                     struct sync_position *pos)
{
    unsigned n = 0;
    bool done = false;

    while (!done) {
        n += page(b, folder, with_props, pos, &done);
    }
    return n;
}

static void measure_initial(struct bench *b, bool with_props)
{
    struct sync_position pos;
    unsigned n = 0, round;
    double t = 0, best = 1e18;

    for (round = 0; round < 5; round++) {
        pos = (struct sync_position){0};
        t = cpu_ns();
        n = walk(b, b->large, with_props, &pos);
        t = cpu_ns() - t;
        best = t < best ? t : best;
    }
    printf("initial, %-15s %8.0f ns an item, %.2f million items a CPU-second\n",
           with_props ? "with props" : "ids only", best / n, n / best * 1e3);
}

/* The id of the folder's oldest item. */
static struct item_id oldest(struct bench *b, struct folder_id folder)
{
    const struct item_iter_options options = {.folder = folder, .order = ITEM_ORDER_OLDEST_FIRST};
    struct mailbox_tx *tx = begin(b, MAILBOX_TX_READ);
    struct item_iter *iter = NULL;
    struct item item = {0};

    must(b, mailbox_item_iter_begin(tx, &options, &iter, &b->err));
    (void)mailbox_item_iter_next(iter, &item);
    must(b, mailbox_item_iter_end(&iter, &b->err));
    mailbox_tx_rollback(&tx);
    return item.id;
}

/* Five updates and five read flags. */
static void change_ten(struct bench *b, struct folder_id folder)
{
    struct item_id id = oldest(b, folder);
    struct mailbox_tx *tx = begin(b, MAILBOX_TX_WRITE);
    unsigned i;

    for (i = 0; i < 5; i++) {
        must(b, mailbox_item_update(tx, (struct item_id){id.v + i},
                                    &(struct item_update){.props = STR("x")}, &b->err));
        must(b, mailbox_item_set_read(tx, (struct item_id){id.v + 10 + i}, true, &b->err));
    }
    must(b, mailbox_tx_commit(&tx, &b->err));
}

static void measure_later(struct bench *b, struct folder_id folder, const char *name)
{
    const unsigned rounds = 20000;
    struct sync_position pos = {0}, before, p;
    unsigned i, n = 0;
    bool done;
    double t;

    walk(b, folder, false, &pos);
    t = cpu_ns();
    for (i = 0; i < rounds; i++) {
        n += page(b, folder, false, &pos, &done);
    }
    printf("no change, %-13s %8.2f us (%u told)\n", name, (cpu_ns() - t) / rounds / 1e3, n);
    before = pos;
    change_ten(b, folder);
    t = cpu_ns();
    for (i = 0; i < rounds; i++) {
        p = before;
        n = page(b, folder, false, &p, &done);
    }
    printf("%2u changes, %-12s %8.2f us\n", n, name, (cpu_ns() - t) / rounds / 1e3);
}

static void measure_tx(struct bench *b)
{
    const unsigned rounds = 20000;
    double t = cpu_ns();
    unsigned i;

    for (i = 0; i < rounds; i++) {
        struct mailbox_tx *tx = begin(b, MAILBOX_TX_READ);

        mailbox_tx_rollback(&tx);
    }
    printf("empty transaction        %8.2f us (part of the rows below)\n",
           (cpu_ns() - t) / rounds / 1e3);
}

static void measure_open(struct bench *b)
{
    const unsigned rounds = 200;
    double t = cpu_ns();
    unsigned i;

    for (i = 0; i < rounds; i++) {
        mailbox_close(&b->mailbox);
        must(b, mailbox_open(b->path, false, (struct mailbox_no){1}, clock_system(), &b->mailbox,
                             &b->err));
    }
    printf("close and open           %8.2f us\n", (cpu_ns() - t) / rounds / 1e3);
}

int main(int argc, char **argv)
{
    uint64_t items = 100000;
    struct bench b = {0};

    if (argc > 2 || (argc == 2 && !str_to_u64(str_from(argv[1]), &items))) {
        fprintf(stderr, "usage: micro-sync [ITEMS]\n");
        return 2;
    }
    make_mailbox(&b, (unsigned)items);
    measure_initial(&b, false);
    measure_initial(&b, true);
    measure_tx(&b);
    measure_later(&b, b.small, "1k items");
    measure_later(&b, b.large, "large folder");
    measure_open(&b);
    remove_mailbox(&b);
    return 0;
}
