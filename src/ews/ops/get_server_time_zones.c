/* GetServerTimeZones: the zones by their Windows ids, with the rules of their clocks. */
#include "ews/ops/ops.h"

#include "base/arena.h"
#include "ews/answer.h"
#include "ews/grammar.h"
#include "ews/zones.h"
#include "mime/windows_zones.h"
#include "xml/xml_doc.h"

struct args {
    bool full;
    const struct xml_node *ids; /* m:Ids; NULL: all zones */
};

static int parse(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_MESSAGES, "Ids", 0, 1}};
    static const struct grammar_child id_children[] = {{XML_NS_TYPES, "Id", 1, 0}};
    struct args *args = ARENA_NEW(call->arena, struct args);
    const struct xml_node *first;

    args->full = true;
    TRY(grammar_attr_bool(request, "ReturnFullTimeZoneData", false, &args->full, err_r));
    TRY(grammar_sequence(request, children, ARRAY_LEN(children), &args->ids, err_r));
    if (args->ids != NULL && args->ids->child_count != 0) {
        TRY(grammar_sequence(args->ids, id_children, ARRAY_LEN(id_children), &first, err_r));
    }
    *args_r = args;
    return 0;
}

static bool is_wanted(const struct args *args, struct str id)
{
    if (args->ids == NULL || args->ids->child_count == 0) {
        return true;
    }
    for (const struct xml_node *node = args->ids->first_child; node != NULL; node = node->next) {
        if (str_eq(str_trim(node->text), id)) {
            return true;
        }
    }
    return false;
}

/* Ids that are no zone are left out. */
static int run(struct ews_call *call, struct mailbox_tx *tx, void *vargs, struct err *err_r)
{
    const struct args *args = vargs;

    (void)tx;
    (void)err_r;
    answer_begin(call);
    answer_message_success(call);
    BUF_LIT(&call->out, "<m:TimeZoneDefinitions>");
    for (size_t i = 0; i < windows_zone_count; i++) {
        struct str id = windows_zone_at(i)->id;

        if (is_wanted(args, id)) {
            zone_xml_write(&call->out, STR("t:TimeZoneDefinition"), id, args->full);
        }
    }
    BUF_LIT(&call->out, "</m:TimeZoneDefinitions>");
    answer_message_end(call);
    answer_end(call);
    return 0;
}

const struct ews_operation op_get_server_time_zones = {
    .name = STR_INIT("GetServerTimeZones"),
    .since = EWS_EXCHANGE2010,
    .run_mode = EWS_ANSWERED,
    .parse = parse,
    .run = run,
};
