/* The sources of an import: what is a message, its bytes, its time, and the order over all paths.
 */
#include "ctl/sources.h"

#include "base/buf.h"
#include "base/err.h"
#include "ctl/limits.h"
#include "ctl/maildir.h"
#include "ctl/mbox.h"
#include "support/tmpdir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct tmpdir dir;
    struct sources *sources;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    tmpdir_make(&f->dir);
    f->sources = sources_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    sources_free(&f->sources);
    tmpdir_remove(&f->dir);
    free(f);
    return 0;
}

static const char *path_in(struct fixture *f, const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", f->dir.path, name);
    return path;
}

static void given_dir(struct fixture *f, const char *name)
{
    assert_int_equal(mkdir(path_in(f, name), 0700), 0);
}

/* mtime 2001-09-09T01:46:40Z. */
static void given_file(struct fixture *f, const char *name, struct str bytes)
{
    const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    int fd = open(path_in(f, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void scan(struct fixture *f, const char *name)
{
    struct err err = ERR_INIT;

    if (sources_scan(f->sources, path_in(f, name), &err) < 0) {
        fail_msg("%s", err.client_text);
    }
}

static void assert_message(struct fixture *f, size_t i, int64_t received_ms, struct str bytes)
{
    const struct source_message *m = sources_message(f->sources, i);
    struct buf got = BUF_INIT;

    assert_int_equal(m->received_ms, received_ms);
    assert_int_equal(sources_read(f->sources, m, &got, NULL), 0);
    if (!str_eq(buf_str(&got), bytes)) {
        fail_msg("message %zu: %.*s", i, STR_ARG(buf_str(&got)));
    }
    buf_fini(&got);
}

static void splits_an_mbox(void **state)
{
    struct fixture *f = *state;

    given_file(
        f, "mbox",
        STR("From a@b Thu Jan  1 00:00:01 1970\nSubject: 1\n\nbody\nFrom here no separator\n\n"
            "From a@b Thu Jan  1 00:00:02 1970\nSubject: 2\nContent-Length: 99999\n\n>From one\n>>From two\n> From three\n\n\n"
            "From a@b Thu Jan  1 00:00:03 1970\r\nSubject: 3\r\n\r\nbody\r\n\r\n"
            "From a@b Thu Jan  1 00:00:04 1970\nSubject: 4\n\nno end"));
    scan(f, "mbox");
    assert_int_equal(sources_count(f->sources), 4);
    assert_message(f, 0, 1000, STR("Subject: 1\n\nbody\nFrom here no separator\n"));
    assert_message(
        f, 1, 2000,
        STR("Subject: 2\nContent-Length: 99999\n\nFrom one\n>From two\n> From three\n\n"));
    assert_message(f, 2, 3000, STR("Subject: 3\r\n\r\nbody\r\n"));
    assert_message(f, 3, 4000, STR("Subject: 4\n\nno end"));
}

static void an_mbox_may_be_larger_than_the_buffer(void **state)
{
    struct fixture *f = *state;
    struct buf b = BUF_INIT;
    char line[80];

    for (int i = 0; i < 40; i++) {
        buf_printf(&b, "From a@b Thu Jan  1 00:00:%02d 1970\nSubject: %d\n\n", i, i);
        for (int k = 0; k < 337; k++) {
            buf_printf(&b, "line %d of a message\n\nFro\n", k);
        }
        /* One line longer than the buffer, with what looks like separators in it. */
        for (int k = 0; i == 20 && k < 40000; k++) {
            BUF_LIT(&b, " From From ");
        }
        BUF_LIT(&b, "\n\n");
    }
    given_file(f, "mbox", buf_str(&b));
    scan(f, "mbox");
    assert_int_equal(sources_count(f->sources), 40);
    for (size_t i = 0; i < 40; i++) {
        struct buf got = BUF_INIT;
        int n = snprintf(line, sizeof(line), "Subject: %zu\n\nline 0", i);

        assert_int_equal(sources_read(f->sources, sources_message(f->sources, i), &got, NULL), 0);
        assert_true(str_starts(buf_str(&got), str_of(line, (size_t)n)));
        assert_true(
            str_ends_nocase(buf_str(&got), i == 20 ? STR(" From From \n") : STR("\n\nFro\n\n")));
        buf_fini(&got);
    }
    buf_fini(&b);
}

static void reads_separator_dates(void **state)
{
    static const struct {
        const char *line;
        int64_t seconds; /* -1: none */
    } cases[] = {
        {"From a@b Sun Sep  9 01:46:40 2001\n", 1000000000},
        {"From a@b  Sun Sep  9 01:46 2001\r\n", 999999960},
        {"From a@b Sun Sep  9 03:46:40 2001 +0200", 1000000000},
        {"From a@b Sun Sep  9 03:46:40 +0200 2001", 1000000000},
        {"From MAILER-DAEMON Sun Sep  9 01:46:40 UTC 2001", 1000000000},
        {"From Sun Mon Sep 10 00:00:00 2001", 1000080000},
        {"From - Sun Sep  9 01:46:40 2001", 1000000000},
        {"From a@b", -1},
        {"From a@b Sun Sep  9 01:46:40 1901", -1},
        {"From a@b Sun Sep 99 01:46:40 2001", -1},
        {"From a@b Sun Sep  9 99:46:40 2001", -1},
        {"From a@b Sun 2001", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ms = -1000;

        assert_int_equal(mbox_from_line_date(str_from(cases[i].line), &ms), cases[i].seconds >= 0);
        assert_int_equal(ms, cases[i].seconds * 1000);
    }
}

static void an_mbox_message_takes_what_date_it_finds(void **state)
{
    struct fixture *f = *state;

    given_file(
        f, "mbox",
        STR("From a@b Thu Jan  1 00:00:09 1970\nDate: Thu, 1 Jan 1970 00:00:01 +0000\n\nx\n\n"
            "From a@b\nStatus: RO\nDate: Thu, 1 Jan 1970 00:00:02 +0000\n\nx\n\n"
            "From a@b\nStatus: O\n\nDate: Thu, 1 Jan 1970 00:00:02 +0000\nStatus: R\n\n"));
    scan(f, "mbox");
    assert_int_equal(sources_count(f->sources), 3);
    assert_int_equal(sources_message(f->sources, 0)->received_ms, 9000);
    assert_int_equal(sources_message(f->sources, 1)->received_ms, 2000);
    assert_int_equal(sources_message(f->sources, 2)->received_ms, INT64_C(1000000000000));
    assert_false(sources_message(f->sources, 0)->read);
    assert_true(sources_message(f->sources, 1)->read);
    assert_false(sources_message(f->sources, 2)->read);
}

static void reads_a_maildir_with_its_subfolders(void **state)
{
    struct fixture *f = *state;
    static const char *const dirs[] = {"md",
                                       "md/cur",
                                       "md/new",
                                       "md/tmp",
                                       "md/.Lists.ewer",
                                       "md/.Lists.ewer/cur",
                                       "md/.Lists.ewer/new",
                                       "md/other"};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        given_dir(f, dirs[i]);
    }
    given_file(f, "md/cur/30.M1P1.host:2,S", STR("a\n"));
    given_file(f, "md/cur/10.M2P1.host:2,DT", STR("b\r\n"));
    given_file(f, "md/new/20.M3P1.host", STR("From c\n>From d\n"));
    given_file(f, "md/new/nodate", STR("d\n"));
    given_file(f, "md/tmp/40.x", STR("unfinished\n"));
    given_file(f, "md/.Lists.ewer/cur/15.x:2,", STR("e\n"));
    given_file(f, "md/cur/.hidden", STR("no\n"));
    scan(f, "md");
    sources_sort(f->sources);
    assert_int_equal(sources_count(f->sources), 5);
    assert_message(f, 0, 10000, STR("b\r\n"));
    assert_message(f, 1, 15000, STR("e\n"));
    assert_message(f, 2, 20000, STR("From c\n>From d\n"));
    assert_message(f, 3, 30000, STR("a\n"));
    assert_message(f, 4, INT64_C(1000000000000), STR("d\n"));
    assert_true(sources_message(f->sources, 0)->draft);
    assert_false(sources_message(f->sources, 0)->read);
    assert_string_equal(sources_message(f->sources, 1)->folder, "Lists/ewer");
    assert_null(sources_message(f->sources, 2)->folder);
    assert_false(sources_message(f->sources, 2)->read);
    assert_true(sources_message(f->sources, 3)->read);
}

static void reads_files_in_directories(void **state)
{
    struct fixture *f = *state;

    given_dir(f, "tree");
    given_dir(f, "tree/sub");
    given_file(f, "tree/b.EML", STR("Date: Thu, 1 Jan 1970 00:00:05 +0000\r\n\r\nx"));
    given_file(f, "tree/sub/a.eml", STR("Subject: no date\n\nx"));
    given_file(f, "tree/readme.txt", STR("Subject: none\n\n"));
    scan(f, "tree");
    assert_int_equal(sources_count(f->sources), 2);
    assert_int_equal(sources_passed_over(f->sources), 1);
    assert_message(f, 0, 5000, STR("Date: Thu, 1 Jan 1970 00:00:05 +0000\r\n\r\nx"));
    assert_message(f, 1, INT64_C(1000000000000), STR("Subject: no date\n\nx"));
}

static void orders_over_all_paths(void **state)
{
    struct fixture *f = *state;

    given_file(
        f, "mbox",
        STR("From a Thu Jan  1 00:00:04 1970\nS: 4\n\n\nFrom a Thu Jan  1 00:00:02 1970\nS: 2\n\n"));
    given_file(f, "a.eml", STR("Date: Thu, 1 Jan 1970 00:00:03 +0000\n\n"));
    given_dir(f, "md");
    given_dir(f, "md/new");
    given_file(f, "md/new/4.M20.x", STR("late\n"));
    given_file(f, "md/new/4.M9.x", STR("early\n"));
    scan(f, "mbox");
    scan(f, "a.eml");
    scan(f, "md");
    sources_sort(f->sources);
    assert_message(f, 0, 2000, STR("S: 2\n"));
    assert_message(f, 1, 3000, STR("Date: Thu, 1 Jan 1970 00:00:03 +0000\n\n"));
    assert_message(f, 2, 4000, STR("S: 4\n\n"));
    assert_message(f, 3, 4000, STR("early\n"));
    assert_message(f, 4, 4000, STR("late\n"));
}

static void refuses_what_is_no_mail(void **state)
{
    struct fixture *f = *state;

    given_file(f, "picture", STR("\x89PNG\r\n\x1a\n"));
    given_file(f, "empty", STR(""));
    assert_int_equal(sources_scan(f->sources, path_in(f, "picture"), NULL), -ERR_PARSE);
    assert_int_equal(sources_scan(f->sources, path_in(f, "absent"), NULL), -ERR_IO);
    scan(f, "empty");
    assert_int_equal(sources_count(f->sources), 0);
}

static void a_file_that_changed_is_an_error_not_half_a_message(void **state)
{
    struct fixture *f = *state;
    struct buf got = BUF_INIT;

    given_file(f, "mbox", STR("From a Thu Jan  1 00:00:04 1970\nS: 4\n\nbody\n"));
    scan(f, "mbox");
    given_file(f, "mbox", STR("From a Thu Jan  1 00:00:04 1970\nS: 4\n"));
    assert_int_equal(sources_read(f->sources, sources_message(f->sources, 0), &got, NULL), -ERR_IO);
    assert_int_equal(got.n, 0);
    buf_fini(&got);
}

static void decodes_folder_names(void **state)
{
    static const struct {
        const char *directory, *path;
    } cases[] = {
        {".Sent", "Sent"},
        {".A.B.C", "A/B/C"},
        {".Entw&APw-rfe", "Entw\xc3\xbcrfe"},
        {".R&-D", "R&D"},
        {".&2D3eAA-", "\xf0\x9f\x98\x80"},
        {".&open", "&open"},
        {".&!!!-x", "&!!!-x"},
        {".&2D0-", "&2D0-"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;

        maildir_folder_path(&b, str_from(cases[i].directory));
        if (!str_is(buf_str(&b), cases[i].path)) {
            fail_msg("%s: %.*s", cases[i].directory, STR_ARG(buf_str(&b)));
        }
        buf_fini(&b);
    }
}

static void reads_maildir_names(void **state)
{
    struct maildir_name m = maildir_name_read(STR("1300000000.M000123P9.host,S=1:2,FRS"));

    (void)state;
    assert_true(m.has_time && m.read && !m.draft);
    assert_int_equal(m.seconds, 1300000000);
    assert_int_equal(m.micros, 123);
    assert_false(maildir_name_read(STR("99999999999.x")).has_time);
    assert_false(maildir_name_read(STR("12345")).has_time);
    assert_false(maildir_name_read(STR("SD.5")).read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(splits_an_mbox, setup, teardown),
        cmocka_unit_test_setup_teardown(an_mbox_may_be_larger_than_the_buffer, setup, teardown),
        cmocka_unit_test(reads_separator_dates),
        cmocka_unit_test_setup_teardown(an_mbox_message_takes_what_date_it_finds, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_a_maildir_with_its_subfolders, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_files_in_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(orders_over_all_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_mail, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_changed_is_an_error_not_half_a_message, setup,
                                        teardown),
        cmocka_unit_test(decodes_folder_names),
        cmocka_unit_test(reads_maildir_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
