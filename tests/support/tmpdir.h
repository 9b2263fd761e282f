/* A directory of a test's own, removed with all that is in it. Header only: every test program links it as it is. */
#ifndef TESTS_SUPPORT_TMPDIR_H
#define TESTS_SUPPORT_TMPDIR_H

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

struct tmpdir {
    char path[64];
};

static inline void tmpdir_make(struct tmpdir *dir)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(dir->path, sizeof(dir->path), "%s/ewer-XXXXXX", base != NULL ? base : "/tmp");

    assert(n > 0 && (size_t)n < sizeof(dir->path));
    if (mkdtemp(dir->path) == NULL) {
        perror(dir->path);
        abort();
    }
}

static inline int tmpdir_remove_one(const char *path, const struct stat *st, int type,
                                    struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void tmpdir_remove(struct tmpdir *dir)
{
    (void)nftw(dir->path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
