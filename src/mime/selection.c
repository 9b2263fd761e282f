/*
 * Which parts of the tree are the bodies, which the calendar, which attachments. As Exchange has it: the first text of a mixed message is its
 * body and later ones are attachments; of alternatives the last of each type counts; a nested message is an attachment.
 */
#include "mime/mime-private.h"

#include "base/arena.h"

struct selecting {
    struct arena *arena;
    struct mime_selection *selection;
    bool has_body; /* text parts from here on are attachments */
    size_t cap;
};

bool mime_part_is_message(const struct mime_part *part)
{
    return mime_part_is(part, "message", "rfc822") || mime_part_is(part, "message", "global");
}

static bool is_related_member(const struct mime_part *part)
{
    const struct mime_part *parent = part->parent;

    return parent != NULL && mime_part_is(parent, "multipart", "related");
}

bool mime_part_is_inline(const struct mime_part *part)
{
    if (part->disposition == PART_DISPOSITION_INLINE) {
        return !str_is(part->type, "text") && !mime_part_is_message(part);
    }
    return is_related_member(part) && (part->content_id.n > 0 || part->content_location.n > 0);
}

static void add_attachment(struct selecting *s, const struct mime_part *part)
{
    struct mime_selection *selection = s->selection;

    if (selection->attachment_count == s->cap) {
        size_t cap = s->cap == 0 ? 4 : s->cap * 2;

        selection->attachments = arena_grow(s->arena, (void *)selection->attachments,
                                            s->cap * sizeof(*selection->attachments),
                                            cap * sizeof(*selection->attachments));
        s->cap = cap;
    }
    selection->attachments[selection->attachment_count++] = part;
}

static const struct mime_part **body_slot(struct mime_selection *selection,
                                          const struct mime_part *part)
{
    if (part->disposition == PART_DISPOSITION_ATTACHMENT) {
        return NULL;
    }
    if (mime_part_is(part, "text", "plain")) {
        return &selection->text;
    }
    return mime_part_is(part, "text", "html") ? &selection->html : NULL;
}

/* A calendar part is the meeting itself; one that is attached counts only when it names a method. */
static bool is_calendar(const struct mime_part *part)
{
    return mime_part_is(part, "text", "calendar") &&
           (part->disposition != PART_DISPOSITION_ATTACHMENT || part->method.n > 0);
}

static void take_leaf(struct selecting *s, const struct mime_part *part)
{
    const struct mime_part **slot = body_slot(s->selection, part);

    if (slot != NULL && !s->has_body) {
        *slot = part;
        s->has_body = true;
        return;
    }
    if (is_calendar(part) && s->selection->calendar == NULL) {
        s->selection->calendar = part;
        if (part->disposition != PART_DISPOSITION_ATTACHMENT) {
            return;
        }
    }
    add_attachment(s, part);
}

static void take_part(struct selecting *s, const struct mime_part *part);

static void take_children(struct selecting *s, const struct mime_part *part)
{
    for (const struct mime_part *p = part->first_child; p != NULL; p = p->next) {
        take_part(s, p);
    }
}

/* One of several alternatives: its bodies replace those of earlier ones; texts of unknown types are worse copies of what is there. */
static void take_alternative(struct selecting *s, const struct mime_part *part)
{
    const struct mime_part **slot = body_slot(s->selection, part);
    struct mime_selection before = *s->selection;

    if (slot != NULL) {
        *slot = part;
        return;
    }
    if (!mime_part_is_multipart(part)) {
        if (!str_is(part->type, "text") || is_calendar(part) ||
            part->disposition == PART_DISPOSITION_ATTACHMENT) {
            take_leaf(s, part);
        }
        return;
    }
    s->selection->text = NULL;
    s->selection->html = NULL;
    s->has_body = false;
    take_part(s, part);
    if (s->selection->text == NULL) {
        s->selection->text = before.text;
    }
    if (s->selection->html == NULL) {
        s->selection->html = before.html;
    }
}

static void take_alternatives(struct selecting *s, const struct mime_part *part)
{
    if (s->has_body) {
        take_children(s, part);
        return;
    }
    for (const struct mime_part *p = part->first_child; p != NULL; p = p->next) {
        take_alternative(s, p);
    }
    s->has_body = s->selection->text != NULL || s->selection->html != NULL;
}

static const struct mime_part *related_root(const struct mime_part *part)
{
    for (const struct mime_part *p = part->first_child; p != NULL; p = p->next) {
        if (part->start.n > 0 && str_eq(p->content_id, part->start)) {
            return p;
        }
    }
    return part->first_child;
}

static void take_related(struct selecting *s, const struct mime_part *part)
{
    const struct mime_part *root = related_root(part);

    take_part(s, root);
    for (const struct mime_part *p = part->first_child; p != NULL; p = p->next) {
        if (p != root) {
            take_part(s, p);
        }
    }
}

/* The signature is not an attachment that somebody sent. */
static void take_signed(struct selecting *s, const struct mime_part *part)
{
    take_part(s, part->first_child);
    for (const struct mime_part *p = part->first_child->next; p != NULL; p = p->next) {
        if (p != part->last_child) {
            take_part(s, p);
        }
    }
}

static void take_part(struct selecting *s, const struct mime_part *part)
{
    static const struct {
        const char *subtype;
        void (*select)(struct selecting *s, const struct mime_part *part);
    } kinds[] = {
        {"alternative", take_alternatives},
        {"related", take_related},
        {"signed", take_signed},
    };

    if (!mime_part_is_multipart(part)) {
        take_leaf(s, part);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_is(part->subtype, kinds[i].subtype)) {
            kinds[i].select(s, part);
            return;
        }
    }
    take_children(s, part);
}

void mime_selection_make(struct arena *arena, const struct mime_part *root,
                         struct mime_selection *selection_r)
{
    struct selecting s = {.arena = arena, .selection = selection_r};

    *selection_r = (struct mime_selection){0};
    take_part(&s, root);
}
