/* Which tests run, and which rules lack some. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/xalloc.h"
#include "cli/test_args.h"

struct test_filter {
    pcre2_code *code;
};

struct test_filter *test_filter_new(const struct cli_verb *v, const char *expression)
{
    int error;
    PCRE2_SIZE at;
    PCRE2_UCHAR text[128];
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                                     &error, &at, NULL);
    if (!code) {
        pcre2_get_error_message(error, text, sizeof(text));
        cli_usage_error(v, "--run: %s at %zu in '%s'", (char *)text, (size_t)at, expression);
        return NULL;
    }
    struct test_filter *f = xcalloc(1, sizeof(*f));
    f->code = code;
    return f;
}

void test_filter_free(struct test_filter *f)
{
    if (f) {
        pcre2_code_free(f->code);
        free(f);
    }
}

bool test_selected(const struct test_filter *f, const struct ruleset *rs,
                   const struct compiled_test *t)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    if (!f) {
        return true;
    }
    buf_printf(&name, "%.*s/%.*s", SLICE_ARG(rs->rules[t->rule].name), SLICE_ARG(t->title));
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(f->code, NULL);
    int rc = pcre2_match(f->code, (PCRE2_SPTR)buf_cstr(&name), name.len, 0, 0, match, NULL);
    pcre2_match_data_free(match);
    return rc >= 0;
}

/* ---- --require ---------------------------------------------------------------------------- */

enum { FIRES = 1, SILENT = 2 };

/* A test without `expect` or without an event shows nothing (W0421): it counts as neither. */
static unsigned kind_of(const struct compiled_test *t)
{
    bool events = false, silent = false;
    for (uint32_t i = 0; i < t->n_stmts; i++) {
        const struct test_stmt *s = &t->stmts[i];
        if ((s->kind == TEST_STMT_EXPECT && s->count > 0) || s->kind == TEST_STMT_TIMEOUT) {
            return FIRES;
        }
        silent |= s->kind == TEST_STMT_EXPECT;
        events |= s->kind == TEST_STMT_EVENT || s->kind == TEST_STMT_EVENTS_FILE;
    }
    return silent && events ? SILENT : 0;
}

static void put_lack(const struct test_args *a, const struct compilation *c, uint32_t rule,
                     const char *what, struct buf *out)
{
    struct slice name = c->ruleset->rules[rule].name;
    if (a->format == FORMAT_JSON) {
        struct json_out j = json_out_to(out);
        json_object_begin(&j);
        json_member_string(&j, "rule", name);
        json_member_string(&j, "lacks", slice_of(what));
        json_object_end(&j);
        json_line_end(&j);
        return;
    }
    const char *head = a->format == FORMAT_TAP ? "# " : a->format == FORMAT_GITHUB ? "::error::" : "";
    buf_printf(out, "%srule %.*s has no test that %s\n", head, SLICE_ARG(name), what);
}

int test_require(struct test_args *a, const struct compilation *c)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    unsigned *kinds = xcalloc(c->ruleset->n_rules + 1u, sizeof(*kinds));
    for (uint32_t i = 0; c->tests && i < c->tests->n; i++) {
        kinds[c->tests->items[i].rule] |= kind_of(&c->tests->items[i]);
    }
    for (uint32_t i = 0; i < c->ruleset->n_rules; i++) {
        bool pos = a->require_pos && !(kinds[i] & FIRES);
        bool neg = a->require_neg && !(kinds[i] & SILENT);
        if (rule_is_disabled(&c->ruleset->rules[i])) {
            continue;
        }
        if (pos) {
            put_lack(a, c, i, "fires", &out);
        }
        if (neg) {
            put_lack(a, c, i, "stays silent", &out);
        }
        a->lacking += pos || neg;
    }
    free(kinds);
    return cli_put(buf_slice(&out));
}
