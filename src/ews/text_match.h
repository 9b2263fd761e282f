/* Comparing text as a Contains restriction asks: modes of containment, with or without case and
 * accents. Callers: restriction.c. */
#ifndef EWS_TEXT_MATCH_H
#define EWS_TEXT_MATCH_H

#include "base/str.h"

#include <stdbool.h>

struct arena;

/* ContainmentModeType, in the schema's order. */
enum contain_mode {
    CONTAIN_FULL_STRING,
    CONTAIN_PREFIXED,
    CONTAIN_SUBSTRING,
    CONTAIN_PREFIX_ON_WORDS,
    CONTAIN_EXACT_PHRASE
};
extern const char *const contain_mode_names[];

/* ContainmentComparisonType, in the schema's order. Loose ignores case and accents. */
extern const char *const contain_comparison_names[];

/* The text as the comparison sees it; both sides must pass through. Result in arena, or s
 * itself. */
struct str text_normalize(struct arena *arena, struct str s, size_t comparison);
/* text and wanted are normalized. */
bool text_contains(struct str text, struct str wanted, enum contain_mode mode);

#endif
