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

SQL(sql_i6_permission) = "SELECT p.folder_id FROM folder_permission p LEFT JOIN folder f "
                         "ON f.id = p.folder_id WHERE f.id IS NULL LIMIT 1";
SQL(sql_i7) = "SELECT bytes FROM (SELECT coalesce(sum(length(mime)), 0) AS bytes FROM body) AS b "
              "WHERE bytes <> $1";
SQL(sql_i8_message) = "SELECT o.id FROM outbox o WHERE NOT EXISTS "
                      "(SELECT 1 FROM outbox_recipient r WHERE r.outbox_id = o.id) LIMIT 1";
SQL(sql_i8_recipient) = "SELECT r.outbox_id FROM outbox_recipient r LEFT JOIN outbox o "
                        "ON o.id = r.outbox_id WHERE o.id IS NULL LIMIT 1";

struct invariant {
    const char *violation; /* followed by the number that the statement yields */
    const char *sql;
    enum { TAKES_NOTHING, TAKES_SEQ, TAKES_BYTES } takes;
};

static const struct invariant invariants[] = {
    {"I1: a stamp is newer than the mailbox:", sql_i1_future, TAKES_SEQ},
    {"I1: two changes in a folder share stamp", sql_i1_twice, TAKES_NOTHING},
    {"I2: wrong stamps or scope on item", sql_i2_item, TAKES_NOTHING},
    {"I2: wrong stamps on the tombstone of item", sql_i2_tombstone, TAKES_NOTHING},
    {"I2: a tombstone names a present item:", sql_i2_alive, TAKES_NOTHING},
    {"I3: wrong total or unread count of folder", sql_i3_counts, TAKES_NOTHING},
    {"I3: wrong count of children of folder", sql_i3_children, TAKES_NOTHING},
    {"I4: wrong item_seq of folder", sql_i4, TAKES_NOTHING},
    {"I5: wrong number of references to body", sql_i5_refs, TAKES_NOTHING},
    {"I5: no body for item", sql_i5_body, TAKES_NOTHING},
    {"I5: shared by nobody, or missing: body", sql_i5_share, TAKES_NOTHING},
    {"I6: not below the root: folder", sql_i6_tree, TAKES_NOTHING},
    {"I6: number of roots is", sql_i6_root, TAKES_NOTHING},
    {"I6: present and deleted: folder", sql_i6_alive, TAKES_NOTHING},
    {"I6: in no folder: the item with stamp", sql_i6_lost, TAKES_NOTHING},
    {"I6: permissions of no folder:", sql_i6_permission, TAKES_NOTHING},
    {"I7: the bytes of all bodies are", sql_i7, TAKES_BYTES},
    {"I8: in the outbox for nobody: message", sql_i8_message, TAKES_NOTHING},
    {"I8: a recipient of no message in the outbox:", sql_i8_recipient, TAKES_NOTHING},
};

int mailbox_check(struct mailbox_tx *tx, struct err *err_r)
{
    const int64_t args[] = {
        [TAKES_SEQ] = (int64_t)tx->row.seq, [TAKES_BYTES] = (int64_t)tx->row.bytes_used};
    size_t i;

    for (i = 0; i < ARRAY_LEN(invariants); i++) {
        const struct invariant *inv = &invariants[i];
        int64_t which;
        int rc =
            tx_query(tx, inv->sql, &args[inv->takes], inv->takes != TAKES_NOTHING, &which, err_r);

        TRY(rc);
        if (rc == 1) {
            return err_set(err_r, ERR_CORRUPT, "%s %lld", inv->violation, (long long)which);
        }
    }
    return 0;
}
