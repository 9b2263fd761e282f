/* Attachments of an item that is edited: one more, one less, and the order that a message gives
 * them when it is composed anew. */
#include "ews/attachments.h"
#include "ews/item_edit-private.h"

#include "base/arena.h"
#include "ews/limits.h"
#include "mailbox/token.h"
#include "mime/message.h"

/* The draft, with what reading the message failed by. */
static int open_draft(struct item_edit *edit, struct mime_draft **draft_r, struct err *err_r)
{
    struct mime_draft *draft = item_edit_draft(edit);

    if (edit->failure.kind != ERR_NONE) {
        *err_r = edit->failure;
        return -(int)edit->failure.kind;
    }
    *draft_r = draft;
    return 0;
}

static void open_numbers(struct item_edit *edit, struct attachment_numbers *numbers_r)
{
    attachment_numbers_open(edit->props.v[IPROP_ATTACHMENT_NUMBERS], edit->draft.attachment_count,
                            edit->arena, numbers_r);
}

static void keep_numbers(struct item_edit *edit, const struct attachment_numbers *numbers)
{
    edit->props.v[IPROP_ATTACHMENT_NUMBERS] = attachment_numbers_list(numbers, edit->arena);
}

int edit_check_attachments(const struct mime_draft_attachment *attachments, size_t n,
                           struct err *err_r)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        bytes += attachments[i].content.n;
    }
    return bytes > ATTACHMENTS_MAX_BYTES || n > ATTACHMENTS_MAX_COUNT
               ? err_tell(err_r, ERR_TOO_LARGE,
                          "The attachments of the item would exceed the limit of size or number.")
               : 0;
}

int item_edit_add_attachment(struct item_edit *edit, const struct mime_draft_attachment *attachment,
                             uint32_t *number_r, struct err *err_r)
{
    struct attachment_numbers numbers;
    struct mime_draft_attachment *all;
    struct mime_draft *draft = NULL;
    size_t n;

    TRY(open_draft(edit, &draft, err_r));
    open_numbers(edit, &numbers);
    if (numbers.next > TOKEN_ATTACHMENT_INDEX_MAX) {
        return err_set(err_r, ERR_TOO_LARGE, "numbers of attachments are used up");
    }
    n = draft->attachment_count;
    all = ARENA_ARRAY(edit->arena, struct mime_draft_attachment, n + 1);
    for (size_t i = 0; i < n; i++) {
        all[i] = draft->attachments[i];
    }
    all[n] = *attachment;
    TRY(edit_check_attachments(all, n + 1, err_r));
    draft->attachments = all;
    draft->attachment_count = n + 1;
    *number_r = (uint32_t)numbers.next;
    numbers.v[numbers.n++] = numbers.next++;
    keep_numbers(edit, &numbers);
    item_edit_touch(edit, EDIT_ATTACHMENTS);
    return 0;
}

int item_edit_remove_attachment(struct item_edit *edit, uint32_t number, struct err *err_r)
{
    struct attachment_numbers numbers;
    struct mime_draft_attachment *rest;
    struct mime_draft *draft = NULL;
    size_t at, n = 0;

    TRY(open_draft(edit, &draft, err_r));
    if (!attachment_position(edit->props.v[IPROP_ATTACHMENT_NUMBERS], number, &at) ||
        at >= draft->attachment_count) {
        return err_set(err_r, ERR_ATTACHMENT_ID, "no attachment %u", (unsigned)number);
    }
    open_numbers(edit, &numbers);
    rest = ARENA_ARRAY(edit->arena, struct mime_draft_attachment, draft->attachment_count);
    for (size_t i = 0; i < draft->attachment_count; i++) {
        if (i != at) {
            rest[n] = draft->attachments[i];
            numbers.v[n++] = numbers.v[i];
        }
    }
    draft->attachments = rest;
    draft->attachment_count = numbers.n = n;
    keep_numbers(edit, &numbers);
    item_edit_touch(edit, EDIT_ATTACHMENTS);
    return 0;
}

/* A contact has a picture when an attachment is one, whatever was said of it before. */
void edit_note_picture(struct item_edit *edit)
{
    bool has = false;

    if (edit->kind != ITEM_KIND_CONTACT || !item_edit_touched(edit, EDIT_ATTACHMENTS)) {
        return;
    }
    for (size_t i = 0; i < edit->draft.attachment_count; i++) {
        has = has || edit->draft.attachments[i].is_photo;
    }
    if (has) {
        item_edit_set_int(edit, IPROP_CONTACT_PICTURE, 1);
    } else {
        item_edit_remove(edit, IPROP_CONTACT_PICTURE);
    }
}

/* ---- order ---- */

/* Composing puts those first that a body may refer to. */
static bool comes_first(const struct mime_draft *draft, const struct mime_draft_attachment *a)
{
    return (draft->has_text || draft->has_html) && a->is_inline &&
           (a->content_id.n != 0 || a->content_location.n != 0);
}

void edit_order_attachments(struct item_edit *edit)
{
    struct mime_draft *draft = &edit->draft;
    size_t n = draft->attachment_count, at = 0;
    struct mime_draft_attachment *ordered;
    struct attachment_numbers before, after;
    bool moved = false;

    if (edit->base == NULL || n < 2) {
        return; /* nobody knows an id yet, or there is no order */
    }
    ordered = ARENA_ARRAY(edit->arena, struct mime_draft_attachment, n);
    open_numbers(edit, &before);
    open_numbers(edit, &after);
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            if (comes_first(draft, &draft->attachments[i]) == (pass == 0)) {
                moved = moved || at != i;
                after.v[at] = before.v[i];
                ordered[at++] = draft->attachments[i];
            }
        }
    }
    if (moved) {
        draft->attachments = ordered;
        keep_numbers(edit, &after);
    }
}

void edit_replace_attachments(struct item_edit *edit)
{
    const struct mime_attachment *attachments;
    struct str source = edit_source(edit);
    struct mime_message *message;
    size_t n;

    if (edit->base == NULL || source.p == NULL) {
        return;
    }
    message = mime_message_new(edit->arena, source);
    mime_message_attachments(message, &attachments, &n);
    mime_message_free(&message);
    if (n != 0 || props_has(&edit->props, IPROP_ATTACHMENT_NUMBERS)) {
        edit->props.v[IPROP_ATTACHMENT_NUMBERS] =
            attachment_numbers_replaced(edit->props.v[IPROP_ATTACHMENT_NUMBERS], n, edit->arena);
    }
}
