#include "lib/capture.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/capture_parts.h"
#include "lib/last_error.h"
#include "lib/replay_span.h"

/* States of profiles that are tried per stretch. */
#define MAX_MOMENTS 32
#define N_BEGINNINGS 3

void capture_result_release(struct capture_result *r)
{
    arena_release(&r->arena);
}

/* ---- what an alert asks for ------------------------------------------------------------------ */

/* As key_to_text() writes a key. */
static void put_key(struct json_span key, struct buf *out)
{
    struct json_span name, value;
    uint32_t n = 0;
    struct json_walk w = json_walk_into(key);
    while (json_walk_member(&w, &name, &value)) {
        n++;
    }
    w = json_walk_into(key);
    for (uint32_t i = 0; json_walk_member(&w, &name, &value); i++) {
        if (n == 1) {
            json_view_text(value, out);
            return;
        }
        buf_puts(out, i == 0 ? "[" : ",");
        buf_put_slice(out, json_view_raw(value));
    }
    buf_puts(out, n > 1 ? "]" : "");
}

bool capture_ask(struct slice alert, struct arena *arena, struct why_config *ret)
{
    FYKE_CLEANUP(buf_release) struct buf rule = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    struct json_view v;
    json_view_init(&v);
    bool ok = json_view_set(&v, alert);
    json_view_text(json_view_get(v.root, "rule"), &rule);
    ret->at = json_view_time(json_view_get(v.root, "detected"));
    ok = ok && rule.len > 0 && json_view_get(v.root, "key").kind == JSON_OBJECT &&
         ret->at.ns != INT64_MIN;
    if (ok) {
        put_key(json_view_get(v.root, "key"), &key);
        ret->rule = arena_printf(arena, "%s", buf_cstr(&rule));
        ret->key = arena_copy(arena, buf_slice(&key));
    }
    json_view_release(&v);
    return ok;
}

/* ---- which alerts ---------------------------------------------------------------------------- */

bool capture_is_ours(const struct capture *c, struct json_view *v, struct slice alert)
{
    struct json_span kind;
    if (!json_view_set(v, alert) ||
        !json_view_is(json_view_get(v->root, "rule"), c->config->asked.rule)) {
        return false;
    }
    kind = json_view_get(v->root, "kind");
    return json_view_is(kind, "match") || json_view_is(kind, "timeout");
}

/* Of the rule; over all of the input those of the key, and of keys that its quiet time knows of. */
static enum err evaluate(struct capture *c, const struct why_evaluation *how,
                         struct memory_sink *ret, struct error *err)
{
    const struct ruleset *rs = rules_ruleset(c->rules);
    struct json_view v;
    uint32_t rule;
    size_t n = 0;
    FYKE_TRY(why_find_rule(rs, c->config->asked.rule, &rule, err));
    FYKE_TRY(why_evaluate(&c->events, rs, rule, how, ret, err));
    json_view_init(&v);
    for (size_t i = 0; i < ret->n_alerts; i++) {
        bool known = how->part || why_key_meets(&c->events, memory_sink_key(ret, i));
        if (known && capture_is_ours(c, &v, memory_sink_value(ret, i))) {
            ret->alerts[n++] = ret->alerts[i];
        }
    }
    ret->n_alerts = n;
    json_view_release(&v);
    return ERR_OK;
}

static bool same_member(struct json_view *a, struct json_view *b, const char *name)
{
    return slice_eq(json_view_raw(json_view_get(a->root, name)),
                    json_view_raw(json_view_get(b->root, name)));
}

/* The records have kept their places, so an alert has kept its identity; one of an earlier version of
 * the rule has another. */
static bool is_alert(struct json_view *a, struct json_view *b, struct slice x, struct slice y)
{
    return json_view_set(a, x) && json_view_set(b, y) &&
           (same_member(a, b, "match_id") ||
            (!same_member(a, b, "plan") && same_member(a, b, "kind") &&
             same_member(a, b, "detected")));
}

static size_t find_alert(const struct memory_sink *all, struct slice alert)
{
    struct json_view a, b;
    json_view_init(&a);
    json_view_init(&b);
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < all->n_alerts; i++) {
        found = is_alert(&a, &b, memory_sink_value(all, i), alert) ? i : found;
    }
    json_view_release(&a);
    json_view_release(&b);
    return found;
}

/* ---- the shortest stretch -------------------------------------------------------------------- */

/* One of them; with other profiles it might say something else. */
static bool is_among(const struct memory_sink *all, struct slice alert)
{
    struct json_view a, b;
    size_t i = find_alert(all, alert);
    json_view_init(&a);
    json_view_init(&b);
    bool same = i != SIZE_MAX && json_view_set(&a, memory_sink_value(all, i)) &&
                json_view_set(&b, alert) && same_member(&a, &b, "emit");
    json_view_release(&a);
    json_view_release(&b);
    return same;
}

/* The alert comes, and none that did not come before. */
static enum err try_stretch(struct capture *c, const struct why_evaluation *how,
                            const struct memory_sink *all, size_t wanted, bool *good,
                            struct error *err)
{
    memory_sink_release(&c->wanted);
    memory_sink_init(&c->wanted);
    FYKE_TRY(evaluate(c, how, &c->wanted, err));
    *good = wanted == SIZE_MAX ||
            find_alert(&c->wanted, memory_sink_value(all, wanted)) != SIZE_MAX;
    for (size_t i = 0; i < c->wanted.n_alerts && *good; i++) {
        *good = is_among(all, memory_sink_value(&c->wanted, i));
    }
    return ERR_OK;
}

static int by_order(const void *a, const void *b)
{
    const struct why_record *x = *(struct why_record *const *)a;
    const struct why_record *y = *(struct why_record *const *)b;
    return event_compare(x->events->event, y->events->event);
}

/* In the order in which the test will read them: one partition per topic is all that it has. */
static void take_records(struct capture *c, const struct why_evaluation *how)
{
    struct capture_result *r = c->result;
    c->taken = xcalloc(c->events.n + 1, sizeof(*c->taken));
    for (size_t i = 0; i < c->events.n; i++) {
        struct why_record *record = &c->events.records[i];
        if (why_in_part(&c->events, record, how)) {
            c->taken[c->n_taken++] = record;
            r->records += record->asked;
            r->others += !record->asked;
        }
    }
    if (c->n_taken > 1) {
        qsort(c->taken, c->n_taken, sizeof(*c->taken), by_order);
    }
    r->first = c->n_taken > 0 ? c->taken[0]->time : ETIME_MIN;
    r->last = c->n_taken > 0 ? c->taken[c->n_taken - 1]->time : ETIME_MIN;
}

static struct etime first_of(struct slice alert)
{
    struct json_view v;
    json_view_init(&v);
    (void)json_view_set(&v, alert);
    struct etime first = json_view_time(json_view_get(v.root, "first"));
    json_view_release(&v);
    return first;
}

/* Up to where the test says what comes: the alert, or the end of what was decided. */
static struct etime decided_until(const struct capture *c, const struct memory_sink *all,
                                  size_t wanted)
{
    struct etime until = c->why.last;
    if (c->config->asked.at.ns != INT64_MAX) {
        return c->config->asked.at;
    }
    if (wanted != SIZE_MAX) {
        struct etime t = all->alerts[wanted].event_time;
        return etime_lt(until, t) ? t : until;
    }
    /* What lies at the clock itself is open; moments of tests are no finer than they need to be. */
    struct etime end = c->why.clock;
    end.ns -= end.ns > INT64_MIN + NS_PER_S ? 1 : 0;
    end.ns -= end.ns % NS_PER_MS;
    return etime_lt(until, end) ? end : until;
}

/* A stretch, with what the profiles said at its end, or at the last moment before at which that is enough. */
static enum err try_profiles(struct capture *c, struct why_evaluation *how,
                             const struct memory_sink *all, size_t wanted, bool *good,
                             struct error *err)
{
    size_t n = c->n_moments < MAX_MOMENTS ? c->n_moments : MAX_MOMENTS;
    if (!capture_reads_profiles(c)) {
        return try_stretch(c, how, all, wanted, good, err);
    }
    how->given = &c->given;
    for (size_t i = 0; i == 0 || (i < n && !*good); i++) {
        capture_give(c, i < n ? c->moments[i] : c->until);
        FYKE_TRY(try_stretch(c, how, all, wanted, good, err));
    }
    return ERR_OK;
}

/* Where the stretch may begin. Without an alert it is all there is, but a test gives one state of the profiles:
 * then as much as the rule looks back from the last event. */
static void beginnings(const struct capture *c, struct etime first, struct etime ret[N_BEGINNINGS])
{
    struct replay_span span;
    bool late = first.ns == INT64_MIN && capture_reads_profiles(c);
    replay_span_of(c->rs, &span);
    struct duration alone = {span.need.ns - span.measures.ns};
    ret[0] = late ? etime_sub(c->why.last, duration_is_infinite(span.need) ? span.need : alone) : first;
    ret[1] = late ? c->why.last : etime_sub(first, span.need);
    ret[2] = ETIME_MIN;
}

/* The records of the key; where the rule looks back to the beginning of the input, that as well. */
static enum err choose_stretch(struct capture *c, const struct memory_sink *all, size_t wanted,
                               struct error *err)
{
    struct etime tries[N_BEGINNINGS];
    struct etime first = wanted == SIZE_MAX ? ETIME_MIN : first_of(memory_sink_value(all, wanted));
    bool good = false;
    c->until = decided_until(c, all, wanted);
    beginnings(c, first, tries);
    if (capture_reads_profiles(c)) {
        FYKE_TRY(capture_read_profiles(c, etime_lt(tries[1], tries[0]) ? tries[1] : tries[0], err));
    }
    for (size_t i = 0; i < 2 * FYKE_ARRAY_LEN(tries) && !good; i++) {
        struct why_evaluation how = {.part = true,
                                     .from = tries[i % FYKE_ARRAY_LEN(tries)],
                                     .with_first = i >= FYKE_ARRAY_LEN(tries),
                                     .until = c->until};
        FYKE_TRY(try_profiles(c, &how, all, wanted, &good, err));
        if (good) {
            capture_give_less(c);
            take_records(c, &how);
            FYKE_TRY(capture_read_tables(c, &how, err));
        }
    }
    return good ? ERR_OK
           : capture_reads_profiles(c)
               ? error_set(err, ERR_RULES, "a test gives one state of the profiles, and there is none "
                           "with which the rule gives the same: they change between the events of it")
               : error_set(err, ERR_RULES, "the rule does not give the same alert again from the "
                           "records that belong to the key");
}

/* Which alert: the one that is given; else the last one, if it stands at the end. */
static enum err find_wanted(struct capture *c, const struct memory_sink *all, size_t *ret,
                            struct error *err)
{
    *ret = SIZE_MAX;
    if (c->config->alert.len > 0) {
        *ret = find_alert(all, c->config->alert);
        return *ret != SIZE_MAX
                   ? ERR_OK
                   : error_set(err, ERR_RULES, "the rules do not give this alert over this input");
    }
    for (size_t i = all->n_alerts; i-- > 0 && *ret == SIZE_MAX;) {
        if (slice_eq(memory_sink_key(all, i), c->events.key_text)) {
            *ret = i;
        }
    }
    if (*ret != SIZE_MAX && etime_lt(all->alerts[*ret].event_time, c->why.last)) {
        *ret = SIZE_MAX;
    }
    return ERR_OK;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static enum err read_and_cut(struct capture *c, struct error *err)
{
    const struct why_evaluation whole = {.count = &c->why};
    struct memory_sink all;
    size_t wanted;
    FYKE_TRY(capture_find_hidden(c, err));
    FYKE_TRY(why_events_read(&c->events, err));
    c->result->of_key = c->events.n_asked;
    if (c->events.n_asked == 0) {
        return error_set(err, ERR_RULES, "none of %llu records is an event of this key",
                         (unsigned long long)c->why.records);
    }
    memory_sink_init(&all);
    enum err rc = evaluate(c, &whole, &all, err);
    rc = rc == ERR_OK ? find_wanted(c, &all, &wanted, err) : rc;
    rc = rc == ERR_OK ? choose_stretch(c, &all, wanted, err) : rc;
    memory_sink_release(&all);
    if (rc == ERR_OK && c->n_taken == 0) {
        rc = error_set(err, ERR_RULES, "every event of the key came too late to be evaluated");
    }
    return rc;
}

enum fyke_result capture_run(const struct fyke_rules *rules, const struct capture_config *config,
                             struct capture_result *ret)
{
    struct error err = ERROR_INIT;
    struct ruleset part;
    uint32_t rule;
    struct capture c = {.rules = rules, .rs = &part, .config = config, .result = ret};
    const struct ruleset *rs = rules_ruleset(rules);
    *ret = (struct capture_result){.first = ETIME_MIN, .last = ETIME_MIN};
    arena_init(&ret->arena);
    enum err rc = why_find_rule(rs, config->asked.rule, &rule, &err);
    if (rc == ERR_OK && rule_is_disabled(&rs->rules[rule])) {
        rc = error_set(&err, ERR_RULES, "rule %s is disabled: it is not evaluated, but a test of it is",
                       config->asked.rule);
    }
    if (rc != ERR_OK) {
        return last_error_set(&err);
    }
    why_result_init(&c.why);
    memory_sink_init(&c.wanted);
    pseudonyms_init(&c.pseudonyms, config->secret);
    ruleset_subset(rs, rule, NULL, &part);
    why_events_init(&c.events, &config->asked, &part, &rs->rules[rule], &c.why);
    c.events.keep = true;
    capture_profiles_init(&c);
    rc = read_and_cut(&c, &err);
    rc = rc == ERR_OK ? capture_write_fixture(&c, &err) : rc;
    rc = rc == ERR_OK ? capture_write_test(&c, &err) : rc;
    why_events_release(&c.events);
    ruleset_subset_release(&part);
    pseudonyms_release(&c.pseudonyms);
    memory_sink_release(&c.wanted);
    why_result_release(&c.why);
    capture_profiles_release(&c);
    buf_release(&c.fixture);
    free(c.taken);
    free(c.left_out);
    free(c.entries);
    return rc == ERR_OK ? FYKE_OK : last_error_set(&err);
}
