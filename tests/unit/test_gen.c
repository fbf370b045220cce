#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/buf.h"
#include "cli/gen.h"
#include "cli/gen_fraud.h"

static struct gen_log generate(uint64_t seed, uint64_t events, int days, int64_t disorder_ms,
                               uint32_t partitions)
{
    struct gen_fraud p = GEN_FRAUD_DEFAULTS;
    p.seed = seed;
    p.events = events;
    p.days = days;
    p.disorder_ms = disorder_ms;
    p.partitions = partitions;
    struct gen_log log;
    gen_log_init(&log);
    gen_fraud(&p, &log);
    return log;
}

static uint64_t mix(uint64_t h, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

/* Byte by byte, so that the digest is the same on every machine. */
static uint64_t mix_number(uint64_t h, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        uint8_t byte = (uint8_t)(v >> (8 * i));
        h = mix(h, &byte, 1);
    }
    return h;
}

/* Over everything that reaches a file: payloads, keys, coordinates, labels. */
static uint64_t digest(const struct gen_log *log)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < log->n_events; i++) {
        const struct gen_event *e = &log->events[log->order[i]];
        struct slice key = gen_event_key(log, e);
        struct slice payload = gen_event_payload(log, e);
        h = mix(h, key.ptr, key.len);
        h = mix(h, payload.ptr, payload.len);
        h = mix_number(h, (uint64_t)e->topic);
        h = mix_number(h, e->partition);
        h = mix_number(h, e->offset);
    }
    for (size_t i = 0; i < log->n_episodes; i++) {
        const struct gen_episode *ep = &log->episodes[i];
        h = mix(h, ep->key, strlen(ep->key));
        h = mix(h, ep->rule, strlen(ep->rule));
        h = mix(h, ep->note, strlen(ep->note));
        h = mix_number(h, ep->attack);
        for (size_t r = 0; r < ep->n_refs; r++) {
            h = mix_number(h, log->refs[ep->refs + r]);
        }
    }
    return h;
}

static uint64_t digest_of(uint64_t seed, uint64_t events, int days, int64_t disorder_ms)
{
    struct gen_log log = generate(seed, events, days, disorder_ms, 1);
    uint64_t h = digest(&log);
    gen_log_release(&log);
    return h;
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(digest_of(7, 20000, 3, 0), digest_of(7, 20000, 3, 0));
    assert_int_equal(digest_of(7, 20000, 3, 20000), digest_of(7, 20000, 3, 20000));
}

static void different_seeds_differ(void **state)
{
    (void)state;
    uint64_t seen[5];
    for (uint64_t seed = 0; seed < 5; seed++) {
        seen[seed] = digest_of(seed, 5000, 2, 0);
        for (uint64_t other = 0; other < seed; other++) {
            assert_int_not_equal(seen[seed], seen[other]);
        }
    }
}

/* Files made once stay comparable: a change of these bytes is a change for every reader. */
static void bytes_are_pinned(void **state)
{
    (void)state;
    assert_int_equal(digest_of(1, 20000, 3, 10000), UINT64_C(0x84d21f2bb5293242));
}

static void at_least_as_many_as_asked(void **state)
{
    (void)state;
    static const uint64_t asked[] = {1, 1000, 30000};
    for (int days = 1; days <= 8; days += 7) {
        for (size_t i = 0; i < FYKE_ARRAY_LEN(asked); i++) {
            struct gen_log log = generate(3, asked[i], days, 0, 1);
            assert_true(log.n_events >= asked[i]);
            gen_log_release(&log);
        }
    }
}

static void in_order_within_the_disorder(void **state)
{
    (void)state;
    static const int64_t bounds_ms[] = {0, 1, 30000};
    for (size_t b = 0; b < FYKE_ARRAY_LEN(bounds_ms); b++) {
        struct gen_log log = generate(11, 20000, 3, bounds_ms[b], 1);
        int64_t largest[GEN_TOPICS] = {0};
        size_t out_of_order = 0;
        for (size_t i = 0; i < log.n_events; i++) {
            const struct gen_event *e = &log.events[log.order[i]];
            assert_true(e->at_ms >= largest[e->topic] - bounds_ms[b]);
            out_of_order += e->at_ms < largest[e->topic];
            largest[e->topic] = e->at_ms > largest[e->topic] ? e->at_ms : largest[e->topic];
        }
        assert_int_equal(out_of_order > 0, bounds_ms[b] > 1);
        gen_log_release(&log);
    }
}

static void offsets_rise_and_keys_stay(void **state)
{
    (void)state;
    enum { PARTITIONS = 4 };
    struct gen_log log = generate(5, 20000, 3, 5000, PARTITIONS);
    uint64_t next[GEN_TOPICS][PARTITIONS] = {0};
    uint64_t where[PARTITIONS] = {0};
    for (size_t i = 0; i < log.n_events; i++) {
        const struct gen_event *e = &log.events[log.order[i]];
        assert_int_equal(e->offset, next[e->topic][e->partition]++);
        struct slice key = gen_event_key(&log, e);
        if (e->topic == GEN_HEARTBEATS && slice_eq_str(key, "pos-0001")) {
            where[e->partition]++;
        }
    }
    size_t used = 0;
    for (size_t p = 0; p < PARTITIONS; p++) {
        assert_true(next[GEN_LOGINS][p] > 0);
        used += where[p] > 0;
    }
    assert_int_equal(used, 1);
    gen_log_release(&log);
}

struct tally {
    const char *rule;
    size_t attacks;
    size_t decoys;
};

static void every_rule_has_both_kinds(void **state)
{
    (void)state;
    struct tally tallies[] = {{"brute_force_new_country", 0, 0},
                              {"impossible_travel", 0, 0},
                              {"password_spray", 0, 0},
                              {"card_testing", 0, 0},
                              {"velocity", 0, 0},
                              {"takeover", 0, 0},
                              {"unpaid_order", 0, 0},
                              {"heartbeat_lost", 0, 0}};
    struct gen_log log = generate(1, 5000, 3, 0, 1);
    size_t known = 0;
    for (size_t i = 0; i < log.n_episodes; i++) {
        const struct gen_episode *ep = &log.episodes[i];
        assert_true(ep->n_refs > 0);
        for (size_t t = 0; t < FYKE_ARRAY_LEN(tallies); t++) {
            if (strcmp(tallies[t].rule, ep->rule) == 0) {
                tallies[t].attacks += ep->attack;
                tallies[t].decoys += !ep->attack;
                known++;
            }
        }
    }
    assert_int_equal(known, log.n_episodes);
    for (size_t t = 0; t < FYKE_ARRAY_LEN(tallies); t++) {
        assert_true(tallies[t].attacks >= 3);
        assert_true(tallies[t].decoys >= 3);
    }
    gen_log_release(&log);
}

static int run(const char *const *args)
{
    char *argv[12] = {(char[]){"gen"}};
    int argc = 1;
    for (; args[argc - 1]; argc++) {
        argv[argc] = strdup(args[argc - 1]);
        assert_non_null(argv[argc]);
    }
    int rc = gen_main(argc, argv);
    for (int i = 1; i < argc; i++) {
        free(argv[i]);
    }
    return rc;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* The lines of a file, which is removed. */
static size_t take_lines(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t lines = 0;
    for (int c; (c = fgetc(f)) != EOF;) {
        lines += c == '\n';
    }
    fclose(f);
    assert_int_equal(unlink(path), 0);
    return lines;
}

static void files_hold_everything(void **state)
{
    (void)state;
    char dir[] = "/tmp/fyke-gen-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct gen_log log = generate(2, 4000, 2, 3000, 1);
    assert_int_equal(RUN("fraud", "-q", "--seed", "2", "--events=4000", "--days=2", "--disorder",
                         "3", "-o", dir),
                     0);
    size_t lines = 0;
    for (int t = 0; t < GEN_TOPICS; t++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.jsonl", gen_topic_name((enum gen_topic)t));
        lines += take_lines(dir, name);
    }
    assert_int_equal(lines, log.n_events);
    assert_int_equal(take_lines(dir, "labels.jsonl"), log.n_episodes);
    assert_int_equal(RUN("fraud", "-q", "--seed=2", "--events=4000", "--days=2", "--format=kcat",
                         "--partitions=3", "-o", dir),
                     0);
    assert_int_equal(take_lines(dir, "events.kcat.jsonl"), log.n_events);
    assert_int_equal(take_lines(dir, "labels.jsonl"), log.n_episodes);
    assert_int_equal(rmdir(dir), 0);
    gen_log_release(&log);
}

static void exit_codes(void **state)
{
    (void)state;
    assert_int_equal(RUN("--help"), 0);
    assert_int_equal(RUN("fraud"), 2);
    assert_int_equal(RUN("-o", "x"), 2);
    assert_int_equal(RUN("weather", "-o", "x"), 2);
    assert_int_equal(RUN("fraud", "more", "-o", "x"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--days", "0"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--events", "-1"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--seed", "0x10"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--disorder", "31"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--start", "2026-03-06T00:00:00"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--format", "xml"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--partitions", "2"), 2);
    assert_int_equal(RUN("fraud", "-o", "x", "--no-such-option"), 2);
    assert_int_equal(RUN("fraud", "--days=1", "--events=1", "-o", "/dev/null/below"), 4);
    assert_int_equal(RUN("fraud", "--days=1", "--events=1", "-o", "/dev/null"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(different_seeds_differ),
        cmocka_unit_test(bytes_are_pinned),
        cmocka_unit_test(at_least_as_many_as_asked),
        cmocka_unit_test(in_order_within_the_disorder),
        cmocka_unit_test(offsets_rise_and_keys_stay),
        cmocka_unit_test(every_rule_has_both_kinds),
        cmocka_unit_test(files_hold_everything),
        cmocka_unit_test(exit_codes),
    };
    return cmocka_run_group_tests_name("gen", tests, NULL, NULL);
}
