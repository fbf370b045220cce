/* A rule on a topic that says nothing is added: no other rule's alerts change, nor when they come, nor what
 * is stored for their keys. Every set of sources has a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "connectors/memory.h"
#include "engine/engine.h"
#include "tests/support/compile_text.h"
#include "tests/support/crash_life.h"
#include "tests/support/state_dump.h"

#define SILENT_PARTITIONS 3

static const char rules[] =
    "language 1\n"
    "event Login from topic \"logins\" { user : string key  at : timestamp in ms event time\n"
    "  kind : string  out of order by 3ms }\n"
    "event Logout from topic \"logouts\" { user : string key  at : timestamp in ms event time\n"
    "  kind : string  out of order by 3ms }\n"
    "profile habits for each user from Login { kinds = set(kind) over 90ms }\n"
    "rule pair { for each user within 40ms when Login as a then Logout as b\n"
    "  on timeout emit alert { at = a.at } emit alert { kind = a.kind } }\n"
    "rule silent { for each user when Login as a then no Login for 9ms quiet for 30ms\n"
    "  emit alert emit event Silent { since = a.at } }\n"
    "rule crowd { within 30ms when 3 Silent as s emit alert { users = collect(s.user) } }\n"
    "rule odd { for each user when Login as a where a.kind not in habits.kinds emit alert }\n"
    "rule both { for each user when Logout as b then no Login for 12ms emit alert }\n";

/* Alone, with a topic that others read as well, as an absence, as a profile. */
static const char *const added[] = {
    "event Far from topic \"far\" { user : string key  at : timestamp in ms event time }\n"
    "rule added { for each user within 1h when 2 Far as f emit alert }\n",
    "event Far from topic \"far\" { user : string key  at : timestamp in ms event time }\n"
    "rule added { for each user within 1h when Login as a where a.kind = \"?\" then Far as f\n"
    "  emit alert }\n",
    "event Far from topic \"far\" { user : string key  at : timestamp in ms event time  kind : string }\n"
    "profile seen for each user from Far { kinds = set(kind) over 1h }\n"
    "rule added { for each user when Far as f where f.kind in seen.kinds emit alert }\n",
};

struct answer {
    struct buf alerts, when;
    size_t records; /* bytes of all that is stored; what differs is how rules and profiles are numbered */
};

static void answer_release(struct answer *a)
{
    buf_release(&a->alerts);
    buf_release(&a->when);
}

static void must(enum err rc, const struct error *err)
{
    if (rc != ERR_OK) {
        fail_msg("%s", err->text);
    }
}

static struct engine *start(const struct compilation *c, const char *dir, const struct logs *l,
                            bool with_silent, struct memory_sink *sink)
{
    struct source_partition parts[CRASH_MAX_PARTITIONS + SILENT_PARTITIONS];
    struct engine_options o;
    struct error err = ERROR_INIT;
    struct engine *e;
    uint32_t n = 0;
    for (; n < l->n_partitions; n++) {
        parts[n] = (struct source_partition){.topic = l->lines[n][0].topic,
                                             .partition = l->lines[n][0].partition,
                                             .first_offset = l->lines[n][0].offset};
    }
    for (int32_t p = 0; with_silent && p < SILENT_PARTITIONS; p++) {
        parts[n++] = (struct source_partition){.topic = 2, .partition = p, .empty = true};
    }
    engine_options_init(&o);
    o.state_dir = dir;
    o.state_map_bytes = (size_t)64 << 20;
    o.shards = 4;
    must(engine_new(c->ruleset, &o, &e, &err), &err);
    must(engine_begin(e, parts, n, &sink->sink, &err), &err);
    return e;
}

/* The partitions in turns, in pieces that `seed` chooses; what has come is noted after each. */
static void feed(struct engine *e, const struct logs *l, uint64_t seed,
                 const struct memory_sink *sink, struct answer *ret)
{
    struct rng rng = rng_seed(seed);
    struct error err = ERROR_INIT;
    uint32_t at[CRASH_MAX_PARTITIONS] = {0};
    for (uint32_t left = l->n_partitions * CRASH_RECORDS; left > 0;) {
        uint32_t p = (uint32_t)rng_below(&rng, l->n_partitions);
        for (uint64_t n = rng_below(&rng, 9); n > 0 && at[p] < CRASH_RECORDS; n--, left--) {
            const struct line *line = &l->lines[p][at[p]++];
            struct record r = {.topic = line->topic,
                               .partition = line->partition,
                               .offset = line->offset,
                               .has_value = true,
                               .value = slice_of(line->payload)};
            must(engine_push(e, &r, &err), &err);
        }
        must(engine_process(e, &err), &err);
        buf_printf(&ret->when, "%zu ", sink->n_alerts);
        if (rng_below(&rng, 4) == 0) {
            must(engine_commit(e, &err), &err);
        }
    }
    must(engine_commit(e, &err), &err);
}

static void run(const char *text, const struct logs *l, uint64_t seed, bool with_silent,
                struct answer *ret)
{
    char dir[64];
    struct memory_sink sink;
    FYKE_CLEANUP(buf_release) struct buf dump = BUF_INIT;
    struct compilation *c = compile_text(text);
    if (c->ruleset == NULL) {
        fail_msg("%s: %s", codes_of(c, true), c->diags.first->message);
    }
    state_dir_make(dir);
    memory_sink_init(&sink);
    struct engine *e = start(c, dir, l, with_silent, &sink);
    feed(e, l, seed, &sink, ret);
    engine_free(e);
    for (size_t i = 0; i < sink.n_alerts; i++) {
        struct slice alert = memory_sink_value(&sink, i);
        const char *set = memmem(alert.ptr, alert.len, "\"ruleset\"", 9);
        buf_put(&ret->alerts, alert.ptr, set != NULL ? (size_t)(set - alert.ptr) : alert.len);
        buf_put_byte(&ret->alerts, '\n');
    }
    state_dump(dir, &dump, NULL);
    const char *header = memmem(dump.ptr, dump.len, "FYKE", 4);
    assert_non_null(header);
    ret->records = (size_t)(header - dump.ptr);
    memory_sink_release(&sink);
    compilation_free(c);
    state_dir_remove(dir);
}

static void a_rule_on_a_silent_topic_changes_no_other(void **state)
{
    struct logs *l = xcalloc(1, sizeof(*l));
    struct rng rng = rng_seed(5);
    size_t alerts = 0;
    (void)state;
    for (uint64_t round = 0; round < 6; round++) {
        struct answer want = {0};
        do {
            logs_random(l, &rng, 3, 0);
        } while (l->n_partitions < 2);
        run(rules, l, round, false, &want);
        for (size_t i = 0; i < FYKE_ARRAY_LEN(added); i++) {
            char text[4096];
            struct answer got = {0};
            snprintf(text, sizeof(text), "%s%s", rules, added[i]);
            run(text, l, round, true, &got);
            assert_true(slice_eq(buf_slice(&want.alerts), buf_slice(&got.alerts)));
            assert_true(slice_eq(buf_slice(&want.when), buf_slice(&got.when)));
            assert_int_equal(got.records, want.records);
            answer_release(&got);
        }
        alerts += want.alerts.len;
        assert_true(want.records > 500);
        answer_release(&want);
    }
    assert_true(alerts > 50000);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_on_a_silent_topic_changes_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
