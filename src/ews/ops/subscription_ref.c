#include "ews/ops/subscription_ref.h"

#include "ews/call.h"
#include "ews/grammar.h"
#include "mailbox/token.h"
#include "xml/xml_doc.h"

int subscription_text_parse(const struct xml_node *node, struct str *text_r, struct err *err_r)
{
    struct str text = str_trim(node->text);

    if (text.n == 0) {
        return grammar_fail(node, err_r,
                            "The '%.*s' element is invalid - The value '' is invalid according to "
                            "its datatype - The MinLength constraint failed.",
                            STR_ARG(node->name));
    }
    *text_r = text;
    return 0;
}

static int denied(struct err *err_r)
{
    return err_set(err_r, ERR_SUBSCRIPTION_DENIED, "a subscription of another mailbox");
}

int subscription_find(struct ews_call *call, struct mailbox_tx *tx, struct str text,
                      struct subscription *subscription_r, struct err *err_r)
{
    struct token_subscription token;
    struct subscription s;
    int found;

    TRY(token_subscription_read(call->key, text, &token, err_r));
    /* Everybody subscribes to the own mailbox only. */
    if (token.mailbox.v != call->caller.mailbox.v) {
        return denied(err_r);
    }
    found = subscription_get(tx, token.subscription, token.secret, call->arena, &s, err_r);
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return err_set(err_r, ERR_SUBSCRIPTION_NOT_FOUND, "subscription %llu is gone",
                       (unsigned long long)token.subscription.v);
    }
    if (s.owner.v != call->caller.mailbox.v) {
        return denied(err_r);
    }
    *subscription_r = s;
    return 0;
}

int watermark_read(struct ews_call *call, const struct mailbox_tx *tx, struct str text,
                   struct log_position *at_r, struct err *err_r)
{
    struct token_watermark token;

    TRY(token_watermark_read(call->key, text, &token, err_r));
    if (token.mailbox.v != call->caller.mailbox.v) {
        return err_set(err_r, ERR_WATERMARK, "a watermark of another mailbox");
    }
    TRY(log_position_check(tx, token.at, err_r));
    *at_r = token.at;
    return 0;
}

int subscription_note_counts(struct ews_call *call, struct mailbox_tx *tx, struct err *err_r)
{
    struct subscription_counts counts;

    TRY(subscription_count(tx, &counts, err_r));
    hub_note_counts(call->service->hub, call->mailbox, &counts);
    return 0;
}
