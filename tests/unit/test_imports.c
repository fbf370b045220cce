/* Imports on disk: each file once whatever leads to it, and nothing outside of the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "dsl/compile.h"

static char folder[] = "/tmp/fyke-imports-XXXXXX";

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int enter(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("rules", 0755) | mkdir("rules/sub", 0755) | mkdir("outside", 0755), 0);
    put("rules/common.rules", "language 1\nevent A from topic \"a\" { k : string key  "
                              "at : timestamp event time }\n");
    put("outside/o.rules", "language 1\nconst OUTSIDE = 1\n");
    return 0;
}

static int leave(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return chdir("/") | system(command);
}

/* The codes of all findings of a compilation of `path`, and the first message. */
static const char *findings(const char *path)
{
    static char text[1024];
    struct error err = ERROR_INIT;
    struct compile_input input = {.paths = &path, .n_paths = 1};
    struct compilation *c = dsl_compile(&input, &err);
    text[0] = '\0';
    if (!c) {
        return "unreadable";
    }
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "%s%s %s", n ? "; " : "", d->code, d->message);
    }
    compilation_free(c);
    return text;
}

static const char *import(const char *what)
{
    char text[512];
    snprintf(text, sizeof(text), "language 1\nimport \"%s\"\n", what);
    put("rules/main.rules", text);
    const char *found = findings("rules/main.rules");
    unlink("rules/main.rules");
    return found;
}

static void assert_says(const char *found, const char *words)
{
    if (!strstr(found, words)) {
        print_error("\"%s\" is not said, but: %s\n", words, found);
        fail();
    }
}

static void paths_stay_inside(void **state)
{
    (void)state;
    assert_string_equal(import("common.rules"), "");
    assert_string_equal(import("./sub/../common.rules"), "");
    assert_says(import("../outside/o.rules"), "E0310 the import leads out");
    assert_says(import("sub/../../outside/o.rules"), "E0310 the import leads out");
    assert_says(import("/etc/passwd"), "E0310 an import names a file relative");
    assert_says(import(""), "E0310 an import names a file relative");
}

static void links_stay_inside(void **state)
{
    (void)state;
    assert_int_equal(symlink("../outside/o.rules", "rules/link.rules"), 0);
    assert_int_equal(symlink("../outside", "rules/linked"), 0);
    assert_says(import("link.rules"), "E0310 the import is a link that leads out");
    assert_says(import("linked/o.rules"), "E0310 the import is a link that leads out");
    unlink("rules/link.rules");
    unlink("rules/linked");
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_says(import("nothing.rules"), "E0310 the import cannot be read");
    assert_says(import("sub"), "E0310 the import is no file");
    assert_int_equal(mkfifo("rules/pipe.rules", 0644), 0);
    assert_says(import("pipe.rules"), "E0310 the import is no file");
    unlink("rules/pipe.rules");
    put("rules/latin.rules", "language 1\nconst A = \"caf\xe9\"\n");
    assert_says(import("latin.rules"), "E0108");
    unlink("rules/latin.rules");
    assert_int_equal(symlink("self.rules", "rules/self.rules"), 0);
    assert_says(import("self.rules"), "E0310 the import cannot be read");
    unlink("rules/self.rules");
}

/* One file under two names declares nothing twice; a copy does. */
static void one_file_by_two_paths_is_one(void **state)
{
    (void)state;
    assert_int_equal(symlink("common.rules", "rules/again.rules"), 0);
    assert_int_equal(symlink("../common.rules", "rules/sub/third.rules"), 0);
    assert_string_equal(findings("rules"), "");
    assert_string_equal(import("again.rules\"\nimport \"sub/third.rules\"\nimport \"common.rules"),
                        "");
    unlink("rules/again.rules");
    unlink("rules/sub/third.rules");
    put("rules/copy.rules", "language 1\nevent A { k : string }\n");
    assert_says(findings("rules"), "E0304 `A` is declared twice");
    unlink("rules/copy.rules");
}

static void circles_and_diamonds(void **state)
{
    (void)state;
    put("rules/a.rules", "language 1\nimport \"b.rules\"\nimport \"sub/c.rules\"\n");
    put("rules/b.rules", "language 1\nimport \"common.rules\"\n");
    put("rules/sub/c.rules", "language 1\nimport \"../common.rules\"\nimport \"../b.rules\"\n");
    assert_string_equal(findings("rules/a.rules"), "");
    assert_string_equal(findings("rules"), "");
    put("rules/b.rules", "language 1\nimport \"sub/c.rules\"\n");
    assert_says(findings("rules/a.rules"), "E0311 imports run in a circle: ");
    put("rules/b.rules", "language 1\nimport \"b.rules\"\n");
    assert_says(findings("rules/b.rules"), "E0311 imports run in a circle: ");
    unlink("rules/a.rules");
    unlink("rules/b.rules");
    unlink("rules/sub/c.rules");
}

static void chains_are_bounded(void **state)
{
    char path[64];
    char text[64];
    (void)state;
    assert_int_equal(mkdir("chain", 0755), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "chain/c%d.rules", i);
        snprintf(text, sizeof(text), "language 1\nimport \"c%d.rules\"\n", i + 1);
        put(path, text);
    }
    put("chain/c100.rules", "language 1\n");
    assert_says(findings("chain/c0.rules"), "E0310 imports stand more than 64 deep");
}

/* A directory that links to one above it is walked once. */
static void directories_in_circles_end(void **state)
{
    (void)state;
    assert_int_equal(symlink("..", "rules/sub/up"), 0);
    assert_int_equal(symlink(".", "rules/sub/here"), 0);
    assert_string_equal(findings("rules"), "");
    unlink("rules/sub/up");
    unlink("rules/sub/here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_stay_inside),
        cmocka_unit_test(links_stay_inside),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(one_file_by_two_paths_is_one),
        cmocka_unit_test(circles_and_diamonds),
        cmocka_unit_test(chains_are_bounded),
        cmocka_unit_test(directories_in_circles_end),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
