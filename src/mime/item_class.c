#include "mime/mime-private.h"

#include "base/arena.h"
#include "mime/limits.h"

static const struct mime_part *child_of_type(const struct mime_part *part, const char *type,
                                             const char *subtype)
{
    for (const struct mime_part *p = part->first_child; p != NULL; p = p->next) {
        if (mime_part_is(p, type, subtype)) {
            return p;
        }
    }
    return NULL;
}

/* The value of the first line "name: value" anywhere in the part, which consists of groups of fields. */
static struct str report_field(struct arena *arena, const struct mime_part *part, const char *name)
{
    struct str text = mime_part_text(arena, part, MIME_REPORT_BYTES_MAX);

    return str_trim(mime_fields_find(mime_fields_split(arena, text), name));
}

struct report_class {
    const char *word;
    struct str class;
};

static const struct report_class delivery_classes[] = {
    {"failed", STR_INIT("REPORT.IPM.Note.NDR")},
    {"delayed", STR_INIT("REPORT.IPM.Note.Delayed")},
    {"", STR_INIT("REPORT.IPM.Note.DR")},
};

static const struct report_class disposition_classes[] = {
    {"deleted", STR_INIT("REPORT.IPM.Note.IPNNRN")},
    {"", STR_INIT("REPORT.IPM.Note.IPNRN")},
};

/* The last row of classes is for every other word. */
static struct str class_by_word(struct str word, const struct report_class *classes)
{
    while (classes->word[0] != '\0' && !str_starts_nocase(word, str_from(classes->word))) {
        classes++;
    }
    return classes->class;
}

/* "manual-action/MDN-sent-manually; displayed": what stands behind the semicolon. */
static struct str disposition_word(struct str value)
{
    size_t semicolon = str_find_char(value, ';', 0);

    return str_trim(str_sub(value, semicolon == SIZE_MAX ? 0 : semicolon + 1, SIZE_MAX));
}

static struct str report_class(struct arena *arena, const struct mime_part *root)
{
    const struct mime_part *status = child_of_type(root, "message", "delivery-status");
    const struct mime_part *disposition =
        child_of_type(root, "message", "disposition-notification");

    if (!mime_part_is(root, "multipart", "report")) {
        return STR_NULL;
    }
    if (status == NULL) {
        status = child_of_type(root, "message", "global-delivery-status");
    }
    if (status != NULL) {
        return class_by_word(report_field(arena, status, "Action"), delivery_classes);
    }
    if (disposition != NULL) {
        return class_by_word(disposition_word(report_field(arena, disposition, "Disposition")),
                             disposition_classes);
    }
    return STR_NULL;
}

static struct str reply_class(const struct mime_calendar *calendar)
{
    switch (calendar->attendee_count > 0 ? calendar->attendees[0].partstat : MIME_PARTSTAT_NONE) {
    case MIME_PARTSTAT_ACCEPTED: return STR("IPM.Schedule.Meeting.Resp.Pos");
    case MIME_PARTSTAT_DECLINED: return STR("IPM.Schedule.Meeting.Resp.Neg");
    case MIME_PARTSTAT_TENTATIVE: return STR("IPM.Schedule.Meeting.Resp.Tent");
    case MIME_PARTSTAT_NONE:
    case MIME_PARTSTAT_NEEDS_ACTION: break;
    }
    return STR_NULL;
}

static struct str meeting_class(const struct mime_calendar *calendar)
{
    switch (calendar != NULL ? calendar->method : MIME_METHOD_NONE) {
    case MIME_METHOD_REQUEST: return STR("IPM.Schedule.Meeting.Request");
    case MIME_METHOD_CANCEL: return STR("IPM.Schedule.Meeting.Canceled");
    case MIME_METHOD_COUNTER: return STR("IPM.Schedule.Meeting.Resp.Tent");
    case MIME_METHOD_REPLY: return reply_class(calendar);
    case MIME_METHOD_NONE:
    case MIME_METHOD_PUBLISH:
    case MIME_METHOD_OTHER: break;
    }
    return STR_NULL;
}

static struct str smime_class(const struct mime_part *root)
{
    if (mime_part_is(root, "multipart", "signed")) {
        return STR("IPM.Note.SMIME.MultipartSigned");
    }
    if (mime_part_is(root, "application", "pkcs7-mime") ||
        mime_part_is(root, "application", "x-pkcs7-mime")) {
        return str_is(root->smime_type, "certs-only") ? STR_NULL : STR("IPM.Note.SMIME");
    }
    return STR_NULL;
}

struct str mime_message_item_class(struct mime_message *message)
{
    const struct mime_part *root = mime_message_root(message);
    struct str class = report_class(message->arena, root);

    if (class.p == NULL) {
        class = meeting_class(mime_message_calendar(message));
    }
    if (class.p == NULL) {
        class = smime_class(root);
    }
    return class.p != NULL ? class : STR("IPM.Note");
}
