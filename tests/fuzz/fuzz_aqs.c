/*
 * Whatever is typed into a search box: it is refused as such, or it is a restriction that can be
 * tested on every kind of item, with the same result each time.
 */
#include "base/arena.h"
#include "base/utf8.h"
#include "ews/aqs.h"
#include "ews/restriction.h"
#include "support/ews_fixture.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ews_fixture *fixture;

static const struct str MESSAGE =
    STR_INIT("From: Bob <bob@example.com>\r\nTo: Alice <alice@example.com>\r\nSubject: annual "
             "report\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\nthe whole budget\r\n");

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fixture = ews_fixture_new();
    return 0;
}

static int test(struct ews_call *call, const struct restriction *restriction, enum item_kind kind,
                struct err *err)
{
    const struct item item = {.id = {1}, .folder = {1}, .kind = kind, .received_ms = 1700000000000};
    struct item_view view;
    int rc;

    item_view_open(&view, call, NULL, &item, call->arena);
    view.mime = MESSAGE;
    view.mime_read = true;
    view.err = err;
    rc = restriction_test_item(restriction, &view, err);
    item_view_close(&view);
    return rc;
}

static void check_restriction(struct ews_call *call, const struct restriction *restriction)
{
    struct err err = ERR_INIT;
    int64_t from_ms, to_ms;

    if (restriction_received_bounds(restriction, &from_ms, &to_ms)) {
        (void)restriction_needs_record(restriction);
    }
    for (enum item_kind kind = ITEM_KIND_ITEM; kind < ITEM_KIND_COUNT; kind++) {
        int rc = test(call, restriction, kind, &err);

        check(rc == 0 || rc == 1 || err.kind == ERR_RESTRICTION_TOO_COMPLEX);
        check(rc < 0 || test(call, restriction, kind, &err) == rc);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ews_caller caller = {fixture->alice, STR("alice@example.com"), STR("Alice")};
    struct arena *arena = arena_new(NULL, "fuzz");
    struct ews_call *call = ews_call_new(arena, &fixture->service, &caller);
    struct restriction *restriction = NULL;
    struct err err = ERR_INIT;
    int rc;

    call->mailbox = fixture->alice;
    rc = aqs_parse(call, utf8_for_xml(arena, str_of(data, size)), &restriction, &err);
    check(rc == 0 || err.kind == ERR_QUERY_STRING || err.kind == ERR_QUERY_TOO_LONG ||
          err.kind == ERR_RESTRICTION_TOO_COMPLEX);
    if (rc == 0 && restriction != NULL) {
        check_restriction(call, restriction);
    }
    ews_call_free(&call);
    arena_free(&arena);
    return 0;
}
