/* What infer writes is accepted, and what it was guessed from is valid under it, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "dsl/token.h"
#include "engine/decode/decode.h"
#include "lib/infer.h"
#include "tests/support/compile_text.h"

#define MAX_RECORDS 40

struct sample {
    struct buf texts[MAX_RECORDS];
    bool stamped[MAX_RECORDS];
    size_t n;
};

static void sample_clear(struct sample *s)
{
    for (size_t i = 0; i < s->n; i++) {
        buf_release(&s->texts[i]);
    }
    s->n = 0;
}

static void sample_add(struct sample *s, const char *text, bool stamped)
{
    s->stamped[s->n] = stamped;
    s->texts[s->n] = (struct buf)BUF_INIT;
    buf_puts(&s->texts[s->n++], text);
}

static struct record record_of(const struct sample *s, size_t i)
{
    return (struct record){.has_value = true,
                           .value = buf_slice(&s->texts[i]),
                           .offset = (int64_t)i,
                           .has_timestamp = s->stamped[i],
                           .timestamp = {INT64_C(1767225600000000000) + (int64_t)i}};
}

static void guess(const struct sample *s, const char *event, struct buf *out)
{
    struct infer in;
    struct infer_names names = {slice_of(event), SLICE_LIT("t"), "sample"};
    infer_init(&in);
    for (size_t i = 0; i < s->n; i++) {
        struct record r = record_of(s, i);
        infer_record(&in, &r);
    }
    assert_true(infer_text(&in, &names, out));
    infer_release(&in);
}

static void show(const struct sample *s, const struct buf *text, const char *what)
{
    fprintf(stderr, "%s\n%s", what, buf_cstr((struct buf *)text));
    for (size_t i = 0; i < s->n; i++) {
        fprintf(stderr, "%s\n", buf_cstr((struct buf *)&s->texts[i]));
    }
}

/* What the guess says about itself. */
static unsigned long long stated_invalid(const struct buf *text)
{
    const char *said = strstr(buf_cstr((struct buf *)text), "# Invalid for want of an event time: ");
    return said ? strtoull(strchr(said, ':') + 1, NULL, 10) : 0;
}

/* No record is refused but for its time, and as many as the guess says. */
static bool is_valid_under(const struct sample *s, const struct ruleset *rs, const struct buf *text)
{
    struct decoder *d = decoder_new(rs, (struct decode_limits){8 << 20, 128, DECODE_BEST});
    struct arena arena = ARENA_INIT;
    unsigned long long refused = 0;
    bool ok = true;
    for (size_t i = 0; i < s->n; i++) {
        struct record r = record_of(s, i);
        struct decoded got;
        decoder_decode(d, &r, &arena, &got);
        if (got.result == DECODE_INVALID) {
            refused++;
            ok = ok && (got.reason == INVALID_NO_TIME || got.reason == INVALID_BAD_TIME);
        } else {
            ok = ok && got.result == DECODE_EVENTS;
        }
    }
    arena_release(&arena);
    decoder_free(d);
    return ok && refused == stated_invalid(text);
}

static void check_sample(const struct sample *s, const char *event, struct buf *text)
{
    guess(s, event, text);
    struct compilation *c = compile_text(buf_cstr(text));
    const char *codes = codes_of(c, false); /* W0410: who asks for such a name gets it */
    if (codes[0] != 0 && strcmp(codes, "W0410") != 0) {
        show(s, text, codes_of(c, false));
        fail();
    }
    if (!is_valid_under(s, c->ruleset, text)) {
        show(s, text, "records are refused");
        fail();
    }
    compilation_free(c);
}

static void says(const char *const *records, size_t n, const char *expected)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct sample s = {0};
    for (size_t i = 0; i < n; i++) {
        sample_add(&s, records[i], false);
    }
    check_sample(&s, "", &text);
    if (strstr(buf_cstr(&text), expected) == NULL) {
        show(&s, &text, expected);
        fail();
    }
    sample_clear(&s);
}
#define SAYS(expected, ...)                                                                        \
    do {                                                                                           \
        const char *const lines[] = {__VA_ARGS__};                                                 \
        says(lines, FYKE_ARRAY_LEN(lines), expected);                                              \
    } while (0)
#define AT "{\"at\":\"2026-01-01T00:00:00Z\","

static void a_list_here_and_none_there(void **state)
{
    (void)state;
    SAYS("# left out, a list in some records, not in others: \"g\"", AT "\"g\":{\"p\":1}}",
         AT "\"g\":[1,2]}");
    SAYS("# left out, a list in some records, not in others: \"g\"", AT "\"g\":{\"p\":1}}",
         AT "\"g\":[{\"p\":1}]}");
    SAYS("# left out, a list in some records, not in others: \"g\"", AT "\"g\":1}", AT "\"g\":[1]}");
    SAYS("# left out, lists within lists: \"g\"", AT "\"g\":[[1]]}");
    SAYS("g_p : list of int from \"g[*].p[*]\"", AT "\"g\":[{\"p\":[1,2]}]}");
}

static void names_that_look_alike(void **state)
{
    (void)state;
    SAYS("a_b_2 : int from \"a-b\"", AT "\"a-b\":1,\"a_b\":\"x\",\"a b\":true}");
    SAYS("a_b : string  #", AT "\"a-b\":1,\"a_b\":\"x\",\"a b\":true}");
    SAYS("record_time_2 : timestamp event time", "{\"record_time\":1}");
    SAYS("count(e_2)", AT "\"e\":1}");
}

static void members_that_no_path_reaches(void **state)
{
    (void)state;
    SAYS("# left out, no path leads to a member of this name: \"\"", AT "\"\":3}");
    SAYS("# left out, no path leads to a member of this name: \"$key\"", AT "\"$key\":3}");
    SAYS("# left out, no path leads to a member of this name: \"a..b\"", AT "\"a..b\":3}");
    SAYS("# left out, no path leads to a member of this name: \"a[*]\"", AT "\"a[*]\":3}");
    SAYS("# left out, no path leads to a member of this name: \"a.b.c\"", AT "\"a\":{\"b.c\":3}}");
    SAYS("# left out, two members have this path: \"a.b\"", AT "\"a.b\":1,\"a\":{\"b\":\"x\"}}");
    SAYS("# left out, no path leads to a member of this name: \"\\u0000\"", AT "\"\\u0000\":3}");
    SAYS("a_b : int from \"a\\u0008b\"", AT "\"a\\bb\":1}");
    SAYS("a_b : int from \"a.b\"", AT "\"a.b\":1}");
}

static void of_two_members_the_last_one_counts(void **state)
{
    (void)state;
    SAYS("a : int", AT "\"a\":\"x\",\"a\":1}");
    SAYS("a.c : int", AT "\"a\":{\"b\":1},\"a\":{\"c\":1}}");
    SAYS("event time", "{\"at\":7,\"at\":\"2026-01-01T00:00:00Z\"}");
}

static void a_record_without_a_time(void **state)
{
    (void)state;
    SAYS("at : timestamp event time", AT "\"u\":1}", AT "\"u\":2}", "{\"u\":3}");
    SAYS("# Invalid for want of an event time: 1 of 3 records.", AT "\"u\":1}", AT "\"u\":2}",
         "{\"u\":3}");
    SAYS("at : timestamp event time", AT "\"u\":1}", "{\"at\":\"n/a\"}", AT "\"u\":2}",
         "{\"at\":null}");
    SAYS("# Invalid for want of an event time: 2 of 2 records.", "{\"u\":1}", "{\"u\":2}");
}

static void times_that_the_records_have_themselves(void **state)
{
    (void)state;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct sample s = {0};
    sample_add(&s, AT "\"u\":1}", true);
    sample_add(&s, AT "\"u\":2}", true);
    sample_add(&s, "{\"u\":3}", true);
    check_sample(&s, "", &text);
    assert_non_null(strstr(buf_cstr(&text), "# Nearly one: \"at\", in 2 of 3 records."));
    assert_null(strstr(buf_cstr(&text), "Invalid"));
    sample_clear(&s);
}

static void times_further_apart_than_any_duration(void **state)
{
    (void)state;
    SAYS("out of order by 106751d", "{\"at\":\"2262-04-11T23:47:16Z\"}",
         "{\"at\":\"1678-01-01T00:00:00Z\"}");
    SAYS("out of order by 106751d", "{\"at\":\"2262-04-11T23:47:16Z\"}",
         "{\"at\":\"1970-01-01T00:00:00Z\"}");
    SAYS("out of order by 3653d", "{\"at\":\"2010-01-01T00:00:00Z\"}",
         "{\"at\":\"2000-01-01T00:00:00Z\"}");
}

static void places_that_are_none(void **state)
{
    (void)state;
    SAYS("p : geo", AT "\"p\":{\"lat\":52.1,\"lon\":4.3}}");
    SAYS("p.lat : int", AT "\"p\":{\"lat\":91,\"lon\":4.3}}");
    SAYS("p.lat : decimal", AT "\"p\":{\"lat\":52.1,\"lon\":4.3}}", AT "\"p\":{\"lat\":52.1}}");
    SAYS("ts : list of int", AT "\"ts\":[1767225600000]}");
    SAYS("ts : list of timestamp  #", AT "\"ts\":[\"2026-01-01T00:00:00Z\"]}");
    SAYS("d : float", AT "\"d\":1e300}");
}

static void events_may_have_any_name(void **state)
{
    (void)state;
    static const char *const names[] = {"x{y", "rule", "many", "e", "x3", "3", "no", "a b", "Ünsal",
                                        "count", "Event", "any", "alert"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(names); i++) {
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        struct sample s = {0};
        sample_add(&s, AT "\"e\":1}", false);
        check_sample(&s, names[i], &text);
        sample_clear(&s);
    }
    assert_false(infer_can_name(slice_of("a`b")));
    assert_false(infer_can_name(slice_of("a\nb")));
    assert_false(infer_can_name(slice_of("\xff")));
    assert_false(infer_can_name(slice_of("")));
}

/* ---- by chance ---------------------------------------------------------------------------- */

static void put_name(struct rng *rng, struct buf *out)
{
    static const char *const odd[] = {
        "", "a", "b", "a.b", "a.b.c", "a-b", "a_b", "a b", "$key", "$timestamp", "$x", "x3", "3",
        "é", "\\u0000", "\\n", "\\b", "\\f", "\\\"", "\\\\", "`", "a[*]", "[*]", "a[*].b", "lat", "lon", "at",
        "ts", "time", "record_time", "e", "user", "many", ".", "a.", "\\u2028", "_", "a_b_2",
        "\\u0061", "\\ud83d\\ude00"};
    uint32_t n;
    const struct dsl_word *words = dsl_words(&n);
    switch (rng_below(rng, 4)) {
    case 0: buf_puts(out, words[rng_below(rng, n)].text); return;
    case 1: buf_puts(out, odd[rng_below(rng, FYKE_ARRAY_LEN(odd))]); return;
    default: buf_puts(out, odd[1 + rng_below(rng, 4)]); return;
    }
}

static void put_scalar(struct rng *rng, struct buf *out)
{
    static const char *const values[] = {
        "null", "true", "1", "-7", "3.0", "0.1", "-0", "-0.0", "1e400", "1e300", "91.5", "170",
        "999999999999999999", "9223372036854775808", "99999999999999999999999999999999999999",
        "123456789012345678901234567890123456789012", "\"\"", "\"x\"", "\"1.2.3.4\"", "\"::1\"",
        "\"10.0.0.0/8\"", "\"10.0.0.1/8\"", "\"2026-01-01T00:00:00Z\"", "1767225600",
        "1767225600000", "1767225600000.25", "\"2026-01-01\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"",
        "\"5m\""};
    buf_puts(out, values[rng_below(rng, FYKE_ARRAY_LEN(values))]);
}

static void put_object(struct rng *rng, int depth, struct buf *out);

static void put_value(struct rng *rng, int depth, struct buf *out)
{
    uint64_t kind = rng_below(rng, depth > 4 ? 4 : 7);
    if (kind < 4) {
        put_scalar(rng, out);
    } else if (kind == 4) {
        buf_puts(out, "[");
        for (uint64_t i = rng_below(rng, 4); i > 0; i--) {
            put_value(rng, depth + 1, out);
            buf_puts(out, i > 1 ? "," : "");
        }
        buf_puts(out, "]");
    } else {
        put_object(rng, depth + 1, out);
    }
}

static void put_object(struct rng *rng, int depth, struct buf *out)
{
    buf_puts(out, "{");
    for (uint64_t i = rng_below(rng, 5); i > 0; i--) {
        buf_puts(out, "\"");
        put_name(rng, out);
        buf_puts(out, "\":");
        put_value(rng, depth, out);
        buf_puts(out, i > 1 ? "," : "");
    }
    buf_puts(out, "}");
}

static void put_time(struct rng *rng, uint64_t way, struct buf *out)
{
    static const char *const texts[] = {"\"2262-04-11T23:47:16Z\"", "\"1678-01-01T00:00:00Z\"",
                                        "\"1677-09-21T00:12:44Z\"", "\"2026-01-01T00:00:00+14:00\"", "\"n/a\"", "null",
                                        "\"2026-01-01T00:00:00\"", "17", "\"1969-12-31T23:59:59Z\""};
    if (way == 0 && rng_below(rng, 3) == 0) {
        buf_puts(out, texts[rng_below(rng, FYKE_ARRAY_LEN(texts))]);
    } else if (way < 2) {
        buf_printf(out, "\"2026-01-%02dT00:00:00Z\"", 1 + (int)rng_below(rng, 28));
    } else {
        buf_printf(out, "%lld", 1767225600000 + (long long)rng_below(rng, 100000000));
    }
}

/* Records of one shape with exceptions, as systems write them, or of none. */
static void put_record(struct rng *rng, struct buf *shape, uint64_t way, struct buf *out)
{
    if (shape->len == 0 || rng_below(rng, 4) == 0) {
        buf_clear(shape);
        put_object(rng, 0, shape);
    }
    buf_put(out, shape->ptr, shape->len - 1);
    if (way < 3 && rng_below(rng, 8) != 0) {
        buf_printf(out, "%s\"when\":", shape->len > 2 ? "," : "");
        put_time(rng, way, out);
    }
    buf_puts(out, "}");
}

static void whatever_the_records_are(void **state)
{
    (void)state;
    const char *cases = getenv("FYKE_INFER_CASES");
    unsigned long n = cases ? strtoul(cases, NULL, 10) : 1500;
    for (unsigned long i = 0; i < n; i++) {
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        FYKE_CLEANUP(buf_release) struct buf shape = BUF_INIT;
        struct rng rng = rng_seed(i);
        struct sample s = {0};
        uint64_t way = rng_below(&rng, 4);
        uint64_t stamps = rng_below(&rng, 3);
        s.n = 1 + rng_below(&rng, MAX_RECORDS - 1);
        for (size_t k = 0; k < s.n; k++) {
            s.texts[k] = (struct buf)BUF_INIT;
            s.stamped[k] = stamps == 1 || (stamps == 2 && rng_below(&rng, 2));
            put_record(&rng, &shape, way, &s.texts[k]);
        }
        check_sample(&s, "", &text);
        sample_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_here_and_none_there),
        cmocka_unit_test(names_that_look_alike),
        cmocka_unit_test(members_that_no_path_reaches),
        cmocka_unit_test(of_two_members_the_last_one_counts),
        cmocka_unit_test(a_record_without_a_time),
        cmocka_unit_test(times_that_the_records_have_themselves),
        cmocka_unit_test(times_further_apart_than_any_duration),
        cmocka_unit_test(places_that_are_none),
        cmocka_unit_test(events_may_have_any_name),
        cmocka_unit_test(whatever_the_records_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
