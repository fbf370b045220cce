/* Declarations: files and imports, topics, schema, computed fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/compile_text.h"

static void assert_text(struct slice s, const char *text)
{
    assert_true(slice_eq_str(s, text));
}

static struct compilation *compile_files(const struct compile_source *files, uint32_t n)
{
    struct compile_input input = {.sources = files, .n_sources = n};
    struct error err = ERROR_INIT;
    struct compilation *c = dsl_compile(&input, &err);
    assert_non_null(c);
    return c;
}

#define FILE_TEXT(path, text) {path, SLICE_LIT(text)}

/* a.rules imports c.rules: its declarations stand before those that follow the import; b.rules
 * imports it again, which adds nothing. */
static void imports_stand_where_they_are_written(void **state)
{
    (void)state;
    static const struct compile_source files[] = {
        FILE_TEXT("r/b.rules", "language 1\nimport \"sub/c.rules\"\n"
                               "event B from topic \"b\" { at : timestamp event time }\n"),
        FILE_TEXT("r/sub/c.rules", "language 1\n"
                                   "event C from topic \"c\", \"a\" {"
                                   "  at : timestamp event time }\n"),
        FILE_TEXT("r/a.rules", "language 1\n"
                               "event A1 from topic \"a1\" { at : timestamp event time }\n"
                               "import \"./sub/../sub/c.rules\"\n"
                               "event A2 from topic \"a\" { at : timestamp event time }\n"),
    };
    struct compilation *c = compile_files(files, 3);
    assert_non_null(c->ruleset);
    const struct ruleset *rs = c->ruleset;
    assert_int_equal(rs->n_decls, 4);
    assert_text(rs->decls[0].name, "A1");
    assert_text(rs->decls[1].name, "C");
    assert_text(rs->decls[2].name, "A2");
    assert_text(rs->decls[3].name, "B");
    assert_int_equal(rs->n_topics, 4);
    assert_text(rs->topics[1].name, "c");
    assert_text(rs->topics[2].name, "a");
    assert_int_equal(rs->topics[2].n_decls, 2);
    assert_int_equal(rs->n_files, 3);
    assert_text(rs->files[1], "r/sub/c.rules");
    compilation_free(c);
}

static void the_order_of_the_command_line_does_not_matter(void **state)
{
    (void)state;
    static const struct compile_source one[] = {
        FILE_TEXT("b.rules", "language 1\nconst B = 1\n"), FILE_TEXT("a.rules", "language 1\n")};
    static const struct compile_source two[] = {
        FILE_TEXT("./a.rules", "language 1\n"), FILE_TEXT("b.rules", "language 1\nconst B = 1\n")};
    struct compilation *c = compile_files(one, 2);
    struct compilation *d = compile_files(two, 2);
    assert_true(hash128_eq(c->ruleset->fingerprint, d->ruleset->fingerprint));
    assert_text(c->ruleset->files[0], "a.rules");
    compilation_free(c);
    compilation_free(d);
}

static void cycles_and_escapes_are_refused(void **state)
{
    (void)state;
    static const struct compile_source cycle[] = {
        FILE_TEXT("a.rules", "language 1\nimport \"b.rules\"\n"),
        FILE_TEXT("b.rules", "language 1\nimport \"a.rules\"\n")};
    static const struct compile_source escape[] = {
        FILE_TEXT("r/a.rules", "language 1\nimport \"../b.rules\"\n"),
        FILE_TEXT("b.rules", "language 1\n")};
    struct compilation *c = compile_files(cycle, 2);
    assert_null(c->ruleset);
    assert_string_equal(codes_of(c, true), "E0311");
    assert_non_null(strstr(c->diags.first->message, "a.rules imports b.rules imports a.rules"));
    compilation_free(c);
    c = compile_files(escape, 2);
    assert_string_equal(codes_of(c, true), "E0310");
    compilation_free(c);
}

static void a_missing_path_is_no_finding(void **state)
{
    (void)state;
    const char *paths[] = {"tests/golden/diag/there_is_no_such.rules"};
    struct compile_input input = {.paths = paths, .n_paths = 1};
    struct error err = ERROR_INIT;
    assert_null(dsl_compile(&input, &err));
    assert_int_equal(err.code, ERR_USAGE);
}

static void schema_of_a_declaration(void **state)
{
    (void)state;
    struct compilation *c = compile_text(
        "language 1\n"
        "event L from topic \"x\", \"y\" format json where kind = \"l\" {\n"
        "  user : string key, at : timestamp in ms event time from \"$timestamp\"\n"
        "  kind : string  merchant.name : string optional  ids : list of int from \"items[*].id\"\n"
        "  h : string optional from \"$header.src\"  k : string from \"$key\"\n"
        "  net : cidr = subnet(ip, 24)  ip : ip optional from \"src.ip\"\n"
        "  out of order by 30s  idle after 2m follow clock  watermark per user\n"
        "  at most 1h ahead }\n"
        "rule r { for each net when L as l where merchant.name = \"x\" emit alert }");
    assert_non_null(c->ruleset);
    const struct schema_decl *d = &c->ruleset->decls[0];
    const struct schema_topic *t = &c->ruleset->topics[1];
    assert_int_equal(d->n_topics, 2);
    assert_int_equal(d->n_fields, 9);
    assert_int_equal(d->time_field, 1);
    assert_non_null(d->where);
    assert_true(d->fields[0].is_key);
    assert_int_equal(d->fields[1].origin, ORIGIN_TIMESTAMP);
    assert_int_equal(d->fields[1].unit, UNIT_MS);
    assert_int_equal(d->fields[3].n_parts, 2);
    assert_true(d->fields[3].keep);
    assert_false(d->fields[4].keep);
    assert_true(d->fields[4].is_list);
    assert_true(d->fields[4].parts[0].each);
    assert_text(d->fields[4].parts[0].name, "items");
    assert_text(d->fields[5].header, "src");
    assert_int_equal(d->fields[6].origin, ORIGIN_KEY);
    assert_non_null(d->fields[7].computed);
    assert_true(d->fields[7].optional && d->fields[7].keep);
    assert_int_equal(t->out_of_order.ns, 30 * NS_PER_S);
    assert_int_equal(t->idle_after.ns, 120 * NS_PER_S);
    assert_true(t->follow_clock && t->has_watermark_per);
    assert_int_equal(t->at_most_ahead.ns, 3600 * NS_PER_S);
    compilation_free(c);
}

static void rules_share_clocks_by_topics(void **state)
{
    (void)state;
    struct compilation *c = compile_text(
        "language 1\n"
        "event A from topic \"a\" { at : timestamp event time }\n"
        "event B from topic \"b\" { at : timestamp event time }\n"
        "event N { x : int }\n"
        "rule r1 { when A emit alert }\n"
        "rule r2 { within 1h when B then A emit alert }\n"
        "rule r3 { when A without A emit alert }\n"
        "rule r4 { when A without B emit alert }\n"
        "rule r5 { when N emit alert }\n");
    assert_non_null(c->ruleset);
    const struct ruleset *rs = c->ruleset;
    static const uint32_t groups[] = {0, 1, 0, 1, 2};
    assert_int_equal(rs->n_clock_groups, 3);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(rs->clock_group_of_rule[i], groups[i]);
    }
    assert_int_equal(rs->clock_groups[1].n_topics, 2);
    assert_int_equal(rs->sources[4].n_topics, 0);
    compilation_free(c);
}

static void a_broken_declaration_hides_no_other_finding(void **state)
{
    (void)state;
    struct compilation *c = compile_text("language 1\n"
                                         "event A from topic \"a\" { at : timestamp event time }\n"
                                         "event B from topic { }\n"
                                         "rule r { within 1h when A then B emit alert }\n"
                                         "rule s { when A where no_such = 1 emit alert }\n");
    assert_null(c->ruleset);
    assert_int_equal(c->diags.n_errors, 2);
    assert_true(has_code(c, "E0302"));
    assert_false(has_code(c, "E0301"));
    compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports_stand_where_they_are_written),
        cmocka_unit_test(the_order_of_the_command_line_does_not_matter),
        cmocka_unit_test(cycles_and_escapes_are_refused),
        cmocka_unit_test(a_missing_path_is_no_finding),
        cmocka_unit_test(schema_of_a_declaration),
        cmocka_unit_test(rules_share_clocks_by_topics),
        cmocka_unit_test(a_broken_declaration_hides_no_other_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
