#include "ctl/maildir.h"

#include "base/base64.h"
#include "base/utf8.h"

/* Digits from the front of *s. */
static struct str take_digits(struct str *s)
{
    size_t n = 0;

    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9') {
        n++;
    }
    *s = str_sub(*s, n, SIZE_MAX);
    return str_sub((struct str){s->p - n, n}, 0, n);
}

/* The number after letter in "M12345P678". */
static uint64_t number_after(struct str part, char letter)
{
    size_t at = str_find_char(part, letter, 0);
    struct str rest = at != SIZE_MAX ? str_sub(part, at + 1, SIZE_MAX) : STR("");
    uint64_t v = 0;

    (void)str_to_u64(take_digits(&rest), &v);
    return v;
}

static struct str flags_of(struct str name)
{
    size_t at = str_find(name, STR(":2,"), 0);

    return at != SIZE_MAX ? str_sub(name, at + 3, SIZE_MAX) : STR("");
}

struct maildir_name maildir_name_read(struct str name)
{
    struct maildir_name m = {0};
    struct str rest = name, flags = flags_of(name);
    uint64_t seconds = 0, micros;

    /* 2^33 seconds: a longer number is some other id, no time. */
    m.has_time = str_to_u64(take_digits(&rest), &seconds) && seconds > 0 &&
                 seconds < UINT64_C(1) << 33 && rest.n > 0 && rest.p[0] == '.';
    if (m.has_time) {
        m.seconds = (int64_t)seconds;
        rest = str_sub(rest, 1, SIZE_MAX);
        micros = number_after(str_split(&rest, '.'), 'M');
        m.micros = micros < 1000000 ? (uint32_t)micros : 0;
    }
    m.read = str_find_char(flags, 'S', 0) != SIZE_MAX;
    m.draft = str_find_char(flags, 'D', 0) != SIZE_MAX;
    return m;
}

static unsigned unit_at(const struct buf *units, size_t i)
{
    return (unsigned)(unsigned char)units->p[i] << 8 | (unsigned char)units->p[i + 1];
}

/* UTF-16BE units to UTF-8. False on an odd byte or half a pair. */
static bool add_utf16(struct buf *out, const struct buf *units)
{
    if (units->n % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < units->n; i += 2) {
        uint32_t c = unit_at(units, i);

        if (c >= 0xd800 && c < 0xe000) {
            uint32_t low = c < 0xdc00 && i + 4 <= units->n ? unit_at(units, i + 2) : 0;

            if (low < 0xdc00 || low >= 0xe000) {
                return false;
            }
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        utf8_put(out, c);
    }
    return true;
}

/* What stands between "&" and "-": base64 with "," for "/" and without padding. */
static bool add_shifted(struct buf *out, struct str text)
{
    struct buf base64 = BUF_INIT, units = BUF_INIT, decoded = BUF_INIT;
    bool good;

    for (size_t i = 0; i < text.n; i++) {
        buf_add_char(&base64, text.p[i] == ',' ? '/' : text.p[i]);
    }
    good = base64_decode_lenient(&units, buf_str(&base64)) && add_utf16(&decoded, &units);
    if (good) {
        buf_add_str(out, buf_str(&decoded));
    }
    buf_fini(&base64);
    buf_fini(&units);
    buf_fini(&decoded);
    return good;
}

/* A whole name, or nothing at all is changed. */
static bool add_decoded(struct buf *out, struct str name)
{
    size_t before = out->n;

    while (name.n > 0) {
        size_t end = name.p[0] == '&' ? str_find_char(name, '-', 1) : 0;

        if (end == SIZE_MAX || (end > 1 && !add_shifted(out, str_sub(name, 1, end - 1)))) {
            out->n = before;
            return false;
        }
        if (end <= 1) {
            buf_add_char(out, name.p[0]);
        }
        name = str_sub(name, end + 1, SIZE_MAX);
    }
    return true;
}

void maildir_folder_path(struct buf *out, struct str directory)
{
    struct str rest = directory;

    while (rest.n > 0) {
        struct str name = str_split(&rest, '.');

        if (name.n == 0) {
            continue;
        }
        if (out->n > 0) {
            buf_add_char(out, '/');
        }
        if (!add_decoded(out, name)) {
            buf_add_str(out, name);
        }
    }
}
