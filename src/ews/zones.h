/* Windows time zone ids: what a request's TimeZoneContext names. */
#ifndef EWS_ZONES_H
#define EWS_ZONES_H

#include "base/str.h"

#include <stdbool.h>

/* Minutes east of UTC in standard time. False for a name that is no zone. */
bool zone_standard_offset(struct str id, int *minutes_r);

#endif
