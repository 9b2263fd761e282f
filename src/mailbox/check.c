/* The invariants of mailbox.h as questions whose right answer is "none". */
#include "mailbox/mailbox.h"

#include "mailbox/mailbox-private.h"

/* Every stamp that a change of an item left, with its folder. */
#define ITEM_STAMPS                                                                                \
    "(SELECT folder_id, id AS stamp FROM item "                                                    \
    "UNION ALL SELECT folder_id, change_seq FROM item WHERE change_seq IS NOT NULL "               \
    "UNION ALL SELECT folder_id, read_seq FROM item WHERE read_seq IS NOT NULL "                   \
    "UNION ALL SELECT folder_id, delete_seq FROM tombstone) AS stamps"

SQL(sql_i1_future) = "SELECT stamp FROM (SELECT max(stamp) AS stamp FROM " ITEM_STAMPS
                     " UNION ALL SELECT max(change_seq) FROM folder"
                     " UNION ALL SELECT max(item_seq) FROM folder"
                     " UNION ALL SELECT max(delete_seq) FROM folder_tombstone"
                     " UNION ALL SELECT max(seq) FROM folder_move"
                     " UNION ALL SELECT max(seq) FROM event) AS newest WHERE stamp > $1 LIMIT 1";
SQL(sql_i1_twice) = "SELECT stamp FROM " ITEM_STAMPS
                    " GROUP BY folder_id, stamp HAVING count(*) > 1 LIMIT 1";
SQL(sql_i2_item) =
    "SELECT id FROM item WHERE id <= folder_id OR change_seq <= id OR read_seq <= id "
    "OR (flags & 2) / 2 <> associated LIMIT 1";
SQL(sql_i2_tombstone) =
    "SELECT item_id FROM tombstone WHERE item_id <= folder_id OR delete_seq <= item_id LIMIT 1";
SQL(sql_i2_alive) = "SELECT t.item_id FROM tombstone t JOIN item i ON i.id = t.item_id LIMIT 1";
SQL(sql_i3_counts) =
    "SELECT f.id FROM folder f LEFT JOIN (SELECT folder_id, count(*) AS total, "
    "sum(1 - (flags & 1)) AS unread FROM item WHERE associated = 0 GROUP BY folder_id) AS c "
    "ON c.folder_id = f.id WHERE f.total <> coalesce(c.total, 0) "
    "OR f.unread <> coalesce(c.unread, 0) LIMIT 1";
SQL(sql_i3_children) = "SELECT f.id FROM folder f WHERE f.children <> "
                       "(SELECT count(*) FROM folder c WHERE c.parent_id = f.id) LIMIT 1";
SQL(sql_i4) =
    "SELECT f.id FROM folder f LEFT JOIN (SELECT folder_id, max(stamp) AS newest FROM " ITEM_STAMPS
    " GROUP BY folder_id) AS s ON s.folder_id = f.id "
    "WHERE f.item_seq <> coalesce(s.newest, 0) LIMIT 1";
SQL(sql_i5_refs) =
    "SELECT b.id FROM body b LEFT JOIN (SELECT body_id, count(*) AS used FROM item "
    "GROUP BY body_id) AS i ON i.body_id = b.id LEFT JOIN body_share s ON s.body_id = b.id "
    "WHERE coalesce(i.used, 0) <> coalesce(s.refs, 1) LIMIT 1";
SQL(sql_i5_body) = "SELECT i.id FROM item i LEFT JOIN body b ON b.id = i.body_id "
                   "WHERE i.body_id <> 0 AND b.id IS NULL LIMIT 1";
SQL(sql_i5_share) = "SELECT s.body_id FROM body_share s LEFT JOIN body b ON b.id = s.body_id "
                    "WHERE s.refs < 2 OR b.id IS NULL LIMIT 1";
SQL(sql_i6_tree) = "WITH RECURSIVE below (id) AS (SELECT id FROM folder WHERE parent_id = 0 "
                   "UNION ALL SELECT f.id FROM folder f JOIN below b ON f.parent_id = b.id) "
                   "SELECT id FROM folder WHERE id NOT IN (SELECT id FROM below) LIMIT 1";
SQL(sql_i6_root) =
    "SELECT roots FROM (SELECT count(*) AS roots FROM folder WHERE parent_id = 0) AS r "
    "WHERE roots <> 1";
SQL(sql_i6_alive) =
    "SELECT f.id FROM folder f JOIN folder_tombstone t ON t.folder_id = f.id LIMIT 1";
SQL(sql_i6_lost) = "SELECT stamps.stamp FROM " ITEM_STAMPS
                   " LEFT JOIN folder f ON f.id = stamps.folder_id "
                   "WHERE f.id IS NULL LIMIT 1";

struct invariant {
    const char *violation; /* followed by the number that the statement yields */
    const char *sql;
    bool takes_seq;
};

static const struct invariant invariants[] = {
    {"I1: a stamp is newer than the mailbox:", sql_i1_future, true},
    {"I1: two changes in a folder share stamp", sql_i1_twice, false},
    {"I2: wrong stamps or scope on item", sql_i2_item, false},
    {"I2: wrong stamps on the tombstone of item", sql_i2_tombstone, false},
    {"I2: a tombstone names a present item:", sql_i2_alive, false},
    {"I3: wrong total or unread count of folder", sql_i3_counts, false},
    {"I3: wrong count of children of folder", sql_i3_children, false},
    {"I4: wrong item_seq of folder", sql_i4, false},
    {"I5: wrong number of references to body", sql_i5_refs, false},
    {"I5: no body for item", sql_i5_body, false},
    {"I5: shared by nobody, or missing: body", sql_i5_share, false},
    {"I6: not below the root: folder", sql_i6_tree, false},
    {"I6: number of roots is", sql_i6_root, false},
    {"I6: present and deleted: folder", sql_i6_alive, false},
    {"I6: in no folder: the item with stamp", sql_i6_lost, false},
};

int mailbox_check(struct mailbox_tx *tx, struct err *err_r)
{
    const int64_t seq = (int64_t)tx->row.seq;
    size_t i;

    for (i = 0; i < ARRAY_LEN(invariants); i++) {
        const struct invariant *inv = &invariants[i];
        int64_t which;
        int rc = tx_query(tx, inv->sql, &seq, inv->takes_seq, &which, err_r);

        TRY(rc);
        if (rc == 1) {
            return err_set(err_r, ERR_CORRUPT, "%s %lld", inv->violation, (long long)which);
        }
    }
    return 0;
}
