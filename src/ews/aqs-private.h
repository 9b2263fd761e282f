/* For the files that make up the query syntax: aqs.c (words and expressions), aqs_term.c (what the
 * words mean), aqs_date.c. */
#ifndef EWS_AQS_PRIVATE_H
#define EWS_AQS_PRIVATE_H

#include "ews/aqs.h"
#include "ews/restriction-private.h"

#include <stdbool.h>

#define AQS_URIS_MAX 8

enum aqs_form { FIELD_TEXT, FIELD_BOOL, FIELD_ENUM, FIELD_DATE, FIELD_SIZE, FIELD_KIND };

/* What a keyword stands for. Texts match when one of the properties does; names that begin with '#'
 * are fields of the message's header, which know addresses where the record knows names. */
struct aqs_field {
    const char *name;
    enum aqs_form form;
    const char *uris[AQS_URIS_MAX];
};

struct aqs_parser {
    struct ews_call *call;
    struct str rest;
    unsigned terms, depth;
};

/* ---- aqs.c ---- */

/* ERR_QUERY_STRING, with what is still to be read. */
int aqs_fail(const struct aqs_parser *p, struct err *err_r);
void aqs_skip(struct aqs_parser *p, size_t n);
void aqs_skip_space(struct aqs_parser *p);
/* Up to a space, a parenthesis or a quote; may be empty. */
struct str aqs_peek_word(const struct aqs_parser *p);

/* ---- aqs_term.c ---- */

/* A word without keyword: wherever it can be seen. */
extern const struct aqs_field aqs_anywhere;
/* By keyword; NULL when there is no such. */
const struct aqs_field *aqs_field_find(struct str name);
int aqs_term(struct aqs_parser *p, const struct aqs_field *field, struct str value, bool phrase,
             struct restriction **r_r, struct err *err_r) WARN_UNUSED;
struct restriction *aqs_node(struct aqs_parser *p, enum operator op);
/* One of several is only itself. */
struct restriction *aqs_unwrap(struct restriction *r);

#endif
