#include "server/push_door.h"

#include "base/log.h"
#include "base/mem.h"
#include "ews/call.h"
#include "ews/notifications.h"
#include "mailbox/store.h"
#include "push/push.h"

#include <stdlib.h>
#include <string.h>

#define SEND_NOTIFICATION                                                                          \
    "http://schemas.microsoft.com/exchange/services/2006/messages/SendNotification"

/* One on its way. */
struct parcel {
    struct push_post post;
    struct hub_post *of;
    struct buf body;
    char *url;
};

static enum push_outcome outcome_of(int status, struct str answer)
{
    static const enum push_outcome outcomes[] = {
        [PUSH_ANSWER_OK] = PUSH_OK,
        [PUSH_ANSWER_UNSUBSCRIBE] = PUSH_UNSUBSCRIBE,
        [PUSH_ANSWER_UNREADABLE] = PUSH_FAILED,
    };

    return status >= 200 && status < 300 ? outcomes[push_answer_read(answer)] : PUSH_FAILED;
}

static void on_done(struct push_post *post, int status, struct str answer, const char *why)
{
    struct parcel *p = container_of(post, struct parcel, post);
    enum push_outcome outcome = outcome_of(status, answer);

    if (outcome == PUSH_FAILED) {
        log_event(LOG_INFO, "push.failed", LINT("mailbox", hub_post_mailbox(p->of).v),
                  LINT("status", status), LCSTR("why", status != 0 ? "no usable answer" : why));
    }
    hub_push_done(p->of, outcome);
    buf_fini(&p->body);
    free(p->url);
    free(p);
}

static void send_out(void *context, struct hub_post *of)
{
    const struct push_door *door = context;
    const struct subscription *s = hub_post_subscription(of);
    const struct notification_context c = {.service = door->service,
                                           .key = store_token_key(door->service->store),
                                           .mailbox = hub_post_mailbox(of)};
    struct parcel *p = mem_alloc_zero(1, sizeof(*p));

    p->of = of;
    p->url = mem_alloc_zero(1, s->url.n + 1);
    memcpy(p->url, s->url.p, s->url.n);
    push_document(&p->body, &c, s, hub_post_previous(of), hub_post_page(of));
    p->post = (struct push_post){.url = p->url,
                                 .body = buf_str(&p->body),
                                 .soap_action = SEND_NOTIFICATION,
                                 .done = on_done};
    push_send(door->push, &p->post);
}

const struct push_ops push_door_ops = {.post = send_out};
