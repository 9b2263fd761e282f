#include "ews/ops/sync_answer.h"

#include "ews/answer.h"
#include "ews/limits.h"
#include "xml/xml_write.h"

const struct str SYNC_LAST_FOLDER = STR_INIT("m:IncludesLastFolderInRange");
const struct str SYNC_LAST_ITEM = STR_INIT("m:IncludesLastItemInRange");

static void write_state(struct buf *out, struct str last_element, struct str state, bool last)
{
    if (state.n == 0) {
        BUF_LIT(out, "<m:SyncState/>");
    } else {
        xml_add_element(out, STR("m:SyncState"), state);
    }
    xml_add_element_bool(out, last_element, last);
}

void sync_answer_error(struct ews_call *call, struct str last_element, const struct err *err,
                       struct str message_xml)
{
    answer_begin(call);
    answer_message_error(call, err, message_xml);
    write_state(&call->out, last_element, STR_NULL, true);
    answer_message_end(call);
    answer_end(call);
}

void sync_answer_begin(struct ews_call *call, struct str last_element, struct sync_answer *answer_r)
{
    answer_begin(call);
    answer_message_success(call);
    answer_r->last_element = last_element;
    answer_r->gap = answer_gap_open(call, SYNC_STATE_GAP_BYTES);
    BUF_LIT(&call->out, "<m:Changes>");
    answer_r->changes = call->out.n;
}

void sync_answer_end(struct ews_call *call, const struct sync_answer *answer, struct str state,
                     bool last)
{
    struct buf text = BUF_INIT;

    if (call->out.n == answer->changes) {
        call->out.n--;
        BUF_LIT(&call->out, "/>");
    } else {
        BUF_LIT(&call->out, "</m:Changes>");
    }
    write_state(&text, answer->last_element, state, last);
    answer_gap_fill(call, answer->gap, SYNC_STATE_GAP_BYTES, buf_str(&text));
    buf_fini(&text);
    answer_message_end(call);
    answer_end(call);
}
