#include "ctl/password.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void password_fini(struct password *password)
{
    explicit_bzero(password, sizeof(*password));
}

/* One line without its end, byte by byte, so that nothing of it stays in a buffer elsewhere. */
static int read_line(int fd, char text[static CTL_PASSWORD_BYTES + 2], struct err *err_r)
{
    size_t n = 0;

    for (;;) {
        ssize_t got = read(fd, text + n, 1);

        if (got < 0) {
            return err_tell(err_r, ERR_IO, "cannot read the password: %s", strerror(errno));
        }
        if (got == 0 || text[n] == '\n') {
            break;
        }
        if (++n > CTL_PASSWORD_BYTES) {
            return err_tell(err_r, ERR_USAGE, "a password has at most %d bytes",
                            CTL_PASSWORD_BYTES);
        }
    }
    while (n > 0 && text[n - 1] == '\r') {
        n--;
    }
    text[n] = '\0';
    return n > 0 ? 0 : err_tell(err_r, ERR_USAGE, "the password is empty");
}

static int ask_quietly(int tty, const char *question, char text[static CTL_PASSWORD_BYTES + 2],
                       struct err *err_r)
{
    struct termios before, quiet;
    int rc;

    if (tcgetattr(tty, &before) < 0) {
        return err_tell(err_r, ERR_IO, "terminal: %s", strerror(errno));
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)!write(tty, question, strlen(question));
    (void)tcsetattr(tty, TCSAFLUSH, &quiet);
    rc = read_line(tty, text, err_r);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)!write(tty, "\n", 1);
    return rc;
}

static int ask_twice(int tty, struct password *password_r, struct err *err_r)
{
    struct password again;
    int rc = ask_quietly(tty, "New password: ", password_r->text, err_r);

    if (rc == 0) {
        rc = ask_quietly(tty, "Once more: ", again.text, err_r);
    }
    if (rc == 0 && strcmp(password_r->text, again.text) != 0) {
        rc = err_tell(err_r, ERR_USAGE, "the passwords differ");
    }
    password_fini(&again);
    return rc;
}

static void make_up(struct password *password_r)
{
    unsigned char bytes[CTL_RANDOM_PASSWORD_BYTES];

    rand_bytes(bytes, sizeof(bytes));
    password_r->text[base64_encode_to(password_r->text, bytes, sizeof(bytes))] = '\0';
    password_r->generated = true;
    explicit_bzero(bytes, sizeof(bytes));
}

int password_get(struct password *password_r, bool from_stdin, struct err *err_r)
{
    int tty, rc;

    password_r->generated = false;
    if (from_stdin) {
        return read_line(STDIN_FILENO, password_r->text, err_r);
    }
    tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (tty < 0) {
        make_up(password_r);
        return 0;
    }
    rc = ask_twice(tty, password_r, err_r);
    close(tty);
    return rc;
}
