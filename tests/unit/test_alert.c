/* Alerts byte by byte, and the identity of a match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/keys/key.h"
#include "engine/out/alert_json.h"
#include "engine/out/alert_memo.h"
#include "engine/out/match_id.h"
#include "engine/out/out_order.h"
#include "tests/support/hand_rules.h"

struct world {
    struct hand_rules rules;
    struct rule *rule;
    struct alert_options options;
    struct value key;
    struct event *events[300];
    struct match_evidence evidence[300];
    struct match match;
    struct buf json;
};

static struct event *make_event(struct world *w, uint32_t decl, int64_t offset, int64_t at_ms,
                                const char *kind)
{
    struct event *e = arena_alloc(&w->rules.rs.arena, sizeof(*e) + 3 * sizeof(struct value));
    e->time.ns = at_ms * NS_PER_MS;
    e->at = (struct coord){decl, 2, offset};
    e->decl = decl;
    e->n_values = 3;
    e->values[HAND_USER] = value_string(SLICE_LIT("bob"));
    e->values[HAND_AT] = value_timestamp(e->time);
    e->values[HAND_KIND] = kind ? value_string(slice_of(kind)) : VALUE_MISSING;
    return e;
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    hand_begin(&w->rules, 0);
    w->rule = hand_pair(&w->rules, "pair", 1000);
    w->options = (struct alert_options){.rs = &w->rules.rs, .max_evidence = 100,
                                        .fingerprint = w->rules.rs.fingerprint};
    w->key = value_string(SLICE_LIT("bob"));
    w->events[0] = make_event(w, 0, 5, 1000, "x\"y");
    w->events[1] = make_event(w, 1, 6, 2000, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        w->evidence[i] = (struct match_evidence){.event = w->events[i], .test = i};
    }
    w->match = (struct match){
        .rule = w->rule,
        .kind = MATCH_MATCH,
        .key = &w->key,
        .first_at = w->events[0]->time,
        .last_at = w->events[1]->time,
        .detected_at = w->events[1]->time,
        .evidence = w->evidence,
        .n_evidence = 2,
    };
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    hand_end(&w->rules);
    buf_release(&w->json);
    free(w);
    return 0;
}

static const char *render(struct world *w)
{
    buf_clear(&w->json);
    alert_json(&w->options, &w->match, (struct hash128){1, 2}, &w->json);
    return buf_cstr(&w->json);
}

static void full_alert(void **state)
{
    struct world *w = *state;
    static struct slice tags[] = {{"attack.t1110", 12}, {"b", 1}};
    static const uint32_t turns[] = {0, 3};
    struct emit_field fields[] = {{SLICE_LIT("score"), NULL}, {SLICE_LIT("a.b"), NULL},
                                  {SLICE_LIT("gone"), NULL}, {SLICE_LIT("span"), NULL}};
    struct value values[] = {value_int(80), value_string(SLICE_LIT("é")), VALUE_MISSING,
                             value_duration((struct duration){300 * NS_PER_S})};
    struct slice wanted[] = {SLICE_LIT("kind"), SLICE_LIT("user")};
    w->rule->version = 3;
    w->rule->severity = SLICE_LIT("high");
    w->rule->title = SLICE_LIT("A \"pair\"");
    w->rule->tags = tags;
    w->rule->n_tags = 2;
    w->rule->quiet.present = true;
    w->rule->emits[0].fields = fields;
    w->rule->emits[0].n_fields = 4;
    w->match.emit = values;
    w->match.n_emit = 4;
    w->match.suppressed = 2;
    w->match.truncated = 7;
    w->match.capped = true;
    w->evidence[1].turns = turns;
    w->evidence[1].n_turns = 2;
    w->options.fields = wanted;
    w->options.n_fields = 2;
    assert_string_equal(
        render(w),
        "{\"rule\":\"pair\",\"version\":3,\"plan\":\"9f31c2d4a5b60718\",\"kind\":\"match\","
        "\"match_id\":\"00000000000000010000000000000002\",\"key\":{\"user\":\"bob\"},"
        "\"first\":\"1970-01-01T00:00:01.000Z\",\"last\":\"1970-01-01T00:00:02.000Z\","
        "\"detected\":\"1970-01-01T00:00:02.000Z\",\"by\":\"event\","
        "\"severity\":\"high\",\"title\":\"A \\\"pair\\\"\",\"tags\":[\"attack.t1110\",\"b\"],"
        "\"emit\":{\"score\":80,\"a.b\":\"é\",\"span\":\"5m\"},"
        "\"evidence\":[{\"step\":\"a\",\"type\":\"Login\",\"topic\":\"logins\",\"partition\":2,"
        "\"offset\":5,\"time\":\"1970-01-01T00:00:01.000Z\","
        "\"fields\":{\"user\":\"bob\",\"kind\":\"x\\\"y\"}},"
        "{\"step\":\"b\",\"type\":\"Logout\",\"topic\":\"logouts\",\"partition\":2,\"offset\":6,"
        "\"time\":\"1970-01-01T00:00:02.000Z\",\"turn\":[1,4],\"fields\":{\"user\":\"bob\"}}],"
        "\"suppressed\":2,\"truncated\":7,\"capped\":true,"
        "\"ruleset\":\"0123456789abcdeffedcba9876543210\"}");
}

static void assert_part(const struct world *w, size_t at, size_t len, const char *begin, char end)
{
    assert_memory_equal(w->json.ptr + at, begin, strlen(begin));
    assert_int_equal(w->json.ptr[at + len - 1], end);
    assert_true(w->json.ptr[at + len] == ',' || w->json.ptr[at + len] == '}');
}

static void the_places_of_its_parts(void **state)
{
    struct world *w = *state;
    struct emit_field fields[] = {{SLICE_LIT("score"), NULL}};
    struct value values[] = {value_int(80)};
    w->rule->quiet.present = true;
    w->rule->emits[0].fields = fields;
    w->rule->emits[0].n_fields = 1;
    w->match.emit = values;
    w->match.n_emit = 1;
    struct alert_places at = alert_json(&w->options, &w->match, (struct hash128){1, 2}, &w->json);
    assert_part(w, at.emit, at.emit_len, "{\"score\":80}", '}');
    assert_part(w, at.evidence, at.evidence_len, "[{\"step\":\"a\"", ']');
    assert_int_equal(w->json.ptr[at.suppressed], '0');
    buf_clear(&w->json);
    w->options.emit_only = true;
    at = alert_json(&w->options, &w->match, (struct hash128){1, 2}, &w->json);
    assert_part(w, at.emit, at.emit_len, "{\"score\":80}", '}');
    assert_string_equal(buf_cstr(&w->json), "{\"emit\":{\"score\":80}}"); /* and no more */
    assert_int_equal(at.evidence_len, 0);
    assert_int_equal(at.suppressed, 0);
}

static void timeout_names_its_step(void **state)
{
    struct world *w = *state;
    w->match.kind = MATCH_TIMEOUT;
    w->match.by_deadline = true;
    w->match.step = 0;
    w->match.n_evidence = 1;
    const char *json = render(w);
    assert_non_null(strstr(json, "\"kind\":\"timeout\""));
    assert_non_null(strstr(json, "\"by\":\"deadline\",\"step\":\"a\",\"evidence\":[{"));
    assert_null(strstr(json, "suppressed"));
    assert_null(strstr(json, "absent"));
}

static void quiet_end_counts(void **state)
{
    struct world *w = *state;
    w->rule->quiet.present = true;
    w->match.kind = MATCH_QUIET_ENDED;
    w->match.by_deadline = true;
    w->match.count = 4;
    w->match.n_evidence = 0;
    assert_non_null(strstr(render(w), "\"key\":{\"user\":\"bob\"},\"detected\":\"1970-01-01T00:00:02"
                                      ".000Z\",\"by\":\"deadline\",\"count\":4,\"ruleset\""));
}

static void decided_by_an_event_that_is_not_bound(void **state)
{
    struct world *w = *state;
    w->match.decided_by = w->events[1];
    w->match.n_evidence = 1;
    assert_non_null(strstr(render(w), "\"by\":\"event\",\"decided_by\":{\"topic\":\"logouts\","
                                      "\"partition\":2,\"offset\":6},\"evidence\""));
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) {
        n++;
    }
    return n;
}

/* Twice the same evidence, then another one: the bytes are those without a memo. */
static void evidence_written_once_is_the_same(void **state)
{
    struct world *w = *state;
    struct alert_memo own = {0};
    struct buf again = BUF_INIT;
    struct slice first_label = w->rule->tests[0].label;
    for (int i = 0; i < 8; i++) {
        w->match.capped = i == 1;
        w->match.n_evidence = i == 3 ? 1 : 2;
        w->rule->tests[0].label = i == 4 ? SLICE_LIT("other") : first_label;
        w->evidence[0].event = w->events[i >= 6 ? 1 : 0];
        buf_clear(&again);
        struct alert_memo *memo = alert_memo_take(&own, &w->match);
        assert_non_null(memo);
        assert_int_equal(memo->text.len > 0, i == 1 || i == 2 || i == 7);
        struct alert_places want = alert_json(&w->options, &w->match, (struct hash128){1, 2},
                                              (buf_clear(&w->json), &w->json));
        struct alert_places got =
            alert_json_again(&w->options, &w->match, (struct hash128){1, 2}, memo, &again);
        assert_true(slice_eq(buf_slice(&w->json), buf_slice(&again)));
        assert_int_equal(want.evidence, got.evidence);
        assert_int_equal(want.evidence_len, got.evidence_len);
        struct hash128 id = match_id_again(&w->rules.rs, &w->match, memo);
        assert_true(hash128_eq(id, match_id(&w->rules.rs, &w->match)));
    }
    static const uint32_t turns[] = {0};
    w->evidence[0].turns = turns;
    w->evidence[0].n_turns = 1;
    assert_null(alert_memo_take(&own, &w->match));
    alert_memo_release(&own);
    buf_release(&again);
}

static void long_evidence_keeps_both_ends(void **state)
{
    struct world *w = *state;
    for (uint32_t i = 0; i < 250; i++) {
        w->events[i] = make_event(w, 0, i, 1000 + i, NULL);
        w->evidence[i] = (struct match_evidence){.event = w->events[i], .test = 0};
    }
    w->evidence[250] = (struct match_evidence){.event = make_event(w, 1, 7, 5000, NULL), .test = 1};
    w->match.n_evidence = 251;
    const char *json = render(w);
    assert_int_equal(count_of(json, "\"step\":\"a\""), 100);
    assert_int_equal(count_of(json, "\"step\":\"b\""), 1);
    assert_non_null(strstr(json, "\"offset\":49,"));
    assert_null(strstr(json, "\"offset\":50,"));
    assert_null(strstr(json, "\"offset\":199,"));
    assert_non_null(strstr(json, "\"offset\":200,"));
    assert_non_null(strstr(json, "],\"evidence_total\":{\"a\":250},\"ruleset\""));
    w->options.max_evidence = 3;
    json = render(w);
    assert_int_equal(count_of(json, "\"step\":\"a\""), 3);
    assert_non_null(strstr(json, "\"offset\":1,"));
    assert_null(strstr(json, "\"offset\":248,"));
    assert_non_null(strstr(json, "\"offset\":249,"));
}

static void check_id(struct world *w, const char *want)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(match_id(&w->rules.rs, &w->match), hex);
    assert_string_equal(hex, want);
}

/* The vectors of docs/formats.md. They never change. */
static void match_id_vectors(void **state)
{
    struct world *w = *state;
    check_id(w, "15aef234ac8d5517dacb5810f1c31ae1");
    w->match.detected_at.ns++; /* no part of it when an event decided */
    check_id(w, "15aef234ac8d5517dacb5810f1c31ae1");
    w->match.detected_at.ns--;
    w->match.by_deadline = true;
    check_id(w, "b3c11d67ea3fef2380ffd5bacbd76597");
    w->match.kind = MATCH_QUIET_ENDED;
    w->match.n_evidence = 0;
    check_id(w, "765f94e76a2e6c6ab9339caa7f727ae2");
}

static void match_id_depends_on_each_part(void **state)
{
    struct world *w = *state;
    struct hash128 id = match_id(&w->rules.rs, &w->match);
    w->events[0]->at.offset++;
    assert_false(hash128_eq(id, match_id(&w->rules.rs, &w->match)));
    w->events[0]->at.offset--;
    w->key = value_string(SLICE_LIT("boc"));
    assert_false(hash128_eq(id, match_id(&w->rules.rs, &w->match)));
    w->key = value_string(SLICE_LIT("bob"));
    w->rule->plan++;
    assert_false(hash128_eq(id, match_id(&w->rules.rs, &w->match)));
    w->rule->plan--;
    w->evidence[1].test = 0;
    assert_false(hash128_eq(id, match_id(&w->rules.rs, &w->match)));
    w->evidence[1].test = 1;
    assert_true(hash128_eq(id, match_id(&w->rules.rs, &w->match)));
}

/* ---- order of the output ------------------------------------------------------------------ */

struct seen {
    char text[64];
};

static enum err note_write(struct sink *s, const struct out_record *r, struct error *err);

struct test_sink {
    struct sink sink;
    struct seen seen;
    uint32_t fail_at; /* writes until one fails; 0: never */
};

static enum err note_write(struct sink *s, const struct out_record *r, struct error *err)
{
    struct test_sink *t = (struct test_sink *)(void *)s;
    if (t->fail_at > 0 && --t->fail_at == 0) {
        return error_set(err, ERR_IO, "full");
    }
    strncat(t->seen.text, r->value.ptr, r->value.len);
    return ERR_OK;
}

static const struct sink_ops note_ops = {.write = note_write};

static void no_note(void *ctx, const struct out_alert *a)
{
    (void)ctx;
    (void)a;
}

static void add_alert(struct world *w, struct out_order *o, int64_t detected, const char *user,
                      uint64_t seq, const char *text)
{
    w->match.detected_at.ns = detected;
    w->key = value_string(slice_of(user));
    out_order_add(o, out_alert_new(&w->match, (struct standing){0}, seq, (struct hash128){0, 0}, slice_of(text),
                                   (struct alert_places){0}, slice_of(user)));
}

static void alerts_leave_when_nothing_earlier_can_come(void **state)
{
    struct world *w = *state;
    struct test_sink t = {.sink = {.ops = &note_ops}};
    struct out_order o;
    struct error err = ERROR_INIT;
    out_order_init(&o);
    add_alert(w, &o, 20, "a", 9, "5");
    add_alert(w, &o, 10, "b", 3, "4");
    add_alert(w, &o, 10, "a", 2, "3");
    add_alert(w, &o, 10, "a", 1, "2");
    add_alert(w, &o, 9, "z", 0, "1");
    struct etime safe = {10};
    assert_int_equal(out_order_flush(&o, &(struct out_bound){.time = safe}, &t.sink, no_note, NULL, &err), ERR_OK);
    assert_string_equal(t.seen.text, "1");
    t.fail_at = 2;
    assert_int_equal(out_order_flush(&o, &(struct out_bound){.time = ETIME_MAX}, &t.sink, no_note, NULL, &err), ERR_IO);
    assert_string_equal(t.seen.text, "12"); /* what was not written stays */
    assert_int_equal(out_order_flush(&o, &(struct out_bound){.time = ETIME_MAX}, &t.sink, no_note, NULL, &err), ERR_OK);
    assert_string_equal(t.seen.text, "12345");
    add_alert(w, &o, 1, "left", 0, "x");
    out_order_release(&o);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(full_alert),
        T(the_places_of_its_parts),
        T(timeout_names_its_step),
        T(quiet_end_counts),
        T(decided_by_an_event_that_is_not_bound),
        T(evidence_written_once_is_the_same),
        T(long_evidence_keeps_both_ends),
        T(match_id_vectors),
        T(match_id_depends_on_each_part),
        T(alerts_leave_when_nothing_earlier_can_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
