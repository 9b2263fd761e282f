#include "ews/dictionary.h"

#include "base/arena.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "ews/props-private.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* ---- what there is ---- */

static const char *const email_keys[] = {"EmailAddress1", "EmailAddress2", "EmailAddress3", NULL};
static const char *const im_keys[] = {"ImAddress1", "ImAddress2", "ImAddress3", NULL};
static const char *const address_keys[] = {"Home", "Business", "Other", NULL};
static const char *const phone_keys[] = {"AssistantPhone",
                                         "BusinessFax",
                                         "BusinessPhone",
                                         "BusinessPhone2",
                                         "Callback",
                                         "CarPhone",
                                         "CompanyMainPhone",
                                         "HomeFax",
                                         "HomePhone",
                                         "HomePhone2",
                                         "Isdn",
                                         "MobilePhone",
                                         "OtherFax",
                                         "OtherTelephone",
                                         "Pager",
                                         "PrimaryPhone",
                                         "RadioPhone",
                                         "Telex",
                                         "TtyTddPhone",
                                         "BusinessMobile",
                                         "IPPhone",
                                         "Mms",
                                         "Msn",
                                         NULL};

/* Parts of an address, in the order in which the record has them. */
static const char *const address_parts[] = {"Street",          "City",       "State",
                                            "CountryOrRegion", "PostalCode", NULL};
#define ADDRESS_PARTS (ARRAY_LEN(address_parts) - 1)

/* Parts of an e-mail address beyond the address itself: attributes of the entry. */
static const char *const email_attributes[] = {"Name", "RoutingType", "MailboxType"};
#define EMAIL_PARTS (ARRAY_LEN(email_attributes) + 1)
#define EMAIL_MAILBOX_TYPE 3

const char *const mailbox_type_names[] = {
    "Unknown", "OneOff",       "Mailbox",      "PublicDL",        "PrivateDL",
    "Contact", "PublicFolder", "GroupMailbox", "ImplicitContact", NULL};

enum dictionary_form { FORM_TEXT, FORM_EMAIL, FORM_ADDRESS };

static const struct dictionary {
    struct str indexed_uri; /* FORM_ADDRESS: what stands before the part's name */
    enum dictionary_form form;
    enum item_prop first, last;
    const char *const *keys; /* by number from first on */
} dictionaries[] = {
    {STR_INIT("contacts:EmailAddress"), FORM_EMAIL, IPROP_EMAIL_1, IPROP_EMAIL_3, email_keys},
    {STR_INIT("contacts:PhysicalAddress:"), FORM_ADDRESS, IPROP_ADDRESS_HOME, IPROP_ADDRESS_OTHER,
     address_keys},
    {STR_INIT("contacts:PhoneNumber"), FORM_TEXT, IPROP_PHONE_ASSISTANT, IPROP_PHONE_MSN,
     phone_keys},
    {STR_INIT("contacts:ImAddress"), FORM_TEXT, IPROP_IM_1, IPROP_IM_3, im_keys},
};

static const struct dictionary *by_prop(enum item_prop prop)
{
    for (size_t i = 0; i < ARRAY_LEN(dictionaries); i++) {
        if (prop >= dictionaries[i].first && prop <= dictionaries[i].last) {
            return &dictionaries[i];
        }
    }
    return NULL;
}

static bool find_name(const char *const *names, struct str name, size_t *i_r)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (str_is(name, names[i])) {
            *i_r = i;
            return true;
        }
    }
    return false;
}

/* The part that an IndexedFieldURI of the dictionary means. */
static bool find_part(const struct dictionary *d, struct str uri, unsigned char *part_r)
{
    size_t part = d->form == FORM_TEXT ? DICTIONARY_WHOLE_ENTRY : 0;

    if (d->form == FORM_ADDRESS) {
        if (!str_starts(uri, d->indexed_uri) ||
            !find_name(address_parts, str_sub(uri, d->indexed_uri.n, uri.n), &part)) {
            return false;
        }
    } else if (!str_eq(uri, d->indexed_uri)) {
        return false;
    }
    *part_r = (unsigned char)part;
    return true;
}

bool dictionary_find(struct str uri, struct str key, struct dictionary_place *place_r)
{
    unsigned char part;
    size_t k;

    for (size_t i = 0; i < ARRAY_LEN(dictionaries); i++) {
        const struct dictionary *d = &dictionaries[i];

        if (find_part(d, uri, &part)) {
            if (!find_name(d->keys, key, &k)) {
                return false;
            }
            *place_r = (struct dictionary_place){(enum item_prop)(d->first + k), part};
            return true;
        }
    }
    return false;
}

bool dictionary_range(enum item_prop prop, enum item_prop *first_r, enum item_prop *end_r)
{
    const struct dictionary *d = by_prop(prop);

    if (d == NULL || d->first != prop) {
        return false;
    }
    *first_r = d->first;
    *end_r = (enum item_prop)(d->last + 1);
    return true;
}

/* ---- values ---- */

void dictionary_value(const struct props *props, struct dictionary_place place,
                      struct value *value_r)
{
    struct str text = props->v[place.prop];

    if (place.part != DICTIONARY_WHOLE_ENTRY) {
        text = props_nth_text(text, place.part);
    }
    *value_r = (struct value){.type = text.n != 0 ? VALUE_TEXT : VALUE_NONE, .text = text};
}

/* ---- answers ---- */

static void open_entry(struct buf *out, const char *key)
{
    BUF_LIT(out, "<t:Entry Key=\"");
    buf_add_cstr(out, key);
    buf_add_char(out, '"');
}

/* The attributes came with Exchange 2010. */
static void write_email(const struct item_view *view, struct buf *out, const char *key,
                        struct str list)
{
    struct str address = STR_NULL, text;

    (void)props_next_text(&list, &address);
    open_entry(out, key);
    for (size_t i = 0; i < ARRAY_LEN(email_attributes) && props_next_text(&list, &text); i++) {
        if (text.n != 0 && view->call->version >= EWS_EXCHANGE2010) {
            buf_add_char(out, ' ');
            buf_add_cstr(out, email_attributes[i]);
            BUF_LIT(out, "=\"");
            xml_add_attr_text(out, text);
            buf_add_char(out, '"');
        }
    }
    buf_add_char(out, '>');
    xml_add_text(out, address);
    BUF_LIT(out, "</t:Entry>");
}

static void write_address(struct buf *out, const char *key, struct str list)
{
    struct str text;

    open_entry(out, key);
    buf_add_char(out, '>');
    for (size_t i = 0; i < ADDRESS_PARTS && props_next_text(&list, &text); i++) {
        if (text.n != 0) {
            BUF_LIT(out, "<t:");
            buf_add_cstr(out, address_parts[i]);
            buf_add_char(out, '>');
            xml_add_text(out, text);
            BUF_LIT(out, "</t:");
            buf_add_cstr(out, address_parts[i]);
            buf_add_char(out, '>');
        }
    }
    BUF_LIT(out, "</t:Entry>");
}

static void write_entry(const struct dictionary *d, const struct item_view *view, struct buf *out,
                        enum item_prop prop)
{
    const char *key = d->keys[prop - d->first];
    struct str value = view->props.v[prop];

    if (d->form == FORM_EMAIL) {
        write_email(view, out, key, value);
    } else if (d->form == FORM_ADDRESS) {
        write_address(out, key, value);
    } else {
        open_entry(out, key);
        buf_add_char(out, '>');
        xml_add_text(out, value);
        BUF_LIT(out, "</t:Entry>");
    }
}

void write_dictionary(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    const struct dictionary *d = by_prop((enum item_prop)row->prop);
    size_t before = out->n;

    buf_add_str(out, row->open);
    for (unsigned prop = d->first; prop <= (unsigned)d->last; prop++) {
        if (props_has(&view->props, (enum item_prop)prop) &&
            item_shape_shows_entry(view->shape, row, view->item->kind, (enum item_prop)prop)) {
            write_entry(d, view, out, (enum item_prop)prop);
        }
    }
    if (out->n == before + row->open.n) {
        out->n = before; /* no entry: absent rather than empty */
    } else {
        buf_add_str(out, row->close);
    }
}

/* ---- setting ---- */

static void take_texts(struct str list, struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        texts[i] = STR_NULL;
        (void)props_next_text(&list, &texts[i]);
    }
}

static void put_texts(struct item_edit *edit, enum item_prop prop, const struct str *texts,
                      size_t n)
{
    bool any = false;

    for (size_t i = 0; i < n; i++) {
        any |= texts[i].n != 0;
    }
    if (any) {
        item_edit_set_texts(edit, prop, texts, n);
    } else {
        item_edit_remove(edit, prop);
    }
}

static int set_email(struct item_edit *edit, enum item_prop prop, const struct xml_node *entry,
                     struct err *err_r)
{
    struct str texts[EMAIL_PARTS] = {str_trim(entry->text)};
    size_t type;

    for (size_t i = 0; i < ARRAY_LEN(email_attributes); i++) {
        texts[i + 1] = xml_attr(entry, email_attributes[i]);
    }
    if (texts[EMAIL_MAILBOX_TYPE].n != 0) {
        TRY(grammar_attr_enum(entry, "MailboxType", true, mailbox_type_names, &type, err_r));
    }
    put_texts(edit, prop, texts, EMAIL_PARTS);
    return 0;
}

/* The parts that are named; others stay in an update of one part. */
static int set_address(struct item_edit *edit, enum item_prop prop, const struct xml_node *entry,
                       bool keep_others, struct err *err_r)
{
    struct str texts[ADDRESS_PARTS];
    size_t part;

    take_texts(keep_others ? item_edit_props(edit)->v[prop] : STR_NULL, texts, ADDRESS_PARTS);
    for (const struct xml_node *node = entry->first_child; node != NULL; node = node->next) {
        if (node->ns != XML_NS_TYPES || !find_name(address_parts, node->name, &part)) {
            return grammar_fail(node, err_r,
                                "The element 'Entry' has invalid child element "
                                "'%.*s'.",
                                STR_ARG(node->name));
        }
        texts[part] = node->text;
    }
    put_texts(edit, prop, texts, ADDRESS_PARTS);
    return 0;
}

static int set_entry(struct item_edit *edit, const struct dictionary *d, enum item_prop prop,
                     const struct xml_node *entry, bool keep_others, struct err *err_r)
{
    switch (d->form) {
    case FORM_EMAIL: return set_email(edit, prop, entry, err_r);
    case FORM_ADDRESS: return set_address(edit, prop, entry, keep_others, err_r);
    case FORM_TEXT: break;
    }
    item_edit_set_text(edit, prop, entry->text.n != 0 ? entry->text : STR_NULL);
    return 0;
}

static int check_entry(const struct xml_node *entry, struct err *err_r)
{
    if (!xml_is(entry, XML_NS_TYPES, "Entry")) {
        return grammar_fail(entry, err_r, "The element '%.*s' is no entry of a dictionary.",
                            STR_ARG(entry->name));
    }
    return 0;
}

int set_dictionary(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r)
{
    const struct dictionary *d = by_prop((enum item_prop)row->prop);
    uint32_t seen = 0;
    size_t key;

    for (const struct xml_node *entry = node->first_child; entry != NULL; entry = entry->next) {
        TRY(check_entry(entry, err_r));
        TRY(grammar_attr_enum(entry, "Key", true, d->keys, &key, err_r));
        if ((seen >> key & 1) != 0) {
            return grammar_fail(entry, err_r, "The key '%s' is there twice.", d->keys[key]);
        }
        seen |= 1u << key;
        TRY(set_entry(edit, d, (enum item_prop)(d->first + key), entry, false, err_r));
    }
    for (key = 0; d->keys[key] != NULL; key++) {
        if ((seen >> key & 1) == 0) {
            item_edit_remove(edit, (enum item_prop)(d->first + key));
        }
    }
    return 0;
}

int remove_dictionary(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    const struct dictionary *d = by_prop((enum item_prop)row->prop);

    (void)err_r;
    for (unsigned prop = d->first; prop <= (unsigned)d->last; prop++) {
        item_edit_remove(edit, (enum item_prop)prop);
    }
    return 0;
}

/* Just the one entry, and of an address just the one part. */
static int check_place(const struct dictionary *d, struct dictionary_place place,
                       const struct xml_node *node, struct err *err_r)
{
    const struct xml_node *entry = node->first_child;
    bool address = d->form == FORM_ADDRESS;
    size_t key;

    if (entry == NULL || entry->next != NULL || (address && entry->child_count > 1)) {
        return err_set(err_r, ERR_UPDATE_COUNT, "entries of a dictionary");
    }
    TRY(check_entry(entry, err_r));
    TRY(grammar_attr_enum(entry, "Key", true, d->keys, &key, err_r));
    if (d->first + key != (unsigned)place.prop ||
        (address && entry->child_count == 1 &&
         !str_is(entry->first_child->name, address_parts[place.part]))) {
        return err_set(err_r, ERR_UPDATE_MISMATCH, "entry of a dictionary");
    }
    return 0;
}

static void remove_place(struct item_edit *edit, const struct dictionary *d,
                         struct dictionary_place place)
{
    struct str texts[ADDRESS_PARTS];

    if (d->form != FORM_ADDRESS) {
        item_edit_remove(edit, place.prop);
        return;
    }
    take_texts(item_edit_props(edit)->v[place.prop], texts, ADDRESS_PARTS);
    texts[place.part] = STR_NULL;
    put_texts(edit, place.prop, texts, ADDRESS_PARTS);
}

int set_dictionary_entry(const struct prop_row *row, struct item_edit *edit,
                         const struct prop_path *path, const struct xml_node *node,
                         struct err *err_r)
{
    const struct dictionary *d = by_prop((enum item_prop)row->prop);
    struct dictionary_place place = path->place;

    if (place.prop == 0) {
        return err_set(err_r, ERR_INVALID_PROPERTY_SET, "no entry %.*s", STR_ARG(path->index));
    }
    if (node == NULL) {
        remove_place(edit, d, place);
        return 0;
    }
    TRY(check_place(d, place, node, err_r));
    return set_entry(edit, d, place.prop, node->first_child, true, err_r);
}
