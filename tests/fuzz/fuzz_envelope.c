/*
 * Any bytes as an EWS request, put to a real mailbox. The answer is well-formed XML in one of the
 * two forms that clients know: a fault, or messages.
 *
 * Tokens are keyed per store, so a seed cannot hold one: the bytes 1 to 4, which XML does not
 * allow, stand for ids and states of the mailbox at hand.
 */
#include "base/arena.h"
#include "support/ews_fixture.h"

#include <stdlib.h>

static struct ews_fixture *fixture;
static struct arena *names;
static struct str tokens[4];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const char MEETING[] =
    "From: Dan <dan@example.com>\r\nTo: Alice <alice@example.com>\r\nSubject: Plan\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20060802T173000Z\r\n"
    "DTEND:20060802T193000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

static struct str keep(const char *s)
{
    return str_dup(names, str_from(s));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct folder_id inbox;

    (void)argc;
    (void)argv;
    fixture = ews_fixture_new();
    names = arena_new(NULL, "names");
    inbox = ews_folder(fixture, DF_INBOX);
    ews_given_mime(fixture, inbox, MEETING);
    tokens[0] = keep(ews_folder_id(fixture, inbox));
    tokens[1] = keep(ews_item_id(fixture, ews_given_message(fixture, inbox, "Hello")));
    ews_ask(fixture, "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>"
                     "</m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id='inbox'/>"
                     "</m:SyncFolderId><m:MaxChangesReturned>1</m:MaxChangesReturned>"
                     "</m:SyncFolderItems>");
    tokens[2] = keep(ews_text(fixture, "SyncState"));
    ews_ask(fixture, "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>"
                     "</m:FolderShape></m:SyncFolderHierarchy>");
    tokens[3] = keep(ews_text(fixture, "SyncState"));
    return 0;
}

/* A fault, or one response element with at least one message. */
static void check_answer(void)
{
    const struct xml_node *body;

    check(xml_is(fixture->root, XML_NS_SOAP, "Envelope"));
    body = xml_child(fixture->root, XML_NS_SOAP, "Body");
    check(body != NULL && body->child_count == 1);
    if (xml_is(body->first_child, XML_NS_SOAP, "Fault")) {
        check(fixture->http_status != 200 && fixture->outcome != ERR_NONE);
        return;
    }
    check(fixture->http_status == 200);
    check(xml_child(fixture->root, XML_NS_SOAP, "Header") != NULL);
    check(str_ends_nocase(body->first_child->name, STR("Response")));
    check(xml_is(body->first_child->first_child, XML_NS_MESSAGES, "ResponseMessages"));
    check(body->first_child->first_child->child_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf request = BUF_INIT;

    for (size_t i = 0; i < size; i++) {
        if (data[i] >= 1 && data[i] <= ARRAY_LEN(tokens)) {
            buf_add_str(&request, tokens[data[i] - 1]);
        } else {
            buf_add_char(&request, (char)data[i]);
        }
    }
    ews_ask_raw(fixture, buf_str(&request));
    check_answer();
    arena_reset(fixture->arena);
    buf_fini(&request);
    return 0;
}
