/* Files that take new texts together: when one cannot be put in its place, those before it come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/replace_file.h"
#include "tests/support/state_dump.h"

/* The linker gives us its calls of rename: from the first one that is to fail on, so many do. */
static int fail_at, fail_n, renames;
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    int number = ++renames;
    if (number >= fail_at && number < fail_at + fail_n) {
        errno = EXDEV;
        return -1;
    }
    return __real_rename(from, to);
}

enum { N = 3 };

struct world {
    char dir[64];
    char paths[N][96];
    struct new_text files[N];
};

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const char *want)
{
    char got[32] = "";
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    (void)!fread(got, 1, sizeof(got) - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(got, want);
}

static unsigned n_files(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

static int set_up(void **state)
{
    static struct world w;
    char dir[64];
    state_dir_make(dir);
    memcpy(w.dir, dir, sizeof(dir));
    for (int i = 0; i < N; i++) {
        snprintf(w.paths[i], sizeof(w.paths[i]), "%s/%c.rules", dir, 'a' + i);
        put(w.paths[i], "old");
        w.files[i] = (struct new_text){w.paths[i], SLICE_LIT("new")};
    }
    assert_int_equal(chmod(w.paths[1], 0640), 0);
    renames = fail_at = fail_n = 0;
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    state_dir_remove(w->dir);
    return 0;
}

static void all_are_replaced(void **state)
{
    struct world *w = *state;
    struct stat st;
    assert_true(replace_files(w->files, N));
    for (int i = 0; i < N; i++) {
        holds(w->paths[i], "new");
    }
    assert_int_equal(n_files(w->dir), N);
    assert_int_equal(stat(w->paths[1], &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void those_before_one_that_fails_come_back(void **state)
{
    struct world *w = *state;
    for (fail_at = 1; fail_at <= N; fail_at++) {
        renames = 0;
        fail_n = 1;
        assert_false(replace_files(w->files, N));
        for (int i = 0; i < N; i++) {
            holds(w->paths[i], "old");
        }
        assert_int_equal(n_files(w->dir), N);
    }
}

/* The second cannot be put there, and the first cannot come back: its old text stays beside it. */
static void what_cannot_come_back_is_kept(void **state)
{
    struct world *w = *state;
    char old[128];
    fail_at = 2;
    fail_n = 2;
    assert_false(replace_files(w->files, N));
    holds(w->paths[0], "new");
    holds(w->paths[1], "old");
    holds(w->paths[2], "old");
    snprintf(old, sizeof(old), "%s.old-%ld", w->paths[0], (long)getpid());
    holds(old, "old");
    assert_int_equal(n_files(w->dir), N + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_are_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_before_one_that_fails_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_come_back_is_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
