/*
 * The tree of parts, in one pass over the bytes: a stack of open multiparts, and at each line that starts with two hyphens a look whether it is a
 * boundary of one of them. No recursion, no copies; the content of a message/rfc822 is a leaf's content like any other.
 */
#include "mime/mime-private.h"

#include "base/arena.h"
#include "mime/limits.h"

struct scan {
    struct arena *arena;
    struct str s; /* the body */
    size_t at;    /* always the start of a line */
    struct mime_part *open[MIME_DEPTH_MAX];
    size_t content_start[MIME_DEPTH_MAX];
    size_t depth;           /* open multiparts */
    struct mime_part *leaf; /* whose content is being passed over, or NULL */
    size_t leaf_start;
    size_t parts;
};

/* A boundary line: of which open multipart, and where it stands. */
struct boundary {
    size_t level;
    bool is_end;
    size_t start, next;
};

static struct str without_trailing_blanks(struct str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

/* name: what follows the two hyphens. Innermost first: a boundary that two multiparts share belongs to the inner. */
static bool match_boundary(const struct scan *scan, struct str name, struct boundary *boundary_r)
{
    bool has_hyphens = name.n > 2 && memcmp(name.p + name.n - 2, "--", 2) == 0;

    for (size_t i = scan->depth; i-- > 0;) {
        struct str wanted = scan->open[i]->boundary;
        bool is_end = has_hyphens && wanted.n == name.n - 2;

        if ((is_end || wanted.n == name.n) && memcmp(wanted.p, name.p, wanted.n) == 0) {
            boundary_r->level = i;
            boundary_r->is_end = is_end;
            return true;
        }
    }
    return false;
}

/* Whether the line at start is a boundary. */
static bool boundary_at(const struct scan *scan, size_t start, struct boundary *boundary_r)
{
    struct str line;
    size_t next;

    if (scan->s.n - start < 3 || memcmp(scan->s.p + start, "--", 2) != 0) {
        return false;
    }
    next = mime_line(scan->s, start, &line);
    if (!match_boundary(scan, without_trailing_blanks(str_sub(line, 2, SIZE_MAX)), boundary_r)) {
        return false;
    }
    boundary_r->start = start;
    boundary_r->next = next;
    return true;
}

static bool next_boundary(const struct scan *scan, struct boundary *boundary_r)
{
    size_t at = scan->at;

    while (at < scan->s.n) {
        if (boundary_at(scan, at, boundary_r)) {
            return true;
        }
        at = str_find(scan->s, STR("\n--"), at);
        at = at == SIZE_MAX ? scan->s.n : at + 1;
    }
    return false;
}

/* The line end before a boundary belongs to the boundary; that of the last line of all is content. */
static struct str content_between(struct str s, size_t start, size_t end)
{
    bool at_boundary = end < s.n;

    if (at_boundary && end > start && s.p[end - 1] == '\n') {
        end--;
    }
    if (at_boundary && end > start && s.p[end - 1] == '\r') {
        end--;
    }
    return str_sub(s, start, end - start);
}

/* A multipart in which no boundary ever came is shown as it stands. */
static void close_multipart(struct scan *scan, struct str content)
{
    struct mime_part *part = scan->open[--scan->depth];

    part->content = content;
    if (part->first_child == NULL) {
        part->boundary = STR_NULL;
        part->type = STR("text");
        part->subtype = STR("plain");
    }
}

/* Ends the open leaf and all multiparts above keep. */
static void close_above(struct scan *scan, size_t keep, size_t end)
{
    if (scan->leaf != NULL) {
        scan->leaf->content = content_between(scan->s, scan->leaf_start, end);
        scan->leaf = NULL;
    }
    while (scan->depth > keep) {
        size_t start = scan->content_start[scan->depth - 1];

        close_multipart(scan, content_between(scan->s, start, end));
    }
}

static void append_child(struct mime_part *parent, struct mime_part *part)
{
    part->parent = parent;
    part->depth = parent->depth + 1;
    if (parent->last_child != NULL) {
        parent->last_child->next = part;
    } else {
        parent->first_child = part;
    }
    parent->last_child = part;
}

/* Its content starts at scan->at. */
static void open_part(struct scan *scan, struct mime_part *part)
{
    scan->parts++;
    if (!mime_part_is_multipart(part)) {
        if (str_is(part->type, "multipart")) {
            part->type = STR("text");
            part->subtype = STR("plain");
        }
        scan->leaf = part;
        scan->leaf_start = scan->at;
    } else if (scan->depth == MIME_DEPTH_MAX) {
        part->boundary = STR_NULL;
        part->type = STR("application");
        part->subtype = STR("octet-stream");
        part->disposition = PART_DISPOSITION_ATTACHMENT;
        scan->leaf = part;
        scan->leaf_start = scan->at;
    } else {
        scan->content_start[scan->depth] = scan->at;
        scan->open[scan->depth++] = part;
    }
}

/* Passes over the header block at scan->at; it ends after an empty line, or before a line that cannot be of it. */
static struct str take_header_block(struct scan *scan)
{
    size_t start = scan->at;
    struct boundary boundary;
    struct str line;

    while (scan->at < scan->s.n) {
        size_t next = mime_line(scan->s, scan->at, &line);

        if (line.n == 0) {
            scan->at = next;
            break;
        }
        bool folded = scan->at > start && (line.p[0] == ' ' || line.p[0] == '\t');

        if (boundary_at(scan, scan->at, &boundary) || (!folded && !mime_line_is_field(line))) {
            break;
        }
        scan->at = next;
    }
    return str_sub(scan->s, start, scan->at - start);
}

static void open_child(struct scan *scan)
{
    struct mime_part *parent = scan->open[scan->depth - 1];
    struct mime_fields fields = mime_fields_split(scan->arena, take_header_block(scan));
    struct mime_part *part =
        mime_part_new(scan->arena, fields, mime_part_is(parent, "multipart", "digest"));

    append_child(parent, part);
    open_part(scan, part);
}

struct mime_part *mime_structure_scan(struct arena *arena, struct mime_fields fields,
                                      struct str content)
{
    struct scan scan = {.arena = arena, .s = content};
    struct mime_part *root = mime_part_new(arena, fields, false);
    struct boundary boundary;

    open_part(&scan, root);
    while (scan.depth > 0 && next_boundary(&scan, &boundary)) {
        if (!boundary.is_end && scan.parts == MIME_PARTS_MAX) {
            close_above(&scan, 0, boundary.start);
            return root;
        }
        close_above(&scan, boundary.level + (boundary.is_end ? 0 : 1), boundary.start);
        scan.at = boundary.next;
        if (!boundary.is_end) {
            open_child(&scan);
        }
    }
    close_above(&scan, 0, content.n);
    return root;
}
