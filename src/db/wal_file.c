#include "db/wal_file.h"

#include "base/macros.h"
#include "db/limits.h"

#include <sqlite3.h>

static sqlite3_vfs *usual;

/* A WAL that is open; the usual file stands behind it in the same memory. SQLite hands these out as sqlite3_file. */
struct wal_file {
    sqlite3_file base;
    sqlite3_int64
        end; /* of the file; everything from the last write to here is zeros or older frames */
};

static sqlite3_file *inner(sqlite3_file *file)
{
    return (sqlite3_file *)((struct wal_file *)file + 1);
}

/* ---- what a WAL does differently ---- */

/* Doubles, within bounds, so that a log of one commit stays small. A failure is left to the write that wanted the room. SQLite ends its reading at the first frame without
 * the right checksum, and zeros have none. */
static void grow(struct wal_file *w, sqlite3_int64 needed)
{
    static const char zeros[SQLITE_WAL_LEAST_GROWTH];
    sqlite3_int64 growth = w->end;

    growth = growth < SQLITE_WAL_LEAST_GROWTH ? SQLITE_WAL_LEAST_GROWTH : growth;
    growth = growth > SQLITE_WAL_MOST_GROWTH ? SQLITE_WAL_MOST_GROWTH : growth;
    growth += needed - w->end;
    while (growth > 0) {
        int n = growth < SQLITE_WAL_LEAST_GROWTH ? (int)growth : SQLITE_WAL_LEAST_GROWTH;

        if (inner(&w->base)->pMethods->xWrite(inner(&w->base), zeros, n, w->end) != SQLITE_OK) {
            return;
        }
        w->end += n;
        growth -= n;
    }
}

static int wal_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct wal_file *w = (struct wal_file *)file;
    int rc;

    if (at + n > w->end) {
        grow(w, at + n);
    }
    rc = inner(file)->pMethods->xWrite(inner(file), p, n, at);
    if (rc == SQLITE_OK && at + n > w->end) {
        w->end = at + n;
    }
    return rc;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct wal_file *w = (struct wal_file *)file;
    int rc = inner(file)->pMethods->xTruncate(inner(file), size);

    if (rc == SQLITE_OK) {
        w->end = size;
    }
    return rc;
}

/* ---- what it does as usual ---- */

static int wal_close(sqlite3_file *file)
{
    return inner(file)->pMethods->xClose(inner(file));
}

static int wal_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    return inner(file)->pMethods->xRead(inner(file), p, n, at);
}

static int wal_sync(sqlite3_file *file, int flags)
{
    return inner(file)->pMethods->xSync(inner(file), flags);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *size_r)
{
    return inner(file)->pMethods->xFileSize(inner(file), size_r);
}

static int wal_lock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xLock(inner(file), level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xUnlock(inner(file), level);
}

static int wal_check_lock(sqlite3_file *file, int *locked_r)
{
    return inner(file)->pMethods->xCheckReservedLock(inner(file), locked_r);
}

static int wal_control(sqlite3_file *file, int op, void *arg)
{
    return inner(file)->pMethods->xFileControl(inner(file), op, arg);
}

static int wal_sector(sqlite3_file *file)
{
    return inner(file)->pMethods->xSectorSize(inner(file));
}

static int wal_device(sqlite3_file *file)
{
    return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_check_lock,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector,
    .xDeviceCharacteristics = wal_device,
};

/* ---- opening ---- */

static int open_wal(const char *name, sqlite3_file *file, int flags, int *flags_r)
{
    struct wal_file *w = (struct wal_file *)file;
    int rc;

    w->base.pMethods = NULL;
    rc = usual->xOpen(usual, name, inner(file), flags, flags_r);
    if (rc != SQLITE_OK) {
        return rc;
    }
    rc = wal_size(file, &w->end);
    if (rc != SQLITE_OK) {
        (void)wal_close(file);
        return rc;
    }
    w->base.pMethods = &wal_methods;
    return SQLITE_OK;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *flags_r)
{
    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) != 0) {
        return open_wal(name, file, flags, flags_r);
    }
    return usual->xOpen(usual, name, file, flags, flags_r);
}

const char *wal_file_register(void)
{
    static sqlite3_vfs vfs;

    usual = sqlite3_vfs_find(NULL);
    if (usual == NULL) {
        return NULL;
    }
    vfs = *usual;
    vfs.pNext = NULL;
    vfs.zName = "ewer";
    vfs.szOsFile = usual->szOsFile + (int)sizeof(struct wal_file);
    vfs.xOpen = open_file;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : NULL;
}
