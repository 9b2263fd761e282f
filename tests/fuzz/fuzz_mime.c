/*
 * Whatever bytes arrive as mail: the draft is made, every text of the message is clean UTF-8, an attachment is as large as was said, and nothing
 * crashes, hangs or leaks.
 */
#include "base/arena.h"
#include "base/utf8.h"
#include "mailbox/draft.h"
#include "mailbox/props.h"
#include "mime/message.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mime_init();
    return 0;
}

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(struct str text)
{
    check(utf8_valid(text));
}

static void check_draft(struct arena *arena, struct str raw)
{
    struct draft_options options = {
        .now_ms = 1700000000000, .recipient = STR("user@example.com"), .delivered = true};
    struct item_draft draft;
    struct props props;

    item_draft_from_mime(arena, raw, &options, &draft);
    check(draft.size == raw.n);
    check(props_open(&props, draft.props));
    check_text(props.v[IPROP_SUBJECT]);
    check_text(props.v[IPROP_PREVIEW]);
}

static void check_headers(struct mime_message *message)
{
    const struct mime_header *headers;
    size_t n;

    mime_message_headers(message, &headers, &n);
    for (size_t i = 0; i < n; i++) {
        check_text(headers[i].value);
    }
}

static void check_attachments(struct mime_message *message)
{
    const struct mime_attachment *attachments;
    struct str content;
    size_t n;

    mime_message_attachments(message, &attachments, &n);
    for (size_t i = 0; i < n; i++) {
        check(mime_message_attachment_content(message, i, &content));
        check(content.n == attachments[i].size);
        check_text(attachments[i].name);
        check_text(attachments[i].content_type);
    }
    check(!mime_message_attachment_content(message, n, &content));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(NULL, "fuzz");
    struct str raw = str_of(data, size);
    struct mime_message *message = mime_message_new(arena, raw);

    check_draft(arena, raw);
    check_headers(message);
    check_text(mime_message_body_as_text(message));
    check_text(mime_message_body_as_html(message));
    check_text(mime_html_to_text(arena, raw));
    check_attachments(message);
    mime_message_free(&message);
    arena_free(&arena);
    return 0;
}
