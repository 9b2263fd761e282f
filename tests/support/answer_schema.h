/*
 * Every answer of a test program checked against the schema: for group setup and teardown of
 * tests that use ews_fixture. The schema is not part of
 * the project: EWER_SCHEMA_DIR names the directory with ews.xsd; without it, or without xmllint,
 * nothing is checked.
 */
#ifndef SUPPORT_ANSWER_SCHEMA_H
#define SUPPORT_ANSWER_SCHEMA_H

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char answer_dir[] = "/tmp/ews-answers-XXXXXX";

/* A directory that somebody else asked for is left as it is. */
static inline int answers_keep(void **state)
{
    (void)state;
    if (getenv("EWER_SCHEMA_DIR") != NULL && getenv("EWER_ANSWERS") == NULL) {
        return mkdtemp(answer_dir) == NULL || setenv("EWER_ANSWERS", answer_dir, 1) != 0;
    }
    return 0;
}

/* Faults are left out: their detail is not in the schema. */
#define ANSWERS_SCRIPT                                                                             \
    "cd \"$EWER_ANSWERS\" && command -v xmllint >/dev/null || exit 0\n"                            \
    "grep -L '<s:Fault>' *.xml |"                                                                  \
    "xargs -r xmllint --huge --noout --schema \"$EWER_SCHEMA_DIR/ews.xsd\" 2>&1 |"                 \
    "grep -v ' validates$' >&2\n"                                                                  \
    "test \"${PIPESTATUS[1]}\" = 0 && rm -rf \"$EWER_ANSWERS\"\n"

static inline int answers_check(void **state)
{
    static char shell[] = "bash", option[] = "-c", script[] = ANSWERS_SCRIPT;
    char *const argv[] = {shell, option, script, NULL};
    int status = 0;
    pid_t pid;

    (void)state;
    if (getenv("EWER_SCHEMA_DIR") == NULL || getenv("EWER_ANSWERS") == NULL) {
        return 0;
    }
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid) {
        return 1;
    }
    return status != 0;
}

#endif
