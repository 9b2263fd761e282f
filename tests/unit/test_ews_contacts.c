/* Contacts and distribution lists: what one client writes another reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/base64.h"
#include "support/answer_schema.h"
#include "support/ews_fixture.h"

#include <string.h>

#define URI(uri) "<t:FieldURI FieldURI='" uri "'/>"
#define ENTRY_URI(uri, key) "<t:IndexedFieldURI FieldURI='" uri "' FieldIndex='" key "'/>"
#define SET(path, element, v)                                                                      \
    "<t:SetItemField>" path "<t:" element ">" v "</t:" element "></t:SetItemField>"
#define SET_CONTACT(path, v) SET(path, "Contact", v)
#define DELETE(path) "<t:DeleteItemField>" path "</t:DeleteItemField>"

static const char *create(struct ews_fixture *f, const char *element)
{
    ews_ask(f,
            "<m:CreateItem><m:SavedItemFolderId><t:DistinguishedFolderId Id='contacts'/>"
            "</m:SavedItemFolderId><m:Items>%s</m:Items></m:CreateItem>",
            element);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    return ews_attr(f, "ItemId", "Id");
}

static const char *create_contact(struct ews_fixture *f, const char *properties)
{
    return create(f, arena_printf(f->arena, "<t:Contact>%s</t:Contact>", properties));
}

static const char *try_update(struct ews_fixture *f, const char *id, const char *updates)
{
    ews_ask(f,
            "<m:UpdateItem ConflictResolution='AlwaysOverwrite'><m:ItemChanges><t:ItemChange>"
            "<t:ItemId Id='%s'/><t:Updates>%s</t:Updates></t:ItemChange></m:ItemChanges>"
            "</m:UpdateItem>",
            id, updates);
    return ews_text(f, "ResponseCode");
}

static void update(struct ews_fixture *f, const char *id, const char *updates)
{
    assert_string_equal(try_update(f, id, updates), "NoError");
}

static void get_with(struct ews_fixture *f, const char *id, const char *base, const char *paths)
{
    ews_ask(f,
            "<m:GetItem><m:ItemShape><t:BaseShape>%s</t:BaseShape>%s</m:ItemShape><m:ItemIds>"
            "<t:ItemId Id='%s'/></m:ItemIds></m:GetItem>",
            base, paths, id);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
}

static void get(struct ews_fixture *f, const char *id)
{
    get_with(f, id, "AllProperties", "");
}

/* The first element of that name with its content, as it stands in the last answer; "" if absent. */
static const char *element(struct ews_fixture *f, const char *name)
{
    const char *open = arena_printf(f->arena, "<t:%s", name);
    const char *close = arena_printf(f->arena, "</t:%s>", name);
    const char *from = strstr(f->answer.p, open), *to;

    if (from == NULL) {
        return "";
    }
    to = strstr(from, close);
    assert_non_null(to);
    return arena_strndup(f->arena, from, (size_t)(to - from) + strlen(close));
}

/* Every property that a client can set, as it must come back, in the schema's order. */
static const char *const everything[][2] = {
    {"Sensitivity", "Private"},
    {"FileAs", "Somebody  else"},
    {"FileAsMapping", "LastCommaFirst"},
    {"DisplayName", "Ada L."},
    {"GivenName", "Ada"},
    {"Initials", "A.K."},
    {"MiddleName", "King"},
    {"Nickname", "Lady &amp; Countess"},
    {"CompanyName", "Engines &lt;Ltd&gt;"},
    {"EmailAddresses", "<t:Entry Key=\"EmailAddress1\" Name=\"Ada\" RoutingType=\"SMTP\" "
                       "MailboxType=\"Contact\">ada@example.org</t:Entry>"
                       "<t:Entry Key=\"EmailAddress3\">ada@home.example</t:Entry>"},
    {"PhysicalAddresses",
     "<t:Entry Key=\"Home\"><t:Street>12 St James's Square\nLondon</t:Street>"
     "<t:City>London</t:City><t:State>W</t:State><t:CountryOrRegion>UK</t:CountryOrRegion>"
     "<t:PostalCode>SW1</t:PostalCode></t:Entry>"
     "<t:Entry Key=\"Other\"><t:City>Ockham</t:City></t:Entry>"},
    {"PhoneNumbers", "<t:Entry Key=\"AssistantPhone\">1</t:Entry>"
                     "<t:Entry Key=\"BusinessFax\">2</t:Entry>"
                     "<t:Entry Key=\"MobilePhone\">+44 3</t:Entry>"
                     "<t:Entry Key=\"TtyTddPhone\">4</t:Entry>"},
    {"AssistantName", "Charles"},
    {"Birthday", "1815-12-10T11:59:00Z"},
    {"BusinessHomePage", "http://example.org/ada"},
    {"Children", "<t:String>Byron</t:String><t:String>Anne</t:String>"},
    {"Companies", "<t:String>One</t:String><t:String>Two</t:String>"},
    {"Department", "Analysis"},
    {"Generation", "II"},
    {"ImAddresses", "<t:Entry Key=\"ImAddress1\">ada@im.example</t:Entry>"
                    "<t:Entry Key=\"ImAddress2\">lady</t:Entry>"},
    {"JobTitle", "Analyst"},
    {"Manager", "Babbage"},
    {"Mileage", "12 km"},
    {"OfficeLocation", "Attic"},
    {"PostalAddressIndex", "Home"},
    {"Profession", "Mathematician"},
    {"SpouseName", "William"},
    {"Surname", "Lovelace"},
    {"WeddingAnniversary", "1835-07-08T11:59:00Z"},
};

static const char *all_properties(struct ews_fixture *f)
{
    const char *all = "";

    for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
        all = arena_printf(f->arena, "%s<t:%s>%s</t:%s>", all, everything[i][0], everything[i][1],
                           everything[i][0]);
    }
    return all;
}

static void expect_everything(struct ews_fixture *f)
{
    for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
        const char *wanted = arena_printf(f->arena, "<t:%s>%s</t:%s>", everything[i][0],
                                          everything[i][1], everything[i][0]);

        assert_string_equal(element(f, everything[i][0]), wanted);
    }
}

static void test_all_that_is_created_comes_back(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, all_properties(f));

    get(f, id);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.Contact");
    assert_string_equal(ews_text(f, "HasPicture"), "false");
    expect_everything(f);
    assert_string_equal(element(f, "CompleteName"),
                        "<t:CompleteName><t:FirstName>Ada</t:FirstName><t:MiddleName>King"
                        "</t:MiddleName><t:LastName>Lovelace</t:LastName><t:Suffix>II</t:Suffix>"
                        "<t:Initials>A.K.</t:Initials><t:FullName>Ada L.</t:FullName>"
                        "<t:Nickname>Lady &amp; Countess</t:Nickname></t:CompleteName>");
}

/* One property an update, and one entry or part of one where a dictionary has them. */
static void test_all_that_is_updated_comes_back(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, "<t:GivenName>x</t:GivenName>");

    for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
        const char *prefix = strcmp(everything[i][0], "Sensitivity") == 0 ? "item" : "contacts";

        update(f, id,
               arena_printf(f->arena,
                            "<t:SetItemField><t:FieldURI FieldURI='%s:%s'/><t:Contact><t:%s>%s"
                            "</t:%s></t:Contact></t:SetItemField>",
                            prefix, everything[i][0], everything[i][0], everything[i][1],
                            everything[i][0]));
    }
    update(f, id, SET_CONTACT(URI("contacts:FileAs"), "<t:FileAs>Somebody  else</t:FileAs>"));
    get(f, id);
    expect_everything(f);
    for (size_t i = 2; i < ARRAY_LEN(everything); i++) {
        update(f, id,
               arena_printf(f->arena,
                            "<t:DeleteItemField><t:FieldURI FieldURI='contacts:%s'/>"
                            "</t:DeleteItemField>",
                            everything[i][0]));
    }
    update(f, id, DELETE(URI("contacts:FileAs")));
    get(f, id);
    assert_string_equal(element(f, "FileAs"), "");
    assert_string_equal(element(f, "CompleteName"), "");
    assert_string_equal(element(f, "Surname"), "");
    assert_string_equal(element(f, "PhoneNumbers"), "");
    assert_string_equal(element(f, "PhysicalAddresses"), "");
    assert_string_equal(ews_text(f, "PostalAddressIndex"), "None");
}

static void test_entries_of_dictionaries(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, all_properties(f));

    update(f, id,
           SET_CONTACT(ENTRY_URI("contacts:PhoneNumber", "Pager"),
                       "<t:PhoneNumbers><t:Entry Key='Pager'>7</t:Entry></t:PhoneNumbers>")
               DELETE(ENTRY_URI("contacts:PhoneNumber", "BusinessFax"))
                   SET_CONTACT(ENTRY_URI("contacts:EmailAddress", "EmailAddress1"),
                               "<t:EmailAddresses><t:Entry Key='EmailAddress1'>new@example.org"
                               "</t:Entry></t:EmailAddresses>")
                       DELETE(ENTRY_URI("contacts:EmailAddress", "EmailAddress3"))
                           DELETE(ENTRY_URI("contacts:ImAddress", "ImAddress1")));
    get(f, id);
    assert_string_equal(element(f, "PhoneNumbers"),
                        "<t:PhoneNumbers><t:Entry Key=\"AssistantPhone\">1</t:Entry>"
                        "<t:Entry Key=\"MobilePhone\">+44 3</t:Entry>"
                        "<t:Entry Key=\"Pager\">7</t:Entry>"
                        "<t:Entry Key=\"TtyTddPhone\">4</t:Entry></t:PhoneNumbers>");
    assert_string_equal(element(f, "EmailAddresses"),
                        "<t:EmailAddresses><t:Entry Key=\"EmailAddress1\">new@example.org"
                        "</t:Entry></t:EmailAddresses>");
    assert_string_equal(element(f, "ImAddresses"),
                        "<t:ImAddresses><t:Entry Key=\"ImAddress2\">lady</t:Entry>"
                        "</t:ImAddresses>");
}

static void test_parts_of_addresses(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, all_properties(f));

    update(f, id,
           SET_CONTACT(ENTRY_URI("contacts:PhysicalAddress:City", "Home"),
                       "<t:PhysicalAddresses><t:Entry Key='Home'><t:City>Bath</t:City></t:Entry>"
                       "</t:PhysicalAddresses>")
               DELETE(ENTRY_URI("contacts:PhysicalAddress:Street", "Home"))
                   DELETE(ENTRY_URI("contacts:PhysicalAddress:City", "Other"))
                       SET_CONTACT(ENTRY_URI("contacts:PhysicalAddress:PostalCode", "Business"),
                                   "<t:PhysicalAddresses><t:Entry Key='Business'><t:PostalCode>1"
                                   "</t:PostalCode></t:Entry></t:PhysicalAddresses>"));
    get(f, id);
    assert_string_equal(
        element(f, "PhysicalAddresses"),
        "<t:PhysicalAddresses><t:Entry Key=\"Home\"><t:City>Bath</t:City><t:State>W</t:State>"
        "<t:CountryOrRegion>UK</t:CountryOrRegion><t:PostalCode>SW1</t:PostalCode></t:Entry>"
        "<t:Entry Key=\"Business\"><t:PostalCode>1</t:PostalCode></t:Entry>"
        "</t:PhysicalAddresses>");
}

static void test_refuses_wrong_entries(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, "<t:GivenName>Ada</t:GivenName>");

    assert_string_equal(try_update(f, id,
                                   SET_CONTACT(ENTRY_URI("contacts:PhoneNumber", "Pager"),
                                               "<t:PhoneNumbers><t:Entry Key='Telex'>7</t:Entry>"
                                               "</t:PhoneNumbers>")),
                        "ErrorUpdatePropertyMismatch");
    assert_string_equal(try_update(f, id,
                                   SET_CONTACT(ENTRY_URI("contacts:PhoneNumber", "Pager"),
                                               "<t:PhoneNumbers><t:Entry Key='Pager'>7</t:Entry>"
                                               "<t:Entry Key='Telex'>7</t:Entry>"
                                               "</t:PhoneNumbers>")),
                        "ErrorIncorrectUpdatePropertyCount");
    assert_string_equal(try_update(f, id, DELETE(ENTRY_URI("contacts:PhoneNumber", "Drum"))),
                        "ErrorInvalidPropertySet");
    assert_string_equal(
        try_update(f, id,
                   SET_CONTACT(URI("contacts:HasPicture"), "<t:HasPicture>true</t:HasPicture>")),
        "ErrorInvalidPropertySet");
    assert_string_equal(ews_attr(f, "FieldURI", "FieldURI"), "contacts:HasPicture");
    get(f, id);
    assert_string_equal(element(f, "PhoneNumbers"), "");
}

static void test_file_as_follows_the_names(void **state)
{
    static const char *const mappings[][2] = {
        {"LastCommaFirst", "Lovelace, Ada King"},
        {"FirstSpaceLast", "Ada King Lovelace II"},
        {"Company", "Engines"},
        {"LastCommaFirstCompany", "Lovelace, Ada King\r\nEngines"},
        {"CompanyLastFirst", "Engines\r\nLovelaceAda King"},
        {"LastSpaceFirst", "Lovelace Ada King"},
        {"DisplayName", "Countess"},
        {"FirstName", "Ada"},
        {"LastFirstMiddleSuffix", "LovelaceAdaKingII"},
        {"LastName", "Lovelace"},
    };
    struct ews_fixture *f = *state;
    const char *id =
        create_contact(f, "<t:DisplayName>Countess</t:DisplayName><t:GivenName>Ada</t:GivenName>"
                          "<t:MiddleName>King</t:MiddleName><t:CompanyName>Engines</t:CompanyName>"
                          "<t:Generation>II</t:Generation><t:Surname>Lovelace</t:Surname>");

    get(f, id);
    assert_string_equal(ews_text(f, "FileAs"), "Lovelace, Ada King");
    for (size_t i = 0; i < ARRAY_LEN(mappings); i++) {
        update(f, id,
               arena_printf(f->arena,
                            SET_CONTACT(URI("contacts:FileAsMapping"),
                                        "<t:FileAsMapping>%s</t:FileAsMapping>"),
                            mappings[i][0]));
        get(f, id);
        assert_string_equal(ews_text(f, "FileAs"), mappings[i][1]);
    }
    update(f, id,
           SET_CONTACT(URI("contacts:FileAsMapping"), "<t:FileAsMapping>Empty</t:FileAsMapping>"));
    get(f, id);
    assert_null(ews_text(f, "FileAs"));
    update(f, id, SET_CONTACT(URI("contacts:FileAs"), "<t:FileAs>Me</t:FileAs>"));
    get(f, id);
    assert_string_equal(ews_text(f, "FileAs"), "Me");
    update(
        f, id,
        SET_CONTACT(URI("contacts:FileAsMapping"), "<t:FileAsMapping>LastName</t:FileAsMapping>"));
    get(f, id);
    assert_string_equal(ews_text(f, "FileAs"), "Lovelace");
}

static void test_names_fall_back(void **state)
{
    struct ews_fixture *f = *state;

    get(f, create_contact(f, "<t:GivenName>Ada</t:GivenName><t:Surname>Lovelace</t:Surname>"));
    assert_string_equal(ews_text(f, "DisplayName"), "Ada Lovelace");
    get(f, create_contact(f, "<t:CompanyName>Engines</t:CompanyName>"));
    assert_string_equal(ews_text(f, "DisplayName"), "Engines");
    assert_string_equal(ews_text(f, "FileAs"), "Engines");
    get(f, create_contact(f, "<t:EmailAddresses><t:Entry Key='EmailAddress1'>a@example.org"
                             "</t:Entry></t:EmailAddresses>"));
    assert_string_equal(ews_text(f, "DisplayName"), "a@example.org");
    get(f, create_contact(f, "<t:Surname>Lovelace</t:Surname>"));
    assert_string_equal(ews_text(f, "FileAs"), "Lovelace");
}

static void test_single_entries_can_be_asked_for(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, all_properties(f));

    get_with(f, id, "IdOnly",
             "<t:AdditionalProperties>" ENTRY_URI("contacts:PhoneNumber", "MobilePhone")
                 ENTRY_URI("contacts:EmailAddress", "EmailAddress3")
                     ENTRY_URI("contacts:PhoneNumber", "Telex")
                         ENTRY_URI("contacts:PhoneNumber", "Drum") "</t:AdditionalProperties>");
    assert_string_equal(element(f, "PhoneNumbers"),
                        "<t:PhoneNumbers><t:Entry Key=\"MobilePhone\">+44 3</t:Entry>"
                        "</t:PhoneNumbers>");
    assert_string_equal(element(f, "EmailAddresses"),
                        "<t:EmailAddresses><t:Entry Key=\"EmailAddress3\">ada@home.example"
                        "</t:Entry></t:EmailAddresses>");
}

static void test_mapi_shows_the_same_values(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(
        f, "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x3a06' PropertyType='String'/>"
           "<t:Value>Ada</t:Value></t:ExtendedProperty>"
           "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x3a59' PropertyType='String'/>"
           "<t:Value>London</t:Value></t:ExtendedProperty>"
           "<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId='Address' "
           "PropertyId='32899' PropertyType='String'/><t:Value>a@example.org</t:Value>"
           "</t:ExtendedProperty>"
           "<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag='0x3a1c' PropertyType='String'/>"
           "<t:Value>7</t:Value></t:ExtendedProperty>"
           "<t:Surname>Lovelace</t:Surname>");

    get_with(f, id, "AllProperties",
             "<t:AdditionalProperties><t:ExtendedFieldURI PropertyTag='0x3a11' "
             "PropertyType='String'/></t:AdditionalProperties>");
    assert_string_equal(ews_text(f, "GivenName"), "Ada");
    assert_string_equal(element(f, "EmailAddresses"),
                        "<t:EmailAddresses><t:Entry Key=\"EmailAddress1\">a@example.org"
                        "</t:Entry></t:EmailAddresses>");
    assert_string_equal(element(f, "PhysicalAddresses"),
                        "<t:PhysicalAddresses><t:Entry Key=\"Home\"><t:City>London</t:City>"
                        "</t:Entry></t:PhysicalAddresses>");
    assert_string_equal(element(f, "PhoneNumbers"),
                        "<t:PhoneNumbers><t:Entry Key=\"MobilePhone\">7</t:Entry>"
                        "</t:PhoneNumbers>");
    assert_string_equal(ews_text(f, "Value"), "Lovelace");
}

static void test_exports_a_vcard(void **state)
{
    struct ews_fixture *f = *state;
    const char *id = create_contact(f, all_properties(f));
    struct buf card = BUF_INIT;
    const char *text;

    get_with(f, id, "IdOnly", "<t:IncludeMimeContent>true</t:IncludeMimeContent>");
    assert_true(base64_decode_lenient(&card, str_from(ews_text(f, "MimeContent"))));
    text = str_cstr(f->arena, buf_str(&card));
    buf_fini(&card);
    assert_memory_equal(text, "BEGIN:VCARD\r\nVERSION:3.0\r\n", 26);
    assert_non_null(strstr(text, "\r\nN:Lovelace;Ada;King;;II\r\n"));
    assert_non_null(strstr(text, "\r\nFN:Ada L.\r\n"));
    assert_non_null(strstr(text, "\r\nEMAIL;TYPE=INTERNET:ada@home.example\r\n"));
    assert_non_null(strstr(text, "\r\nTEL;TYPE=CELL:+44 3\r\n"));
    assert_non_null(strstr(text, "\r\nBDAY:1815-12-10\r\n"));
    assert_non_null(
        strstr(text, "\r\nADR;TYPE=HOME:;;12 St James's Square\\nLondon;London;W;SW1;UK"));
}

/* ---- lists ---- */

#define MEMBER(address)                                                                            \
    "<t:Member><t:Mailbox><t:Name>N</t:Name><t:EmailAddress>" address                              \
    "</t:EmailAddress></t:Mailbox></t:Member>"

static void test_lists_keep_their_members(void **state)
{
    struct ews_fixture *f = *state;
    const char *id =
        create(f, "<t:DistributionList><t:DisplayName>Team</t:DisplayName><t:Members>"
                  "<t:Member Key='k1'><t:Mailbox><t:Name>Ada</t:Name><t:EmailAddress>a@example.org"
                  "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>OneOff"
                  "</t:MailboxType></t:Mailbox><t:Status>Demoted</t:Status></t:Member>" MEMBER(
                      "b@x.org") "</t:Members></t:DistributionList>");

    get(f, id);
    assert_string_equal(ews_text(f, "ItemClass"), "IPM.DistList");
    assert_string_equal(ews_text(f, "DisplayName"), "Team");
    assert_string_equal(ews_text(f, "FileAs"), "Team");
    assert_string_equal(
        element(f, "Members"),
        "<t:Members><t:Member Key=\"k1\"><t:Mailbox><t:Name>Ada</t:Name><t:EmailAddress>"
        "a@example.org</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>OneOff"
        "</t:MailboxType></t:Mailbox><t:Status>Demoted</t:Status></t:Member>"
        "<t:Member Key=\"YkB4Lm9yZw==\"><t:Mailbox><t:Name>N</t:Name><t:EmailAddress>b@x.org"
        "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Mailbox><t:Status>Normal"
        "</t:Status></t:Member></t:Members>");
}

static void test_members_come_and_go(void **state)
{
    struct ews_fixture *f = *state;
    const char *id =
        create(f, "<t:DistributionList><t:DisplayName>Team</t:DisplayName><t:Members>" MEMBER(
                      "a@x.org") MEMBER("b@x.org") "</t:Members></t:DistributionList>");

    update(
        f, id,
        "<t:AppendToItemField>" URI("distributionlist:Members") "<t:DistributionList><t:Members>" MEMBER(
            "c@x.org") "</t:Members></t:DistributionList></t:AppendToItemField>" DELETE(ENTRY_URI("distributionlist:Members:Member",
                                                                                                  "YUB4Lm9yZw==")));
    get(f, id);
    assert_int_equal(ews_count(f, "Member"), 2);
    assert_string_equal(ews_text(f, "EmailAddress"), "b@x.org");
    update(f, id,
           SET(URI("distributionlist:Members"), "DistributionList",
               "<t:Members>" MEMBER("d@x.org") "</t:Members>"));
    get(f, id);
    assert_int_equal(ews_count(f, "Member"), 1);
    update(f, id, DELETE(URI("distributionlist:Members")));
    get(f, id);
    assert_int_equal(ews_count(f, "Members"), 0);
    assert_string_equal(try_update(f, id,
                                   SET(URI("distributionlist:Members"), "DistributionList",
                                       "<t:Members><t:Member><t:Mailbox/></t:Member>"
                                       "</t:Members>")),
                        "ErrorInvalidValueForProperty");
}

/* ---- finding ---- */

static const char *find(struct ews_fixture *f, const char *view)
{
    const char *all = "";

    ews_ask(
        f,
        "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>Default</t:BaseShape>"
        "<t:AdditionalProperties>" URI(
            "contacts:DisplayName") "</t:AdditionalProperties>"
                                    "</m:ItemShape>%s<m:ParentFolderIds><t:DistinguishedFolderId Id='contacts'/>"
                                    "</m:ParentFolderIds></m:FindItem>",
        view);
    assert_string_equal(ews_text(f, "ResponseCode"), "NoError");
    for (size_t i = 0; ews_nth(f, "DisplayName", i) != NULL; i++) {
        all = arena_printf(f->arena, "%s%s%.*s", all, i == 0 ? "" : " ",
                           STR_ARG(ews_nth(f, "DisplayName", i)->text));
    }
    return all;
}

static void given_four(struct ews_fixture *f)
{
    create_contact(f, "<t:DisplayName>dora</t:DisplayName><t:PhoneNumbers>"
                      "<t:Entry Key='MobilePhone'>2</t:Entry></t:PhoneNumbers>"
                      "<t:Surname>Zorn</t:Surname>");
    create_contact(f, "<t:DisplayName>Bert</t:DisplayName><t:EmailAddresses>"
                      "<t:Entry Key='EmailAddress1'>Bert@Example.org</t:Entry></t:EmailAddresses>"
                      "<t:Surname>Young</t:Surname>");
    create_contact(f, "<t:DisplayName>\xc3\x81lvaro</t:DisplayName><t:PhoneNumbers>"
                      "<t:Entry Key='MobilePhone'>1</t:Entry></t:PhoneNumbers>");
    create_contact(f, "<t:DisplayName>carl</t:DisplayName>");
}

static void test_contacts_view(void **state)
{
    struct ews_fixture *f = *state;

    given_four(f);
    assert_string_equal(find(f, "<m:ContactsView/>"), "Bert carl dora \xc3\x81lvaro");
    assert_string_equal(find(f, "<m:ContactsView InitialName='BERT' FinalName='d'/>"), "Bert carl");
    assert_string_equal(find(f, "<m:ContactsView InitialName='c'/>"), "carl dora");
    assert_string_equal(find(f, "<m:ContactsView FinalName='b'/>"), "\xc3\x81lvaro");
    assert_string_equal(find(f, "<m:ContactsView MaxEntriesReturned='1' InitialName='c'/>"),
                        "carl");
    assert_string_equal(ews_attr(f, "RootFolder", "IncludesLastItemInRange"), "false");
    assert_string_equal(ews_attr(f, "RootFolder", "TotalItemsInView"), "2");
}

#define CONTAINS(path, v)                                                                             \
    "<m:Restriction><t:Contains ContainmentMode='Substring' ContainmentComparison='IgnoreCase'>" path \
    "<t:Constant Value='" v "'/></t:Contains></m:Restriction>"

static void test_restrictions_and_sorts(void **state)
{
    struct ews_fixture *f = *state;

    given_four(f);
    assert_string_equal(find(f, CONTAINS(URI("contacts:Surname"), "o")), "Bert dora");
    assert_string_equal(
        find(f, CONTAINS(ENTRY_URI("contacts:EmailAddress", "EmailAddress1"), "example")), "Bert");
    assert_string_equal(
        find(f, "<m:Restriction><t:Exists>" ENTRY_URI(
                    "contacts:PhoneNumber",
                    "MobilePhone") "</t:Exists></m:Restriction><m:SortOrder><t:FieldOrder "
                                   "Order='Ascending'>" ENTRY_URI(
                                       "contacts:PhoneNumber",
                                       "MobilePhone") "</t:FieldOrder></m:SortOrder>"),
        "\xc3\x81lvaro dora");
    assert_string_equal(find(f, "<m:SortOrder><t:FieldOrder Order='Descending'>" URI(
                                    "contacts:FileAs") "</t:FieldOrder></m:SortOrder>"),
                        "\xc3\x81lvaro dora Bert carl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, ews_fixture_setup, ews_fixture_teardown)
        T(test_all_that_is_created_comes_back),
        T(test_all_that_is_updated_comes_back),
        T(test_entries_of_dictionaries),
        T(test_parts_of_addresses),
        T(test_refuses_wrong_entries),
        T(test_file_as_follows_the_names),
        T(test_names_fall_back),
        T(test_single_entries_can_be_asked_for),
        T(test_mapi_shows_the_same_values),
        T(test_exports_a_vcard),
        T(test_lists_keep_their_members),
        T(test_members_come_and_go),
        T(test_contacts_view),
        T(test_restrictions_and_sorts),
#undef T
    };

    return cmocka_run_group_tests(tests, answers_keep, answers_check);
}
