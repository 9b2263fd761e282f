/* Setters by source: what rows with a number of the record, or a flag, share. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "ews/limits.h"
#include "xml/xml_doc.h"

struct str one_line(struct arena *arena, struct str text)
{
    char *line = NULL;

    text = str_trim(text);
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f) {
            line = line != NULL ? line : arena_memdup(arena, text.p, text.n);
            line[i] = ' ';
        }
    }
    return line != NULL ? str_of(line, text.n) : text;
}

/* ---- values ---- */

static void put_int(const struct prop_row *row, struct item_edit *edit, int64_t v)
{
    if (row->has_absent && v == row->absent) {
        item_edit_remove(edit, (enum item_prop)row->prop);
    } else {
        item_edit_set_int(edit, (enum item_prop)row->prop, v);
    }
}

static void put_flag(const struct prop_row *row, struct item_edit *edit, bool on)
{
    if (row->bit == ITEM_READ) {
        item_edit_set_read(edit, on);
    } else {
        item_edit_set_flag(edit, row->bit, on);
    }
}

static int put_name(const struct prop_row *row, struct item_edit *edit, int64_t v,
                    struct err *err_r)
{
    int64_t n = 0;

    while (row->names[n] != NULL) {
        n++;
    }
    if (v < 0 || v >= n) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "%.*s: %lld", STR_ARG(row->uri), (long long)v);
    }
    put_int(row, edit, v);
    return 0;
}

static size_t count_texts(struct str list)
{
    struct str text;
    size_t n = 0;

    while (props_next_text(&list, &text)) {
        n++;
    }
    return n;
}

static void put_texts(const struct prop_row *row, struct item_edit *edit, struct str list)
{
    size_t n = count_texts(list);
    struct str *texts = ARENA_ARRAY(item_edit_arena(edit), struct str, n);

    for (size_t i = 0; i < n && props_next_text(&list, &texts[i]); i++) {
        texts[i] = one_line(item_edit_arena(edit), texts[i]);
    }
    item_edit_set_texts(edit, (enum item_prop)row->prop, texts, n);
}

int remove_plain(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)err_r;
    if (row->source == SOURCE_FLAG) {
        put_flag(row, edit, false);
    } else {
        item_edit_remove(edit, (enum item_prop)row->prop);
    }
    return 0;
}

int put_plain(const struct prop_row *row, struct item_edit *edit, const struct value *value,
              struct err *err_r)
{
    enum item_prop prop = (enum item_prop)row->prop;

    if (value->type == VALUE_NONE) {
        return remove_plain(row, edit, err_r);
    }
    switch ((enum row_source)row->source) {
    case SOURCE_TEXT:
        item_edit_set_text(edit, prop, one_line(item_edit_arena(edit), value->text));
        break;
    case SOURCE_BYTES: item_edit_set_bytes(edit, prop, value->text); break;
    case SOURCE_TEXTS: put_texts(row, edit, value->text); break;
    case SOURCE_FLAG: put_flag(row, edit, value->i != 0); break;
    case SOURCE_ENUM: return put_name(row, edit, value->i, err_r);
    case SOURCE_BOOL: put_int(row, edit, value->i != 0); break;
    case SOURCE_INT:
    case SOURCE_TIME: put_int(row, edit, value->i); break;
    default: return err_set(err_r, ERR_INVALID_PROPERTY_SET, "row %zu", prop_row_number(row));
    }
    return 0;
}

/* ---- from elements ---- */

static int time_of(struct item_edit *edit, const struct xml_node *node, int64_t *ms_r,
                   struct err *err_r)
{
    if (!zone_context_time(&item_edit_call(edit)->zone, node->text, ms_r)) {
        return grammar_fail(node, err_r, "The '%.*s' element is invalid - it is no dateTime.",
                            STR_ARG(node->name));
    }
    return 0;
}

static int set_strings(const struct prop_row *row, struct item_edit *edit,
                       const struct xml_node *node, struct err *err_r)
{
    struct str *texts = ARENA_ARRAY(item_edit_arena(edit), struct str, node->child_count);
    size_t n = 0;

    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        if (!xml_is(child, XML_NS_TYPES, "String")) {
            return grammar_fail(child, err_r, "The element '%.*s' has an invalid child element.",
                                STR_ARG(node->name));
        }
        texts[n] = one_line(item_edit_arena(edit), child->text);
        n += texts[n].n != 0;
    }
    item_edit_set_texts(edit, (enum item_prop)row->prop, texts, n);
    return 0;
}

static int set_base64(const struct prop_row *row, struct item_edit *edit,
                      const struct xml_node *node, struct err *err_r)
{
    struct buf bytes = BUF_INIT;
    bool good = base64_decode_lenient(&bytes, node->text);

    if (good) {
        item_edit_set_bytes(edit, (enum item_prop)row->prop, buf_str(&bytes));
    }
    buf_fini(&bytes);
    return good ? 0
                : grammar_fail(node, err_r, "The '%.*s' element is no base64Binary.",
                               STR_ARG(node->name));
}

/* t:From and the like: one mailbox. */
int set_mailbox(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "Mailbox", 1, 1}};
    const struct xml_node *found;
    struct mime_address who;
    struct prop_addr addr;

    TRY(grammar_sequence(node, children, ARRAY_LEN(children), &found, err_r));
    TRY(mailbox_from_xml(found, &who, err_r));
    addr = (struct prop_addr){one_line(item_edit_arena(edit), who.name),
                              one_line(item_edit_arena(edit), who.address)};
    item_edit_set_addrs(edit, (enum item_prop)row->prop, &addr,
                        addr.name.n != 0 || addr.address.n != 0);
    return 0;
}

/* Both answers are kept: no answer means another thing. */
int set_yes_no(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
               struct err *err_r)
{
    bool yes = false;

    TRY(grammar_bool(node, &yes, err_r));
    item_edit_set_int(edit, (enum item_prop)row->prop, yes);
    return 0;
}

int put_yes_no(const struct prop_row *row, struct item_edit *edit, const struct value *value,
               struct err *err_r)
{
    if (value->type == VALUE_NONE) {
        return remove_plain(row, edit, err_r);
    }
    item_edit_set_int(edit, (enum item_prop)row->prop, value->i != 0);
    return 0;
}

int set_plain(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
              struct err *err_r)
{
    bool yes = false;
    size_t i = 0;
    int64_t v = 0;

    switch ((enum row_source)row->source) {
    case SOURCE_TEXT:
        item_edit_set_text(edit, (enum item_prop)row->prop,
                           one_line(item_edit_arena(edit), node->text));
        return 0;
    case SOURCE_TEXTS: return set_strings(row, edit, node, err_r);
    case SOURCE_BYTES: return set_base64(row, edit, node, err_r);
    case SOURCE_ADDRS: return set_mailbox(row, edit, node, err_r);
    case SOURCE_ENUM:
        TRY(grammar_enum(node, row->names, &i, err_r));
        put_int(row, edit, (int64_t)i);
        return 0;
    case SOURCE_INT:
        TRY(grammar_int(node, XS_INT_MIN, XS_INT_MAX, &v, err_r));
        put_int(row, edit, v);
        return 0;
    case SOURCE_TIME:
        TRY(time_of(edit, node, &v, err_r));
        put_int(row, edit, v);
        return 0;
    case SOURCE_BOOL:
        TRY(grammar_bool(node, &yes, err_r));
        put_int(row, edit, yes);
        return 0;
    case SOURCE_FLAG:
        TRY(grammar_bool(node, &yes, err_r));
        put_flag(row, edit, yes);
        return 0;
    default: return err_set(err_r, ERR_INVALID_PROPERTY_SET, "row %zu", prop_row_number(row));
    }
}
