/* Setters of recipients and authors. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "xml/xml_doc.h"

int mailbox_from_xml(const struct xml_node *node, struct mime_address *address_r, struct err *err_r)
{
    static const struct grammar_child children[] = {
        {XML_NS_TYPES, "Name", 0, 1},        {XML_NS_TYPES, "EmailAddress", 0, 1},
        {XML_NS_TYPES, "RoutingType", 0, 1}, {XML_NS_TYPES, "MailboxType", 0, 1},
        {XML_NS_TYPES, "ItemId", 0, 1},      {XML_NS_TYPES, "OriginalDisplayName", 0, 1},
    };
    const struct xml_node *found[ARRAY_LEN(children)];

    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    *address_r = (struct mime_address){
        .name = found[0] != NULL ? str_trim(found[0]->text) : STR(""),
        .address = found[1] != NULL ? str_trim(found[1]->text) : STR(""),
    };
    return 0;
}

int mailboxes_from_xml(struct arena *arena, const struct xml_node *node,
                       struct mime_addresses *addresses_r, struct err *err_r)
{
    struct mime_address *v = ARENA_ARRAY(arena, struct mime_address, node->child_count);
    size_t n = 0;

    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        if (!xml_is(child, XML_NS_TYPES, "Mailbox")) {
            return grammar_fail(child, err_r, "The element '%.*s' has an invalid child element.",
                                STR_ARG(node->name));
        }
        TRY(mailbox_from_xml(child, &v[n], err_r));
        n += v[n].name.n != 0 || v[n].address.n != 0;
    }
    *addresses_r = (struct mime_addresses){v, n};
    return 0;
}

static const uint32_t parts_of_lists[] = {
    [RECIPIENTS_TO] = EDIT_TO,
    [RECIPIENTS_CC] = EDIT_CC,
    [RECIPIENTS_BCC] = EDIT_BCC,
    [RECIPIENTS_REPLY_TO] = EDIT_REPLY_TO,
};

static struct mime_addresses *list_of(struct mime_draft *draft, unsigned list)
{
    switch ((enum recipient_list)list) {
    case RECIPIENTS_TO: return &draft->to;
    case RECIPIENTS_CC: return &draft->cc;
    case RECIPIENTS_BCC: return &draft->bcc;
    case RECIPIENTS_REPLY_TO: break;
    }
    return &draft->reply_to;
}

static bool same_people(struct mime_addresses a, struct mime_addresses b)
{
    bool same = a.n == b.n;

    for (size_t i = 0; same && i < a.n; i++) {
        same = str_eq(a.v[i].name, b.v[i].name) && str_eq(a.v[i].address, b.v[i].address);
    }
    return same;
}

static void replace_people(const struct prop_row *row, struct item_edit *edit,
                           struct mime_addresses people)
{
    struct mime_addresses *list = list_of(item_edit_recipients(edit), row->bit);

    if (!same_people(*list, people)) {
        *list = people;
        item_edit_touch(edit, parts_of_lists[row->bit]);
    }
}

int set_recipients(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r)
{
    struct mime_addresses people = {NULL, 0};

    TRY(mailboxes_from_xml(item_edit_arena(edit), node, &people, err_r));
    replace_people(row, edit, people);
    return 0;
}

int append_recipients(const struct prop_row *row, struct item_edit *edit,
                      const struct xml_node *node, struct err *err_r)
{
    struct mime_addresses more = {NULL, 0}, before = *list_of(item_edit_recipients(edit), row->bit);
    struct mime_address *all;

    TRY(mailboxes_from_xml(item_edit_arena(edit), node, &more, err_r));
    all = ARENA_ARRAY(item_edit_arena(edit), struct mime_address, before.n + more.n);
    for (size_t i = 0; i < before.n + more.n; i++) {
        all[i] = i < before.n ? before.v[i] : more.v[i - before.n];
    }
    replace_people(row, edit, (struct mime_addresses){all, before.n + more.n});
    return 0;
}

int remove_recipients(const struct prop_row *row, struct item_edit *edit, struct err *err_r)
{
    (void)err_r;
    replace_people(row, edit, (struct mime_addresses){NULL, 0});
    return 0;
}

static struct prop_addr first_addr(const struct prop_row *row, const struct item_edit *edit)
{
    struct str list = item_edit_props(edit)->v[row->prop];
    struct prop_addr addr = {STR_NULL, STR_NULL};

    (void)props_next_addr(&list, &addr);
    return addr;
}

static void put_addr(const struct prop_row *row, struct item_edit *edit, struct prop_addr addr)
{
    item_edit_set_addrs(edit, (enum item_prop)row->prop, &addr,
                        addr.name.n != 0 || addr.address.n != 0);
}

int put_addr_name(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r)
{
    struct prop_addr addr = first_addr(row, edit);

    (void)err_r;
    addr.name = one_line(item_edit_arena(edit), value->text);
    put_addr(row, edit, addr);
    return 0;
}

int put_addr_address(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                     struct err *err_r)
{
    struct prop_addr addr = first_addr(row, edit);

    (void)err_r;
    addr.address = one_line(item_edit_arena(edit), value->text);
    put_addr(row, edit, addr);
    return 0;
}

/* All addresses are of the internet. */
int put_addr_type(const struct prop_row *row, struct item_edit *edit, const struct value *value,
                  struct err *err_r)
{
    (void)row, (void)edit;
    if (value->type != VALUE_NONE && !str_is_nocase(value->text, "SMTP")) {
        return err_set(err_r, ERR_EXTENDED_VALUE, "address type");
    }
    return 0;
}
