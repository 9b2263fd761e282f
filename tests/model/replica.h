/*
 * What a client has of a folder's items, or of the folders below an anchor: it applies changes in the order given, as strictly as a client may
 * be, and can be compared with the model. Functions return false and say why when something is not as it must be.
 */
#ifndef MODEL_REPLICA_H
#define MODEL_REPLICA_H

#include "mailbox/sync.h"
#include "model.h"

#define REPLICA_WHY_BYTES 256
struct why {
    char text[REPLICA_WHY_BYTES];
};

struct replica_item {
    uint64_t id, version;
    uint32_t content;
    bool content_known; /* told with properties */
    int kind;
    bool associated, read;
};

/* Ids in no order. */
struct id_set {
    size_t n;
    uint64_t v[MODEL_MAX_ITEMS];
};
bool id_set_has(const struct id_set *set, uint64_t id);
void id_set_add(struct id_set *set, uint64_t id);
void id_set_remove(struct id_set *set, uint64_t id);

struct item_replica {
    size_t n;
    struct replica_item items[MODEL_MAX_ITEMS];
    struct id_set blurred; /* changes of these were ignored: unknown until told again */
};

void item_replica_copy(struct item_replica *to, const struct item_replica *from);
/* may_know: a Create may name an item that is known (a widened scope tells all associated items). */
struct apply_options {
    bool with_props;
    bool may_know;
};
bool item_replica_apply(struct item_replica *r, const struct item_change *change,
                        const struct apply_options *options, struct why *why);
/* associated: compare the associated items too. */
bool item_replica_equals(const struct item_replica *r, const struct model *m, uint64_t folder,
                         bool associated, struct why *why);

struct replica_folder {
    uint64_t id, parent;
    bool hidden;
    char name[MODEL_NAME_BYTES];
};

struct tree_replica {
    uint64_t anchor;
    size_t n;
    struct replica_folder folders[MODEL_MAX_FOLDERS];
};

void tree_replica_copy(struct tree_replica *to, const struct tree_replica *from);
bool tree_replica_apply(struct tree_replica *r, const struct folder_change *change,
                        struct why *why);
bool tree_replica_equals(const struct tree_replica *r, const struct model *m, struct why *why);

#endif
