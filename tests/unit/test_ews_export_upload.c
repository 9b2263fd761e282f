/* ExportItems and UploadItems: what comes back, in the place of what, and streams that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "ews/item_stream.h"
#include "mailbox/permissions.h"
#include "mailbox/props.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#define MAIL                                                                                       \
    "From: bob@example.org\r\nTo: alice@example.com\r\nSubject: Kept\r\nMIME-Version: 1.0\r\n"     \
    "Content-Type: text/plain\r\n\r\nWords\r\n"

static const char *exported(struct ews_fixture *f, struct item_id id)
{
    ews_ask(f, "<m:ExportItems><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:ExportItems>",
            ews_item_id(f, id));
    assert_string_equal(ews_codes(f), "NoError");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, id));
    return ews_text(f, "Data");
}

static const char *upload(struct ews_fixture *f, const char *attributes, enum distinguished folder,
                          const char *item_id, const char *data)
{
    ews_ask(f,
            "<m:UploadItems><m:Items><t:Item %s><t:ParentFolderId Id='%s'/>%s<t:Data>%s</t:Data>"
            "</t:Item></m:Items></m:UploadItems>",
            attributes, ews_folder_id(f, ews_folder(f, folder)),
            item_id[0] == '\0' ? "" : arena_printf(f->arena, "<t:ItemId Id='%s'/>", item_id), data);
    return f->http_status == 200 ? ews_codes(f) : "fault";
}

static const char *mime_of(struct ews_fixture *f, const char *id)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>"
            "<t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape>"
            "<m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            id);
    assert_string_equal(ews_codes(f), "NoError");
    return ews_text(f, "MimeContent");
}

static void test_round_trip(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    const char *data, *copy, *mime, *received;

    ews_set_read(f, id, true);
    data = exported(f, id);
    mime = mime_of(f, ews_item_id(f, id));
    received = ews_text(f, "DateTimeReceived");
    clock_manual_advance(&f->clock, 3600 * 1000);
    assert_string_equal(
        upload(f, "CreateAction='CreateNew' IsAssociated='false'", DF_DRAFTS, "", data), "NoError");
    assert_string_equal(ews_outline(f, ews_nth(f, "UploadItemsResponseMessage", 0)),
                        "UploadItemsResponseMessage(ResponseCode ItemId)");
    copy = ews_attr(f, "ItemId", "Id");
    assert_string_not_equal(copy, ews_item_id(f, id));
    assert_string_equal(mime_of(f, copy), mime);
    assert_string_equal(ews_text(f, "DateTimeReceived"), received);
    assert_string_equal(ews_text(f, "Subject"), "Kept");
    assert_string_equal(ews_text(f, "IsRead"), "true");
    ews_check_mailbox(f);
}

static void test_record_alone(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id;
    const char *data;

    ews_ask(f, "<m:CreateItem><m:Items><t:Contact><t:ExtendedProperty><t:ExtendedFieldURI "
               "DistinguishedPropertySetId='PublicStrings' PropertyName='mine' "
               "PropertyType='String'/><t:Value>v\xc3\xa4l</t:Value></t:ExtendedProperty>"
               "<t:GivenName>Ada</t:GivenName></t:Contact></m:Items></m:CreateItem>");
    assert_string_equal(ews_codes(f), "NoError");
    ews_ask(f, "<m:ExportItems><m:ItemIds><t:ItemId Id='%s'/></m:ItemIds></m:ExportItems>",
            ews_attr(f, "ItemId", "Id"));
    assert_string_equal(ews_codes(f), "NoError");
    data = ews_text(f, "Data");
    assert_string_equal(upload(f, "CreateAction='UpdateOrCreate'", DF_CONTACTS, "", data),
                        "NoError");
    ews_ask(
        f,
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:AdditionalProperties>"
        "<t:ExtendedFieldURI DistinguishedPropertySetId='PublicStrings' PropertyName='mine' "
        "PropertyType='String'/></t:AdditionalProperties></m:ItemShape><m:ItemIds>"
        "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
        ews_attr(f, "ItemId", "Id"));
    assert_string_equal(ews_codes(f), "NoError");
    assert_string_equal(ews_text(f, "Value"), "v\xc3\xa4l");
    assert_string_equal(ews_text(f, "GivenName"), "Ada");
    id = ews_given_message(f, ews_folder(f, DF_CONTACTS), "A message");
    assert_string_equal(upload(f, "CreateAction='Update'", DF_CONTACTS, ews_item_id(f, id), data),
                        "ErrorObjectTypeChanged");
}

static void test_update(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    struct item_id other = ews_given_message(f, ews_folder(f, DF_INBOX), "Other");
    const char *data = exported(f, id), *key;

    assert_string_equal(upload(f, "CreateAction='Update'", DF_INBOX, ews_item_id(f, other), data),
                        "NoError");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, other));
    key = ews_attr(f, "ItemId", "ChangeKey");
    mime_of(f, ews_item_id(f, other));
    assert_string_equal(ews_text(f, "Subject"), "Kept");
    assert_string_equal(ews_attr(f, "ItemId", "ChangeKey"), key);
    assert_string_equal(
        upload(f, "CreateAction='UpdateOrCreate'", DF_INBOX, ews_item_id(f, other), data),
        "NoError");
    assert_string_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, other));
    ews_check_mailbox(f);
}

static void test_update_looks_in_the_folder_named(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    const char *data = exported(f, id);

    assert_string_equal(upload(f, "CreateAction='Update'", DF_DRAFTS, ews_item_id(f, id), data),
                        "ErrorItemNotFound");
    assert_string_equal(
        upload(f, "CreateAction='UpdateOrCreate'", DF_DRAFTS, ews_item_id(f, id), data), "NoError");
    assert_string_not_equal(ews_attr(f, "ItemId", "Id"), ews_item_id(f, id));
    ews_delete_item(f, id);
    assert_string_equal(upload(f, "CreateAction='Update'", DF_INBOX, ews_item_id(f, id), data),
                        "ErrorItemNotFound");
    assert_string_equal(
        upload(f, "CreateAction='UpdateOrCreate'", DF_INBOX, ews_item_id(f, id), data), "NoError");
}

static void test_associated(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_associated(f, ews_folder(f, DF_INBOX));
    const char *data = exported(f, id);

    upload(f, "CreateAction='CreateNew'", DF_INBOX, "", data);
    mime_of(f, ews_attr(f, "ItemId", "Id"));
    assert_string_equal(ews_text(f, "IsAssociated"), "true");
    upload(f, "CreateAction='CreateNew' IsAssociated='false'", DF_INBOX, "", data);
    mime_of(f, ews_attr(f, "ItemId", "Id"));
    assert_string_equal(ews_text(f, "IsAssociated"), "false");
    ews_check_mailbox(f);
}

static void test_uploads_that_contradict_themselves(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    const char *data = exported(f, id);

    assert_string_equal(upload(f, "CreateAction='CreateNew'", DF_INBOX, ews_item_id(f, id), data),
                        "ErrorInvalidRequest");
    assert_string_equal(upload(f, "CreateAction='Update'", DF_INBOX, "", data),
                        "ErrorInvalidRequest");
    assert_string_equal(upload(f, "", DF_INBOX, "", data), "fault");
    assert_int_equal(f->outcome, ERR_SCHEMA);
}

/* ---- streams ---- */

static void test_damaged_streams(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    struct str data = str_from(exported(f, id));
    struct item_stream item;
    struct buf bytes = BUF_INIT;

    assert_true(base64_decode(&bytes, data));
    assert_int_equal(item_stream_read(buf_str(&bytes), f->arena, &item, NULL), 0);
    for (size_t i = 0; i < bytes.n; i++) {
        bytes.p[i] ^= 0x10;
        assert_int_equal(item_stream_read(buf_str(&bytes), f->arena, &item, NULL), -ERR_PARSE);
        bytes.p[i] ^= 0x10;
        assert_int_equal(item_stream_read(str_of(bytes.p, i), f->arena, &item, NULL), -ERR_PARSE);
    }
    buf_fini(&bytes);
    assert_string_equal(upload(f, "CreateAction='CreateNew'", DF_INBOX, "", ""),
                        "ErrorCorruptData");
    assert_string_equal(upload(f, "CreateAction='CreateNew'", DF_INBOX, "", "?"),
                        "ErrorCorruptData");
    assert_string_equal(upload(f, "CreateAction='CreateNew'", DF_INBOX, "", "RVdFUklURU0B"),
                        "ErrorCorruptData");
}

/* Reads a stream whose record has this one value; the checksum is right. */
static int read_forged(struct ews_fixture *f, enum item_prop prop, struct str raw,
                       struct item_stream *item_r)
{
    struct item_stream item = {.kind = ITEM_KIND_MESSAGE};
    struct buf record = BUF_INIT, bytes = BUF_INIT;
    struct props_writer w;
    int rc;

    props_begin(&w, &record);
    props_add_raw(&w, prop, raw);
    item.record = buf_str(&record);
    item_stream_write(&item, &bytes);
    rc = item_stream_read(buf_str(&bytes), f->arena, item_r, NULL);
    buf_fini(&record);
    buf_fini(&bytes);
    return rc;
}

static void test_values_are_looked_at(void **state)
{
    struct ews_fixture *f = *state;
    struct item_stream item;
    struct props props;

    assert_int_equal(read_forged(f, IPROP_SUBJECT, STR("good"), &item), 0);
    assert_true(props_open(&props, item.record));
    assert_true(str_is(props.v[IPROP_SUBJECT], "good"));
    assert_int_equal(read_forged(f, IPROP_SUBJECT, STR("bad\1"), &item), -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_SUBJECT, STR("bad\xff"), &item), -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_IMPORTANCE, STR("\4\4"), &item), -ERR_PARSE);
    assert_int_equal(
        read_forged(f, IPROP_CREATED, STR("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1"), &item),
        -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_FROM, STR("\1a\1\2"), &item), -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_CATEGORIES, STR("\7a"), &item), -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_CONVERSATION_ID, STR("short"), &item), -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_EXTENDED, STR("\1\1k\3\1\2x"), &item), -ERR_PARSE);
    assert_int_equal(read_forged(f, IPROP_CREATOR, STR("\4"), &item), 0);
    assert_true(props_open(&props, item.record));
    assert_false(props_has(&props, IPROP_CREATOR));
}

static void test_rights(void **state)
{
    struct ews_fixture *f = *state;
    struct item_id id = ews_given_mime(f, ews_folder(f, DF_INBOX), MAIL);
    const char *data = exported(f, id);

    ews_given_rights(f, ews_folder(f, DF_INBOX), f->bob, RIGHT_READ_ITEMS | RIGHT_FOLDER_VISIBLE);
    f->as = f->bob;
    assert_string_equal(upload(f, "CreateAction='CreateNew'", DF_INBOX, "", data),
                        "ErrorCreateItemAccessDenied");
    assert_string_equal(upload(f, "CreateAction='Update'", DF_INBOX, ews_item_id(f, id), data),
                        "ErrorAccessDenied");
}

#define fixture_test(fn)                                                                           \
    cmocka_unit_test_setup_teardown(fn, ews_fixture_setup, ews_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_round_trip),      fixture_test(test_record_alone),
        fixture_test(test_update),          fixture_test(test_update_looks_in_the_folder_named),
        fixture_test(test_associated),      fixture_test(test_uploads_that_contradict_themselves),
        fixture_test(test_damaged_streams), fixture_test(test_values_are_looked_at),
        fixture_test(test_rights),
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
