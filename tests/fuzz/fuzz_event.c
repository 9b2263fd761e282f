/*
 * Whatever text comes as a calendar: the event that is read can be written and read again as itself, its occurrences are in order and within the window, each
 * is found by its index and by its start, and nothing takes long.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "mime/compose.h"
#include "mime/recurrence.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define YEAR_MS INT64_C(31556952000)
#define OCCURRENCES_MAX 50

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

static void check_found(const struct calendar_event *event, const struct occurrence *o)
{
    struct occurrence found;
    bool deleted;

    check(event_occurrence_by_index(event, o->index, &found, &deleted, NULL) == 1);
    check(found.original_start_ms == o->original_start_ms && found.exception == o->exception);
    check(event_occurrence_by_start(event, o->original_start_ms, &found, &deleted, NULL) == 1);
    check(found.start_ms == o->start_ms);
}

static size_t check_window(const struct calendar_event *event, struct arena *arena, int64_t from_ms,
                           int64_t to_ms)
{
    struct occurrence *v;
    size_t n;
    bool more;

    check(event_occurrences(event, from_ms, to_ms, OCCURRENCES_MAX, arena, &v, &n, &more, NULL) ==
          0);
    check(n <= OCCURRENCES_MAX);
    for (size_t i = 0; i < n; i++) {
        check(v[i].start_ms < to_ms && v[i].end_ms >= from_ms && v[i].end_ms >= v[i].start_ms);
        check(i == 0 || v[i].start_ms >= v[i - 1].start_ms);
        check(v[i].index >= 1);
    }
    if (n > 0) {
        check_found(event, &v[n - 1]);
    }
    return n;
}

static void check_occurrences(const struct calendar_event *event, struct arena *arena)
{
    struct occurrence first, last;

    check_window(event, arena, event->start_ms, event->start_ms + 10 * YEAR_MS);
    check_window(event, arena, event->start_ms - YEAR_MS, event->start_ms + YEAR_MS / 12);
    check_window(event, arena, 50 * YEAR_MS, 51 * YEAR_MS);
    check(event_bounds(event, &first, &last, NULL) == 0);
    check(last.index == 0 || last.index >= first.index);
}

static void check_same(const struct calendar_event *a, const struct calendar_event *b)
{
    check(a->all_day == b->all_day && a->busy == b->busy && a->sensitivity == b->sensitivity);
    check(a->recurrence.pattern == b->recurrence.pattern);
    check(a->recurrence.range == b->recurrence.range && a->recurrence.count == b->recurrence.count);
    check(a->deleted_count == b->deleted_count && a->exception_count == b->exception_count);
    check(a->attendee_count == b->attendee_count);
    check(str_eq(a->summary, b->summary) && str_eq(a->description, b->description));
}

static void check_calendar(struct arena *arena, struct str text)
{
    struct calendar_event event, again, third;

    if (event_parse(text, arena, &event, NULL) < 0) {
        return;
    }
    check(utf8_valid(event.summary) && utf8_valid(event.description) && utf8_valid(event.tzid));
    check_occurrences(&event, arena);
    check(event_parse(event_write(&event, arena), arena, &again, NULL) == 0);
    /* What is odd may be set straight once, and then stays. */
    check(event_parse(event_write(&again, arena), arena, &third, NULL) == 0);
    check_same(&again, &third);
}

/* The same bytes as a message: what it is taken apart into composes to one that settles. */
static void check_message(struct arena *arena, struct str raw)
{
    struct mime_draft draft, again;
    struct str first, second;

    mime_draft_from_message(mime_message_new(arena, raw), arena, &draft);
    first = mime_compose(&draft, arena);
    mime_draft_from_message(mime_message_new(arena, first), arena, &again);
    second = mime_compose(&again, arena);
    check(draft.has_html == again.has_html && draft.attachment_count == again.attachment_count);
    check(str_find_nocase(mime_without_bcc(second, arena), STR("\nBcc:"), 0) >=
          str_find(second, STR("\r\n\r\n"), 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(NULL, "fuzz");
    struct str text = str_of(data, size);

    if (str_starts(text, STR("BEGIN"))) {
        check_calendar(arena, text);
    } else {
        check_message(arena, text);
    }
    arena_free(&arena);
    return 0;
}
