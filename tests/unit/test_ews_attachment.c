/* GetAttachment: files, attached messages, attachments of attached messages, and ids that name
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "mailbox/store.h"
#include "mailbox/token.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#define MAIL                                                                                       \
    "From: bob@example.org\r\nTo: alice@example.com\r\nSubject: Outer\r\nMIME-Version: 1.0\r\n"    \
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n"                                            \
    "--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n"                                             \
    "--x\r\nContent-Type: application/octet-stream; name=f.bin\r\n"                                \
    "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=f.bin\r\n\r\n" \
    "AAEC/w==\r\n"                                                                                 \
    "--x\r\nContent-Type: message/rfc822\r\n\r\n"                                                  \
    "From: carol@example.org\r\nTo: bob@example.org\r\nSubject: Inner\r\nMIME-Version: 1.0\r\n"    \
    "Content-Type: multipart/mixed; boundary=y\r\n\r\n"                                            \
    "--y\r\nContent-Type: text/plain\r\n\r\nInner words\r\n"                                       \
    "--y\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=g.csv\r\n\r\n"     \
    "1,2\r\n--y--\r\n"                                                                             \
    "--x--\r\n"

static const char *attachment_id(struct ews_fixture *f, size_t n)
{
    return str_cstr(f->arena, xml_attr(ews_nth(f, "AttachmentId", n), "Id"));
}

/* Ids of the attachments of one item. */
static void list(struct ews_fixture *f, const char **file_r, const char **message_r)
{
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);

    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
            "<t:FieldURI FieldURI='item:Attachments'/></t:AdditionalProperties></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            ews_item_id(f, id));
    assert_string_equal(ews_children(f, ews_nth(f, "Attachments", 0)),
                        "FileAttachment ItemAttachment");
    *file_r = attachment_id(f, 0);
    *message_r = attachment_id(f, 1);
}

static void get(struct ews_fixture *f, const char *shape, const char *id)
{
    ews_ask(f,
            "<m:GetAttachment>%s<m:AttachmentIds><t:AttachmentId Id='%s'/></m:AttachmentIds>"
            "</m:GetAttachment>",
            shape, id);
}

static void assert_content(struct ews_fixture *f, struct str expected)
{
    struct buf bytes = BUF_INIT;

    assert_true(base64_decode(&bytes, ews_nth(f, "Content", 0)->text));
    assert_true(str_eq(buf_str(&bytes), expected));
    buf_fini(&bytes);
}

static void test_file(void **state)
{
    struct ews_fixture *f = *state;
    const char *file, *message;

    list(f, &file, &message);
    get(f, "", file);
    assert_string_equal(
        ews_outline(f, ews_nth(f, "Attachments", 0)),
        "Attachments(FileAttachment(AttachmentId Name ContentType Size LastModifiedTime IsInline "
        "IsContactPhoto Content))");
    assert_string_equal(ews_text(f, "Name"), "f.bin");
    assert_string_equal(ews_text(f, "Size"), "4");
    assert_content(f, STR("\0\1\2\xff"));
}

static void test_attached_message_is_an_item(void **state)
{
    struct ews_fixture *f = *state;
    const char *file, *message;

    list(f, &file, &message);
    get(f, "", message);
    assert_non_null(ews_nth(f, "Message", 0));
    assert_true(str_is(ews_nth(f, "Subject", 0)->text, "Inner"));
    assert_null(ews_nth(f, "ItemId", 0));
    assert_null(ews_nth(f, "MimeContent", 0));
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Note");
    assert_non_null(ews_nth(f, "ToRecipients", 0));
    get(f,
        "<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
        "<t:BodyType>HTML</t:BodyType></m:AttachmentShape>",
        message);
    assert_non_null(ews_nth(f, "MimeContent", 0));
    assert_true(str_is(xml_attr(ews_nth(f, "Body", 1), "BodyType"), "HTML"));
}

static void test_attachment_of_an_attached_message(void **state)
{
    struct ews_fixture *f = *state;
    const char *file, *message;

    list(f, &file, &message);
    get(f, "", message);
    assert_int_equal(ews_count(f, "AttachmentId"), 2);
    get(f, "", attachment_id(f, 1));
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    assert_string_equal(ews_text(f, "Name"), "g.csv");
    assert_content(f, STR("1,2"));
}

static const char *made_up(struct ews_fixture *f, const struct token_attachment *token)
{
    struct buf text = BUF_INIT;
    const char *id;

    token_attachment_write(&text, store_token_key(f->store), token);
    id = str_cstr(f->arena, buf_str(&text));
    buf_fini(&text);
    return id;
}

static void test_ids_that_name_nothing(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    struct token_attachment token = {.mailbox = f->alice, .item = id, .depth = 1, .path = {9}};

    get(f, "", "junk");
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidAttachmentId");
    assert_string_equal(ews_children(f, ews_nth(f, "GetAttachmentResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Attachments");
    get(f, "", made_up(f, &token));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidAttachmentId");
    token.depth = 2; /* below a file */
    token.path[0] = 0;
    get(f, "", made_up(f, &token));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorInvalidAttachmentId");
    token.mailbox = f->bob;
    get(f, "", made_up(f, &token));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorItemNotFound");
    token.mailbox = f->alice;
    ews_delete_item(f, id);
    get(f, "", made_up(f, &token));
    assert_string_equal(ews_text(f, "ResponseCode"), "ErrorItemNotFound");
}

/* Ids of one message and of others, in any order: each gets its own. */
static void test_many_of_several_messages(void **state)
{
    struct ews_fixture *f = *state;
    const char *file[2], *message[2];

    list(f, &file[0], &message[0]);
    list(f, &file[1], &message[1]);
    ews_ask(f,
            "<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id='%s'/><t:AttachmentId Id='%s'/>"
            "<t:AttachmentId Id='%s'/><t:AttachmentId Id='AAAA'/><t:AttachmentId Id='%s'/>"
            "<t:AttachmentId Id='%s'/></m:AttachmentIds></m:GetAttachment>",
            file[0], message[0], message[1], message[1], file[1]);
    assert_string_equal(ews_codes(f),
                        "NoError NoError NoError ErrorInvalidAttachmentId NoError NoError");
    for (size_t i = 0, at = 0; i < 5; i++) {
        static const bool is_file[] = {true, false, false, false, true};
        static const int of[] = {0, 0, 1, 1, 1};

        while (ews_nth(f, "AttachmentId", at) != NULL &&
               strcmp(attachment_id(f, at), is_file[i] ? file[of[i]] : message[of[i]]) != 0) {
            at++; /* of attachments within the attached message */
        }
        assert_non_null(ews_nth(f, "AttachmentId", at));
        at++;
    }
    assert_int_equal(ews_count(f, "Content"), 2);
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_file),
        fixture_test(test_attached_message_is_an_item),
        fixture_test(test_attachment_of_an_attached_message),
        fixture_test(test_ids_that_name_nothing),
        fixture_test(test_many_of_several_messages),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
