#include "ews/call.h"

#include "base/arena.h"
#include "ews/access.h"
#include "ews/answer.h"
#include "ews/batch.h"
#include "ews/grammar.h"
#include "ews/header.h"
#include "ews/limits.h"
#include "mailbox/store.h"
#include "xml/xml_doc.h"

#include <assert.h>

static const struct xml_limits REQUEST_LIMITS = {
    .max_bytes = REQUEST_MAX_BYTES,
    .max_depth = REQUEST_MAX_DEPTH,
    .max_nodes = REQUEST_MAX_NODES,
    .max_attrs = REQUEST_MAX_ATTRS,
};

struct ews_call *ews_call_new(struct arena *arena, const struct ews_service *service,
                              const struct ews_caller *caller)
{
    struct ews_call *call = ARENA_NEW(arena, struct ews_call);

    call->service = service;
    call->caller = *caller;
    call->mailbox = caller->mailbox;
    call->arena = arena;
    call->key = store_token_key(service->store);
    call->version = EWS_EXCHANGE2007_SP1;
    call->http_status = 200;
    call->out = BUF_INIT;
    call->outcome = ERR_NONE;
    call->parser = xml_parser_new(arena, &REQUEST_LIMITS);
    return call;
}

void ews_call_free(struct ews_call **call)
{
    if (*call == NULL) {
        return;
    }
    if ((*call)->parser != NULL) {
        xml_parser_free(&(*call)->parser);
    }
    buf_fini(&(*call)->out);
    *call = NULL;
}

void ews_call_feed(struct ews_call *call, const void *p, size_t n)
{
    call->request_bytes += n;
    if (call->error.kind == ERR_NONE) {
        (void)!xml_parser_feed(call->parser, p, n, &call->error);
    }
}

/* The Body's child: the operation's request element. */
static int read_envelope(struct ews_call *call, const struct xml_node *root,
                         const struct xml_node **request_r, struct err *err_r)
{
    static const struct grammar_child CHILDREN[] = {{XML_NS_SOAP, "Header", 0, 1},
                                                    {XML_NS_SOAP, "Body", 1, 1}};
    const struct xml_node *found[ARRAY_LEN(CHILDREN)];
    const struct xml_node *request;

    if (!xml_is(root, XML_NS_SOAP, "Envelope")) {
        return grammar_fail(root, err_r, "The document is no SOAP 1.1 envelope.");
    }
    TRY(grammar_sequence(root, CHILDREN, ARRAY_LEN(CHILDREN), found, err_r));
    TRY(header_read(call, found[0], err_r));
    request = found[1]->first_child;
    if (request == NULL) {
        return err_set(err_r, ERR_REQUEST, "empty Body");
    }
    if (request->next != NULL) {
        return grammar_fail(request->next, err_r, "The Body has more than one child.");
    }
    *request_r = request;
    return 0;
}

static int find_operation(struct ews_call *call, const struct xml_node *request, struct err *err_r)
{
    struct str name = str_sub(request->name, 0, GRAMMAR_SHOWN_BYTES);

    if (request->ns == XML_NS_MESSAGES) {
        call->operation = ews_operation_find(request->name);
        if (call->operation != NULL) {
            return 0;
        }
        if (ews_operation_in_schema(request->name)) {
            return err_set(err_r, ERR_OPERATION, "operation %.*s", STR_ARG(name));
        }
    }
    return grammar_fail(request, err_r, "The element '%.*s' is no operation.", STR_ARG(name));
}

static int prepare(struct ews_call *call, struct err *err_r)
{
    const struct xml_node *request;
    struct xml_node *root;

    TRY(xml_parser_finish(call->parser, &root, err_r));
    TRY(read_envelope(call, root, &request, err_r));
    TRY(find_operation(call, request, err_r));
    return call->operation->parse(call, request, &call->args, err_r);
}

enum ews_next ews_call_prepare(struct ews_call *call)
{
    struct err err;

    if (call->error.kind == ERR_NONE) {
        (void)!prepare(call, &call->error);
    }
    if (call->error.kind != ERR_NONE) {
        err = call->error;
        ews_call_fail(call, &err);
        return EWS_ANSWERED;
    }
    if (call->operation->batch != NULL) {
        batch_begin(call);
    }
    if (call->operation->run_mode != EWS_ANSWERED) {
        return call->operation->run_mode;
    }
    if (ews_call_run(call, NULL, &err) < 0) {
        ews_call_fail(call, &err);
    }
    return EWS_ANSWERED;
}

bool ews_call_is_quick(const struct ews_call *call)
{
    return call->operation->run_mode == EWS_RUN_READ && call->operation->quick &&
           call->request_bytes <= QUICK_REQUEST_BYTES;
}

struct mailbox_no ews_call_mailbox(const struct ews_call *call)
{
    return call->mailbox;
}

int ews_call_run(struct ews_call *call, struct mailbox_tx *tx, struct err *err_r)
{
    assert(call->operation != NULL);
    access_forget(call);
    if (call->batch != NULL) {
        return batch_run(call, tx, err_r);
    }
    buf_clear(&call->out);
    call->outcome = ERR_NONE;
    if (call->operation->hanging) {
        return call->operation->run(call, tx, call->args, err_r);
    }
    answer_envelope_begin(call);
    TRY(call->operation->run(call, tx, call->args, err_r));
    answer_envelope_end(call);
    return 0;
}

void ews_call_fail(struct ews_call *call, const struct err *err)
{
    assert(err->kind != ERR_NONE);
    if (call->batch != NULL && batch_fail(call, err)) {
        return;
    }
    ews_call_refuse(call, err);
}

void ews_call_refuse(struct ews_call *call, const struct err *err)
{
    assert(err->kind != ERR_NONE);
    call->batch = NULL;
    call->stream = NULL;
    call->error = *err;
    answer_fault(call, &call->error);
}

enum ews_next ews_call_next(struct ews_call *call)
{
    return call->batch != NULL && batch_next(call) ? call->operation->run_mode : EWS_ANSWERED;
}
