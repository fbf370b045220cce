/* Any bytes as a rule file: the compiler finds faults or gives a rule set that is whole, and what it
 * says can be rendered. */
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/diag_render.h"
#include "tests/fuzz/fuzz.h"

static void render_all(const struct compilation *c)
{
    struct buf out = BUF_INIT;
    for (const struct diag *d = c->diags.first; d; d = d->next) {
        diag_render_human(&out, &c->sources, d, false);
        diag_render_json(&out, &c->sources, d);
    }
    buf_release(&out);
}

static void dump_all(const struct ruleset *rs)
{
    struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        rule_dump(&rs->rules[i], &out);
        rule_graphviz(&rs->rules[i], &out);
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct compile_source events = {
        "common/events.rules",
        SLICE_LIT("language 1\n"
                  "event Login from topic \"l\" { user : string key  at : timestamp event time\n"
                  "  result : enum(\"success\", \"failure\")  ip : ip optional  tries : int }\n"
                  "event Payment from topic \"p\" { user : string key  at : timestamp event time\n"
                  "  amount : decimal }\n"
                  "let Good = Login where result = \"success\"\n")};
    struct compile_source sources[2] = {{"f.rules", slice_from((const char *)data, size)}, events};
    struct compile_input input = {.sources = sources, .n_sources = 2};
    struct error err = ERROR_INIT;
    struct compilation *c = dsl_compile(&input, &err);
    if (!c || (c->ruleset != NULL) != (c->diags.n_errors == 0)) {
        abort();
    }
    render_all(c);
    if (c->ruleset) {
        dump_all(c->ruleset);
    }
    compilation_free(c);
    return 0;
}
