/*
 * Stamps: when which property of an item was changed, so that an update with an old ChangeKey is
 * refused only where it would overwrite somebody's change.
 *
 * Format: varint floor, then for each property: varint number, varint seq. A property that has no
 * stamp was last changed at the floor or before it.
 */
#include "ews/item_edit-private.h"

#include "base/arena.h"
#include "ews/call.h"
#include "ews/limits.h"

struct stamp {
    uint64_t number, seq;
};

struct stamps {
    uint64_t floor;
    struct stamp v[EDIT_STAMPS_MAX];
    size_t n;
};

static void open_stamps(const struct item_edit *edit, struct stamps *stamps)
{
    struct str rest = edit->props.v[IPROP_STAMPS];
    struct stamp stamp;

    stamps->floor = 0;
    stamps->n = 0;
    if (rest.n == 0 || !str_take_varint(&rest, &stamps->floor)) {
        return;
    }
    while (stamps->n < EDIT_STAMPS_MAX && rest.n != 0 && str_take_varint(&rest, &stamp.number) &&
           str_take_varint(&rest, &stamp.seq)) {
        stamps->v[stamps->n++] = stamp;
    }
}

static struct stamp *oldest(struct stamps *stamps)
{
    struct stamp *found = &stamps->v[0];

    for (size_t i = 1; i < stamps->n; i++) {
        if (stamps->v[i].seq < found->seq) {
            found = &stamps->v[i];
        }
    }
    return found;
}

static void put(struct stamps *stamps, uint64_t number, uint64_t seq)
{
    struct stamp *at = NULL;

    for (size_t i = 0; i < stamps->n; i++) {
        if (stamps->v[i].number == number) {
            at = &stamps->v[i];
        }
    }
    if (at == NULL && stamps->n < EDIT_STAMPS_MAX) {
        at = &stamps->v[stamps->n++];
    } else if (at == NULL) {
        at = oldest(stamps);
        stamps->floor = at->seq > stamps->floor ? at->seq : stamps->floor;
    }
    *at = (struct stamp){number, seq};
}

struct str edit_stamps(const struct item_edit *edit, struct seq seq)
{
    struct buf out = BUF_INIT;
    struct stamps stamps;
    struct str bytes;

    open_stamps(edit, &stamps);
    for (size_t i = 0; i < edit->touched_count; i++) {
        put(&stamps, edit->touched[i], seq.v);
    }
    buf_add_varint(&out, stamps.floor);
    for (size_t i = 0; i < stamps.n; i++) {
        buf_add_varint(&out, stamps.v[i].number);
        buf_add_varint(&out, stamps.v[i].seq);
    }
    bytes = str_dup(edit->arena, buf_str(&out));
    buf_fini(&out);
    return bytes;
}

static uint64_t stamp_in(const struct stamps *stamps, uint64_t number)
{
    for (size_t i = 0; i < stamps->n; i++) {
        if (stamps->v[i].number == number) {
            return stamps->v[i].seq;
        }
    }
    return stamps->floor;
}

struct seq edit_stamp_of(const struct item_edit *edit, uint32_t number)
{
    struct stamps stamps;

    open_stamps(edit, &stamps);
    return (struct seq){stamp_in(&stamps, number)};
}

bool item_edit_conflicts(const struct item_edit *edit, struct seq version)
{
    struct stamps stamps;

    open_stamps(edit, &stamps);
    for (size_t i = 0; i < edit->touched_count; i++) {
        if (stamp_in(&stamps, edit->touched[i]) > version.v ||
            stamp_in(&stamps, EDIT_MESSAGE) > version.v) {
            return true;
        }
    }
    return false;
}

struct str item_stamps_replaced(struct arena *arena, struct seq seq)
{
    struct buf out = BUF_INIT;
    struct str bytes;

    buf_add_varint(&out, seq.v);
    bytes = str_dup(arena, buf_str(&out));
    buf_fini(&out);
    return bytes;
}
