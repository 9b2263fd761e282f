#include "ews/answer.h"

#include "ews/call.h"
#include "ews/error_map.h"
#include "ews/limits.h"
#include "xml/xml_write.h"

#include <assert.h>
#include <string.h>

#define NS_ERRORS "http://schemas.microsoft.com/exchange/services/2006/errors"

/* ---- envelope ---- */

static void add_int_attr(struct buf *out, struct str name, int v)
{
    buf_add_char(out, ' ');
    buf_add_str(out, name);
    BUF_LIT(out, "=\"");
    buf_add_i64(out, v);
    buf_add_char(out, '"');
}

void answer_server_version(struct buf *out, const struct ews_service *service)
{
    BUF_LIT(out, "<t:ServerVersionInfo");
    add_int_attr(out, STR("MajorVersion"), service->major);
    add_int_attr(out, STR("MinorVersion"), service->minor);
    add_int_attr(out, STR("MajorBuildNumber"), service->major_build);
    add_int_attr(out, STR("MinorBuildNumber"), service->minor_build);
    BUF_LIT(out, " Version=\"");
    xml_add_attr_text(out, service->version);
    BUF_LIT(out, "\"/>");
}

void answer_envelope_begin(struct ews_call *call)
{
    struct buf *out = &call->out;

    BUF_LIT(out, XML_DECLARATION "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:t=\"" NS_TYPES
                                 "\" xmlns:m=\"" NS_MESSAGES "\"><s:Header>");
    answer_server_version(out, call->service);
    BUF_LIT(out, "</s:Header><s:Body>");
}

void answer_envelope_end(struct ews_call *call)
{
    BUF_LIT(&call->out, "</s:Body></s:Envelope>");
}

/* ---- faults ---- */

/* What is wrong, beyond the kind's own text; empty when there is no more to say. */
static struct str violation(const struct err *err)
{
    struct str text = str_from(err->client_text);

    return str_is(text, err_kind_text(err->kind)) ? STR_NULL : text;
}

static void fault_string(struct buf *out, const struct err *err)
{
    struct str detail = violation(err);

    BUF_LIT(out, "<faultstring xml:lang=\"en-US\">");
    if (err->kind == ERR_SCHEMA && detail.n != 0) {
        BUF_LIT(out, "The request failed schema validation: ");
        xml_add_text(out, detail);
    } else {
        xml_add_text(out, str_from(err->client_text));
    }
    BUF_LIT(out, "</faultstring>");
}

static void fault_message_xml(struct buf *out, const struct err *err)
{
    bool busy = str_is(error_row(err->kind)->response_code, "ErrorServerBusy");

    if (err->kind != ERR_SCHEMA && !busy) {
        return;
    }
    BUF_LIT(out, "<t:MessageXml xmlns:t=\"" NS_TYPES "\">");
    if (busy) {
        BUF_LIT(out, "<t:Value Name=\"BackOffMilliseconds\">");
        buf_add_u64(out, BUSY_BACK_OFF_MS);
        BUF_LIT(out, "</t:Value>");
    } else {
        xml_add_element_i64(out, STR("t:LineNumber"), err->at_line);
        xml_add_element_i64(out, STR("t:LinePosition"), err->at_column);
        xml_add_element(out, STR("t:Violation"), str_from(err->client_text));
    }
    BUF_LIT(out, "</t:MessageXml>");
}

static void fault_detail(struct buf *out, const struct err *err)
{
    bool schema = err->kind == ERR_SCHEMA;

    BUF_LIT(out, "<detail><e:ResponseCode xmlns:e=\"" NS_ERRORS "\">");
    buf_add_str(out, error_row(err->kind)->response_code);
    BUF_LIT(out, "</e:ResponseCode><e:Message xmlns:e=\"" NS_ERRORS "\">");
    xml_add_text(out, str_from(schema ? err_kind_text(err->kind) : err->client_text));
    BUF_LIT(out, "</e:Message>");
    fault_message_xml(out, err);
    BUF_LIT(out, "</detail>");
}

void answer_fault(struct ews_call *call, const struct err *err)
{
    struct buf *out = &call->out;

    buf_clear(out);
    BUF_LIT(out, XML_DECLARATION "<s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Body><s:Fault>");
    if (err->kind == ERR_MUST_UNDERSTAND) {
        BUF_LIT(out, "<faultcode>s:MustUnderstand</faultcode>");
        fault_string(out, err);
    } else {
        BUF_LIT(out, "<faultcode xmlns:a=\"" NS_TYPES "\">a:");
        buf_add_str(out, error_row(err->kind)->response_code);
        BUF_LIT(out, "</faultcode>");
        fault_string(out, err);
        fault_detail(out, err);
    }
    BUF_LIT(out, "</s:Fault></s:Body></s:Envelope>");
    call->http_status = error_row(err->kind)->http_status;
    call->outcome = err->kind;
}

/* ---- response messages ---- */

void answer_begin(struct ews_call *call)
{
    BUF_LIT(&call->out, "<m:");
    buf_add_str(&call->out, call->operation->name);
    BUF_LIT(&call->out, "Response><m:ResponseMessages>");
}

void answer_end(struct ews_call *call)
{
    BUF_LIT(&call->out, "</m:ResponseMessages></m:");
    buf_add_str(&call->out, call->operation->name);
    BUF_LIT(&call->out, "Response>");
}

void answer_message_success(struct ews_call *call)
{
    BUF_LIT(&call->out, "<m:");
    buf_add_str(&call->out, call->operation->name);
    BUF_LIT(&call->out, "ResponseMessage ResponseClass=\"Success\">"
                        "<m:ResponseCode>NoError</m:ResponseCode>");
}

void answer_message_error(struct ews_call *call, const struct err *err, struct str message_xml)
{
    struct buf *out = &call->out;

    BUF_LIT(out, "<m:");
    buf_add_str(out, call->operation->name);
    BUF_LIT(out, "ResponseMessage ResponseClass=\"Error\">");
    xml_add_element(out, STR("m:MessageText"), str_from(err->client_text));
    xml_add_element(out, STR("m:ResponseCode"), error_row(err->kind)->response_code);
    BUF_LIT(out, "<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>");
    if (message_xml.n != 0) {
        BUF_LIT(out, "<m:MessageXml>");
        buf_add_str(out, message_xml);
        BUF_LIT(out, "</m:MessageXml>");
    }
    if (call->outcome == ERR_NONE) {
        call->outcome = err->kind;
        call->error = *err;
    }
}

void answer_message_end(struct ews_call *call)
{
    BUF_LIT(&call->out, "</m:");
    buf_add_str(&call->out, call->operation->name);
    BUF_LIT(&call->out, "ResponseMessage>");
}

bool answer_ends_request(const struct err *err)
{
    return error_row(err->kind)->ends_request;
}

size_t answer_mark(const struct ews_call *call)
{
    return call->out.n;
}

void answer_rewind(struct ews_call *call, size_t mark)
{
    assert(mark <= call->out.n);
    call->out.n = mark;
}

size_t answer_gap_open(struct ews_call *call, size_t bytes)
{
    size_t gap = call->out.n;

    buf_reserve(&call->out, bytes);
    call->out.n += bytes;
    return gap;
}

void answer_gap_fill(struct ews_call *call, size_t gap, size_t bytes, struct str text)
{
    struct buf *out = &call->out;
    char *p = out->p + gap;

    assert(text.n <= bytes);
    assert(gap + bytes <= out->n);
    memcpy(p, text.p, text.n);
    memmove(p + text.n, p + bytes, out->n - gap - bytes);
    out->n -= bytes - text.n;
}
