#include "ews/ops/sync_answer.h"

#include "ews/answer.h"
#include "ews/limits.h"
#include "xml/xml_write.h"

void sync_answer_begin(struct ews_call *call, struct str last_element, struct sync_answer *answer_r)
{
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
    xml_add_element(&text, STR("m:SyncState"), state);
    xml_add_element_bool(&text, answer->last_element, last);
    answer_gap_fill(call, answer->gap, SYNC_STATE_GAP_BYTES, buf_str(&text));
    buf_fini(&text);
    answer_message_end(call);
}
