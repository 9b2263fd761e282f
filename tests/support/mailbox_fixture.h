/*
 * A mailbox in a temporary directory for unit tests, and builders that say what is in it. Every step is a transaction of its own.
 * A failing step fails the test there and then.
 */
#ifndef SUPPORT_MAILBOX_FIXTURE_H
#define SUPPORT_MAILBOX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "mailbox/mailbox.h"
#include "mailbox/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    char path[96];
    struct clock_manual clock;
    struct arena *arena;
    struct mailbox *mailbox;
    struct mailbox_tx *tx;
    struct err err;
};

#define FIXTURE_NO ((struct mailbox_no){7})
#define must(f, expr) fixture_must((f), (expr), #expr, __FILE__, __LINE__)

static inline int fixture_must(struct fixture *f, int rc, const char *what, const char *file,
                               int line)
{
    if (rc < 0) {
        print_error("%s: %s: %s\n", what, err_kind_name(f->err.kind), f->err.log_text);
        _fail(file, line);
    }
    return rc;
}

static inline void fixture_open(struct fixture *f, bool create)
{
    must(f, mailbox_open(f->path, create, FIXTURE_NO, &f->clock.base, &f->mailbox, &f->err));
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->dir, sizeof(f->dir), "/tmp/mailbox-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/m.db", f->dir);
    clock_manual_init(&f->clock, 1700000000000);
    f->arena = arena_new(NULL, "test");
    *state = f;
    fixture_open(f, true);
    return 0;
}

static inline void fixture_remove(const char *path, const char *suffix)
{
    char name[128];

    snprintf(name, sizeof(name), "%s%s", path, suffix);
    (void)unlink(name);
}

static inline void read_tx(struct fixture *f)
{
    must(f, mailbox_tx_begin(f->mailbox, MAILBOX_TX_READ, &f->tx, &f->err));
}

static inline void write_tx(struct fixture *f)
{
    must(f, mailbox_tx_begin(f->mailbox, MAILBOX_TX_WRITE, &f->tx, &f->err));
}

static inline void commit(struct fixture *f)
{
    must(f, mailbox_tx_commit(&f->tx, &f->err));
}

static inline void fixture_drop(struct fixture *f)
{
    mailbox_close(&f->mailbox);
    fixture_remove(f->path, "");
    fixture_remove(f->path, "-wal");
    fixture_remove(f->path, "-shm");
    (void)rmdir(f->dir);
    arena_free(&f->arena);
    free(f);
}

/* Every test leaves a mailbox whose invariants hold. */
static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    mailbox_tx_rollback(&f->tx);
    read_tx(f);
    must(f, mailbox_check(f->tx, &f->err));
    mailbox_tx_rollback(&f->tx);
    fixture_drop(f);
    return 0;
}

#define fixture_test(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

static inline void fixture_reopen(struct fixture *f)
{
    mailbox_close(&f->mailbox);
    fixture_open(f, false);
}

/* Runs one call in a write transaction and gives its result; what failed is rolled back. */
#define IN_WRITE(f, call)                                                                          \
    __extension__({                                                                                \
        int rc_;                                                                                   \
        write_tx(f);                                                                               \
        rc_ = (call);                                                                              \
        if (rc_ < 0) {                                                                             \
            mailbox_tx_rollback(&(f)->tx);                                                         \
        } else {                                                                                   \
            commit(f);                                                                             \
        }                                                                                          \
        rc_;                                                                                       \
    })

static inline struct folder_id distinguished(struct fixture *f, enum distinguished d)
{
    struct folder folder;

    read_tx(f);
    assert_int_equal(must(f, mailbox_folder_by_distinguished(f->tx, d, f->arena, &folder, &f->err)),
                     1);
    mailbox_tx_rollback(&f->tx);
    return folder.id;
}

static inline struct folder folder_of(struct fixture *f, struct folder_id id)
{
    struct folder folder;

    read_tx(f);
    assert_int_equal(must(f, mailbox_folder_get(f->tx, id, f->arena, &folder, &f->err)), 1);
    mailbox_tx_rollback(&f->tx);
    return folder;
}

static inline struct folder_id given_folder(struct fixture *f, struct folder_id parent,
                                            const char *name)
{
    const struct folder_draft draft = {.parent = parent, .name = str_from(name)};
    struct folder_id id;

    must(f, IN_WRITE(f, mailbox_folder_create(f->tx, &draft, &id, &f->err)));
    return id;
}

static inline struct item_id given_flagged_item(struct fixture *f, struct folder_id folder,
                                                uint32_t flags)
{
    const struct item_draft draft = {.kind = ITEM_KIND_MESSAGE,
                                     .flags = flags,
                                     .received_ms = 1600000000000,
                                     .size = 5,
                                     .props = STR("props"),
                                     .mime = STR("bytes"),
                                     .delivered = true};
    struct item_id id;

    must(f, IN_WRITE(f, mailbox_item_add(f->tx, folder, &draft, &id, &f->err)));
    return id;
}

static inline struct item_id given_item(struct fixture *f, struct folder_id folder)
{
    return given_flagged_item(f, folder, 0);
}

static inline void change(struct fixture *f, struct item_id id)
{
    const struct item_update update = {.props = STR("changed")};

    must(f, IN_WRITE(f, mailbox_item_update(f->tx, id, &update, &f->err)));
}

static inline void set_read(struct fixture *f, struct item_id id, bool read)
{
    must(f, IN_WRITE(f, mailbox_item_set_read(f->tx, id, read, &f->err)));
}

static inline void delete_item(struct fixture *f, struct item_id id)
{
    must(f, IN_WRITE(f, mailbox_item_delete(f->tx, id, &f->err)));
}

static inline struct item_id move_item(struct fixture *f, struct item_id id, struct folder_id to)
{
    struct item_id new_id;

    must(f, IN_WRITE(f, mailbox_item_move(f->tx, id, to, &new_id, &f->err)));
    return new_id;
}

static inline struct item item_of(struct fixture *f, struct item_id id)
{
    struct item item;

    read_tx(f);
    assert_int_equal(must(f, mailbox_item_get(f->tx, id, f->arena, &item, &f->err)), 1);
    mailbox_tx_rollback(&f->tx);
    return item;
}

static inline bool item_exists(struct fixture *f, struct item_id id)
{
    struct item item;
    int rc;

    read_tx(f);
    rc = must(f, mailbox_item_get(f->tx, id, f->arena, &item, &f->err));
    mailbox_tx_rollback(&f->tx);
    return rc == 1;
}

#endif
