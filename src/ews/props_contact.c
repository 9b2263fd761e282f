/* Properties of contacts, where a row's column does not suffice: names that are made of others. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/item_edit.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* ---- names made of others ---- */

const char *const file_as_mapping_names[] = {"None",
                                             "LastCommaFirst",
                                             "FirstSpaceLast",
                                             "Company",
                                             "LastCommaFirstCompany",
                                             "CompanyLastFirst",
                                             "LastFirst",
                                             "LastFirstCompany",
                                             "CompanyLastCommaFirst",
                                             "LastFirstSuffix",
                                             "LastSpaceFirstCompany",
                                             "CompanyLastSpaceFirst",
                                             "LastSpaceFirst",
                                             "DisplayName",
                                             "FirstName",
                                             "LastFirstMiddleSuffix",
                                             "LastName",
                                             "Empty",
                                             NULL};

/* By number: parts with what stands between them. L surname, F given name, M middle name, S
 * generation, C company, D display name; anything else is text, written only between two parts
 * that are there. */
static const char *const file_as_patterns[] = {
    "",      "L, F M",  "F M L S",   "C",      "L, F M\nC", "C\nLF M",
    "LF M",  "LF M\nC", "C\nL, F M", "LF M S", "L F M\nC",  "C\nL F M",
    "L F M", "D",       "F",         "LFMS",   "L",         "",
};
_Static_assert(ARRAY_LEN(file_as_patterns) + 1 == ARRAY_LEN(file_as_mapping_names),
               "a pattern for each mapping");

#define DISPLAY_NAME_PATTERN "F M L S"
#define DEFAULT_FILE_AS_PATTERN "L, F M"

static struct str address_of_contact(const struct props *props)
{
    struct str list = props->v[IPROP_EMAIL_1], address = STR_NULL;

    (void)props_next_text(&list, &address);
    return address;
}

static struct str name_part(const struct props *props, struct arena *arena, char part)
{
    switch (part) {
    case 'L': return props->v[IPROP_SURNAME];
    case 'F': return props->v[IPROP_GIVEN_NAME];
    case 'M': return props->v[IPROP_MIDDLE_NAME];
    case 'S': return props->v[IPROP_GENERATION];
    case 'C': return props->v[IPROP_COMPANY_NAME];
    default: return contact_display_name(props, arena);
    }
}

static bool is_part(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* A company begins a line of its own, which no other separator takes the place of. */
static void add_separator(struct str *separator, const char *at)
{
    if (separator->n != 0 && *separator->p == '\n') {
        return;
    }
    *separator =
        separator->n == 0 || *at == '\n' ? str_of(at, 1) : str_of(separator->p, separator->n + 1);
}

static void add_part(struct buf *out, struct str *separator, struct str part)
{
    if (part.n != 0) {
        if (out->n != 0 && separator->n != 0) {
            buf_add_str(out, *separator->p == '\n' ? STR("\r\n") : *separator);
        }
        buf_add_str(out, part);
        *separator = STR_NULL;
    } else if (separator->n != 0 && *separator->p != '\n') {
        *separator = STR_NULL;
    }
}

static struct str compose(const struct props *props, struct arena *arena, const char *pattern)
{
    struct str separator = STR_NULL, name;
    struct buf out = BUF_INIT;

    for (; *pattern != '\0'; pattern++) {
        if (is_part(*pattern)) {
            add_part(&out, &separator, name_part(props, arena, *pattern));
        } else {
            add_separator(&separator, pattern);
        }
    }
    name = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return name;
}

/* Somebody without a name is known by the company, or by the address. */
static struct str or_company(const struct props *props, struct str name)
{
    if (name.n == 0) {
        name = props->v[IPROP_COMPANY_NAME];
    }
    return name.n == 0 ? address_of_contact(props) : name;
}

struct str contact_display_name(const struct props *props, struct arena *arena)
{
    struct str stored = props->v[IPROP_DISPLAY_NAME];

    return stored.n != 0 ? stored : or_company(props, compose(props, arena, DISPLAY_NAME_PATTERN));
}

struct str contact_file_as(const struct props *props, struct arena *arena)
{
    int64_t mapping = props_int(props, IPROP_FILE_AS_MAPPING, -1);
    struct str name = props->v[IPROP_FILE_AS];

    if (name.n != 0) {
        return name;
    }
    if (mapping >= 0 && mapping < (int64_t)ARRAY_LEN(file_as_patterns)) {
        return compose(props, arena, file_as_patterns[mapping]);
    }
    name = compose(props, arena, DEFAULT_FILE_AS_PATTERN);
    return name.n != 0 ? name : contact_display_name(props, arena);
}

/* ---- values ---- */

static void set_text(struct value *value_r, struct str text)
{
    if (text.n != 0) {
        *value_r = (struct value){.type = VALUE_TEXT, .text = text};
    }
}

void value_file_as(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    set_text(value_r, contact_file_as(&view->props, view->arena));
}

void value_display_name(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row;
    set_text(value_r, contact_display_name(&view->props, view->arena));
}

/* All contacts lie in the store; there is no directory of them. */
void value_contact_source(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    (void)row, (void)view;
    set_text(value_r, STR("Store"));
}

/* One text of a list: row->bit says which. */
void value_part(const struct prop_row *row, struct item_view *view, struct value *value_r)
{
    set_text(value_r, props_nth_text(view->props.v[row->prop], row->bit));
}

/* ---- CompleteName ---- */

static void add_name(struct buf *out, const char *element, struct str text)
{
    if (text.n != 0) {
        xml_add_element(out, str_from(element), text);
    }
}

void write_complete_name(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct props *props = &view->props;
    size_t before = out->n;

    buf_add_str(out, row->open);
    add_name(out, "t:Title", props->v[IPROP_NAME_TITLE]);
    add_name(out, "t:FirstName", props->v[IPROP_GIVEN_NAME]);
    add_name(out, "t:MiddleName", props->v[IPROP_MIDDLE_NAME]);
    add_name(out, "t:LastName", props->v[IPROP_SURNAME]);
    add_name(out, "t:Suffix", props->v[IPROP_GENERATION]);
    add_name(out, "t:Initials", props->v[IPROP_INITIALS]);
    add_name(out, "t:FullName", contact_display_name(props, view->arena));
    add_name(out, "t:Nickname", props->v[IPROP_NICKNAME]);
    add_name(out, "t:YomiFirstName", props->v[IPROP_YOMI_FIRST]);
    add_name(out, "t:YomiLastName", props->v[IPROP_YOMI_LAST]);
    if (out->n == before + row->open.n) {
        out->n = before; /* nobody: absent rather than empty */
    } else {
        buf_add_str(out, row->close);
    }
}

/* ---- setting ---- */

int set_stored_text(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                    struct err *err_r)
{
    (void)err_r;
    item_edit_set_text(edit, (enum item_prop)row->prop, node->text.n != 0 ? node->text : STR_NULL);
    return 0;
}

int put_stored_text(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                    struct err *err_r)
{
    (void)err_r;
    item_edit_set_text(edit, (enum item_prop)row->prop,
                       value->text.n != 0 ? value->text : STR_NULL);
    return 0;
}

/* What somebody set by hand gives way to a new rule, unless it came with the rule. */
int set_file_as_mapping(const struct prop_row *row, struct item_edit *edit,
                        const struct xml_node *node, struct err *err_r)
{
    TRY(set_plain(row, edit, node, err_r));
    if (item_edit_touched(edit, IPROP_FILE_AS_MAPPING) && !item_edit_touched(edit, IPROP_FILE_AS) &&
        props_int(item_edit_props(edit), IPROP_FILE_AS_MAPPING, 0) != 0) {
        item_edit_remove(edit, IPROP_FILE_AS);
    }
    return 0;
}

#define PARTS_MAX 8

int put_part(const struct prop_row *row, struct item_edit *edit, const struct value *value,
             struct err *err_r)
{
    struct str list = item_edit_props(edit)->v[row->prop], texts[PARTS_MAX] = {{NULL, 0}};
    size_t n = 0;

    (void)err_r;
    while (n < PARTS_MAX && props_next_text(&list, &texts[n])) {
        n++;
    }
    texts[row->bit] = value->text;
    n = n > row->bit ? n : (size_t)row->bit + 1;
    for (size_t i = 0; i < n; i++) {
        if (texts[i].n != 0) {
            item_edit_set_texts(edit, (enum item_prop)row->prop, texts, n);
            return 0;
        }
    }
    item_edit_remove(edit, (enum item_prop)row->prop);
    return 0;
}
