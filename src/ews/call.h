/*
 * One EWS request, from bytes to answer, without sockets and threads. Who calls: the HTTP door
 * feeds bytes, the server puts the call on the mailbox's worker, the door sends what stands in the
 * answer.
 *
 * ews_call_new -> ews_call_feed* -> ews_call_prepare -> (ews_call_run on the worker of
 * ews_call_mailbox -> ews_call_next)* -> answer
 *
 * After any error the call has an answer (a SOAP fault) and run is not called.
 */
#ifndef EWS_CALL_H
#define EWS_CALL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "ews/zones.h"
#include "mailbox/ids.h"
#include "mailbox/token.h"
#include "notify/hub.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct batch;
struct batch_run;
struct busy_calendar;
struct clock;
struct mailbox_tx;
struct subscription;
struct xml_node;
struct store;

/* Schema versions in order; what an answer may contain depends on it. */
enum ews_version {
    EWS_EXCHANGE2007,
    EWS_EXCHANGE2007_SP1,
    EWS_EXCHANGE2010,
    EWS_EXCHANGE2010_SP1,
    EWS_EXCHANGE2010_SP2,
    EWS_EXCHANGE2013,
    EWS_EXCHANGE2013_SP1,
    EWS_EXCHANGE2015,
    EWS_EXCHANGE2016,
    EWS_V2017
};

/* The service: what all calls share. Set up once, read-only afterwards. */
struct ews_service {
    struct store *store;
    struct clock *clock;
    int major, minor, major_build, minor_build; /* ServerVersionInfo; 15/2/2562/17 */
    struct str version;                         /* "V2017_07_11" */
    bool relays;     /* mail for other servers finds its way: a smarthost is configured */
    struct hub *hub; /* NULL: there are no notifications, and nobody subscribes */
    /* Whether a listener at that URL may be told: ERR_PUSH_URL. NULL: no push is configured. */
    int (*push_url_check)(void *context, struct str url, struct err *err_r);
    void *push_context;
};

/* Who asks, as authenticated. */
struct ews_caller {
    struct mailbox_no mailbox;
    struct str address;
    struct str display_name;
};

struct ews_operation;

/* access.h: the rights that were asked for last in this leg; folder 0: none. */
struct ews_access {
    struct folder_id folder;
    uint32_t rights;
};

/* What a hanging request asked for, looked up and allowed: whoever holds the connection opens it (notify/hub.h). */
struct ews_stream {
    const struct subscription *subscriptions; /* of the caller's mailbox */
    const struct str *ids;                    /* of each, as the client wrote it */
    size_t n;
    int64_t life_ms; /* ConnectionTimeout */
    struct hub_seen seen;
};

struct ews_call {
    /* set by ews_call_new */
    const struct ews_service *service;
    struct ews_caller caller;
    struct arena *arena; /* lives as long as the call */
    const struct token_key *key;
    /* set by ews_call_prepare */
    enum ews_version version; /* RequestServerVersion */
    bool milliseconds;        /* DateTimePrecision */
    struct zone_context zone; /* of times without zone in the request; from TimeZoneContext */
    const struct ews_operation *operation; /* NULL if dispatch failed */
    void *args;                            /* of the operation's parse, in arena */
    uint64_t tested_bytes;                 /* of values that restrictions looked at */
    /* where it runs */
    struct mailbox_no mailbox; /* that the ids in requests and answers of this leg lie in */
    struct mailbox_no known;   /* ids.h: another one that is known to be there; 0: none */
    struct batch_run *batch;   /* batch.h; NULL: the operation has none, or all became a fault */
    struct ews_access access;
    struct busy_calendar *busy; /* calendar_neighbours.c: the caller's own, once it was walked */
    bool
        queued; /* something was put into the caller's outbox: after the commit the sender is to be poked */
    bool
        subscriptions_changed; /* one that somebody waits for: after the commit hub_subscriptions_changed is to be called */
    const struct ews_stream *stream; /* the answer is this stream, and out is empty; else NULL */
    /* the answer */
    int http_status; /* 200, or 500 with a fault */
    struct buf out;
    enum err_kind outcome; /* first error in it, for log and metrics; ERR_NONE */
    struct xml_parser *parser;
    size_t request_bytes;
    struct err error; /* behind outcome, for the log */
};

struct ews_call *ews_call_new(struct arena *arena, const struct ews_service *service,
                              const struct ews_caller *caller);
void ews_call_free(struct ews_call **call); /* the buffer and parser; not the arena */
/* Bytes of the request body as they come. Errors are kept for prepare. */
void ews_call_feed(struct ews_call *call, const void *p, size_t n);

enum ews_next { EWS_ANSWERED, EWS_RUN_READ, EWS_RUN_WRITE };
/* After the last byte: parses header and operation. EWS_ANSWERED: `out` holds the answer (a
 * fault, or an operation that needs no mailbox). */
enum ews_next ews_call_prepare(struct ews_call *call);
/* After prepare: short work, that may run on an event loop. */
bool ews_call_is_quick(const struct ews_call *call);
/* The mailbox whose worker must run it. */
struct mailbox_no ews_call_mailbox(const struct ews_call *call);
/* On the worker, inside a transaction of the wanted mode. Fills out. A negative result means:
 * undo; then ews_call_fail is called. */
int ews_call_run(struct ews_call *call, struct mailbox_tx *tx, struct err *err_r) WARN_UNUSED;
/* What ran or was to run came to nothing (commit failed, shutting down, busy …): the answer becomes
 * the fault for err, or, when it concerns some objects of several only, those get the error. */
void ews_call_fail(struct ews_call *call, const struct err *err);
/* At any time, a finished answer included: it is thrown away, whole, for the fault for err. */
void ews_call_refuse(struct ews_call *call, const struct err *err);
/* After the commit, or ews_call_fail: EWS_ANSWERED when `out` holds the whole answer, else the call
 * has more to do, in what is now ews_call_mailbox. */
enum ews_next ews_call_next(struct ews_call *call);

/* ---- the operations table (operations.c): one row, one file in ops/ ---- */

struct ews_operation {
    struct str name;        /* local name of the Body's child: "GetFolder" */
    enum ews_version since; /* informative: newer operations are accepted from older clients */
    enum ews_next run_mode; /* EWS_ANSWERED: run is called without a mailbox, tx NULL */
    bool quick;             /* a read of short work, but for long lists of ids */
    bool hanging; /* the answer is a stream: run sets call->stream, or writes a whole document */
    /* The request element -> args. Schema violations are ERR_SCHEMA (use grammar.h). */
    int (*parse)(struct ews_call *call, const struct xml_node *request, void **args_r,
                 struct err *err_r);
    /* One of the two. batch: one object after another, wherever they lie (batch.h). run: writes the
     * whole <m:XResponse> element to call->out, in the caller's mailbox. */
    const struct batch *batch;
    int (*run)(struct ews_call *call, struct mailbox_tx *tx, void *args, struct err *err_r);
};
/* NULL when we do not have it. */
const struct ews_operation *ews_operation_find(struct str name);
/* True when the schema knows the operation (then its absence here is ErrorInvalidOperation, else
 * ErrorSchemaValidation). */
bool ews_operation_in_schema(struct str name);

#endif
