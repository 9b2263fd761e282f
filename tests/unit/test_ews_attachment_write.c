/* CreateAttachment and DeleteAttachment: what is attached, ids that outlive their neighbours, the
 * version of the item, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "ews/item_edit-private.h"
#include "ews/limits.h"
#include "mailbox/permissions.h"
#include "mailbox/store.h"
#include "mailbox/token.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

/* A file before a picture that the body refers to: composing turns them round. */
#define MIXED                                                                                      \
    "From: bob@example.org\r\nTo: alice@example.com\r\nSubject: Mixed\r\nMIME-Version: 1.0\r\n"    \
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n"                                            \
    "--x\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:p@x\">\r\n"                              \
    "--x\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=g.csv\r\n\r\n"     \
    "1,2\r\n"                                                                                      \
    "--x\r\nContent-Type: image/png; name=p.png\r\nContent-ID: <p@x>\r\n"                          \
    "Content-Disposition: inline; filename=p.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"     \
    "AAEC\r\n--x--\r\n"

#define FILE_XML(name, content)                                                                    \
    "<t:FileAttachment><t:Name>" name "</t:Name><t:Content>" content "</t:Content>"                \
    "</t:FileAttachment>"

static struct item_id given_mail(struct ews_fixture *f)
{
    return ews_given_message(f, ews_folder(f, DF_INBOX), "Holder");
}

static const char *create(struct ews_fixture *f, struct item_id id, const char *attachments)
{
    ews_ask(f,
            "<m:CreateAttachment><m:ParentItemId Id='%s'/><m:Attachments>%s</m:Attachments>"
            "</m:CreateAttachment>",
            ews_item_id(f, id), attachments);
    return ews_codes(f);
}

static const char *id_at(struct ews_fixture *f, size_t n)
{
    return str_cstr(f->arena, xml_attr(ews_nth(f, "AttachmentId", n), "Id"));
}

static const char *created(struct ews_fixture *f, struct item_id id, const char *attachment)
{
    assert_string_equal(create(f, id, attachment), "NoError");
    return id_at(f, 0);
}

static const char *delete (struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id='%s'/></m:AttachmentIds>"
            "</m:DeleteAttachment>",
            id);
    return ews_codes(f);
}

/* Its name; NULL when the id names nothing any more. */
static const char *name_of(struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id='%s'/></m:AttachmentIds>"
            "</m:GetAttachment>",
            id);
    if (strcmp(ews_codes(f), "NoError") != 0) {
        assert_string_equal(ews_codes(f), "ErrorInvalidAttachmentId");
        return NULL;
    }
    return ews_text(f, "Name");
}

static void list(struct ews_fixture *f, struct item_id id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
            "<t:FieldURI FieldURI='item:Attachments'/>"
            "<t:FieldURI FieldURI='item:HasAttachments'/></t:AdditionalProperties></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            ews_item_id(f, id));
    assert_string_equal(ews_codes(f), "NoError");
}

static void test_file(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    struct item before, after;
    const char *attachment, *key;

    assert_true(ews_find_item(f, id, &before));
    attachment = created(f, id,
                         "<t:FileAttachment><t:Name>a&amp;b.png</t:Name>"
                         "<t:ContentType>image/png</t:ContentType><t:ContentId>c1</t:ContentId>"
                         "<t:IsInline>true</t:IsInline><t:Content>AAEC/w==</t:Content>"
                         "</t:FileAttachment>");
    assert_string_equal(ews_outline(f, ews_nth(f, "Attachments", 0)),
                        "Attachments(FileAttachment(AttachmentId))");
    assert_string_equal(ews_attr(f, "AttachmentId", "RootItemId"), ews_item_id(f, id));
    key = ews_attr(f, "AttachmentId", "RootItemChangeKey");
    assert_true(ews_find_item(f, id, &after));
    assert_true(after.change_seq.v > before.change_seq.v);
    assert_string_equal(name_of(f, attachment), "a&b.png");
    assert_string_equal(ews_text(f, "ContentType"), "image/png");
    assert_string_equal(ews_text(f, "ContentId"), "c1");
    assert_string_equal(ews_text(f, "IsInline"), "true");
    assert_string_equal(ews_text(f, "Content"), "AAEC/w==");
    list(f, id);
    assert_string_equal(ews_attr(f, "ItemId", "ChangeKey"), key);
    assert_string_equal(id_at(f, 0), attachment);
    ews_check_mailbox(f);
}

/* As a common client writes them, with a key that is old by the second one. */
static void test_as_a_client_asks(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);

    list(f, id);
    ews_ask(f,
            "<m:CreateAttachment><m:ParentItemId Id='%s' ChangeKey='%s'/><m:Attachments>"
            "<t:FileAttachment><t:Name>a.png</t:Name><t:ContentType>image/png</t:ContentType>"
            "<t:IsInline>0</t:IsInline><t:Content>eA==</t:Content></t:FileAttachment>"
            "<t:ItemAttachment><t:Name>i</t:Name>"
            "<t:ContentType>application/octet-stream</t:ContentType><t:Message>"
            "<t:Subject>s</t:Subject><t:Sensitivity>Normal</t:Sensitivity>"
            "<t:Body BodyType='Text'>b</t:Body><t:Importance>Normal</t:Importance>"
            "<t:ReminderIsSet>0</t:ReminderIsSet>"
            "<t:ReminderMinutesBeforeStart>0</t:ReminderMinutesBeforeStart>"
            "<t:IsReadReceiptRequested>0</t:IsReadReceiptRequested>"
            "<t:IsDeliveryReceiptRequested>0</t:IsDeliveryReceiptRequested>"
            "<t:IsRead>0</t:IsRead><t:IsResponseRequested>0</t:IsResponseRequested>"
            "</t:Message></t:ItemAttachment></m:Attachments></m:CreateAttachment>",
            ews_item_id(f, id), ews_attr(f, "ItemId", "ChangeKey"));
    assert_string_equal(ews_codes(f), "NoError NoError");
    list(f, id);
    assert_string_equal(ews_children(f, ews_nth(f, "Attachments", 0)),
                        "FileAttachment ItemAttachment");
}

static void test_each_is_a_change_of_its_own(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    const char *last;

    assert_string_equal(create(f, id, FILE_XML("a", "QQ==") FILE_XML("", "") FILE_XML("b", "Qg==")),
                        "NoError ErrorRequiredPropertyMissing NoError");
    last = str_cstr(f->arena, xml_attr(ews_nth(f, "AttachmentId", 1), "RootItemChangeKey"));
    assert_string_not_equal(last, ews_attr(f, "AttachmentId", "RootItemChangeKey"));
    list(f, id);
    assert_int_equal(ews_count(f, "FileAttachment"), 2);
    assert_string_equal(ews_attr(f, "ItemId", "ChangeKey"), last);
    assert_string_equal(ews_text(f, "HasAttachments"), "true");
}

static void test_sync_tells_an_update(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    static const char request[] =
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
        "<m:SyncFolderId><t:DistinguishedFolderId Id='inbox'/></m:SyncFolderId>"
        "<m:SyncState>%s</m:SyncState><m:MaxChangesReturned>10</m:MaxChangesReturned>"
        "</m:SyncFolderItems>";
    const char *sync, *attachment;

    ews_ask(f, request, "");
    sync = ews_text(f, "SyncState");
    attachment = created(f, id, FILE_XML("a", "QQ=="));
    ews_ask(f, request, sync);
    assert_string_equal(ews_children(f, ews_nth(f, "Changes", 0)), "Update");
    sync = ews_text(f, "SyncState");
    assert_string_equal(delete (f, attachment), "NoError");
    ews_ask(f, request, sync);
    assert_string_equal(ews_children(f, ews_nth(f, "Changes", 0)), "Update");
}

static void test_item(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    const char *outer = created(f, id,
                                "<t:ItemAttachment><t:Name>Inner</t:Name><t:Message>"
                                "<t:Subject>Within</t:Subject><t:Attachments>" FILE_XML(
                                    "deep.txt", "QQ==") "</t:Attachments></t:Message>"
                                                        "</t:ItemAttachment>");
    const char *deep;

    assert_non_null(ews_nth(f, "ItemAttachment", 0));
    assert_string_equal(name_of(f, outer), "Inner");
    assert_string_equal(ews_text(f, "Subject"), "Within");
    deep = id_at(f, 1);
    assert_string_equal(name_of(f, deep), "deep.txt");
    assert_string_equal(delete (f, deep), "ErrorCannotDeleteObject");
    assert_string_equal(delete (f, outer), "NoError");
    assert_null(name_of(f, deep));
}

static void test_ids_outlive_their_neighbours(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    const char *a = created(f, id, FILE_XML("a", "QQ==")), *b, *c, *d;

    b = created(f, id, FILE_XML("b", "Qg=="));
    c = created(f, id, FILE_XML("c", "Qw=="));
    assert_string_equal(delete (f, a), "NoError");
    assert_string_equal(ews_attr(f, "RootItemId", "RootItemId"), ews_item_id(f, id));
    assert_string_equal(ews_outline(f, ews_nth(f, "DeleteAttachmentResponseMessage", 0)),
                        "DeleteAttachmentResponseMessage(ResponseCode RootItemId)");
    assert_null(name_of(f, a));
    assert_string_equal(name_of(f, b), "b");
    assert_string_equal(name_of(f, c), "c");
    assert_string_equal(delete (f, c), "NoError");
    d = created(f, id, FILE_XML("d", "RA=="));
    assert_string_not_equal(d, c);
    assert_null(name_of(f, c));
    assert_string_equal(name_of(f, d), "d");
    list(f, id);
    assert_string_equal(id_at(f, 0), b);
    assert_string_equal(id_at(f, 1), d);
    assert_string_equal(delete (f, b), "NoError");
    assert_string_equal(delete (f, d), "NoError");
    list(f, id);
    assert_string_equal(ews_text(f, "HasAttachments"), "false");
    assert_string_not_equal(created(f, id, FILE_XML("e", "RQ==")), a);
    assert_string_equal(delete (f, d), "ErrorInvalidAttachmentId");
}

static void test_composing_turns_attachments_but_not_ids(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MIXED);
    const char *file, *picture;

    list(f, id);
    file = id_at(f, 0);
    picture = id_at(f, 1);
    assert_string_equal(name_of(f, file), "g.csv");
    created(f, id, FILE_XML("new", "QQ=="));
    assert_string_equal(name_of(f, file), "g.csv");
    assert_string_equal(name_of(f, picture), "p.png");
    list(f, id);
    assert_string_equal(id_at(f, 0), picture);
}

static void test_another_message_has_other_attachments(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MIXED);
    struct buf mime = BUF_INIT;
    const char *before;

    list(f, id);
    before = id_at(f, 1);
    base64_encode(&mime, MIXED, sizeof(MIXED) - 1);
    ews_ask(f,
            "<m:UpdateItem MessageDisposition='SaveOnly' ConflictResolution='AlwaysOverwrite'>"
            "<m:ItemChanges><t:ItemChange><t:ItemId Id='%s'/><t:Updates><t:SetItemField>"
            "<t:FieldURI FieldURI='item:MimeContent'/><t:Message><t:MimeContent>%.*s"
            "</t:MimeContent></t:Message></t:SetItemField></t:Updates></t:ItemChange>"
            "</m:ItemChanges></m:UpdateItem>",
            ews_item_id(f, id), (int)mime.n, mime.p);
    buf_fini(&mime);
    assert_string_equal(ews_codes(f), "NoError");
    assert_null(name_of(f, before));
    list(f, id);
    assert_string_equal(name_of(f, id_at(f, 1)), "p.png");
}

static void test_large(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    size_t n = 12U * 1024 * 1024;
    char *content = arena_alloc(f->arena, n + 1);
    const char *attachment;

    memset(content, 'Q', n);
    content[n] = '\0';
    attachment = created(f, id,
                         arena_printf(f->arena,
                                      "<t:FileAttachment><t:Name>big</t:Name><t:Content>%s"
                                      "</t:Content></t:FileAttachment>",
                                      content));
    assert_string_equal(name_of(f, attachment), "big");
    assert_string_equal(ews_text(f, "Size"), "9437184");
    assert_true(str_is(ews_nth(f, "Content", 0)->text, content));
}

/* ---- the picture of a contact ---- */

#define PICTURE(is)                                                                                \
    "<t:FileAttachment><t:Name>ContactPicture.jpg</t:Name><t:IsContactPhoto>" is                   \
    "</t:IsContactPhoto><t:Content>AAEC</t:Content></t:FileAttachment>"

static const char *has_picture(struct ews_fixture *f, struct item_id id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            ews_item_id(f, id));
    return ews_text(f, "HasPicture");
}

static void test_picture_of_a_contact(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_item(f, ews_folder(f, DF_CONTACTS), ITEM_KIND_CONTACT);
    const char *picture;

    assert_string_equal(create(f, id, FILE_XML("other", "AA==") PICTURE("false")),
                        "NoError NoError");
    assert_string_equal(has_picture(f, id), "false");
    picture = created(f, id, PICTURE("true"));
    assert_string_equal(has_picture(f, id), "true");
    assert_true(str_is(ews_nth(f, "IsContactPhoto", 0)->text, "false"));
    assert_true(str_is(ews_nth(f, "IsContactPhoto", 2)->text, "true"));
    assert_string_equal(name_of(f, picture), "ContactPicture.jpg");
    assert_string_equal(ews_text(f, "IsContactPhoto"), "true");
    assert_string_equal(delete (f, picture), "NoError");
    assert_string_equal(has_picture(f, id), "false");
    ews_ask(f, "<m:CreateItem><m:Items><t:Contact><t:Attachments>" PICTURE(
                   "true") "</t:Attachments></t:Contact></m:Items></m:CreateItem>");
    assert_string_equal(ews_text(f, "IsContactPhoto"), "true");
}

/* ---- limits ---- */

static void test_size_and_number_are_bounded(void **state)
{
    struct ews_fixture *f = *state;
    struct mime_draft_attachment *many =
        ARENA_ARRAY(f->arena, struct mime_draft_attachment, ATTACHMENTS_MAX_COUNT + 1);
    struct err err;

    assert_int_equal(edit_check_attachments(many, ATTACHMENTS_MAX_COUNT, &err), 0);
    assert_int_equal(edit_check_attachments(many, ATTACHMENTS_MAX_COUNT + 1, &err), -ERR_TOO_LARGE);
    many[0].content.n = many[1].content.n = ATTACHMENTS_MAX_BYTES / 2;
    assert_int_equal(edit_check_attachments(many, 2, &err), 0);
    many[2].content.n = 1;
    assert_int_equal(edit_check_attachments(many, 3, &err), -ERR_TOO_LARGE);
}

static void test_refused(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);

    assert_string_equal(create(f, id,
                               "<t:FileAttachment><t:Content>QQ==</t:Content>"
                               "</t:FileAttachment>"),
                        "ErrorRequiredPropertyMissing");
    assert_string_equal(ews_children(f, ews_nth(f, "CreateAttachmentResponseMessage", 0)),
                        "MessageText ResponseCode DescriptiveLinkKey Attachments");
    assert_string_equal(create(f, id, "<t:ItemAttachment><t:Name>x</t:Name></t:ItemAttachment>"),
                        "ErrorRequiredPropertyMissing");
    create(f, id, "");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    create(f, id, "<t:Message/>");
    assert_int_equal(f->outcome, ERR_SCHEMA);
    assert_string_equal(delete (f, "junk"), "ErrorInvalidAttachmentId");
    ews_delete_item(f, id);
    assert_string_equal(create(f, id, FILE_XML("a", "QQ==")), "ErrorItemNotFound");
}

static void test_rights(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = given_mail(f);
    const char *attachment = created(f, id, FILE_XML("a", "QQ=="));

    ews_given_rights(f, ews_folder(f, DF_INBOX), f->bob, RIGHT_READ_ITEMS | RIGHT_FOLDER_VISIBLE);
    f->as = f->bob;
    assert_string_equal(create(f, id, FILE_XML("b", "QQ==")), "ErrorAccessDenied");
    assert_string_equal(delete (f, attachment), "ErrorAccessDenied");
    assert_string_equal(name_of(f, attachment), "a");
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_file),
        fixture_test(test_as_a_client_asks),
        fixture_test(test_each_is_a_change_of_its_own),
        fixture_test(test_sync_tells_an_update),
        fixture_test(test_item),
        fixture_test(test_ids_outlive_their_neighbours),
        fixture_test(test_composing_turns_attachments_but_not_ids),
        fixture_test(test_another_message_has_other_attachments),
        fixture_test(test_large),
        fixture_test(test_picture_of_a_contact),
        fixture_test(test_size_and_number_are_bounded),
        fixture_test(test_refused),
        fixture_test(test_rights),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
