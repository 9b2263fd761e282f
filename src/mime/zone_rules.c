/* Zone files: RFC 8536. The second block of the file has 64-bit times; the text behind it is the rule for what follows. */
#include "mime/zone_rules.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/macros.h"
#include "mime/limits.h"
#include "mime/windows_zones.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo/"
#define DAY_S 86400

/* ---- the file's blocks ---- */

struct header {
    size_t times, types, leaps, chars, std_flags, ut_flags;
};

#define HEADER_BYTES 44
#define TYPE_BYTES 6

static uint32_t u32_at(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t i64_at(const char *p)
{
    return (int64_t)((uint64_t)u32_at(p) << 32 | u32_at(p + 4));
}

/* Takes a header off the front. Counts are bounded by the file's length, so that no sum overflows. */
static bool take_header(struct str *s, struct header *h)
{
    size_t *const counts[] = {&h->ut_flags, &h->std_flags, &h->leaps,
                              &h->times,    &h->types,     &h->chars};

    if (s->n < HEADER_BYTES || memcmp(s->p, "TZif", 4) != 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        *counts[i] = u32_at(s->p + 20 + 4 * i);
        if (*counts[i] > s->n) {
            return false;
        }
    }
    *s = str_sub(*s, HEADER_BYTES, SIZE_MAX);
    return true;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
    return h->times * time_bytes + h->times + h->types * TYPE_BYTES + h->chars +
           h->leaps * (time_bytes + 4) + h->std_flags + h->ut_flags;
}

static bool read_block(struct str s, const struct header *h, struct arena *arena,
                       struct zone_rules *rules)
{
    const char *index = s.p + 8 * h->times, *types = index + h->times;
    int64_t *at = ARENA_ARRAY(arena, int64_t, h->times + 1);
    int *offsets = ARENA_ARRAY(arena, int, h->times + 1);

    if (h->types == 0) {
        return false;
    }
    for (size_t i = 0; i < h->times; i++) {
        size_t type = (unsigned char)index[i];

        if (type >= h->types) {
            return false;
        }
        at[i] = i64_at(s.p + 8 * i);
        offsets[i] = (int)u32_at(types + TYPE_BYTES * type);
    }
    rules->first_offset_s = (int)u32_at(types);
    rules->count = h->times;
    rules->at_s = at;
    rules->offset_s = offsets;
    return true;
}

/* ---- the rule behind: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static int take_number(struct str *s)
{
    int v = 0;

    while (s->n > 0 && *s->p >= '0' && *s->p <= '9' && v < 100000) {
        v = 10 * v + (*s->p - '0');
        *s = str_sub(*s, 1, SIZE_MAX);
    }
    return v;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || *s->p != c) {
        return false;
    }
    *s = str_sub(*s, 1, SIZE_MAX);
    return true;
}

/* [+-]hh[:mm[:ss]], in seconds. */
static int take_time(struct str *s)
{
    bool minus = take_char(s, '-');
    int v;

    (void)take_char(s, '+');
    v = take_number(s) * 3600;
    if (take_char(s, ':')) {
        v += take_number(s) * 60;
    }
    if (take_char(s, ':')) {
        v += take_number(s);
    }
    return minus ? -v : v;
}

static void skip_name(struct str *s)
{
    if (take_char(s, '<')) {
        *s = str_sub(*s, str_find_char(*s, '>', 0) + 1, SIZE_MAX);
        return;
    }
    while (s->n > 0 && ((*s->p >= 'A' && *s->p <= 'Z') || (*s->p >= 'a' && *s->p <= 'z'))) {
        *s = str_sub(*s, 1, SIZE_MAX);
    }
}

/* ,Mm.w.d[/time] */
static bool take_change(struct str *s, struct zone_change *change)
{
    if (!take_char(s, ',') || !take_char(s, 'M')) {
        return false;
    }
    change->month = take_number(s);
    (void)take_char(s, '.');
    change->week = take_number(s);
    (void)take_char(s, '.');
    change->weekday = take_number(s);
    change->seconds = take_char(s, '/') ? take_time(s) : 2 * 3600;
    return change->month >= 1 && change->month <= 12 && change->week >= 1 && change->week <= 5 &&
           change->weekday <= 6;
}

/* Offsets count west of UTC there. */
static void read_rule(struct str s, struct zone_rules *rules)
{
    skip_name(&s);
    rules->standard_s = -take_time(&s);
    rules->daylight_s = rules->standard_s;
    if (s.n == 0) {
        return;
    }
    skip_name(&s);
    rules->daylight_s = s.n > 0 && *s.p != ',' ? -take_time(&s) : rules->standard_s + 3600;
    rules->has_daylight =
        take_change(&s, &rules->to_daylight) && take_change(&s, &rules->to_standard);
}

static bool parse_file(struct str s, struct arena *arena, struct zone_rules *rules)
{
    struct header h;
    size_t skip;

    if (!take_header(&s, &h) || block_bytes(&h, 4) > s.n) {
        return false;
    }
    s = str_sub(s, block_bytes(&h, 4), SIZE_MAX);
    if (!take_header(&s, &h) || block_bytes(&h, 8) > s.n || !read_block(s, &h, arena, rules)) {
        return false;
    }
    skip = block_bytes(&h, 8);
    s = str_trim(str_sub(s, skip, SIZE_MAX));
    if (s.n > 0) {
        read_rule(s, rules);
    } else {
        rules->standard_s =
            rules->count > 0 ? rules->offset_s[rules->count - 1] : rules->first_offset_s;
    }
    return true;
}

/* ---- finding ---- */

/* Names go into a path: only what such names consist of. */
static bool is_city(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && memchr("/_+-", c, 4) == NULL) {
            return false;
        }
    }
    return s.n > 0 && s.n <= MIME_ZONE_NAME_BYTES_MAX && *s.p != '/';
}

static struct str read_file(const char *city, struct arena *arena)
{
    char *path = arena_printf(arena, "%s%s", ZONE_DIRECTORY, city);
    FILE *file = fopen(path, "rb");
    char *bytes = arena_alloc(arena, MIME_ZONE_FILE_BYTES_MAX);
    size_t n;

    if (file == NULL) {
        return STR_NULL;
    }
    n = fread(bytes, 1, MIME_ZONE_FILE_BYTES_MAX, file);
    (void)fclose(file);
    return str_of(bytes, n);
}

struct kept_zone {
    struct str city;
    const struct zone_rules *rules;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct arena *kept_arena;
static struct kept_zone kept[MIME_ZONES_KEPT_MAX];
static size_t kept_count;

/* Names that are no zone's are not kept: they come from outside. */
static const struct zone_rules *load(struct str city)
{
    struct arena *arena = arena_new(kept_arena, "zone"), *tmp = arena_new(NULL, "zone file");
    struct zone_rules *rules = ARENA_NEW(arena, struct zone_rules);

    if (parse_file(read_file(str_cstr(tmp, city), tmp), arena, rules)) {
        kept[kept_count++] = (struct kept_zone){str_dup(arena, city), rules};
    } else {
        rules = NULL;
        arena_free(&arena);
    }
    arena_free(&tmp);
    return rules;
}

static const struct zone_rules *find_kept(struct str city)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (str_eq(kept[i].city, city)) {
            return kept[i].rules;
        }
    }
    if (kept_arena == NULL) {
        kept_arena = arena_new(NULL, "zones");
    }
    return kept_count < MIME_ZONES_KEPT_MAX ? load(city) : NULL;
}

const struct zone_rules *zone_rules_find(struct str id)
{
    const struct windows_zone *zone = windows_zone_find(id);
    struct str city = zone != NULL ? str_from(zone->city) : id;
    const struct zone_rules *rules;

    if (!is_city(city)) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    rules = find_kept(city);
    pthread_mutex_unlock(&lock);
    return rules;
}

/* ---- reckoning ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int year_of(int64_t days)
{
    int year = 1970 + (int)floor_div(days * 400, 146097);

    while (time_days_from_civil(year, 1, 1) > days) {
        year--;
    }
    while (time_days_from_civil(year + 1, 1, 1) <= days) {
        year++;
    }
    return year;
}

/* Local seconds since 1970 of the change in that year. */
static int64_t change_s(const struct zone_change *change, int year)
{
    int64_t first = time_days_from_civil(year, (unsigned)change->month, 1);
    int64_t next = change->month == 12 ? time_days_from_civil(year + 1, 1, 1)
                                       : time_days_from_civil(year, (unsigned)change->month + 1, 1);
    int64_t weekday = (first + 4) - 7 * floor_div(first + 4, 7); /* 1970-01-01: a Thursday */
    int64_t day = first + (change->weekday - weekday + 7) % 7 + 7 * (change->week - 1);

    while (day >= next) {
        day -= 7;
    }
    return day * DAY_S + change->seconds;
}

static int offset_by_rule(const struct zone_rules *rules, int64_t utc_s)
{
    int year;
    int64_t daylight, standard;
    bool is_daylight;

    if (!rules->has_daylight) {
        return rules->standard_s;
    }
    year = year_of(floor_div(utc_s + rules->standard_s, DAY_S));
    daylight = change_s(&rules->to_daylight, year) - rules->standard_s;
    standard = change_s(&rules->to_standard, year) - rules->daylight_s;
    is_daylight = daylight < standard ? utc_s >= daylight && utc_s < standard
                                      : utc_s >= daylight || utc_s < standard;
    return is_daylight ? rules->daylight_s : rules->standard_s;
}

int zone_rules_offset_s(const struct zone_rules *rules, int64_t utc_s)
{
    size_t low = 0, high = rules->count;

    if (rules->count == 0 || utc_s >= rules->at_s[rules->count - 1]) {
        return offset_by_rule(rules, utc_s);
    }
    while (low < high) { /* the first transition after it */
        size_t middle = (low + high) / 2;

        if (rules->at_s[middle] <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? rules->first_offset_s : rules->offset_s[low - 1];
}

int64_t zone_rules_utc_s(const struct zone_rules *rules, int64_t local_s)
{
    int before = zone_rules_offset_s(rules, local_s - DAY_S);
    int after = zone_rules_offset_s(rules, local_s + DAY_S);

    if (zone_rules_offset_s(rules, local_s - before) == before) {
        return local_s - before;
    }
    return zone_rules_offset_s(rules, local_s - after) == after ? local_s - after
                                                                : local_s - before;
}

static bool change_is(const struct zone_change *a, const struct zone_change *b)
{
    return a->month == b->month && a->week == b->week && a->weekday == b->weekday &&
           a->seconds == b->seconds;
}

bool zone_rules_alike(const struct zone_rules *a, const struct zone_rules *b)
{
    return a->standard_s == b->standard_s && a->has_daylight == b->has_daylight &&
           (!a->has_daylight ||
            (a->daylight_s == b->daylight_s && change_is(&a->to_daylight, &b->to_daylight) &&
             change_is(&a->to_standard, &b->to_standard)));
}
