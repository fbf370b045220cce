#include "lib/warm_parts.h"
#include "nfa/schema_shape.h"

static enum err no(struct error *err, const char *why, struct slice what)
{
    return error_set(err, ERR_USAGE, "rules cannot be warmed: %s%.*s", why, SLICE_ARG(what));
}

/* Positions, waiting events and what was late are those of the run. */
static bool same_topic(const struct schema_topic *a, const struct schema_topic *b)
{
    return slice_eq(a->name, b->name) && a->out_of_order.ns == b->out_of_order.ns &&
           a->idle_after.ns == b->idle_after.ns && a->at_most_ahead.ns == b->at_most_ahead.ns;
}

static enum err check_topics(const struct ruleset *was, const struct ruleset *is, struct error *err)
{
    if (was->n_topics != is->n_topics) {
        return no(err, "other topics are read than before", (struct slice){0});
    }
    for (uint32_t i = 0; i < is->n_topics; i++) {
        if (was->topics[i].has_watermark_per || is->topics[i].has_watermark_per) {
            return no(err, "a clock per value (`watermark per`) cannot be read again as the run has it: topic ",
                      is->topics[i].name);
        }
        if (!same_topic(&was->topics[i], &is->topics[i])) {
            return no(err, "order or clock are declared otherwise than before: topic ",
                      is->topics[i].name);
        }
    }
    return ERR_OK;
}

/* Stored events name their declaration by number. */
static enum err check_decls(const struct ruleset *was, const struct ruleset *is, struct error *err)
{
    for (uint32_t i = 0; i < was->n_decls; i++) {
        if (i >= is->n_decls || !slice_eq(was->decls[i].name, is->decls[i].name) ||
            schema_shape(&was->decls[i]) != schema_shape(&is->decls[i])) {
            return no(err, "an event is declared otherwise than before, or elsewhere: ",
                      was->decls[i].name);
        }
    }
    return ERR_OK;
}

static bool same_clock(const struct clock_group *a, const struct clock_group *b)
{
    bool same = a->n_topics == b->n_topics && a->waits == b->waits;
    for (uint32_t i = 0; same && i < a->n_topics; i++) {
        same = a->topics[i] == b->topics[i];
    }
    return same;
}

static enum err check_clocks(const struct ruleset *was, const struct ruleset *is, struct error *err)
{
    for (uint32_t i = 0; i < is->n_clock_groups; i++) {
        bool found = false;
        for (uint32_t k = 0; k < was->n_clock_groups && !found; k++) {
            found = same_clock(&was->clock_groups[k], &is->clock_groups[i]);
        }
        if (!found) {
            return no(err, "one reads topics together that no rule in force reads together",
                      (struct slice){0});
        }
    }
    return ERR_OK;
}

static enum err check_tables(const struct ruleset *is, struct error *err)
{
    for (uint32_t i = 0; i < is->n_tables; i++) {
        if (is->tables[i].origin == TABLE_TOPIC) {
            return no(err, "what a list or lookup from a topic held in the past is not known: ",
                      is->tables[i].name);
        }
    }
    return ERR_OK;
}

enum err warm_fits(const struct fyke_run_config *c, const struct fyke_rules *before,
                   const struct fyke_rules *next, struct error *err)
{
    const struct ruleset *was = rules_ruleset(before), *is = rules_ruleset(next);
    if (c->kcat) {
        return no(err, "the input is in envelopes", (struct slice){0});
    }
    FYKE_TRY(check_topics(was, is, err));
    FYKE_TRY(check_decls(was, is, err));
    FYKE_TRY(check_tables(is, err));
    return check_clocks(was, is, err);
}
