/*
 * The body of a reply or forward: what is new, then whose message follows, then that message.
 * Caller: response_objects.c. Results live in the arena.
 */
#ifndef EWS_RESPONSE_QUOTE_H
#define EWS_RESPONSE_QUOTE_H

#include "base/str.h"
#include "mime/message.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

struct response_text {
    bool html;
    struct str text;
};

/* What is told of the message that is quoted; what is empty is left out. */
struct response_quoted {
    struct mime_addresses from, to, cc;
    bool has_sent;
    int64_t sent_ms;
    struct str subject;
    struct response_text body;
};

/* HTML when either of the two is: nobody's formatting is lost. */
struct response_text response_quote(struct arena *arena, const struct response_text *fresh,
                                    const struct response_quoted *quoted);

#endif
