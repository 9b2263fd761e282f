/* Members of distribution lists. */
#include "ews/props-private.h"

#include "base/arena.h"
#include "base/base64.h"
#include "ews/dictionary.h"
#include "ews/grammar.h"
#include "ews/item_edit.h"
#include "ews/limits.h"
#include "xml/xml_doc.h"
#include "xml/xml_write.h"

/* The texts of a member, in the order in which the record has them. */
enum member_text {
    MEMBER_KEY,
    MEMBER_NAME,
    MEMBER_ADDRESS,
    MEMBER_ROUTING,
    MEMBER_TYPE,
    MEMBER_ITEM_ID,
    MEMBER_STATUS,
    MEMBER_TEXTS
};

struct member {
    struct str text[MEMBER_TEXTS];
};

static bool next_member(struct str *rest, struct member *member_r)
{
    for (size_t i = 0; i < MEMBER_TEXTS; i++) {
        if (!props_next_text(rest, &member_r->text[i])) {
            return false;
        }
    }
    return true;
}

/* ---- answers ---- */

static void add_text(struct buf *out, const char *element, struct str text)
{
    if (text.n != 0) {
        xml_add_element(out, str_from(element), text);
    }
}

static void write_member_mailbox(const struct item_view *view, struct buf *out,
                                 const struct member *m)
{
    BUF_LIT(out, "<t:Mailbox>");
    add_text(out, "t:Name", m->text[m->text[MEMBER_NAME].n != 0 ? MEMBER_NAME : MEMBER_ADDRESS]);
    add_text(out, "t:EmailAddress", m->text[MEMBER_ADDRESS]);
    add_text(out, "t:RoutingType", m->text[MEMBER_ROUTING]);
    if (view->call->version >= EWS_EXCHANGE2010_SP2) {
        add_text(out, "t:MailboxType", m->text[MEMBER_TYPE]);
    }
    if (m->text[MEMBER_ITEM_ID].n != 0) {
        BUF_LIT(out, "<t:ItemId Id=\"");
        xml_add_attr_text(out, m->text[MEMBER_ITEM_ID]);
        BUF_LIT(out, "\"/>");
    }
    BUF_LIT(out, "</t:Mailbox>");
}

void write_members(const struct prop_row *row, struct item_view *view, struct buf *out)
{
    struct str rest = view->props.v[row->prop];
    struct member m;

    if (rest.n == 0) {
        return;
    }
    buf_add_str(out, row->open);
    while (next_member(&rest, &m)) {
        BUF_LIT(out, "<t:Member Key=\"");
        xml_add_attr_text(out, m.text[MEMBER_KEY]);
        BUF_LIT(out, "\">");
        write_member_mailbox(view, out, &m);
        xml_add_element(out, STR("t:Status"), m.text[MEMBER_STATUS]);
        BUF_LIT(out, "</t:Member>");
    }
    buf_add_str(out, row->close);
}

/* ---- setting ---- */

struct member_list {
    struct arena *arena;
    struct member *members;
    size_t n, room;
};

static struct member *add_member(struct member_list *list)
{
    if (list->n == list->room) {
        size_t room = list->room * 2 + 8;

        list->members = arena_grow(list->arena, list->members, list->room * sizeof(struct member),
                                   room * sizeof(struct member));
        list->room = room;
    }
    return &list->members[list->n++];
}

static void open_list(struct member_list *list, struct item_edit *edit, const struct prop_row *row)
{
    struct str rest = item_edit_props(edit)->v[row->prop];
    struct member m;

    *list = (struct member_list){.arena = item_edit_arena(edit)};
    while (next_member(&rest, &m)) {
        *add_member(list) = m;
    }
}

static void store_list(const struct member_list *list, struct item_edit *edit,
                       const struct prop_row *row)
{
    item_edit_set_texts(edit, (enum item_prop)row->prop,
                        list->n != 0 ? list->members[0].text : NULL, list->n * MEMBER_TEXTS);
}

static const char *const status_names[] = {"Unrecognized", "Normal", "Demoted", NULL};

static struct str child_text(const struct xml_node *node, const char *name)
{
    const struct xml_node *child = xml_child(node, XML_NS_TYPES, name);

    return child != NULL ? child->text : STR_NULL;
}

static int check_name(const struct xml_node *parent, const char *name, const char *const *names,
                      struct err *err_r)
{
    const struct xml_node *node = xml_child(parent, XML_NS_TYPES, name);
    size_t i;

    return node != NULL ? grammar_enum(node, names, &i, err_r) : 0;
}

/* Whoever has no key is known by what he is; the same in any list. */
static struct str make_key(struct arena *arena, const struct member *m)
{
    struct str what = m->text[MEMBER_ADDRESS];
    struct buf text = BUF_INIT;
    struct str key;

    what = what.n != 0 ? what : m->text[MEMBER_ITEM_ID];
    what = what.n != 0 ? what : m->text[MEMBER_NAME];
    base64_encode(&text, what.p, what.n);
    key = str_dup(arena, buf_str(&text));
    buf_fini(&text);
    return key;
}

static void read_mailbox(const struct xml_node *mailbox, struct member *m)
{
    const struct xml_node *id = xml_child(mailbox, XML_NS_TYPES, "ItemId");

    m->text[MEMBER_NAME] = child_text(mailbox, "Name");
    m->text[MEMBER_ADDRESS] = str_trim(child_text(mailbox, "EmailAddress"));
    m->text[MEMBER_ROUTING] = str_trim(child_text(mailbox, "RoutingType"));
    m->text[MEMBER_TYPE] = str_trim(child_text(mailbox, "MailboxType"));
    m->text[MEMBER_ITEM_ID] = id != NULL ? xml_attr(id, "Id") : STR_NULL;
    if (m->text[MEMBER_ROUTING].n == 0 && m->text[MEMBER_ADDRESS].n != 0) {
        m->text[MEMBER_ROUTING] = STR("SMTP");
    }
}

static int read_member(const struct xml_node *node, struct arena *arena, struct member *m_r,
                       struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "Mailbox", 1, 1},
                                                    {XML_NS_TYPES, "Status", 0, 1}};
    const struct xml_node *found[ARRAY_LEN(children)];
    struct member m = {.text = {{NULL, 0}}};

    TRY(grammar_sequence(node, children, ARRAY_LEN(children), found, err_r));
    TRY(check_name(found[0], "MailboxType", mailbox_type_names, err_r));
    TRY(check_name(node, "Status", status_names, err_r));
    read_mailbox(found[0], &m);
    if (m.text[MEMBER_ADDRESS].n == 0 && m.text[MEMBER_ITEM_ID].n == 0 &&
        m.text[MEMBER_NAME].n == 0) {
        return err_set(err_r, ERR_PROPERTY_VALUE, "a member who is nobody");
    }
    m.text[MEMBER_STATUS] = found[1] != NULL ? str_trim(found[1]->text) : STR("Normal");
    m.text[MEMBER_KEY] = xml_attr(node, "Key");
    if (m.text[MEMBER_KEY].n == 0) {
        m.text[MEMBER_KEY] = make_key(arena, &m);
    }
    *m_r = m;
    return 0;
}

static int read_members(struct member_list *list, const struct xml_node *node, struct err *err_r)
{
    for (const struct xml_node *child = node->first_child; child != NULL; child = child->next) {
        struct member m;

        if (!xml_is(child, XML_NS_TYPES, "Member")) {
            return grammar_fail(child, err_r,
                                "The element 'Members' has invalid child element "
                                "'%.*s'.",
                                STR_ARG(child->name));
        }
        if (list->n == LIST_MAX_MEMBERS) {
            return err_tell(err_r, ERR_PROPERTY_VALUE,
                            "A distribution list has at most %d members.", LIST_MAX_MEMBERS);
        }
        TRY(read_member(child, list->arena, &m, err_r));
        *add_member(list) = m;
    }
    return 0;
}

int set_members(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                struct err *err_r)
{
    struct member_list list = {.arena = item_edit_arena(edit)};

    TRY(read_members(&list, node, err_r));
    store_list(&list, edit, row);
    return 0;
}

int append_members(const struct prop_row *row, struct item_edit *edit, const struct xml_node *node,
                   struct err *err_r)
{
    struct member_list list;

    open_list(&list, edit, row);
    TRY(read_members(&list, node, err_r));
    store_list(&list, edit, row);
    return 0;
}

/* The members of that key go; those of node come. */
int set_member_entry(const struct prop_row *row, struct item_edit *edit,
                     const struct prop_path *path, const struct xml_node *node, struct err *err_r)
{
    struct member_list list;
    size_t kept = 0;

    open_list(&list, edit, row);
    for (size_t i = 0; i < list.n; i++) {
        if (!str_eq(list.members[i].text[MEMBER_KEY], path->index)) {
            list.members[kept++] = list.members[i];
        }
    }
    list.n = kept;
    if (node != NULL) {
        TRY(read_members(&list, node, err_r));
    }
    store_list(&list, edit, row);
    return 0;
}
