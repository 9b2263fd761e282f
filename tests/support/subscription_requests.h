/* Requests about subscriptions, for tests that use ews_fixture. */
#ifndef SUPPORT_SUBSCRIPTION_REQUESTS_H
#define SUPPORT_SUBSCRIPTION_REQUESTS_H

#include "mailbox/store.h"
#include "mailbox/token.h"
#include "support/ews_fixture.h"

#define INBOX_IDS "<t:FolderIds><t:DistinguishedFolderId Id='inbox'/></t:FolderIds>"
#define EVENT_TYPE(name) "<t:EventType>" name "</t:EventType>"
#define ALL_TYPES                                                                                  \
    "<t:EventTypes>" EVENT_TYPE("CopiedEvent") EVENT_TYPE("CreatedEvent")                          \
        EVENT_TYPE("DeletedEvent") EVENT_TYPE("ModifiedEvent") EVENT_TYPE("MovedEvent")            \
            EVENT_TYPE("NewMailEvent") EVENT_TYPE("FreeBusyChangedEvent") "</t:EventTypes>"
#define PULL_OF(inside) "<m:PullSubscriptionRequest>" inside "</m:PullSubscriptionRequest>"
#define STREAM_OF(inside)                                                                          \
    "<m:StreamingSubscriptionRequest>" inside "</m:StreamingSubscriptionRequest>"
#define PUSH_OF(inside) "<m:PushSubscriptionRequest>" inside "</m:PushSubscriptionRequest>"
#define PULL_INBOX PULL_OF(INBOX_IDS ALL_TYPES "<t:Timeout>10</t:Timeout>")
#define STREAM_INBOX STREAM_OF(INBOX_IDS ALL_TYPES)
#define PUSH_INBOX                                                                                 \
    PUSH_OF(INBOX_IDS ALL_TYPES "<t:StatusFrequency>1</t:StatusFrequency>"                         \
                                "<t:URL>http://127.0.0.1:1/push</t:URL>")

/* Its id; NULL when it was refused. */
static inline const char *subscribe(struct ews_fixture *f, const char *inside)
{
    ews_ask(f, "<m:Subscribe>%s</m:Subscribe>", inside);
    return ews_text(f, "SubscriptionId");
}

static inline void unsubscribe(struct ews_fixture *f, const char *id)
{
    ews_ask(f, "<m:Unsubscribe><m:SubscriptionId>%s</m:SubscriptionId></m:Unsubscribe>", id);
}

static inline void get_events(struct ews_fixture *f, const char *id, const char *watermark)
{
    ews_ask(f,
            "<m:GetEvents><m:SubscriptionId>%s</m:SubscriptionId><m:Watermark>%s</m:Watermark>"
            "</m:GetEvents>",
            id, watermark);
}

static inline const char *written(struct ews_fixture *f, struct buf *text)
{
    const char *s = str_cstr(f->arena, buf_str(text));

    buf_fini(text);
    return s;
}

/* Places that no answer gives. */
static inline const char *watermark_of(struct ews_fixture *f, struct mailbox_no no, uint64_t seq)
{
    const struct token_watermark token = {no, {{seq}, 0}};
    struct buf text = BUF_INIT;

    token_watermark_write(&text, store_token_key(f->store), &token);
    return written(f, &text);
}

static inline int any_url(void *context, struct str url, struct err *err_r)
{
    unsigned *asked = context;

    (*asked)++;
    return str_starts(url, STR("http://127.0.0.1:1/"))
               ? 0
               : err_set(err_r, ERR_PUSH_URL, "the test refuses it");
}

#endif
