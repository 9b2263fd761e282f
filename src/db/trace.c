#include "db/decorate.h"

#include "db/wrap-private.h"

#include <assert.h>

const char *db_call_name(enum db_call call)
{
    static const char *const names[DB_CALL_COUNT] = {
        [DB_CALL_BEGIN] = "begin",
        [DB_CALL_COMMIT] = "commit",
        [DB_CALL_ROLLBACK] = "rollback",
        [DB_CALL_SAVEPOINT] = "savepoint",
        [DB_CALL_SAVEPOINT_RELEASE] = "savepoint_release",
        [DB_CALL_SAVEPOINT_ROLLBACK] = "savepoint_rollback",
        [DB_CALL_PREPARE] = "prepare",
        [DB_CALL_STEP] = "step",
        [DB_CALL_MIGRATE] = "migrate",
        [DB_CALL_CLOSE] = "close",
    };

    assert(call < DB_CALL_COUNT);
    return names[call];
}

static int trace_after(struct wrap *wrap, enum db_call call, const char *sql, int rc,
                       struct err *err_r)
{
    struct db_trace *trace = wrap->ctx;

    (void)err_r;
    trace->called(trace, call, sql, rc);
    return rc;
}

struct db *db_trace_new(struct db *inner, struct db_trace *trace)
{
    struct wrap *w = wrap_new(inner, trace);

    w->after = trace_after;
    return &w->db;
}
