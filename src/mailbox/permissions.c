#include "mailbox/permissions.h"

#include "mailbox/mailbox-private.h"

SQL(sql_list) = "SELECT member, rights FROM folder_permission WHERE folder_id = $1 ORDER BY member";
SQL(sql_get) = "SELECT rights FROM folder_permission WHERE folder_id = $1 AND member = $2";
SQL(sql_drop) = "DELETE FROM folder_permission WHERE folder_id = $1";
SQL(sql_past_rows) = "INSERT INTO folder_permission_past (folder_id, member, seq, rights) "
                     "SELECT folder_id, member, $1, rights FROM folder_permission "
                     "WHERE folder_id = $2";
SQL(sql_past_lacks) = "INSERT INTO folder_permission_past (folder_id, member, seq, rights) "
                      "SELECT folder_id, member, $1, -1 FROM folder_permission AS p "
                      "WHERE folder_id = $2 AND NOT EXISTS (SELECT 1 FROM folder_permission_past "
                      "WHERE folder_id = $2 AND member = p.member AND seq = $1)";
SQL(sql_past_get) = "SELECT rights FROM folder_permission_past "
                    "WHERE folder_id = $1 AND member = $2 AND seq > $3 ORDER BY seq LIMIT 1";
SQL(sql_past_drop) = "DELETE FROM folder_permission_past WHERE folder_id = $1";
SQL(sql_insert) = "INSERT INTO folder_permission (folder_id, member, rights) VALUES ($1, $2, $3) "
                  "ON CONFLICT (folder_id, member) DO UPDATE SET rights = excluded.rights";
SQL(sql_stamp) = "UPDATE folder SET change_seq = $1, modified_ms = $2 WHERE id = $3";

/* Default and Anonymous stand in front whether there are rows or not. */
enum { PLACE_DEFAULT, PLACE_ANONYMOUS, PLACE_USERS };

static size_t place_of(struct mailbox_no member, size_t next)
{
    if (member.v == MEMBER_DEFAULT.v) {
        return PLACE_DEFAULT;
    }
    return member.v == MEMBER_ANONYMOUS.v ? PLACE_ANONYMOUS : next;
}

int permissions_list(struct mailbox_tx *tx, struct folder_id folder, struct arena *arena,
                     struct permission **permissions_r, size_t *n_r, struct err *err_r)
{
    size_t n = PLACE_USERS, room = 8;
    struct permission *list = ARENA_ARRAY(arena, struct permission, room);
    AUTO(db_stmt) stmt = NULL;
    int rc;

    list[PLACE_DEFAULT] = (struct permission){.member = MEMBER_DEFAULT};
    list[PLACE_ANONYMOUS] = (struct permission){.member = MEMBER_ANONYMOUS};
    TRY(TX_PREPARE(tx, err_r, &stmt, sql_list, (int64_t)folder.v));
    while ((rc = db_step(stmt, err_r)) == 1) {
        struct permission p = {.member = {(uint64_t)db_col_i64(stmt, 0)},
                               .rights = (uint32_t)db_col_i64(stmt, 1)};
        size_t place = place_of(p.member, n);

        if (n == room) {
            list = arena_grow(arena, list, room * sizeof(*list), room * 2 * sizeof(*list));
            room *= 2;
        }
        list[place] = p;
        n += place == n ? 1 : 0;
    }
    TRY(rc);
    *permissions_r = list;
    *n_r = n;
    return 0;
}

static int stamp(struct mailbox_tx *tx, struct folder_id folder, uint64_t *seq_r, struct err *err_r)
{
    struct folder_brief brief;
    uint64_t seq;
    int rc = folder_brief(tx, folder.v, &brief, err_r);

    if (rc == 0) {
        return err_set(err_r, ERR_FOLDER_NOT_FOUND, "no folder %llu", (unsigned long long)folder.v);
    }
    TRY(rc);
    seq = tx_next_seq(tx);
    *seq_r = seq;
    TRY(TX_RUN(tx, err_r, sql_stamp, (int64_t)seq, tx->now_ms, (int64_t)folder.v));
    return folder_log(tx, EVENT_FOLDER_MODIFIED, seq, folder.v, brief.parent, err_r);
}

int permissions_replace(struct mailbox_tx *tx, struct folder_id folder,
                        const struct permission *permissions, size_t n, struct err *err_r)
{
    uint64_t seq = 0;
    size_t i;

    TRY(stamp(tx, folder, &seq, err_r));
    TRY(TX_RUN(tx, err_r, sql_past_rows, (int64_t)seq, (int64_t)folder.v));
    TRY(TX_RUN(tx, err_r, sql_drop, (int64_t)folder.v));
    for (i = 0; i < n; i++) {
        TRY(TX_RUN(tx, err_r, sql_insert, (int64_t)folder.v, (int64_t)permissions[i].member.v,
                   permissions[i].rights & RIGHTS_ALL));
    }
    return TX_RUN(tx, err_r, sql_past_lacks, (int64_t)seq, (int64_t)folder.v);
}

/* 1: there is a row. */
static int row_of(struct mailbox_tx *tx, struct folder_id folder, struct mailbox_no member,
                  uint32_t *rights_r, struct err *err_r)
{
    int64_t rights = 0;
    int rc = TX_QUERY(tx, err_r, &rights, sql_get, (int64_t)folder.v, (int64_t)member.v);

    if (rc == 1) {
        *rights_r = (uint32_t)rights;
    }
    return rc;
}

int permissions_of(struct mailbox_tx *tx, struct folder_id folder, struct mailbox_no who,
                   uint32_t *rights_r, struct err *err_r)
{
    struct folder_brief brief;
    uint32_t rights = 0;
    int rc = folder_brief(tx, folder.v, &brief, err_r);

    TRY(rc);
    if (rc == 1 && who.v == tx->mailbox->no.v) {
        rights = RIGHTS_ALL;
    } else if (rc == 1) {
        rc = row_of(tx, folder, who, &rights, err_r);
        TRY(rc);
        if (rc == 0 && who.v != MEMBER_ANONYMOUS.v) {
            TRY(row_of(tx, folder, MEMBER_DEFAULT, &rights, err_r));
        }
    }
    *rights_r = rights;
    return 0;
}

/* The row as it was at since: what the first change after that replaced, else as it is. */
static int row_then(struct mailbox_tx *tx, struct folder_id folder, struct mailbox_no member,
                    struct seq since, uint32_t *rights_r, struct err *err_r)
{
    int64_t rights = 0;
    int rc = TX_QUERY(tx, err_r, &rights, sql_past_get, (int64_t)folder.v, (int64_t)member.v,
                      (int64_t)since.v);

    if (rc == 0) {
        return row_of(tx, folder, member, rights_r, err_r);
    }
    TRY(rc);
    if (rights >= 0) {
        *rights_r = (uint32_t)rights;
    }
    return rights >= 0;
}

int permissions_then(struct mailbox_tx *tx, struct folder_id folder, struct mailbox_no who,
                     struct seq since, uint32_t *rights_r, struct err *err_r)
{
    uint32_t rights = 0;
    int rc = 1;

    if (who.v == tx->mailbox->no.v) {
        rights = RIGHTS_ALL;
    } else {
        rc = row_then(tx, folder, who, since, &rights, err_r);
    }
    TRY(rc);
    if (rc == 0 && who.v != MEMBER_ANONYMOUS.v) {
        TRY(row_then(tx, folder, MEMBER_DEFAULT, since, &rights, err_r));
    }
    *rights_r = rights;
    return 0;
}

int permissions_drop_folder(struct mailbox_tx *tx, uint64_t folder, struct err *err_r)
{
    TRY(TX_RUN(tx, err_r, sql_past_drop, (int64_t)folder));
    return TX_RUN(tx, err_r, sql_drop, (int64_t)folder);
}
