#include "ews/views.h"

#include "ews/grammar.h"
#include "ews/limits.h"
#include "ews/restriction.h"
#include "xml/xml_doc.h"

static const char *const base_points[] = {"Beginning", "End", NULL};

/* Absent: as much as an answer takes. */
static int parse_max_rows(const struct xml_node *node, struct view *view, struct err *err_r)
{
    int64_t max = FIND_MAX_ROWS;

    TRY(grammar_attr_int(node, "MaxEntriesReturned", false, XS_INT_MIN, XS_INT_MAX, &max, err_r));
    if (max <= 0) {
        return err_set(err_r, ERR_PAGING_MAX_ROWS, "MaxEntriesReturned %lld", (long long)max);
    }
    view->max_rows = max < FIND_MAX_ROWS ? max : FIND_MAX_ROWS;
    return 0;
}

static int parse_base_point(const struct xml_node *node, struct view *view, struct err *err_r)
{
    size_t base;

    TRY(grammar_attr_enum(node, "BasePoint", true, base_points, &base, err_r));
    view->from_end = base == 1;
    return 0;
}

int view_parse_indexed(const struct xml_node *node, struct view *view, struct err *err_r)
{
    view->kind = VIEW_INDEXED;
    TRY(grammar_attr_int(node, "Offset", true, XS_INT_MIN, XS_INT_MAX, &view->offset, err_r));
    TRY(parse_base_point(node, view, err_r));
    TRY(parse_max_rows(node, view, err_r));
    if (view->offset < 0) {
        return err_set(err_r, ERR_PAGING_OFFSET, "Offset %lld", (long long)view->offset);
    }
    return 0;
}

int view_parse_fractional(const struct xml_node *node, struct view *view, struct err *err_r)
{
    view->kind = VIEW_FRACTIONAL;
    TRY(grammar_attr_int(node, "Numerator", true, XS_INT_MIN, XS_INT_MAX, &view->numerator, err_r));
    TRY(grammar_attr_int(node, "Denominator", true, XS_INT_MIN, XS_INT_MAX, &view->denominator,
                         err_r));
    TRY(parse_max_rows(node, view, err_r));
    if (view->denominator <= 0 || view->numerator < 0 || view->numerator > view->denominator) {
        return err_set(err_r, ERR_PAGING_FRACTION, "%lld/%lld", (long long)view->numerator,
                       (long long)view->denominator);
    }
    return 0;
}

int view_parse_seek(struct ews_call *call, const struct xml_node *node, struct view *view,
                    struct str *message_xml_r, struct err *err_r)
{
    static const struct grammar_child children[] = {{XML_NS_TYPES, "Condition", 1, 1}};
    const struct xml_node *condition;

    view->kind = VIEW_SEEK;
    TRY(grammar_sequence(node, children, ARRAY_LEN(children), &condition, err_r));
    TRY(parse_base_point(node, view, err_r));
    TRY(parse_max_rows(node, view, err_r));
    return restriction_parse(call, condition, RESTRICTION_OF_ITEMS, &view->condition, message_xml_r,
                             err_r);
}

int view_parse_contacts(const struct xml_node *node, struct view *view, struct err *err_r)
{
    view->kind = VIEW_CONTACTS;
    view->initial_name = xml_attr(node, "InitialName");
    view->final_name = xml_attr(node, "FinalName");
    return parse_max_rows(node, view, err_r);
}

/* ---- pages ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Forwards from `from`, counted from the beginning. */
static void page_forward(size_t from, size_t max, struct page *page)
{
    page->start = least(from, page->total);
    page->count = least(max, page->total - page->start);
    page->next = page->start + page->count;
    page->last = page->next == page->total;
}

/* Backwards: the rows before the one that lies `from` before the end. */
static void page_backward(size_t from, size_t max, struct page *page)
{
    size_t end = page->total - least(from, page->total);

    page->count = least(max, end);
    page->start = end - page->count;
    page->next = page->total - page->start;
    page->last = page->start == 0;
}

void view_page(const struct view *view, size_t total, size_t seek, struct page *page_r)
{
    struct page page = {.total = total, .fractional = view->kind == VIEW_FRACTIONAL};
    size_t from = (size_t)view->offset, max = (size_t)view->max_rows;

    if (view->kind == VIEW_FRACTIONAL) {
        from = total * (size_t)view->numerator / (size_t)view->denominator;
    } else if (view->kind == VIEW_SEEK) {
        from = seek;
    }
    if (view->from_end) {
        page_backward(from, max, &page);
    } else {
        page_forward(from, max, &page);
    }
    *page_r = page;
}

static void write_attribute(struct buf *out, const char *name, size_t v)
{
    buf_add_char(out, ' ');
    buf_add_cstr(out, name);
    BUF_LIT(out, "=\"");
    buf_add_u64(out, v);
    buf_add_char(out, '"');
}

void page_write_attributes(struct buf *out, const struct page *page)
{
    if (page->fractional) {
        write_attribute(out, "NumeratorOffset", page->next);
        write_attribute(out, "AbsoluteDenominator", page->total != 0 ? page->total : 1);
    } else {
        write_attribute(out, "IndexedPagingOffset", page->next);
    }
    write_attribute(out, "TotalItemsInView", page->total);
    BUF_LIT(out, " IncludesLastItemInRange=\"");
    buf_add_str(out, page->last ? STR("true\"") : STR("false\""));
}
