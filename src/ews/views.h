/*
 * Paging of FindItem and FindFolder: which part of the found rows a request wants, and how the
 * answer says where to go on.
 */
#ifndef EWS_VIEWS_H
#define EWS_VIEWS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ews_call;
struct restriction;
struct xml_node;

enum view_kind {
    VIEW_ALL, /* none named: from the beginning, as much as an answer takes */
    VIEW_INDEXED,
    VIEW_FRACTIONAL,
    VIEW_SEEK,    /* from the first row that meets a condition */
    VIEW_CONTACTS /* contacts with names in a range, by name */
};

struct view {
    enum view_kind kind;
    int64_t max_rows;
    int64_t offset;
    bool from_end;
    int64_t numerator, denominator;
    struct restriction *condition;
    struct str initial_name, final_name; /* CONTACTS: first and last; p NULL: no limit */
};

/* *view = VIEW_INIT before. Each: ERR_SCHEMA; ERR_PAGING_MAX_ROWS, ERR_PAGING_OFFSET,
 * ERR_PAGING_FRACTION. */
#define VIEW_INIT ((struct view){.kind = VIEW_ALL, .max_rows = FIND_MAX_ROWS})
int view_parse_indexed(const struct xml_node *node, struct view *view, struct err *err_r)
    WARN_UNUSED;
int view_parse_fractional(const struct xml_node *node, struct view *view, struct err *err_r)
    WARN_UNUSED;
int view_parse_contacts(const struct xml_node *node, struct view *view, struct err *err_r)
    WARN_UNUSED;
/* And what restriction_parse may say. */
int view_parse_seek(struct ews_call *call, const struct xml_node *node, struct view *view,
                    struct str *message_xml_r, struct err *err_r) WARN_UNUSED;

/* A part of the rows, in their order. */
struct page {
    size_t start, count, total;
    size_t next; /* offset for the next request, from the same base point */
    bool last;   /* nothing follows in the direction of paging */
    bool fractional;
};
/* seek: position of the first row that meets the condition, in the direction of the view; total
 * when none does. Else ignored. */
void view_page(const struct view *view, size_t total, size_t seek, struct page *page_r);
/* The attributes of m:RootFolder. */
void page_write_attributes(struct buf *out, const struct page *page);

#endif
