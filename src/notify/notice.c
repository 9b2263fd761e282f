#include "notify/notice.h"

#include "mailbox/mailbox.h"
#include "mailbox/subscriptions.h"

#include <assert.h>

/* Whom a notice is about: the event's object, what it was before, or the folders that it is and was in. */
enum subject { OBJECT, OLD_OBJECT, PARENT, OLD_PARENT };

/* One notice of an event. It is told when the event has one of the flags `only` (0: whatever it has) and none of `unless`. */
struct rule {
    enum notice_type type;
    enum subject subject;
    bool with_old; /* names the old object and parent */
    bool distinct; /* only when the two parents are two */
    uint32_t only, unless;
};

/* Folders whose items change: not with associated items, and once when many change. */
#define CONTENTS(subject_)                                                                         \
    {                                                                                              \
        NOTICE_MODIFIED, subject_, .unless = EVENT_QUIET | EVENT_ASSOCIATED                        \
    }
#define NEW_CONTENTS                                                                               \
    {                                                                                              \
        NOTICE_MODIFIED, PARENT, .distinct = true, .unless = EVENT_QUIET | EVENT_ASSOCIATED        \
    }
#define BUSY                                                                                       \
    {                                                                                              \
        NOTICE_FREE_BUSY, OBJECT, .only = EVENT_FREE_BUSY                                          \
    }
#define ON(type_)                                                                                  \
    {                                                                                              \
        NOTICE_##type_, .subject = OBJECT                                                          \
    }
#define WITH_OLD(type_)                                                                            \
    {                                                                                              \
        NOTICE_##type_, OBJECT, .with_old = true                                                   \
    }

struct rules {
    struct rule rule[NOTICES_OF_EVENT_MAX];
    size_t n;
};

#define RULES(...)                                                                                 \
    {                                                                                              \
        {__VA_ARGS__}, sizeof((const struct rule[]){__VA_ARGS__}) / sizeof(struct rule)            \
    }

/* The order within a row is the notices' numbering: for ever. A new kind of notice goes to the end of its row. */
static const struct rules rules_of[] = {
    [EVENT_ITEM_NEW_MAIL] = RULES(ON(NEW_MAIL), ON(CREATED), CONTENTS(PARENT)),
    [EVENT_ITEM_CREATED] = RULES(ON(CREATED), BUSY, CONTENTS(PARENT)),
    [EVENT_ITEM_MODIFIED] = RULES(ON(MODIFIED), BUSY, CONTENTS(PARENT)),
    [EVENT_ITEM_READ_FLAG] = RULES(ON(MODIFIED), BUSY, CONTENTS(PARENT)),
    [EVENT_ITEM_DELETED] = RULES(ON(DELETED), BUSY, CONTENTS(PARENT)),
    [EVENT_ITEM_MOVED] = RULES({NOTICE_MODIFIED, OLD_OBJECT, .unless = EVENT_DISCARDED},
                               WITH_OLD(MOVED), BUSY, CONTENTS(OLD_PARENT), NEW_CONTENTS),
    [EVENT_ITEM_COPIED] = RULES(WITH_OLD(COPIED), ON(CREATED), BUSY, CONTENTS(PARENT)),
    [EVENT_FOLDER_CREATED] = RULES(ON(CREATED), CONTENTS(PARENT)),
    [EVENT_FOLDER_MODIFIED] = RULES(ON(MODIFIED), CONTENTS(PARENT)),
    [EVENT_FOLDER_DELETED] = RULES(ON(DELETED), CONTENTS(PARENT)),
    [EVENT_FOLDER_MOVED] = RULES(WITH_OLD(MOVED), CONTENTS(OLD_PARENT), NEW_CONTENTS),
    [EVENT_FOLDER_COPIED] = RULES(WITH_OLD(COPIED), ON(CREATED), CONTENTS(PARENT)),
    [EVENT_FOLDER_CONTENTS] = RULES(ON(MODIFIED)),
};

static bool is_told(const struct rule *rule, const struct event *event)
{
    return (rule->only == 0 || (event->flags & rule->only) != 0) &&
           (event->flags & rule->unless) == 0 &&
           !(rule->distinct && event->parent == event->old_parent);
}

static struct notice make(const struct rule *rule, const struct event *event)
{
    bool object = rule->subject == OBJECT || rule->subject == OLD_OBJECT;
    bool folder = !object || event->kind >= EVENT_FOLDER_CREATED;
    struct notice n = {.type = rule->type,
                       .folder = folder,
                       .at_ms = event->at_ms,
                       .has_unread = folder && rule->type == NOTICE_MODIFIED};

    switch (rule->subject) {
    case OBJECT:
        n.object = event->object;
        n.parent = event->parent;
        break;
    case OLD_OBJECT:
        n.object = event->old_object;
        n.parent = event->old_parent;
        break;
    case PARENT: n.object = event->parent; break;
    case OLD_PARENT: n.object = event->old_parent; break;
    }
    if (rule->with_old) {
        n.old_object = event->old_object;
        n.old_parent = event->old_parent;
    }
    return n;
}

/* A kind that a newer version wrote has no notices here. */
size_t notices_of(const struct event *event, struct notice out[static NOTICES_OF_EVENT_MAX])
{
    const struct rules *rules;
    size_t n = 0;

    if ((size_t)event->kind >= ARRAY_LEN(rules_of)) {
        return 0;
    }
    rules = &rules_of[event->kind];
    for (size_t i = 0; i < rules->n; i++) {
        if (is_told(&rules->rule[i], event)) {
            out[n] = make(&rules->rule[i], event);
            out[n].after = (struct log_position){event->seq, (uint32_t)n + 1};
            n++;
        }
    }
    return n;
}

static bool has_folder(const struct subscription *s, uint64_t id)
{
    size_t from = 0, to = s->folder_n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (s->folders[middle].v == id) {
            return true;
        }
        if (s->folders[middle].v < id) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return false;
}

bool notice_concerns(const struct notice *n, const struct subscription *s)
{
    bool with_old = n->type == NOTICE_MOVED || n->type == NOTICE_COPIED;

    if ((s->types & NOTICE_BIT(n->type)) == 0) {
        return false;
    }
    return s->folder_n == 0 || has_folder(s, n->parent) ||
           (with_old && has_folder(s, n->old_parent)) ||
           (n->folder && (has_folder(s, n->object) || (with_old && has_folder(s, n->old_object))));
}
