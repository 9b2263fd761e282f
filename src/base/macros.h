/*
 * Small language helpers used by every room: cleanup attributes, ownership transfer, error
 * propagation.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define WARN_UNUSED __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_, first_) __attribute__((format(printf, fmt_, first_)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * AUTO(thing) t = NULL;  frees *t with the function named by DEFINE_AUTO when the scope ends.
 * DEFINE_AUTO(thing, thing_free) belongs below the prototype of thing_free(struct thing **).
 * Meant for handles that are not memory (files, statements, transactions, locks).
 */
#define DEFINE_AUTO(type, fn)                                                                      \
    static inline void type##_auto(struct type **p)                                                \
    {                                                                                              \
        if (*p != NULL) {                                                                          \
            fn(p);                                                                                 \
        }                                                                                          \
    }
#define AUTO(type) __attribute__((cleanup(type##_auto))) struct type *

/* The struct of the given type whose member the pointer points to. */
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* Hands the pointer on and clears the source, at the point where ownership leaves. */
#define take(pp)                                                                                   \
    __extension__({                                                                                \
        __typeof__(*(pp)) taken_ = *(pp);                                                          \
        *(pp) = NULL;                                                                              \
        taken_;                                                                                    \
    })

/* Returns the negative result of a fallible call. Safe because nothing is freed by hand. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        int try_rc_ = (expr);                                                                      \
        if (try_rc_ < 0) {                                                                         \
            return try_rc_;                                                                        \
        }                                                                                          \
    } while (0)

#endif
