#include "ctl/sources.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/limits.h"
#include "ctl/maildir.h"
#include "ctl/mbox.h"
#include "mime/message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct sources {
    struct arena *arena; /* paths and folder names */
    struct source_message *v;
    size_t n, cap, passed_over;
    const char *open_path; /* an mbox is read message by message: its file stays open */
    int open_fd;
};

struct sources *sources_new(void)
{
    struct sources *s = mem_alloc_zero(1, sizeof(*s));

    s->arena = arena_new(NULL, "sources");
    s->open_fd = -1;
    mime_init();
    return s;
}

void sources_free(struct sources **sources)
{
    struct sources *s = take(sources);

    if (s != NULL) {
        if (s->open_fd >= 0) {
            close(s->open_fd);
        }
        arena_free(&s->arena);
        free(s->v);
        free(s);
    }
}

static void add(struct sources *s, const struct source_message *message)
{
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 256 : s->cap * 2;
        s->v = mem_realloc(s->v, s->cap * sizeof(s->v[0]));
    }
    s->v[s->n++] = *message;
}

static int path_error(const char *path, struct err *err_r)
{
    return err_tell(err_r, ERR_IO, "%s: %s", path, strerror(errno));
}

static int open_file(const char *path, int *fd_r, struct stat *st_r, struct err *err_r)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        return path_error(path, err_r);
    }
    if (fstat(fd, st_r) < 0 || !S_ISREG(st_r->st_mode)) {
        close(fd);
        return err_tell(err_r, ERR_IO, "%s: not a regular file", path);
    }
    *fd_r = fd;
    return 0;
}

static int64_t mtime_ms(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* Reads up to n bytes; fewer at the end of the file. -1 on failure. */
static ssize_t pread_all(int fd, char *p, size_t n, uint64_t offset)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r = pread(fd, p + got, n - got, (off_t)(offset + got));

        if (r < 0 && errno != EINTR) {
            return -1;
        }
        if (r == 0) {
            break;
        }
        got += r > 0 ? (size_t)r : 0;
    }
    return (ssize_t)got;
}

/* ---- what a message's own header says ---- */

struct header {
    bool has_date, read;
    int64_t date_ms;
};

static struct str header_block(struct str bytes)
{
    size_t lf = str_find(bytes, STR("\n\n"), 0), crlf = str_find(bytes, STR("\r\n\r\n"), 0);

    return str_sub(bytes, 0, crlf < lf ? crlf + 4 : lf < SIZE_MAX - 2 ? lf + 2 : SIZE_MAX);
}

/* "Status: RO", as mail programs note in an mbox that a message was read. */
static bool says_read(struct str header)
{
    while (header.n > 0) {
        struct str line = str_split(&header, '\n');

        if (str_starts_nocase(line, STR("Status:"))) {
            return str_find_char(line, 'R', sizeof("Status:") - 1) != SIZE_MAX;
        }
    }
    return false;
}

static struct header read_header(int fd, uint64_t offset, uint64_t length, bool want_date)
{
    AUTO(arena) arena = arena_new(NULL, "header");
    size_t n = length < IMPORT_HEADER_BYTES ? (size_t)length : IMPORT_HEADER_BYTES;
    char *bytes = arena_alloc(arena, n + 1);
    ssize_t got = pread_all(fd, bytes, n, offset);
    struct str block = header_block(str_of(bytes, got > 0 ? (size_t)got : 0));
    struct header h = {.read = says_read(block)};

    if (want_date && block.n > 0) {
        AUTO(mime_message) message = mime_message_new(arena, block);
        const struct mime_envelope *e = mime_message_envelope(message);

        h.has_date = e->has_date;
        h.date_ms = e->date_ms;
    }
    return h;
}

/* ---- mbox and .eml ---- */

struct mbox_context {
    struct sources *sources;
    const char *path;
    int fd;
    int64_t fallback_ms;
};

static int add_mbox_message(void *context, const struct mbox_message *m, struct err *err_r)
{
    struct mbox_context *c = context;
    struct header h = read_header(c->fd, m->offset, m->length, !m->has_date);

    (void)err_r;
    add(c->sources, &(struct source_message){
                        .path = c->path,
                        .offset = m->offset,
                        .length = m->length,
                        .received_ms = m->has_date  ? m->date_ms
                                       : h.has_date ? h.date_ms
                                                    : c->fallback_ms,
                        .read = h.read,
                    });
    return 0;
}

static int scan_mbox(struct sources *s, const char *path, int fd, int64_t fallback_ms,
                     struct err *err_r)
{
    struct mbox_context context = {
        .sources = s, .path = path, .fd = fd, .fallback_ms = fallback_ms};

    return mbox_scan(fd, add_mbox_message, &context, err_r);
}

static void add_eml(struct sources *s, const char *path, int fd, const struct stat *st)
{
    struct header h = read_header(fd, 0, (uint64_t)st->st_size, true);

    add(s, &(struct source_message){
               .path = path, .received_ms = h.has_date ? h.date_ms : mtime_ms(st), .read = h.read});
}

static bool is_eml_name(const char *path)
{
    return str_ends_nocase(str_from(path), STR(".eml"));
}

/* A message begins with a header field: a name without spaces, and a colon. */
static bool begins_like_message(struct str start)
{
    size_t i = 0;

    while (i < start.n && start.p[i] > ' ' && start.p[i] < 0x7f && start.p[i] != ':') {
        i++;
    }
    return i > 0 && i < start.n && start.p[i] == ':';
}

static int scan_open_file(struct sources *s, const char *path, int fd, const struct stat *st,
                          struct err *err_r)
{
    char bytes[256];
    ssize_t n = pread_all(fd, bytes, sizeof(bytes), 0);
    struct str start = str_of(bytes, n > 0 ? (size_t)n : 0);

    if (n < 0) {
        return path_error(path, err_r);
    }
    if (n == 0) {
        return 0;
    }
    if (str_starts(start, STR("From "))) {
        return scan_mbox(s, path, fd, mtime_ms(st), err_r);
    }
    if (!is_eml_name(path) && !begins_like_message(start)) {
        return err_tell(err_r, ERR_PARSE, "%s: neither an mbox nor a message", path);
    }
    add_eml(s, path, fd, st);
    return 0;
}

static int scan_file(struct sources *s, const char *path, struct err *err_r)
{
    struct stat st;
    int fd, rc;

    TRY(open_file(path, &fd, &st, err_r));
    rc = scan_open_file(s, path, fd, &st, err_r);
    close(fd);
    return rc;
}

/* ---- directories ---- */

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int no_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct listing {
    struct dirent **v;
    int n;
};

static void listing_fini(struct listing *l)
{
    for (int i = 0; i < l->n; i++) {
        free(l->v[i]);
    }
    free(l->v);
}

static int listing_init(struct listing *l, const char *path, struct err *err_r)
{
    *l = (struct listing){NULL, 0};
    l->n = scandir(path, &l->v, no_dots, by_name);
    if (l->n < 0) {
        *l = (struct listing){NULL, 0};
        return path_error(path, err_r);
    }
    return 0;
}

static int add_maildir_file(struct sources *s, const char *path, const char *name,
                            const char *folder, struct err *err_r)
{
    struct maildir_name m = maildir_name_read(str_from(name));
    struct source_message message = {
        .path = path, .folder = folder, .micros = m.micros, .read = m.read, .draft = m.draft};
    struct stat st;

    if (m.has_time) {
        message.received_ms = m.seconds * 1000;
    } else if (stat(path, &st) == 0) {
        message.received_ms = mtime_ms(&st);
    } else {
        return path_error(path, err_r);
    }
    add(s, &message);
    return 0;
}

static int scan_maildir_part(struct sources *s, const char *maildir, const char *part,
                             const char *folder, struct err *err_r)
{
    const char *path = arena_printf(s->arena, "%s/%s", maildir, part);
    struct listing l;
    int rc = 0;

    if (!is_directory(path)) {
        return 0;
    }
    TRY(listing_init(&l, path, err_r));
    for (int i = 0; rc == 0 && i < l.n; i++) {
        const char *name = l.v[i]->d_name;

        if (name[0] != '.' && l.v[i]->d_type != DT_DIR) {
            rc = add_maildir_file(s, arena_printf(s->arena, "%s/%s", path, name), name, folder,
                                  err_r);
        }
    }
    listing_fini(&l);
    return rc;
}

static bool is_maildir(struct sources *s, const char *path)
{
    return is_directory(arena_printf(s->arena, "%s/cur", path)) ||
           is_directory(arena_printf(s->arena, "%s/new", path));
}

static int scan_maildir(struct sources *s, const char *path, const char *folder, struct err *err_r)
{
    TRY(scan_maildir_part(s, path, "cur", folder, err_r));
    return scan_maildir_part(s, path, "new", folder, err_r);
}

static const char *folder_of(struct sources *s, const char *directory)
{
    struct buf path = BUF_INIT;
    const char *folder;

    maildir_folder_path(&path, str_from(directory));
    folder = path.n > 0 ? str_cstr(s->arena, buf_str(&path)) : NULL;
    buf_fini(&path);
    return folder;
}

/* The Maildir itself, and its subfolders of Maildir++. */
static int scan_maildir_tree(struct sources *s, const char *path, struct err *err_r)
{
    struct listing l;
    int rc = scan_maildir(s, path, NULL, err_r);

    TRY(rc);
    TRY(listing_init(&l, path, err_r));
    for (int i = 0; rc == 0 && i < l.n; i++) {
        const char *name = l.v[i]->d_name;
        const char *below = name[0] == '.' ? arena_printf(s->arena, "%s/%s", path, name) : NULL;

        if (below != NULL && is_maildir(s, below)) {
            rc = scan_maildir(s, below, folder_of(s, name), err_r);
        }
    }
    listing_fini(&l);
    return rc;
}

static int scan_directory(struct sources *s, const char *path, unsigned depth, struct err *err_r);

static int scan_entry(struct sources *s, const char *path, unsigned depth, struct err *err_r)
{
    if (is_directory(path)) {
        return scan_directory(s, path, depth + 1, err_r);
    }
    if (!is_eml_name(path)) {
        s->passed_over++;
        return 0;
    }
    return scan_file(s, path, err_r);
}

static int scan_directory(struct sources *s, const char *path, unsigned depth, struct err *err_r)
{
    struct listing l;
    int rc = 0;

    if (is_maildir(s, path)) {
        return scan_maildir_tree(s, path, err_r);
    }
    if (depth > IMPORT_MAX_DEPTH) {
        return err_tell(err_r, ERR_IO, "%s: directories are nested too deeply", path);
    }
    TRY(listing_init(&l, path, err_r));
    for (int i = 0; rc == 0 && i < l.n; i++) {
        rc = scan_entry(s, arena_printf(s->arena, "%s/%s", path, l.v[i]->d_name), depth, err_r);
    }
    listing_fini(&l);
    return rc;
}

int sources_scan(struct sources *s, const char *path, struct err *err_r)
{
    const char *kept = arena_strdup(s->arena, path);

    return is_directory(kept) ? scan_directory(s, kept, 0, err_r) : scan_file(s, kept, err_r);
}

/* ---- order and bytes ---- */

/* qsort is not stable: messages of one time keep the order of scanning by their index. */
struct keyed {
    struct source_message message;
    size_t index;
};

static int compare(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;

    if (a->message.received_ms != b->message.received_ms) {
        return a->message.received_ms < b->message.received_ms ? -1 : 1;
    }
    if (a->message.micros != b->message.micros) {
        return a->message.micros < b->message.micros ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

void sources_sort(struct sources *s)
{
    struct keyed *keyed = mem_alloc_zero(s->n + 1, sizeof(*keyed));

    for (size_t i = 0; i < s->n; i++) {
        keyed[i] = (struct keyed){s->v[i], i};
    }
    qsort(keyed, s->n, sizeof(*keyed), compare);
    for (size_t i = 0; i < s->n; i++) {
        s->v[i] = keyed[i].message;
    }
    free(keyed);
}

size_t sources_count(const struct sources *s)
{
    return s->n;
}

const struct source_message *sources_message(const struct sources *s, size_t i)
{
    return &s->v[i];
}

size_t sources_passed_over(const struct sources *s)
{
    return s->passed_over;
}

static int switch_file(struct sources *s, const char *path, struct err *err_r)
{
    struct stat st;

    if (s->open_path == path) {
        return 0;
    }
    if (s->open_fd >= 0) {
        close(s->open_fd);
        s->open_fd = -1;
        s->open_path = NULL;
    }
    TRY(open_file(path, &s->open_fd, &st, err_r));
    s->open_path = path;
    return 0;
}

static int length_of(struct sources *s, const struct source_message *m, uint64_t *length_r,
                     struct err *err_r)
{
    struct stat st;

    *length_r = m->length;
    if (m->length == 0) {
        if (fstat(s->open_fd, &st) < 0) {
            return path_error(m->path, err_r);
        }
        *length_r = (uint64_t)st.st_size;
    }
    if (*length_r > CTL_MESSAGE_BYTES) {
        return err_tell(err_r, ERR_TOO_LARGE, "%s: a message of %llu bytes is too large", m->path,
                        (unsigned long long)*length_r);
    }
    return 0;
}

static int read_bytes(struct sources *s, const struct source_message *m, uint64_t length,
                      struct buf *out, struct err *err_r)
{
    ssize_t got =
        pread_all(s->open_fd, buf_reserve(out, (size_t)length), (size_t)length, m->offset);

    if (got < 0) {
        return path_error(m->path, err_r);
    }
    if ((uint64_t)got < length) {
        return err_tell(err_r, ERR_IO, "%s: the file became shorter", m->path);
    }
    out->n += (size_t)got;
    return 0;
}

int sources_read(struct sources *s, const struct source_message *m, struct buf *out,
                 struct err *err_r)
{
    struct buf quoted = BUF_INIT;
    uint64_t length;
    int rc;

    TRY(switch_file(s, m->path, err_r));
    TRY(length_of(s, m, &length, err_r));
    if (m->length == 0) {
        return read_bytes(s, m, length, out, err_r);
    }
    rc = read_bytes(s, m, length, &quoted, err_r);
    if (rc == 0) {
        mbox_unquote(out, buf_str(&quoted));
    }
    buf_fini(&quoted);
    return rc;
}
