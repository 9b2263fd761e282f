/*
 * The model test can fail: a replica that was told a wrong list of changes is seen to differ from the model, and a change that no client should
 * get is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those first. */
#include <cmocka.h>

#include "replica.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER 2u

struct world {
    struct model model;
    struct item_replica items;
    struct tree_replica tree;
    uint64_t a, b; /* two items */
    uint64_t x, y; /* a folder and one in it */
};

static struct item_change told(const struct world *w, enum change_kind kind, uint64_t id)
{
    const struct model_item *m = model_item_ever(&w->model, id);
    struct item_change c = {.kind = kind};

    assert_non_null(m);
    c.item.id.v = id;
    c.item.change_seq.v = m->change_seq;
    c.item.kind = (enum item_kind)m->kind;
    c.item.flags = (m->read ? ITEM_READ : 0u) | (m->associated ? ITEM_ASSOCIATED : 0u);
    return c;
}

static bool apply(struct world *w, enum change_kind kind, uint64_t id)
{
    const struct apply_options options = {.with_props = false};
    struct item_change c = told(w, kind, id);
    struct why why;

    return item_replica_apply(&w->items, &c, &options, &why);
}

static bool equal(const struct world *w)
{
    struct why why;

    return item_replica_equals(&w->items, &w->model, FOLDER, true, &why);
}

static struct folder_change told_folder(const struct world *w, enum change_kind kind, uint64_t id)
{
    const struct model_folder *m = model_folder(&w->model, id);
    struct folder_change c = {.kind = kind, .folder = {.id = {id}}};

    if (m != NULL) {
        c.folder.parent.v = m->parent;
        c.folder.name = str_from(m->name);
    }
    return c;
}

static bool apply_folder(struct world *w, enum change_kind kind, uint64_t id)
{
    struct folder_change c = told_folder(w, kind, id);
    struct why why;

    return tree_replica_apply(&w->tree, &c, &why);
}

static bool equal_tree(const struct world *w)
{
    struct why why;

    return tree_replica_equals(&w->tree, &w->model, &why);
}

/* Two items and two folders, of which the replicas know all. */
static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    const struct model_item draft = {.folder = FOLDER, .kind = ITEM_KIND_MESSAGE};

    w->model.seq = 10;
    model_adopt_folder(&w->model, &(struct folder){.id = {1}, .name = STR("root")});
    model_adopt_folder(&w->model,
                       &(struct folder){.id = {FOLDER}, .parent = {1}, .name = STR("folder")});
    w->tree.anchor = FOLDER;
    assert_int_equal(model_item_add(&w->model, &draft, &w->a), 0);
    assert_int_equal(model_item_add(&w->model, &draft, &w->b), 0);
    assert_int_equal(model_folder_create(&w->model, FOLDER, "x", false, &w->x), 0);
    assert_int_equal(model_folder_create(&w->model, w->x, "y", false, &w->y), 0);
    assert_true(apply(w, CHANGE_CREATE, w->a) && apply(w, CHANGE_CREATE, w->b));
    assert_true(apply_folder(w, CHANGE_CREATE, w->x) && apply_folder(w, CHANGE_CREATE, w->y));
    assert_true(equal(w) && equal_tree(w));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* ---- items ---- */

static void lost_create_is_seen(void **state)
{
    struct world *w = *state;
    const struct model_item draft = {.folder = FOLDER, .kind = ITEM_KIND_MESSAGE};
    uint64_t id;

    assert_int_equal(model_item_add(&w->model, &draft, &id), 0);
    assert_false(equal(w));
    assert_true(apply(w, CHANGE_CREATE, id));
    assert_true(equal(w));
}

static void lost_update_is_seen(void **state)
{
    struct world *w = *state;

    assert_int_equal(model_item_update(&w->model, w->a, 7, -1), 0);
    assert_false(equal(w));
    assert_true(apply(w, CHANGE_UPDATE, w->a));
    assert_true(equal(w));
}

static void lost_read_flag_is_seen(void **state)
{
    struct world *w = *state;

    assert_int_equal(model_item_set_read(&w->model, w->a, true), 0);
    assert_false(equal(w));
    assert_true(apply(w, CHANGE_READ_FLAG, w->a));
    assert_true(equal(w));
}

static void lost_and_invented_deletes_are_seen(void **state)
{
    struct world *w = *state;

    assert_int_equal(model_item_delete(&w->model, w->a), 0);
    assert_false(equal(w));
    assert_true(apply(w, CHANGE_DELETE, w->a));
    assert_true(equal(w));
    assert_true(apply(w, CHANGE_DELETE, w->b));
    assert_false(equal(w));
}

static void wrong_content_is_seen(void **state)
{
    struct world *w = *state;
    const struct apply_options options = {.with_props = true};
    struct item_change c;
    struct why why;

    assert_int_equal(model_item_update(&w->model, w->a, 7, -1), 0);
    c = told(w, CHANGE_UPDATE, w->a);
    c.item.props = STR("8");
    assert_true(item_replica_apply(&w->items, &c, &options, &why));
    assert_false(equal(w));
}

static void changes_that_make_no_sense_are_refused(void **state)
{
    struct world *w = *state;
    const struct model_item draft = {.folder = FOLDER, .kind = ITEM_KIND_MESSAGE};
    uint64_t untold;

    assert_int_equal(model_item_add(&w->model, &draft, &untold), 0);
    assert_false(apply(w, CHANGE_CREATE, w->a));
    assert_false(apply(w, CHANGE_UPDATE, untold));
    assert_false(apply(w, CHANGE_READ_FLAG, untold));
    assert_int_equal(model_item_update(&w->model, w->a, 7, -1), 0);
    assert_false(apply(w, CHANGE_READ_FLAG, w->a));
}

static void ignored_item_is_not_compared_until_it_is_told_again(void **state)
{
    struct world *w = *state;

    assert_int_equal(model_item_update(&w->model, w->a, 7, -1), 0);
    id_set_add(&w->items.blurred, w->a);
    assert_true(equal(w));
    assert_true(apply(w, CHANGE_UPDATE, w->a));
    assert_int_equal(model_item_update(&w->model, w->a, 8, -1), 0);
    assert_false(equal(w));
}

/* ---- folders ---- */

static void lost_folder_changes_are_seen(void **state)
{
    struct world *w = *state;
    uint64_t id;

    assert_int_equal(model_folder_update(&w->model, w->x, "z", false), 0);
    assert_false(equal_tree(w));
    assert_true(apply_folder(w, CHANGE_UPDATE, w->x));
    assert_true(equal_tree(w));
    assert_int_equal(model_folder_move(&w->model, w->y, FOLDER), 0);
    assert_false(equal_tree(w));
    assert_true(apply_folder(w, CHANGE_UPDATE, w->y));
    assert_int_equal(model_folder_create(&w->model, FOLDER, "n", false, &id), 0);
    assert_false(equal_tree(w));
    assert_int_equal(model_folder_delete(&w->model, id), 0);
    assert_int_equal(model_folder_delete(&w->model, w->y), 0);
    assert_false(equal_tree(w));
    assert_true(apply_folder(w, CHANGE_DELETE, w->y));
    assert_true(equal_tree(w));
}

static void folder_changes_that_make_no_sense_are_refused(void **state)
{
    struct world *w = *state;
    uint64_t outer, inner;

    assert_false(apply_folder(w, CHANGE_CREATE, w->x));
    assert_false(apply_folder(w, CHANGE_DELETE, w->x));
    assert_int_equal(model_folder_create(&w->model, FOLDER, "o", false, &outer), 0);
    assert_int_equal(model_folder_create(&w->model, outer, "i", false, &inner), 0);
    assert_false(apply_folder(w, CHANGE_UPDATE, outer));
    assert_false(apply_folder(w, CHANGE_CREATE, inner));
    assert_false(apply_folder(w, CHANGE_DELETE, outer));
}

#define world_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(lost_create_is_seen),
        world_test(lost_update_is_seen),
        world_test(lost_read_flag_is_seen),
        world_test(lost_and_invented_deletes_are_seen),
        world_test(wrong_content_is_seen),
        world_test(changes_that_make_no_sense_are_refused),
        world_test(ignored_item_is_not_compared_until_it_is_told_again),
        world_test(lost_folder_changes_are_seen),
        world_test(folder_changes_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
