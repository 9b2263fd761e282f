#include "db/decorate.h"

#include "db/wrap-private.h"

static bool counts(const struct db_fault *fault, enum db_call call)
{
    if (call == DB_CALL_ROLLBACK || call == DB_CALL_CLOSE) {
        return false;
    }
    return !fault->only_one_call || fault->call == call;
}

static int fail(struct wrap *wrap, enum db_call call, struct err *err_r)
{
    struct db_fault *fault = wrap->ctx;

    fault->fired = true;
    if (fault->ends_tx) {
        wrap->inner->ops->rollback(wrap->inner);
    }
    return err_set(err_r, fault->kind, "fault in call %u, %s", fault->calls, db_call_name(call));
}

static int fault_before(struct wrap *wrap, enum db_call call, struct err *err_r)
{
    struct db_fault *fault = wrap->ctx;

    if (!counts(fault, call)) {
        return 0;
    }
    fault->calls++;
    return fault->calls == fault->nth && !fault->after ? fail(wrap, call, err_r) : 0;
}

static int fault_after(struct wrap *wrap, enum db_call call, const char *sql, int rc,
                       struct err *err_r)
{
    struct db_fault *fault = wrap->ctx;

    (void)sql;
    if (!counts(fault, call) || rc < 0 || !fault->after || fault->calls != fault->nth) {
        return rc;
    }
    return fail(wrap, call, err_r);
}

struct db *db_fault_new(struct db *inner, struct db_fault *fault)
{
    struct wrap *w = wrap_new(inner, fault);

    w->before = fault_before;
    w->after = fault_after;
    return &w->db;
}
