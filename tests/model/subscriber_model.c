/* The list of all notices, and what of it a subscription must hear. */
#include "subscriber_history.h"

#include "base/mem.h"

#include <stdio.h>

void box_truncate(struct box *box, size_t n, size_t place_n)
{
    box->n = n;
    box->place_n = place_n;
}

void box_event(struct box *box, uint64_t seq)
{
    box->seq = seq;
    box->number = 0;
}

void box_say(struct box *box, const struct want *want)
{
    if (box->n == box->room) {
        box->room = box->room == 0 ? 256 : box->room * 2;
        box->wants = mem_realloc(box->wants, box->room * sizeof(*box->wants));
    }
    box->wants[box->n] = *want;
    box->wants[box->n++].mark = (struct log_position){{box->seq}, ++box->number};
}

void box_place(struct box *box, uint64_t folder, uint64_t parent)
{
    if (box->place_n == box->place_room) {
        box->place_room = box->place_room == 0 ? 64 : box->place_room * 2;
        box->places = mem_realloc(box->places, box->place_room * sizeof(*box->places));
    }
    box->places[box->place_n++] = (struct whereabouts){folder, parent, box->n};
}

/* Reading can begin there. */
struct log_position box_floor(const struct box *box)
{
    return (struct log_position){.seq = {box->floor_seq + 1}};
}

struct log_position model_end(const struct box *box)
{
    return box->n == 0 ? (struct log_position){0} : box->wants[box->n - 1].mark;
}

/* ---- filters ---- */

static bool is_named(const struct subscription *s, uint64_t folder)
{
    for (size_t i = 0; i < s->folder_n; i++) {
        if (s->folders[i].v == folder) {
            return true;
        }
    }
    return false;
}

/* Where the folder was when the notice came up, or at any time since then. */
static bool was_in(const struct box *box, size_t i, uint64_t folder, uint64_t parent)
{
    uint64_t first = 0;

    for (size_t p = 0; p < box->place_n; p++) {
        const struct whereabouts *w = &box->places[p];

        if (w->folder != folder) {
            continue;
        }
        if (w->since <= i) {
            first = w->parent;
        } else if (w->parent == parent) {
            return true;
        }
    }
    return first == parent;
}

/* A folder's notice because of what is in it: whether it reaches who asked for the folder's parent depends on where the folder is by then. */
static enum concern by_parent(const struct box *box, size_t i, const struct subscription *s)
{
    bool named = false, other = false;
    uint64_t first = 0;

    for (size_t p = 0; p < box->place_n; p++) {
        const struct whereabouts *w = &box->places[p];

        if (w->folder == box->wants[i].object && w->since <= i) {
            first = w->parent;
        } else if (w->folder == box->wants[i].object) {
            named = named || is_named(s, w->parent);
            other = other || !is_named(s, w->parent);
        }
    }
    named = named || is_named(s, first);
    other = other || !is_named(s, first);
    return !named ? CONCERNS_NOT : other ? CONCERNS_MAYBE : CONCERNS;
}

static enum concern concern_of(const struct box *box, size_t i, const struct subscription *s)
{
    const struct want *w = &box->wants[i];
    bool with_old = w->type == NOTICE_MOVED || w->type == NOTICE_COPIED;

    if ((s->types & NOTICE_BIT(w->type)) == 0) {
        return CONCERNS_NOT;
    }
    if (s->folder_n == 0 || (w->folder && is_named(s, w->object)) ||
        (w->parent != 0 && is_named(s, w->parent)) ||
        (with_old && (is_named(s, w->old_parent) || (w->folder && is_named(s, w->old_object))))) {
        return CONCERNS;
    }
    return w->parent == 0 ? by_parent(box, i, s) : CONCERNS_NOT;
}

/* ---- comparing ---- */

static size_t index_after(const struct box *box, struct log_position at)
{
    size_t from = 0, to = box->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (at_or_before(box->wants[middle].mark, at)) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

bool model_is_silent(const struct subscriber *s, struct log_position from, struct log_position to,
                     const struct want **lost_r)
{
    const struct box *box = s->box;

    for (size_t i = index_after(box, from); i < box->n && at_or_before(box->wants[i].mark, to);
         i++) {
        if (concern_of(box, i, &s->row) == CONCERNS) {
            *lost_r = &box->wants[i];
            return false;
        }
    }
    return true;
}

static bool is_same(const struct box *box, size_t i, const struct notice *n)
{
    const struct want *w = &box->wants[i];

    return w->type == n->type && w->folder == n->folder && w->object == n->object &&
           w->old_object == n->old_object && w->old_parent == n->old_parent &&
           w->at_ms == n->at_ms &&
           (w->parent != 0 ? w->parent == n->parent : was_in(box, i, n->object, n->parent));
}

static struct log_position before(struct log_position mark)
{
    return (struct log_position){mark.seq, mark.taken - 1};
}

static bool check_silent(struct history *h, const struct subscriber *s, struct log_position from,
                         struct log_position to)
{
    const struct want *lost = NULL;

    if (!model_is_silent(s, from, to, &lost)) {
        history_fail(
            h, "subscriber %u: not told of %llu.%u: type %d of %llu, between %llu.%u and %llu.%u",
            s->number, LLU(lost->mark.seq.v), lost->mark.taken, (int)lost->type, LLU(lost->object),
            LLU(from.seq.v), from.taken, LLU(to.seq.v), to.taken);
        return false;
    }
    return true;
}

static bool check_notice(struct history *h, const struct subscriber *s, const struct notice *n)
{
    const struct box *box = s->box;
    size_t i = n->after.taken != 0 ? index_after(box, before(n->after)) : box->n;

    if (i == box->n || log_position_cmp(box->wants[i].mark, n->after) != 0) {
        history_fail(h, "subscriber %u: invented %llu.%u: type %d of %llu", s->number,
                     LLU(n->after.seq.v), n->after.taken, (int)n->type, LLU(n->object));
        return false;
    }
    if (!is_same(box, i, n)) {
        history_fail(
            h,
            "subscriber %u: %llu.%u is type %d of %llu in %llu (was %llu in %llu, at %lld), must be %d of "
            "%llu in %llu (%llu in %llu, at %lld)",
            s->number, LLU(n->after.seq.v), n->after.taken, (int)n->type, LLU(n->object),
            LLU(n->parent), LLU(n->old_object), LLU(n->old_parent), (long long)n->at_ms,
            (int)box->wants[i].type, LLU(box->wants[i].object), LLU(box->wants[i].parent),
            LLU(box->wants[i].old_object), LLU(box->wants[i].old_parent),
            (long long)box->wants[i].at_ms);
        return false;
    }
    if (concern_of(box, i, &s->row) == CONCERNS_NOT) {
        history_fail(h, "subscriber %u: did not ask for %llu.%u: type %d of %llu", s->number,
                     LLU(n->after.seq.v), n->after.taken, (int)n->type, LLU(n->object));
        return false;
    }
    return true;
}

void model_check_page(struct history *h, const struct subscriber *s, struct log_position from,
                      const struct notice *notices, size_t n, struct log_position end)
{
    for (size_t i = 0; i < n; i++) {
        if (!check_notice(h, s, &notices[i])) {
            return;
        }
        if (at_or_before(notices[i].after, from)) {
            history_fail(h, "subscriber %u: %llu.%u comes again, or late", s->number,
                         LLU(notices[i].after.seq.v), notices[i].after.taken);
            return;
        }
        if (!check_silent(h, s, from, before(notices[i].after))) {
            return;
        }
        from = notices[i].after;
    }
    if (log_position_cmp(end, from) < 0) {
        history_fail(h, "subscriber %u: a page ends at %llu.%u, before %llu.%u", s->number,
                     LLU(end.seq.v), end.taken, LLU(from.seq.v), from.taken);
        return;
    }
    (void)check_silent(h, s, from, end);
}
