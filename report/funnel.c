#include "report/funnel.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/json_parts.h"
#include "report/parts.h"

/* ---- cost ----------------------------------------------------------------------------------- */

double report_cost(const struct replay_result *r, const struct replay_rule *rule)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < r->n_rules; i++) {
        all += r->rules[i].operations;
    }
    return all > 0 ? (double)rule->operations / (double)all : 0;
}

void put_cost(const struct replay_result *r, const struct replay_rule *rule, struct buf *out)
{
    double share = report_cost(r, rule);
    if (share > 0) {
        buf_printf(out, "%.1f %%", 100 * share);
    } else {
        buf_puts(out, "-");
    }
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void row(struct report_table *t, struct slice rule, struct slice step, uint64_t n,
                uint64_t keys)
{
    char text[32];
    table_cell(t, rule);
    table_cell(t, step);
    snprintf(text, sizeof(text), "%" PRIu64, n);
    table_cell(t, slice_of(text));
    snprintf(text, sizeof(text), "%" PRIu64, keys);
    table_cell(t, slice_of(text));
}

void funnel_table(const struct replay_result *r, struct report_table *t)
{
    table_init(t);
    table_column(t, SLICE_LIT("rule"));
    table_column(t, SLICE_LIT("step"));
    t->n_left = 2;
    table_column(t, SLICE_LIT("reached"));
    table_column(t, SLICE_LIT("keys"));
    for (uint32_t i = 0; i < r->n_rules; i++) {
        const struct replay_rule *rule = &r->rules[i];
        for (uint32_t k = 0; k < rule->n_steps; k++) {
            struct slice name = k == 0 ? report_rule_name(r, i) : SLICE_LIT("");
            row(t, name, rule->steps[k].label, rule->steps[k].reached, rule->steps[k].keys);
        }
        if (rule->n_steps > 0) {
            row(t, SLICE_LIT(""), SLICE_LIT("(matches)"), rule->matches + rule->timeouts, rule->keys);
        }
    }
}

void funnel_put_line(const struct replay_rule *rule, struct buf *out)
{
    for (uint32_t k = 0; k < rule->n_steps; k++) {
        buf_puts(out, k > 0 ? "; " : "");
        buf_put_slice(out, rule->steps[k].label);
        buf_printf(out, " %" PRIu64, rule->steps[k].reached);
    }
}

void funnel_put_json(struct json_out *j, const struct replay_rule *rule)
{
    json_key(j, SLICE_LIT("steps"));
    json_array_begin(j);
    for (uint32_t k = 0; k < rule->n_steps; k++) {
        json_object_begin(j);
        json_member_string(j, "step", rule->steps[k].label);
        json_key(j, SLICE_LIT("reached"));
        json_uint(j, rule->steps[k].reached);
        json_key(j, SLICE_LIT("keys"));
        json_uint(j, rule->steps[k].keys);
        json_object_end(j);
    }
    json_array_end(j);
}
