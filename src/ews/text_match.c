#include "ews/text_match.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

const char *const contain_mode_names[] = {"FullString",    "Prefixed",    "Substring",
                                          "PrefixOnWords", "ExactPhrase", NULL};
const char *const contain_comparison_names[] = {"Exact",
                                                "IgnoreCase",
                                                "IgnoreNonSpacingCharacters",
                                                "Loose",
                                                "IgnoreCaseAndNonSpacingCharacters",
                                                "LooseAndIgnoreCase",
                                                "LooseAndIgnoreNonSpace",
                                                "LooseAndIgnoreCaseAndIgnoreNonSpace",
                                                NULL};

enum { IGNORE_CASE = 1, IGNORE_MARKS = 2 };

/* By comparison. */
static const unsigned char ignores[] = {
    0,
    IGNORE_CASE,
    IGNORE_MARKS,
    IGNORE_CASE | IGNORE_MARKS,
    IGNORE_CASE | IGNORE_MARKS,
    IGNORE_CASE | IGNORE_MARKS,
    IGNORE_CASE | IGNORE_MARKS,
    IGNORE_CASE | IGNORE_MARKS,
};

#define LATIN_FIRST 0xc0
/* Base letters of the precomposed letters U+00C0 to U+017F; a dot has none. */
static const char latin_bases[] =
    "AAAAAA.CEEEEIIII.NOOOOO..UUUUY..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
    "AaAaAaCcCcCcCcDd..EeEeEeEeEeGgGgGgGgHh..IiIiIiIiI...JjKk.LlLlLl."
    "...NnNnNn...OoOoOo..RrRrRrSsSsSsSsTtTt..UuUuUuUuUuUuWwYyYZzZzZz.";

static bool is_combining(uint32_t c)
{
    return c >= 0x300 && c <= 0x36f;
}

static uint32_t without_mark(uint32_t c)
{
    size_t i = c - LATIN_FIRST;

    if (c < LATIN_FIRST || i >= sizeof(latin_bases) - 1 || latin_bases[i] == '.') {
        return c;
    }
    return (uint32_t)latin_bases[i];
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static struct str strip_marks(struct arena *arena, struct str s)
{
    struct buf out = BUF_INIT;
    struct str result;

    while (s.n != 0) {
        uint32_t c = utf8_take(&s);

        if (!is_combining(c)) {
            utf8_put(&out, without_mark(c));
        }
    }
    result = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return result;
}

struct str text_normalize(struct arena *arena, struct str s, size_t comparison)
{
    bool fold = (ignores[comparison] & IGNORE_CASE) != 0;

    if (is_ascii(s)) { /* nearly all text: no code points to look at */
        return fold ? str_lower(arena, s) : s;
    }
    if ((ignores[comparison] & IGNORE_MARKS) != 0) {
        s = strip_marks(arena, s);
    }
    return fold ? utf8_fold(arena, s) : s;
}

static bool is_word_byte(char c)
{
    return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* wanted stands in text where a word begins, and ends where one ends if whole is set. */
static bool contains_words(struct str text, struct str wanted, bool whole)
{
    for (size_t at = str_find(text, wanted, 0); at != SIZE_MAX;
         at = str_find(text, wanted, at + 1)) {
        size_t end = at + wanted.n;
        bool begins = at == 0 || !is_word_byte(text.p[at - 1]);
        bool ends = end == text.n || !is_word_byte(text.p[end]);

        if (begins && (ends || !whole)) {
            return true;
        }
    }
    return false;
}

bool text_contains(struct str text, struct str wanted, enum contain_mode mode)
{
    switch (mode) {
    case CONTAIN_FULL_STRING: return str_eq(text, wanted);
    case CONTAIN_PREFIXED: return str_starts(text, wanted);
    case CONTAIN_SUBSTRING: return str_find(text, wanted, 0) != SIZE_MAX;
    case CONTAIN_PREFIX_ON_WORDS: return contains_words(text, wanted, false);
    case CONTAIN_EXACT_PHRASE: break;
    }
    return contains_words(text, wanted, true);
}
