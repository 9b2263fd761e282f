"""The envelope: versions, headers, faults, what is dispatched and what is refused."""
import pytest

from soap import (
    ERRORS,
    MESSAGES,
    NS,
    SOAP,
    TYPES,
    Answer,
    envelope,
    get_folder,
    get_item,
    local,
    sync_hierarchy,
    sync_items,
)

KNOWN_VERSIONS = [
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2009",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2012",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2015_SP1",
    "Exchange2016",
    "Exchange2019",
    "V2015_10_05",
    "V2016_01_06",
    "V2016_04_13",
    "V2016_07_13",
    "V2016_10_10",
    "V2017_01_07",
    "V2017_04_14",
    "V2017_07_11",
    "V2017_10_09",
    "V2018_01_08",
    "V2_6",
    "V2_248",
]


@pytest.fixture(name="client")
def fixture_client(reader):
    """Nothing here changes a mailbox."""
    return reader


# ---- versions


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_known_versions(client, version):
    assert client.call(get_folder("inbox", base="AllProperties"), version).code == "NoError"


@pytest.mark.parametrize(
    "version",
    [
        "",
        "Exchange",
        "Exchange2006",
        "exchange2013",
        "Exchange2013_SP9",
        "V2_",
        "V2_x",
        "2013",
        "V2017_7_11",
        "Exchange2007 ",
        "A" * 10000,
    ],
)
def test_unknown_versions_are_a_fault(client, version):
    answer = client.fault(get_folder("inbox"), version)
    assert answer.fault_code == "ErrorInvalidServerVersion"
    assert answer.fault_string == "The specified server version is invalid."


def test_version_may_be_left_out(client):
    assert client.call(get_folder("inbox"), None).code == "NoError"
    assert (
        client.post(
            envelope(get_folder("inbox"), None).replace(b"<soap:Header></soap:Header>", b"")
        ).code
        == "NoError"
    )
    assert (
        client.post(
            envelope(get_folder("inbox"), None).replace(
                b"<soap:Header></soap:Header>", b"<soap:Header/>"
            )
        ).code
        == "NoError"
    )


@pytest.mark.parametrize(
    "version, present",
    [
        ("Exchange2007_SP1", False),
        ("Exchange2010_SP2", False),
        ("Exchange2013", True),
        ("V2017_07_11", True),
        (None, False),
    ],
)
def test_elements_of_newer_versions_are_not_sent_to_older_clients(client, version, present):
    answer = client.call(get_folder("inbox", base="AllProperties"), version)
    assert (answer.find("t:DistinguishedFolderId") is not None) == present


# ---- headers


@pytest.mark.parametrize(
    "header",
    [
        "<t:MailboxCulture>de-DE</t:MailboxCulture>",
        "<t:DateTimePrecision>Milliseconds</t:DateTimePrecision>",
        "<t:DateTimePrecision>Seconds</t:DateTimePrecision>",
        '<t:TimeZoneContext><t:TimeZoneDefinition Id="UTC"/></t:TimeZoneContext>',
        '<t:TimeZoneContext><t:TimeZoneDefinition Id="W. Europe Standard Time"/>'
        "</t:TimeZoneContext>",
        '<x:Other xmlns:x="urn:x"><x:deep><x:er/></x:deep></x:Other>',
        '<x:Other xmlns:x="urn:x" soap:mustUnderstand="0"/>',
        "<t:NoHeaderOfOurs/>",
    ],
)
def test_headers_that_are_taken(client, header):
    assert client.call(get_folder("inbox"), header=header).code == "NoError"


@pytest.mark.parametrize(
    "header, code",
    [
        ("<t:DateTimePrecision>Hours</t:DateTimePrecision>", "ErrorSchemaValidation"),
        (
            '<t:TimeZoneContext><t:TimeZoneDefinition Id="Nowhere Time"/></t:TimeZoneContext>',
            "ErrorInvalidValueForProperty",
        ),
        ("<t:TimeZoneContext/>", "ErrorSchemaValidation"),
        ("<t:SerializedSecurityContext/>", "ErrorAccessDenied"),
        ("<t:ManagementRole/>", "ErrorAccessDenied"),
        ("<t:OpenAsAdminOrSystemService/>", "ErrorAccessDenied"),
        (
            "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress/></t:ConnectingSID>"
            "</t:ExchangeImpersonation>",
            "ErrorInvalidExchangeImpersonationHeaderData",
        ),
        (
            "<t:ExchangeImpersonation><t:ConnectingSID>"
            "<t:PrimarySmtpAddress>no-such@example.com</t:PrimarySmtpAddress></t:ConnectingSID>"
            "</t:ExchangeImpersonation>",
            "ErrorNonExistentMailbox",
        ),
        ("<t:ExchangeImpersonation/>", "ErrorSchemaValidation"),
    ],
)
def test_headers_that_are_refused(client, header, code):
    assert client.fault(get_folder("inbox"), header=header).fault_code == code


def test_impersonation_of_another_user_is_denied(client, new_user):
    other = new_user("other")
    header = (
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{other}</t:SmtpAddress>"
        "</t:ConnectingSID>"
        "</t:ExchangeImpersonation>"
    )
    assert (
        client.fault(get_folder("inbox"), header=header).fault_code == "ErrorImpersonateUserDenied"
    )


@pytest.mark.parametrize("value", ["1", "true"])
def test_must_understand_is_a_fault_of_soap(client, value):
    answer = client.fault(
        get_folder("inbox"), header=f'<x:Other xmlns:x="urn:x" soap:mustUnderstand="{value}"/>'
    )
    assert answer.body.findtext("faultcode").split(":")[-1] == "MustUnderstand"
    prefix = answer.body.findtext("faultcode").split(":")[0]
    assert answer.body.find("faultcode").nsmap[prefix] == SOAP
    assert answer.body.find("detail") is None


def test_must_understand_of_a_known_header(client):
    header = '<t:MailboxCulture soap:mustUnderstand="1">en-US</t:MailboxCulture>'
    assert client.call(get_folder("inbox"), header=header).code == "NoError"


# ---- the form of answers


def test_success_has_no_text_and_no_link_key(client):
    message = client.call(get_folder("inbox")).messages[0]
    assert message.get("ResponseClass") == "Success"
    assert [local(e) for e in message] == ["ResponseCode", "Folders"]


def test_error_has_text_code_key_and_the_empty_collection(client):
    message = client.call(get_item("AAAA")).messages[0]
    assert message.get("ResponseClass") == "Error"
    assert [local(e) for e in message] == [
        "MessageText",
        "ResponseCode",
        "DescriptiveLinkKey",
        "Items",
    ]
    assert [e.text for e in message] == ["Id is malformed.", "ErrorInvalidIdMalformed", "0", None]
    assert len(message[3]) == 0


def test_one_message_for_each_object_in_request_order(client):
    answer = client.call(get_folder("inbox", "publicfoldersroot", "drafts", "AAAA", "outbox"))
    assert answer.codes == [
        "NoError",
        "ErrorFolderNotFound",
        "NoError",
        "ErrorInvalidIdMalformed",
        "NoError",
    ]
    assert answer.values("t:DisplayName") == ["Inbox", "Drafts", "Outbox"]


def test_header_of_an_answer_holds_the_version_alone(client):
    header = client.call(get_folder("inbox")).root.find("s:Header", NS)
    assert [e.tag for e in header] == [f"{{{TYPES}}}ServerVersionInfo"]


# ---- the form of faults


def test_fault_form(client):
    answer = client.fault("<m:SyncFolderItems/>")
    fault = answer.body
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.raw.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert [e.tag for e in fault] == ["faultcode", "faultstring", "detail"]
    prefix, code = fault[0].text.split(":")
    assert (code, fault[0].nsmap[prefix]) == ("ErrorSchemaValidation", TYPES)
    assert fault[1].get("{http://www.w3.org/XML/1998/namespace}lang") == "en-US"
    assert fault[1].text.startswith("The request failed schema validation: ")
    assert [e.tag for e in fault[2]] == [
        f"{{{ERRORS}}}ResponseCode",
        f"{{{ERRORS}}}Message",
        f"{{{TYPES}}}MessageXml",
    ]
    assert [e.text for e in fault[2]][:2] == [
        "ErrorSchemaValidation",
        "The request failed schema validation.",
    ]
    assert [local(e) for e in fault[2][2]] == ["LineNumber", "LinePosition", "Violation"]
    assert fault[1].text.endswith(fault[2][2][2].text)


def test_fault_tells_where_the_violation_is(client):
    document = envelope("\n\n  <m:SyncFolderItems/>")
    answer = client.post(document)
    line = 1 + document[: document.index(b"<m:SyncFolderItems")].count(b"\n")
    assert answer.value("t:LineNumber") == str(line)
    assert int(answer.value("t:LinePosition")) > 0


@pytest.mark.parametrize(
    "operation",
    [
        "ExecuteSearch",
        "FindPeople",
        "GetInboxRules",
        "GetRooms",
        "GetUserAvailabilityRequest",
        "InstallApp",
        "PlayOnPhone",
        "SearchMailboxes",
        "SetUserOofSettingsRequest",
    ],
)
def test_operations_of_the_schema_that_are_not_here(client, operation):
    answer = client.fault(f"<m:{operation}/>")
    assert answer.fault_code == "ErrorInvalidOperation"


@pytest.mark.parametrize(
    "body",
    [
        "<m:NoSuchOperation/>",
        "<m:syncfolderitems/>",
        "<m:SyncFolderItemsResponse/>",
        "<t:SyncFolderItems/>",
        "<SyncFolderItems/>",
        '<x:GetFolder xmlns:x="urn:x"/>',
        "<m:Fault/>",
    ],
)
def test_what_is_no_operation(client, body):
    assert client.fault(body).fault_code == "ErrorSchemaValidation"


@pytest.mark.parametrize("body", ["", "  \n ", "<!-- nothing -->"])
def test_empty_body_is_an_invalid_request(client, body):
    assert client.fault(body).fault_code == "ErrorInvalidRequest"


def test_two_operations_in_one_body(client):
    assert (
        client.fault(get_folder("inbox") + get_folder("inbox")).fault_code
        == "ErrorSchemaValidation"
    )


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" ",
        b"hello",
        b"<",
        b"<a>",
        b"<a></b>",
        b"\x00",
        b"{}",
        b"<Envelope/>",
        b'<Envelope xmlns="urn:x"><Body/></Envelope>',
        envelope(get_folder("inbox")).replace(
            b"http://schemas.xmlsoap.org", b"https://schemas.xmlsoap.org"
        ),
        envelope(get_folder("inbox")).replace(
            b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
        ),
        envelope(get_folder("inbox"))[:-1],
        envelope(get_folder("inbox")) + b"x",
        envelope(get_folder("inbox")) * 2,
        envelope(get_folder("inbox")).replace(b"<soap:Body>", b"").replace(b"</soap:Body>", b""),
        envelope(get_folder("inbox")).replace(b"t:BaseShape", b"t:Baseshape"),
        envelope(get_folder("inbox")).replace(b"soap:Body>", b"soap:body>"),
    ],
)
def test_what_is_no_request_is_a_fault(client, document):
    answer = client.post(document)
    assert answer.status == 500
    assert answer.fault_code in ("ErrorSchemaValidation", "ErrorInvalidRequest")
    assert client.call(get_folder("inbox")).code == "NoError"


def test_prefixes_are_the_senders_choice(client):
    document = (
        f"<?xml version='1.0'?><Envelope xmlns='{SOAP}'><Header><v:RequestServerVersion "
        f"xmlns:v='{TYPES}' Version='Exchange2013'/>"
        f"</Header><Body><GetFolder xmlns='{MESSAGES}'><FolderShape><BaseShape "
        f"xmlns='{TYPES}'>IdOnly</BaseShape></FolderShape>"
        f"<FolderIds><q:DistinguishedFolderId xmlns:q='{TYPES}' Id='inbox'>"
        "</q:DistinguishedFolderId></FolderIds></GetFolder></Body></Envelope>"
    )
    assert client.post(document.encode()).code == "NoError"


def test_white_space_comments_and_byte_order_mark(client):
    document = envelope(get_folder("inbox")).decode().replace("><", ">\r\n\t <!-- c --><")
    assert client.post(("\ufeff" + document).encode()).code == "NoError"


@pytest.mark.parametrize(
    "ask", [get_folder("inbox"), sync_items(), sync_hierarchy(), get_item("AAAA")]
)
def test_attributes_and_elements_that_the_schema_lacks(client, ask):
    name = ask[1 : ask.index(">")].split(" ")[0]
    assert (
        client.fault(ask.replace(f"</{name}>", f"<m:Extra/></{name}>")).fault_code
        == "ErrorSchemaValidation"
    )
    assert isinstance(client.post(envelope(ask)), Answer)
