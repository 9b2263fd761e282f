/*
 * For the files that make up restrictions: restriction.c (from XML), restriction_test.c (testing),
 * aqs.c (from a query string).
 */
#ifndef EWS_RESTRICTION_PRIVATE_H
#define EWS_RESTRICTION_PRIVATE_H

#include "ews/restriction.h"
#include "ews/text_match.h"

#include <stddef.h>
#include <stdint.h>

enum operator{
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_EXISTS,
    OP_EXCLUDES,
    OP_CONTAINS,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_NEAR,
    OP_COUNT
};

/* A constant in all readings that its text allows; the value's type picks one. */
struct constant {
    struct str text;
    bool is_int, is_bool, is_time, is_bytes;
    int64_t i, time_ms;
    bool b;
    struct str bytes;
};

struct restriction {
    enum operator op;
    bool needs_message;               /* it or one below */
    struct restriction *first, *next; /* AND, OR, NOT: children, siblings */
    const struct prop_path *path;
    const struct prop_path *other; /* comparisons: compared with, or NULL: the constant */
    struct constant constant;      /* CONTAINS: text is normalized */
    enum contain_mode mode;
    size_t comparison;
    int64_t mask; /* EXCLUDES */
};

/* The readings of a constant that is compared with the path's value. */
void restriction_read_constant(struct ews_call *call, const struct prop_path *path, struct str text,
                               struct constant *constant_r);
/* Adds a child to an AND, OR or NOT. Those that can be tested without the message come first. */
void restriction_add_child(struct restriction *parent, struct restriction *child);
bool restriction_constant_fits(const struct constant *constant, enum value_type type);

#endif
