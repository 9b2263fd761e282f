#include "ews/attachments.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/call.h"
#include "ews/grammar.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

/* ---- ids ---- */

int attachment_ids_parse(struct ews_call *call, const struct xml_node *node, struct str **ids_r,
                         size_t *n_r, struct err *err_r)
{
    struct str *ids = ARENA_ARRAY(call->arena, struct str, node->child_count);
    size_t n = 0;

    for (const struct xml_node *id = node->first_child; id != NULL; id = id->next) {
        if (!xml_is(id, XML_NS_TYPES, "AttachmentId")) {
            return grammar_fail(id, err_r, "The element '%.*s' is no attachment id.",
                                STR_ARG(id->name));
        }
        TRY(grammar_attr_str(id, "Id", true, &ids[n++], err_r));
    }
    if (n == 0) {
        return grammar_fail(node, err_r, "The element 'AttachmentIds' has incomplete content.");
    }
    *ids_r = ids;
    *n_r = n;
    return 0;
}

int attachment_root_get(struct ews_call *call, struct mailbox_tx *tx,
                        const struct token_attachment *token, struct arena *arena,
                        struct item *item_r, struct err *err_r)
{
    struct item item;
    int found;

    if (token->mailbox.v != call->mailbox.v) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "attachment in another mailbox");
    }
    found = mailbox_item_get(tx, token->item, arena, &item, err_r);
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return err_set(err_r, ERR_ITEM_NOT_FOUND, "item is gone");
    }
    TRY(access_require_reading(call, tx, &item, err_r));
    *item_r = item;
    return 0;
}

void attachment_write_root(struct ews_call *call, struct item_id item, struct seq version)
{
    const struct token_item token = {call->mailbox, item};

    BUF_LIT(&call->out, " RootItemId=\"");
    token_item_write(&call->out, call->key, &token);
    BUF_LIT(&call->out, "\" RootItemChangeKey=\"");
    token_change_key_write(&call->out, call->key, &(struct token_change_key){version});
    BUF_LIT(&call->out, "\"");
}

/* ---- numbers ---- */

/* The first of a list: the next number to give. A damaged list is none. */
static uint64_t take_next(struct str *list)
{
    uint64_t next;

    if (!str_take_varint(list, &next)) {
        *list = STR("");
        return 0;
    }
    return next;
}

uint64_t attachment_number(struct str list, size_t position)
{
    uint64_t next = take_next(&list), number;
    size_t n = 0;

    for (; str_take_varint(&list, &number); n++) {
        if (n == position) {
            return number;
        }
    }
    position -= n;
    return position < UINT64_MAX - next ? next + position : UINT64_MAX;
}

bool attachment_position(struct str list, uint64_t number, size_t *position_r)
{
    uint64_t next = take_next(&list), listed;
    size_t n = 0;

    for (; str_take_varint(&list, &listed); n++) {
        if (listed == number) {
            *position_r = n;
            return true;
        }
    }
    if (number < next || number - next > SIZE_MAX - n) {
        return false;
    }
    *position_r = n + (size_t)(number - next);
    return true;
}

void attachment_numbers_open(struct str list, size_t n, struct arena *arena,
                             struct attachment_numbers *numbers_r)
{
    struct attachment_numbers numbers = {.v = ARENA_ARRAY(arena, uint64_t, n + 1), .n = n};
    struct str rest = list;

    numbers.next = take_next(&rest);
    for (size_t i = 0; i < n; i++) {
        numbers.v[i] = attachment_number(list, i);
        numbers.next = numbers.v[i] >= numbers.next ? numbers.v[i] + 1 : numbers.next;
    }
    *numbers_r = numbers;
}

struct str attachment_numbers_list(const struct attachment_numbers *numbers, struct arena *arena)
{
    struct buf out = BUF_INIT;
    struct str list;

    buf_add_varint(&out, numbers->next);
    for (size_t i = 0; i < numbers->n; i++) {
        buf_add_varint(&out, numbers->v[i]);
    }
    list = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return list;
}

struct str attachment_numbers_replaced(struct str list, size_t n, struct arena *arena)
{
    struct attachment_numbers numbers;

    attachment_numbers_open(list, n, arena, &numbers);
    numbers.n = 0;
    return attachment_numbers_list(&numbers, arena);
}
