#include "ctl/backend.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/limits.h"
#include "mailbox/store.h"
#include "mailbox/workers.h"
#include "mime/message.h"
#include "server/admin.h"
#include "server/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* Either client is set, or the rest. */
struct backend {
    struct control_client *client;
    struct admin admin;
};

static int open_store(struct backend *b, const char *dir, bool create, struct err *err_r)
{
    TRY(store_open(&(struct store_options){.dir = dir, .create = create, .clock = clock_system()},
                   &b->admin.store, err_r));
    mime_init();
    return workers_new(&(struct workers_options){.store = b->admin.store}, &b->admin.workers,
                       err_r);
}

/* The socket first: while a server runs, the store is its own. */
static int try_open(struct backend *b, const char *dir, bool create, struct err *err_r)
{
    int connected = control_connect(dir, &b->client, err_r);

    TRY(connected);
    return connected > 0 ? 0 : open_store(b, dir, create, err_r);
}

int backend_open(const char *dir, bool create, struct backend **backend_r, struct err *err_r)
{
    AUTO(backend) b = mem_alloc_zero(1, sizeof(*b));
    int64_t give_up_ms = clock_monotonic_ms(clock_system()) + CTL_BUSY_WAIT_MS;
    int rc;

    if (!create && access(dir, F_OK) != 0) {
        return err_tell(err_r, ERR_IO, "there is no store at %s: %s", dir, strerror(errno));
    }
    while ((rc = try_open(b, dir, create, err_r)) == -ERR_STORE_BUSY &&
           clock_monotonic_ms(clock_system()) < give_up_ms) {
        (void)poll(NULL, 0, CTL_BUSY_POLL_MS);
    }
    if (rc == -ERR_STORE_BUSY) {
        return err_tell(err_r, ERR_STORE_BUSY,
                        "the store at %s is in use by a process that does not answer", dir);
    }
    TRY(rc);
    *backend_r = take(&b);
    return 0;
}

void backend_close(struct backend **backend)
{
    struct backend *b = take(backend);

    if (b != NULL) {
        control_disconnect(&b->client);
        workers_free(&b->admin.workers);
        store_close(&b->admin.store);
        free(b);
    }
}

/* The same call in both ways. */
#define EITHER(b, call, ...)                                                                       \
    ((b)->client != NULL ? control_##call((b)->client, __VA_ARGS__)                                \
                         : admin_##call(&(b)->admin, __VA_ARGS__))

int backend_user_add(struct backend *b, struct str address, struct str display_name,
                     struct str password, struct err *err_r)
{
    return EITHER(b, user_add, address, display_name, password, err_r);
}

int backend_user_list(struct backend *b, struct arena *arena, struct str *lines_r,
                      struct err *err_r)
{
    return EITHER(b, user_list, arena, lines_r, err_r);
}

int backend_user_passwd(struct backend *b, struct str address, struct str password,
                        struct err *err_r)
{
    return EITHER(b, user_passwd, address, password, err_r);
}

int backend_user_delete(struct backend *b, struct str address, struct err *err_r)
{
    return EITHER(b, user_delete, address, err_r);
}

int backend_import(struct backend *b, struct str address, struct str folder,
                   const struct admin_message *messages, size_t n, struct err *err_r)
{
    return EITHER(b, import, address, folder, messages, n, err_r);
}

int backend_check(struct backend *b, struct str address, struct err *err_r)
{
    return EITHER(b, check, address, err_r);
}

int backend_subscription_list(struct backend *b, struct str address, struct arena *arena,
                              struct str *lines_r, struct err *err_r)
{
    return EITHER(b, subscription_list, address, arena, lines_r, err_r);
}

int backend_subscription_show(struct backend *b, struct str id, struct arena *arena,
                              struct str *lines_r, struct err *err_r)
{
    return EITHER(b, subscription_show, id, arena, lines_r, err_r);
}

int backend_subscription_delete(struct backend *b, struct str id, struct err *err_r)
{
    return EITHER(b, subscription_delete, id, err_r);
}

int backend_watch(struct backend *b, struct str address, struct str places, struct arena *arena,
                  struct admin_watch *watch_r, struct err *err_r)
{
    return EITHER(b, watch, address, places, arena, watch_r, err_r);
}
