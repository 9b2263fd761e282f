#include "ctl/commands.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "ctl/backend.h"
#include "ctl/limits.h"
#include "server/admin.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 * 1024)

static int read_stdin(struct buf *out, struct err *err_r)
{
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buf_reserve(out, READ_BYTES), READ_BYTES);

        if (n < 0) {
            return err_tell(err_r, ERR_IO, "cannot read the message: %s", strerror(errno));
        }
        if (n == 0) {
            return out->n > 0 ? 0
                              : err_tell(err_r, ERR_PARSE, "there is no message on standard input");
        }
        out->n += (size_t)n;
        if (out->n > CTL_MESSAGE_BYTES) {
            return err_tell(err_r, ERR_TOO_LARGE, "the message is too large");
        }
    }
}

int command_deliver(const struct command_call *call, struct err *err_r)
{
    struct buf message = BUF_INIT;
    int rc = read_stdin(&message, err_r);

    if (rc == 0) {
        struct admin_message m = {.bytes = buf_str(&message),
                                  .received_ms = clock_unix_ms(clock_system()),
                                  .delivered = true};

        rc = backend_import(call->backend, str_from(call->words[0]), STR("inbox"), &m, 1, err_r);
    }
    buf_fini(&message);
    return rc;
}

int command_check(const struct command_call *call, struct err *err_r)
{
    TRY(backend_check(call->backend, str_from(call->words[0]), err_r));
    (void)printf("%s is in order\n", call->words[0]);
    return 0;
}
