#include "xml/xml_cut.h"

/* Where the scan stands: what the bytes since the last safe place are. */
enum state {
    TEXT,    /* outside of markup: every place between characters is safe */
    LESS,    /* < */
    TAG,     /* <a */
    TAG_DQ,  /* <a b=" */
    TAG_SQ,  /* <a b=' */
    BANG,    /* <! */
    BANG_1,  /* <!- */
    NOTE,    /* <!-- */
    NOTE_1,  /* <!-- - */
    NOTE_2,  /* <!-- -- */
    CDATA,   /* <![ */
    CDATA_1, /* <![ ] */
    CDATA_2, /* <![ ]] */
    PI,      /* <? */
    PI_1,    /* <? ? */
    LOOSE,   /* not well-formed or not allowed: all is handed on, to be refused */
    STATES
};

enum class {
    OTHER,
    C_LESS,
    C_MORE,
    C_DOUBLE,
    C_SINGLE,
    C_DASH,
    C_BANG,
    C_ASK,
    C_OPEN,
    C_CLOSE,
    CLASSES
};

static const unsigned char class_of[256] = {
    ['<'] = C_LESS, ['>'] = C_MORE, ['"'] = C_DOUBLE, ['\''] = C_SINGLE, ['-'] = C_DASH,
    ['!'] = C_BANG, ['?'] = C_ASK,  ['['] = C_OPEN,   [']'] = C_CLOSE,
};

/* clang-format off */
static const unsigned char next_state[STATES][CLASSES] = {
    /*          other   <      >       "       '       -       !       ?       [       ] */
    [TEXT]    = {TEXT,   LESS,  TEXT,   TEXT,   TEXT,   TEXT,   TEXT,   TEXT,   TEXT,   TEXT},
    [LESS]    = {TAG,    LOOSE, LOOSE,  LOOSE,  LOOSE,  LOOSE,  BANG,   PI,     LOOSE,  LOOSE},
    [TAG]     = {TAG,    LOOSE, TEXT,   TAG_DQ, TAG_SQ, TAG,    TAG,    TAG,    TAG,    TAG},
    [TAG_DQ]  = {TAG_DQ, LOOSE, TAG_DQ, TAG,    TAG_DQ, TAG_DQ, TAG_DQ, TAG_DQ, TAG_DQ, TAG_DQ},
    [TAG_SQ]  = {TAG_SQ, LOOSE, TAG_SQ, TAG_SQ, TAG,    TAG_SQ, TAG_SQ, TAG_SQ, TAG_SQ, TAG_SQ},
    [BANG]    = {LOOSE,  LOOSE, LOOSE,  LOOSE,  LOOSE,  BANG_1, LOOSE,  LOOSE,  CDATA,  LOOSE},
    [BANG_1]  = {LOOSE,  LOOSE, LOOSE,  LOOSE,  LOOSE,  NOTE,   LOOSE,  LOOSE,  LOOSE,  LOOSE},
    [NOTE]    = {NOTE,   NOTE,  NOTE,   NOTE,   NOTE,   NOTE_1, NOTE,   NOTE,   NOTE,   NOTE},
    [NOTE_1]  = {NOTE,   NOTE,  NOTE,   NOTE,   NOTE,   NOTE_2, NOTE,   NOTE,   NOTE,   NOTE},
    [NOTE_2]  = {LOOSE,  LOOSE, TEXT,   LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE},
    [CDATA]   = {CDATA,  CDATA, CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA_1},
    [CDATA_1] = {CDATA,  CDATA, CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA_2},
    [CDATA_2] = {CDATA,  CDATA, TEXT,   CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA,  CDATA_2},
    [PI]      = {PI,     PI,    PI,     PI,     PI,     PI,     PI,     PI_1,   PI,     PI},
    [PI_1]    = {PI,     PI,    TEXT,   PI,     PI,     PI,     PI,     PI_1,   PI,     PI},
    [LOOSE]   = {LOOSE,  LOOSE, LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE,  LOOSE},
};
/* clang-format on */

/* The most bytes of text that are held back: but for the last, those of a code point. */
#define TAIL_BYTES 4

void xml_cut_init(struct xml_cut *cut, uint32_t max_attrs)
{
    *cut = (struct xml_cut){.state = TEXT, .max_attrs = max_attrs};
}

/* The safe end of a text that goes on: before a character that may be cut, and before ]] of a
 * wrong ]]>. */
static size_t before_tail(struct str s)
{
    size_t end = s.n;

    while (end > 0 && s.n - end < TAIL_BYTES) {
        unsigned char c = (unsigned char)s.p[end - 1];

        if (c < 0x80 && c != ']') {
            break;
        }
        end--;
        if (c >= 0xc0) {
            break;
        }
    }
    return end;
}

/* Counts a value that ends. False beyond the limit. */
static bool count_attr(struct xml_cut *cut, unsigned before, unsigned after)
{
    if (before == LESS) {
        cut->attrs = 0;
    } else if ((before == TAG_DQ || before == TAG_SQ) && after == TAG) {
        cut->attrs++;
    }
    return cut->attrs <= cut->max_attrs;
}

bool xml_cut_scan(struct xml_cut *cut, struct str s, size_t from, size_t *safe_r)
{
    size_t at = from;
    size_t safe = 0;
    unsigned state = cut->state;

    while (at < s.n && state != LOOSE) {
        unsigned after;

        if (state == TEXT) {
            size_t less = str_find_char(s, '<', at);

            at = less == SIZE_MAX ? s.n : less + 1;
            safe = less == SIZE_MAX ? before_tail(s) : less;
            state = less == SIZE_MAX ? TEXT : LESS;
            continue;
        }
        after = next_state[state][class_of[(unsigned char)s.p[at++]]];
        if (!count_attr(cut, state, after)) {
            return false;
        }
        if (after == TEXT) {
            safe = at;
        }
        state = after;
    }
    cut->state = (unsigned char)state;
    *safe_r = state == LOOSE ? s.n : safe;
    return true;
}
