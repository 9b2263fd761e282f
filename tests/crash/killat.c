/*
 * Preloaded into a program by the crash tests: counts its durable steps – system calls that change what a crash leaves of the files below one
 * directory – writes each to a log, and kills the process at a given one.
 *
 *   EWER_CRASH_DIR   the directory, an absolute path; without it nothing is watched
 *   EWER_CRASH_LOG   a file to append to: for each step done a line "NUMBER OP OFFSET BYTES PATH[<tab>NEW PATH]", followed by the bytes of a write
 *   EWER_CRASH_AT    the step, from 1, at which to end by SIGKILL; 0 or absent: none
 *   EWER_CRASH_HOW   "before" the step, "after" it, or "torn/A/B": a write ends after A/B of its bytes (another step: before)
 *   EWER_CRASH_FULL  a file outside the directory: as long as it is there, the disk is full, and every write fails
 *
 * It also makes the hashing of new passwords as cheap as can be, for all the users that are added here; and with
 *
 *   EWER_CRASH_LATER  seconds by which the time of day is later than it is: what waits for hours shall not keep the tests waiting
 *
 * Steps of all threads stand in one order: the lock is held while a step is done, so that the log's order is the disk's.
 */

/* Both names of a call, open and open64, are wanted as they are, without headers that redirect or wrap them. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#define PATH_BYTES 4096
#define HEAD_BYTES (2 * PATH_BYTES + 128)

enum how { HOW_BEFORE, HOW_AFTER, HOW_TORN };

struct step {
    const char *op;
    const char *path, *new_path;
    const void *data;
    size_t bytes;
    int64_t offset;
};

static struct {
    pthread_mutex_t lock;
    const char *dir;
    size_t dir_bytes;
    int log_fd;
    enum how how;
    unsigned long torn_part, torn_of;
    unsigned long at, count;
    const char *full;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .log_fd = -1};

static time_t later_s;

/* ---- what is watched ---- */

static unsigned long number_from(const char *text, char **end_r)
{
    return text != NULL ? strtoul(text, end_r, 10) : 0;
}

static void read_how(const char *how)
{
    char *end = NULL;

    if (how != NULL && strcmp(how, "after") == 0) {
        watch.how = HOW_AFTER;
    } else if (how != NULL && strncmp(how, "torn/", 5) == 0) {
        watch.how = HOW_TORN;
        watch.torn_part = number_from(how + 5, &end);
        watch.torn_of = *end == '/' ? number_from(end + 1, NULL) : 0;
        assert(watch.torn_of != 0 && watch.torn_part <= watch.torn_of);
    }
}

__attribute__((constructor)) static void begin(void)
{
    const char *log = getenv("EWER_CRASH_LOG");

    later_s = (time_t)number_from(getenv("EWER_CRASH_LATER"), NULL);
    watch.dir = getenv("EWER_CRASH_DIR");
    if (watch.dir == NULL) {
        return;
    }
    watch.dir_bytes = strlen(watch.dir);
    watch.full = getenv("EWER_CRASH_FULL");
    watch.at = number_from(getenv("EWER_CRASH_AT"), NULL);
    read_how(getenv("EWER_CRASH_HOW"));
    if (log != NULL) {
        watch.log_fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert(watch.log_fd >= 0);
    }
}

static bool is_below(const char *path)
{
    return watch.dir != NULL && strncmp(path, watch.dir, watch.dir_bytes) == 0 &&
           (path[watch.dir_bytes] == '/' || path[watch.dir_bytes] == '\0');
}

/* The path of a watched descriptor; sockets and pipes have none. */
static bool is_watched_fd(int fd, char path_r[PATH_BYTES])
{
    char link[64];
    ssize_t n;

    if (watch.dir == NULL) {
        return false;
    }
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path_r, PATH_BYTES - 1);
    if (n <= 0) {
        return false;
    }
    path_r[n] = '\0';
    return is_below(path_r);
}

/* Says so as the system does. */
static bool is_disk_full(void)
{
    int saved = errno;
    bool full = watch.full != NULL && access(watch.full, F_OK) == 0;

    errno = full ? ENOSPC : saved;
    return full;
}

/* ---- a step ---- */

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause();
    }
}

static void log_bytes(const void *p, size_t n)
{
    long written = syscall(SYS_write, watch.log_fd, p, n);

    assert(written == (long)n);
}

static void log_step(const struct step *step)
{
    char head[HEAD_BYTES];
    int n;

    if (watch.log_fd < 0) {
        return;
    }
    n = snprintf(head, sizeof(head), "%lu %s %lld %zu %s%s%s\n", watch.count, step->op,
                 (long long)step->offset, step->bytes, step->path,
                 step->new_path != NULL ? "\t" : "", step->new_path != NULL ? step->new_path : "");
    assert(n > 0 && (size_t)n < sizeof(head));
    log_bytes(head, (size_t)n);
    if (step->data != NULL) {
        log_bytes(step->data, step->bytes);
    }
}

/* Returns with the lock held. How many of the step's bytes to write; fewer than all: step_end ends the process. */
static size_t step_begin(const struct step *step)
{
    pthread_mutex_lock(&watch.lock);
    watch.count++;
    if (watch.count != watch.at || watch.how == HOW_AFTER) {
        return step->bytes;
    }
    if (watch.how == HOW_TORN && step->data != NULL) {
        return step->bytes * watch.torn_part / watch.torn_of;
    }
    die();
    return 0;
}

static void step_end(const struct step *step, bool done)
{
    int saved = errno;

    if (watch.count == watch.at && watch.how == HOW_TORN) {
        die();
    }
    if (done) {
        log_step(step);
    }
    if (watch.count == watch.at) {
        die();
    }
    pthread_mutex_unlock(&watch.lock);
    errno = saved;
}

/* ---- the calls; each looks its real self up once ---- */

#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (real == NULL) {                                                                            \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                         \
    }

#define STEP_ON_PATH(step, call)                                                                   \
    do {                                                                                           \
        int rc_;                                                                                   \
        (void)step_begin(step);                                                                    \
        rc_ = (call);                                                                              \
        step_end(step, rc_ == 0);                                                                  \
        return rc_;                                                                                \
    } while (0)

#define DEFINE_PWRITE(name, offset_type)                                                           \
    ssize_t name(int fd, const void *p, size_t n, offset_type offset)                              \
    {                                                                                              \
        char path[PATH_BYTES];                                                                     \
        struct step step = {.op = "write", .path = path, .data = p, .bytes = n, .offset = offset}; \
        ssize_t rc;                                                                                \
        REAL(name)                                                                                 \
                                                                                                   \
        if (!is_watched_fd(fd, path)) {                                                            \
            return real(fd, p, n, offset);                                                         \
        }                                                                                          \
        if (is_disk_full()) {                                                                      \
            return -1;                                                                             \
        }                                                                                          \
        rc = real(fd, p, step_begin(&step), offset);                                               \
        step_end(&step, rc == (ssize_t)n);                                                         \
        return rc;                                                                                 \
    }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *p, size_t n)
{
    char path[PATH_BYTES];
    struct step step = {.op = "write", .path = path, .data = p, .bytes = n};
    ssize_t rc;
    REAL(write)

    if (!is_watched_fd(fd, path)) {
        return real(fd, p, n);
    }
    if (is_disk_full()) {
        return -1;
    }
    step.offset = lseek(fd, 0, SEEK_CUR);
    rc = real(fd, p, step_begin(&step));
    step_end(&step, rc == (ssize_t)n);
    return rc;
}

/* As one write of the parts joined: the log and a torn write want the bytes in one piece. */
static ssize_t write_joined(int fd, const char *path, const struct iovec *parts, int count,
                            int64_t offset)
{
    struct step step = {.op = "write", .path = path, .offset = offset};
    char *joined;
    ssize_t rc;

    if (is_disk_full()) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        step.bytes += parts[i].iov_len;
    }
    joined = malloc(step.bytes + 1);
    assert(joined != NULL);
    step.data = joined;
    for (int i = 0, at = 0; i < count; at += (int)parts[i++].iov_len) {
        memcpy(joined + at, parts[i].iov_base, parts[i].iov_len);
    }
    rc = syscall(SYS_pwrite64, fd, joined, step_begin(&step), offset);
    step_end(&step, rc == (ssize_t)step.bytes);
    free(joined);
    return rc;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    char path[PATH_BYTES];
    int64_t offset;
    ssize_t rc;
    REAL(writev)

    if (!is_watched_fd(fd, path)) {
        return real(fd, parts, count);
    }
    offset = lseek(fd, 0, SEEK_CUR);
    rc = write_joined(fd, path, parts, count, offset);
    (void)lseek(fd, rc > 0 ? offset + rc : offset, SEEK_SET);
    return rc;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    char path[PATH_BYTES];
    REAL(pwritev)

    return is_watched_fd(fd, path) ? write_joined(fd, path, parts, count, offset)
                                   : real(fd, parts, count, offset);
}

#define DEFINE_SYNC(name)                                                                          \
    int name(int fd)                                                                               \
    {                                                                                              \
        char path[PATH_BYTES];                                                                     \
        struct step step = {.op = "sync", .path = path};                                           \
        REAL(name)                                                                                 \
                                                                                                   \
        if (!is_watched_fd(fd, path)) {                                                            \
            return real(fd);                                                                       \
        }                                                                                          \
        STEP_ON_PATH(&step, real(fd));                                                             \
    }
DEFINE_SYNC(fsync)
DEFINE_SYNC(fdatasync)

#define DEFINE_FTRUNCATE(name, length_type)                                                        \
    int name(int fd, length_type length)                                                           \
    {                                                                                              \
        char path[PATH_BYTES];                                                                     \
        struct step step = {.op = "truncate", .path = path, .offset = length};                     \
        REAL(name)                                                                                 \
                                                                                                   \
        if (!is_watched_fd(fd, path)) {                                                            \
            return real(fd, length);                                                               \
        }                                                                                          \
        STEP_ON_PATH(&step, real(fd, length));                                                     \
    }
DEFINE_FTRUNCATE(ftruncate, off_t)
DEFINE_FTRUNCATE(ftruncate64, off64_t)

#define DEFINE_ON_PATH(name, text)                                                                 \
    int name(const char *path)                                                                     \
    {                                                                                              \
        struct step step = {.op = text, .path = path};                                             \
        REAL(name)                                                                                 \
                                                                                                   \
        if (!is_below(path) || access(path, F_OK) != 0) {                                          \
            return real(path);                                                                     \
        }                                                                                          \
        STEP_ON_PATH(&step, real(path));                                                           \
    }
DEFINE_ON_PATH(unlink, "unlink")
DEFINE_ON_PATH(rmdir, "rmdir")

int unlinkat(int dir, const char *path, int flags)
{
    struct step step = {.op = (flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", .path = path};
    REAL(unlinkat)

    if (!is_below(path)) {
        return real(dir, path, flags);
    }
    STEP_ON_PATH(&step, real(dir, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
    struct step step = {.op = "mkdir", .path = path};
    REAL(mkdir)

    if (!is_below(path) || access(path, F_OK) == 0) {
        return real(path, mode);
    }
    STEP_ON_PATH(&step, real(path, mode));
}

#define DEFINE_TWO_PATHS(name)                                                                     \
    int name(const char *path, const char *new_path)                                               \
    {                                                                                              \
        struct step step = {.op = #name, .path = path, .new_path = new_path};                      \
        REAL(name)                                                                                 \
                                                                                                   \
        if (!is_below(path) && !is_below(new_path)) {                                              \
            return real(path, new_path);                                                           \
        }                                                                                          \
        STEP_ON_PATH(&step, real(path, new_path));                                                 \
    }
DEFINE_TWO_PATHS(rename)
DEFINE_TWO_PATHS(link)

/* The socket's file: a step, since it is found by the next process. */
int bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    const struct sockaddr_un *local = (const struct sockaddr_un *)(const void *)address;
    struct step step = {.op = "bind"};
    REAL(bind)

    if (address->sa_family != AF_UNIX || !is_below(local->sun_path)) {
        return real(fd, address, bytes);
    }
    step.path = local->sun_path;
    STEP_ON_PATH(&step, real(fd, address, bytes));
}

/* An open is a step when it makes the file or empties it. */
static bool is_opening_step(const char *path, int flags, struct step *step_r)
{
    bool makes;

    if (!is_below(path)) {
        return false;
    }
    makes = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    *step_r = (struct step){.op = makes ? "create" : "truncate", .path = path};
    return makes || (flags & O_TRUNC) != 0;
}

static int end_open(const struct step *step, int fd)
{
    step_end(step, fd >= 0);
    return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                                          \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        struct step step;                                                                          \
        va_list ap;                                                                                \
        mode_t mode;                                                                               \
        REAL(name)                                                                                 \
                                                                                                   \
        va_start(ap, flags);                                                                       \
        mode = mode_of(flags, ap);                                                                 \
        va_end(ap);                                                                                \
        if (!is_opening_step(path, flags, &step)) {                                                \
            return real(path, flags, mode);                                                        \
        }                                                                                          \
        (void)step_begin(&step);                                                                   \
        return end_open(&step, real(path, flags, mode));                                           \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                                        \
    int name(int dir, const char *path, int flags, ...)                                            \
    {                                                                                              \
        struct step step;                                                                          \
        va_list ap;                                                                                \
        mode_t mode;                                                                               \
        REAL(name)                                                                                 \
                                                                                                   \
        va_start(ap, flags);                                                                       \
        mode = mode_of(flags, ap);                                                                 \
        va_end(ap);                                                                                \
        if (!is_opening_step(path, flags, &step)) {                                                \
            return real(dir, path, flags, mode);                                                   \
        }                                                                                          \
        (void)step_begin(&step);                                                                   \
        return end_open(&step, real(dir, path, flags, mode));                                      \
    }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* ---- the time of day ---- */

int clock_gettime(clockid_t id, struct timespec *now)
{
    int rc;
    REAL(clock_gettime)

    rc = real(id, now);
    if (rc == 0 && id == CLOCK_REALTIME) {
        now->tv_sec += later_s;
    }
    return rc;
}

/* ---- passwords ---- */

int crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char *const password,
                      unsigned long long bytes, unsigned long long passes, size_t memory)
{
    REAL(crypto_pwhash_str)

    (void)passes;
    (void)memory;
    return real(out, password, bytes, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN);
}
