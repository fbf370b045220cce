/* Records to events: paths, every reason for refusal, declarations that share a topic. */
#include "nfa/expr.h"
#include "tests/support/decode_world.h"

/* ---- paths -------------------------------------------------------------------------------- */

struct path_case {
    const char *members;
    const char *want;
};

static void check_paths(struct world *w, const struct path_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(decode_members(w, cases[i].members), DECODE_EVENTS);
        bool missing = value_is_missing(w->got.events[0]->values[1]);
        const char *got = w->got.bad_values ? BAD : missing ? ABSENT : value_text(w, 0, 1);
        if (strcmp(got, cases[i].want) != 0) {
            fail_msg("%s: got %s instead of %s", cases[i].members, got, cases[i].want);
        }
    }
}

static void nested_paths(void **state)
{
    struct world *w = *state;
    static const struct path_case cases[] = {
        {"\"a\":{\"b\":1}", "1"},
        {"\"a.b\":2,\"a\":{\"b\":1}", "2"},
        {"\"a\":{\"b\":1},\"a.b\":2", "2"},
        {"\"a\":{\"b\":1},\"a.b\":null", ABSENT},
        {"\"a\":{\"b\":1},\"a.b\":\"x\"", BAD},
        {"\"a\\u002eb\":3", "3"},
        {"\"a\":null", ABSENT},
        {"\"a\":5", ABSENT},
        {"\"a\":[{\"b\":1}]", ABSENT},
        {"\"a\":{}", ABSENT},
        {"\"a\":{\"b\":{\"b\":1}}", BAD},
        {"\"b\":1", ABSENT},
        {"\"a\":{\"a\":{\"b\":1}}", ABSENT},
        {"\"a\":{\"b\":1},\"a\":{\"c\":2}", ABSENT},
        {"\"a\":{\"b\":1,\"b\":4}", "4"},
        {"\"a\":{\"b\":1},\"a\":{\"b\":5}", "5"},
        {"\"a\":{\"b\":1},\"a\":null", ABSENT},
    };
    (void)add_decl(w, "E");
    (void)add_field(w, 0, "a.b", TYPE_INT);
    check_paths(w, cases, FYKE_ARRAY_LEN(cases));
}

static void collected_paths(void **state)
{
    struct world *w = *state;
    static const struct path_case cases[] = {
        {"\"items\":[{\"x\":{\"n\":1}},{\"x\":{\"n\":2}}]", "[1,2]"},
        {"\"items\":[]", "[]"},
        {"\"items\":[{\"x\":{\"n\":1}},{},{\"x\":null},{\"x\":{\"n\":null}},7,null,{\"x\":{\"n\":2}"
         "}]",
         "[1,2]"},
        {"\"items\":[{\"x\":{\"n\":\"1\"}}]", BAD},
        {"\"items\":[{\"x\":{\"n\":[1]}}]", BAD},
        {"\"items\":{\"x\":{\"n\":1}}", BAD},
        {"\"items\":null", ABSENT},
        {"\"y\":1", ABSENT},
        {"\"items\":\"x\"", BAD},
        {"\"items\":[{\"x\":{\"n\":1},\"x\":{\"n\":3,\"n\":4}}]", "[4]"},
        {"\"items[*].x.n\":[9],\"items\":[{\"x\":{\"n\":1}}]", "[9]"},
    };
    (void)add_decl(w, "E");
    add_field(w, 0, "items[*].x.n", TYPE_INT)->is_list = true;
    check_paths(w, cases, FYKE_ARRAY_LEN(cases));
}

static void collected_twice(void **state)
{
    struct world *w = *state;
    static const struct path_case cases[] = {
        {"\"o\":{\"a\":[{\"b\":[\"x\",\"y\"]},{\"b\":[]},{\"b\":null},{\"b\":[\"x\",null]}]}",
         "[\"x\",\"y\"]"},
        {"\"o\":{\"a\":[{\"b\":\"x\"}]}", BAD},
        {"\"o\":{\"a\":[{\"b\":{}}]}", BAD},
        {"\"o\":{\"a\":{}}", BAD},
        {"\"o\":[]", ABSENT},
    };
    (void)add_decl(w, "E");
    struct schema_field *f = add_field(w, 0, "o.a[*].b[*]", TYPE_STRING);
    f->is_list = f->is_set = true;
    check_paths(w, cases, FYKE_ARRAY_LEN(cases));
}

/* ---- the record itself -------------------------------------------------------------------- */

static void from_the_record(void **state)
{
    struct world *w = *state;
    static const struct record_header headers[] = {
        {SLICE_LIT("n"), SLICE_LIT("1")},      {SLICE_LIT("n"), SLICE_LIT("42")},
        {SLICE_LIT("bad"), SLICE_LIT("\xFF")}, {SLICE_LIT("flag"), SLICE_LIT("true")},
        {SLICE_LIT("null"), {NULL, 0}},        {SLICE_LIT("hex"), SLICE_LIT("0x10")},
    };
    static const struct {
        const char *header;
        enum field_type type;
        const char *want;
    } fields[] = {{"n", TYPE_INT, "42"},         {"n", TYPE_STRING, "\"42\""},
                  {"bad", TYPE_STRING, BAD},     {"flag", TYPE_BOOL, "true"},
                  {"null", TYPE_STRING, ABSENT}, {"none", TYPE_STRING, ABSENT},
                  {"hex", TYPE_FLOAT, BAD},      {"flag", TYPE_INT, BAD}};
    (void)add_decl(w, "E");
    w->fields[0][0].origin = ORIGIN_TIMESTAMP;
    add_field(w, 0, "$key", TYPE_STRING)->origin = ORIGIN_KEY;
    uint32_t bad = 0;
    for (size_t i = 0; i < FYKE_ARRAY_LEN(fields); i++) {
        struct schema_field *f = add_field(w, 0, "$header", fields[i].type);
        f->origin = ORIGIN_HEADER;
        f->header = slice_of(fields[i].header);
        bad += strcmp(fields[i].want, BAD) == 0;
    }
    assert_int_equal(decode(w, "{}"), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_NO_TIME);
    w->record.has_timestamp = true;
    w->record.timestamp.ns = 5 * NS_PER_S;
    w->record.has_key = true;
    w->record.key = SLICE_LIT("k\xC3\xA9y");
    w->record.headers = headers;
    w->record.n_headers = FYKE_ARRAY_LEN(headers);
    assert_int_equal(decode(w, "{\"$key\":\"no\",\"$header\":1}"), DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->time.ns, 5 * NS_PER_S);
    assert_string_equal(value_text(w, 0, 1), "\"k\xC3\xA9y\"");
    assert_int_equal(w->got.bad_values, bad);
    for (uint32_t i = 0; i < FYKE_ARRAY_LEN(fields); i++) {
        bool missing = value_is_missing(w->got.events[0]->values[2 + i]);
        if (fields[i].want[0] == 'a' || strcmp(fields[i].want, BAD) == 0) {
            assert_true(missing);
        } else {
            assert_string_equal(value_text(w, 0, 2 + i), fields[i].want);
        }
    }
    w->record.key = SLICE_LIT("\xFF");
    assert_int_equal(decode(w, "{}"), DECODE_EVENTS);
    assert_true(value_is_missing(w->got.events[0]->values[1]));
    assert_int_equal(w->got.bad_values, bad + 1);
}

static void whole_records(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *payload;
        enum invalid_reason reason;
        size_t position;
    } cases[] = {
        {"", INVALID_NOT_JSON, 0},
        {"{", INVALID_NOT_JSON, 1},
        {"{\"a\":tru}", INVALID_NOT_JSON, 5},
        {"null", INVALID_NOT_OBJECT, 0},
        {"[1]", INVALID_NOT_OBJECT, 0},
        {"\"x\"", INVALID_NOT_OBJECT, 0},
        {"[1", INVALID_NOT_JSON, 2},
        {"{\"a\":\"\xFF\"}", INVALID_UTF8, 6},
        {"{\"a\":\"\\ud800\"}", INVALID_UTF8, 6},
        {"{\"a\":[[[]]]}", INVALID_TOO_DEEP, 7},
        {"{\"a\":[[]]}", INVALID_NO_TIME, 0},
        {"{\"at\":null}", INVALID_NO_TIME, 6},
        {"{\"at\":\"x\"}", INVALID_BAD_TIME, 6},
        {"{\"at\":17}", INVALID_BAD_TIME, 6},
        {"{\"at\":\"2026-01-05\"}", INVALID_BAD_TIME, 6},
        {"{\"a\":1,\"12345678901234567890\":0}", INVALID_TOO_LONG, 30},
    };
    (void)add_decl(w, "E");
    w->limits = (struct decode_limits){.max_value_bytes = 30, .max_depth = 3};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(cases); i++) {
        assert_int_equal(decode(w, cases[i].payload), DECODE_INVALID);
        assert_int_equal(w->got.reason, cases[i].reason);
        assert_int_equal(w->got.position, cases[i].position);
    }
    assert_int_equal(decode_bytes(w, "{}\0", 3), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_NOT_JSON);
    w->record.has_value = false;
    decode_record(w);
    assert_int_equal(w->got.result, DECODE_TOMBSTONE);
    w->record.broken = "line too long";
    decode_record(w);
    assert_int_equal(w->got.reason, INVALID_ENVELOPE);
}

static void too_far_ahead(void **state)
{
    struct world *w = *state;
    (void)add_decl(w, "E");
    w->topic.at_most_ahead.ns = 3600 * NS_PER_S;
    const char *payload = "{\"at\":\"1970-01-01T02:00:00Z\"}";
    assert_int_equal(decode(w, payload), DECODE_EVENTS);
    w->record.has_timestamp = true;
    w->record.timestamp.ns = 3600 * NS_PER_S;
    assert_int_equal(decode(w, payload), DECODE_EVENTS);
    w->record.timestamp.ns--;
    assert_int_equal(decode(w, payload), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_TOO_FAR_AHEAD);
    assert_int_equal(w->got.field, 0);
}

/* ---- declarations ------------------------------------------------------------------------- */

static const struct expr *make_expr(struct world *w, struct expr e, uint16_t n,
                                    const struct expr *a, const struct expr *b)
{
    struct expr *copy = ARENA_NEW(&w->rs.arena, struct expr);
    e.kids = ARENA_ARRAY(&w->rs.arena, const struct expr *, 2);
    e.kids[0] = a;
    e.kids[1] = b;
    e.n_kids = n;
    memcpy(copy, &e, sizeof(e));
    return copy;
}

static const struct expr *field_expr(struct world *w, uint32_t decl, uint32_t slot)
{
    struct field_ref *ref = arena_alloc(&w->rs.arena, sizeof(*ref) + sizeof(ref->alt[0]));
    ref->n = 1;
    ref->alt[0].decl = decl;
    ref->alt[0].slot = slot;
    uint8_t kind = (uint8_t)type_value_kind(w->fields[decl][slot].type);
    return make_expr(w, (struct expr){.op = EX_FIELD, .kind = kind, .field = ref}, 0, NULL, NULL);
}

/* slot = "text" */
static const struct expr *equals(struct world *w, uint32_t decl, uint32_t slot, const char *text)
{
    struct value v = value_string(slice_of(text));
    const struct expr *c =
        make_expr(w, (struct expr){.op = EX_CONST, .kind = VAL_STRING, .value = v}, 0, NULL, NULL);
    return make_expr(w, (struct expr){.op = EX_EQ, .kind = VAL_BOOL}, 2, field_expr(w, decl, slot),
                     c);
}

static const struct expr *is_missing(struct world *w, uint32_t decl, uint32_t slot)
{
    return make_expr(w, (struct expr){.op = EX_IS_MISSING, .kind = VAL_BOOL}, 1,
                     field_expr(w, decl, slot), NULL);
}

/* `where` first: what it does not claim is not judged. */
static void where_first(void **state)
{
    struct world *w = *state;
    static struct slice kinds[] = {SLICE_LIT("login"), SLICE_LIT("logout")};
    for (uint32_t d = 0; d < 2; d++) {
        (void)add_decl(w, d ? "Logout" : "Login");
        struct schema_field *f = add_field(w, d, "kind", TYPE_ENUM);
        f->enum_values = kinds;
        f->n_enum_values = 2;
        f->optional = f->keep = false; /* `where` reads it though no rule does */
        add_field(w, d, d ? "reason" : "user", TYPE_STRING)->optional = false;
        (void)add_field(w, d, "n", TYPE_INT);
        w->decls[d].where = equals(w, d, 1, d ? "logout" : "login");
    }
    assert_int_equal(decode_members(w, "\"kind\":\"login\",\"user\":\"bob\""), DECODE_EVENTS);
    assert_int_equal(w->got.n_events, 1);
    const struct event *e = w->got.events[0];
    assert_int_equal(e->decl, 0);
    assert_int_equal(e->n_values, 4);
    assert_true(value_is_missing(e->values[1]));
    assert_string_equal(value_text(w, 0, 2), "\"bob\"");
    assert_int_equal(e->at.partition, 3);
    assert_int_equal(e->at.offset, 77);
    assert_int_equal(e->bytes, event_clone_bytes(e));

    assert_int_equal(decode_members(w, "\"kind\":\"logout\",\"reason\":\"\",\"n\":\"x\""),
                     DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->decl, 1);
    assert_int_equal(w->got.bad_values, 1);
    assert_int_equal(decode_members(w, "\"kind\":\"logout\",\"user\":\"bob\""), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_MISSING_FIELD);
    assert_int_equal(w->got.decl, 1);
    assert_int_equal(w->got.field, 2);
    /* not declared, wrong, absent: unknown, so nobody claims it, bad time or not */
    static const char *const unclaimed[] = {"{\"at\":0,\"kind\":\"other\"}", "{\"kind\":7}", "{}",
                                            "{\"kind\":null,\"n\":\"x\"}"};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(unclaimed); i++) {
        assert_int_equal(decode(w, unclaimed[i]), DECODE_UNCLAIMED);
        assert_int_equal(w->got.bad_values, 0);
    }
    assert_int_equal(decode(w, "{\"kind\":\"login\",\"user\":\"bob\"}"), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_NO_TIME);
}

/* A field that is undecodable is missing for `where`, and judged when that claims the record. */
static void where_sees_missing(void **state)
{
    struct world *w = *state;
    (void)add_decl(w, "E");
    struct schema_field *f = add_field(w, 0, "v", TYPE_INT);
    w->decls[0].where = is_missing(w, 0, 1);
    assert_int_equal(decode_members(w, "\"v\":\"x\""), DECODE_EVENTS);
    assert_int_equal(w->got.bad_values, 1);
    assert_int_equal(decode_members(w, "\"v\":1"), DECODE_UNCLAIMED);
    world_changed(w);
    f->optional = false;
    assert_int_equal(decode_members(w, "\"v\":\"x\""), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_BAD_VALUE);
}

/* One event for each declaration it fits; invalid only if it fits none and one refused it. */
static void several_events(void **state)
{
    struct world *w = *state;
    for (uint32_t d = 0; d < 3; d++) {
        (void)add_decl(w, "E");
        (void)add_field(w, d, d == 0 ? "a" : d == 1 ? "b" : "c", TYPE_INT);
        w->fields[d][1].optional = d == 2;
    }
    assert_int_equal(decode_members(w, "\"a\":1,\"b\":2,\"c\":3"), DECODE_EVENTS);
    assert_int_equal(w->got.n_events, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(w->got.events[i]->decl, i);
        assert_int_equal(w->got.events[i]->values[1].u.i, i + 1);
    }
    assert_int_equal(decode_members(w, "\"b\":2,\"c\":\"x\""), DECODE_EVENTS);
    assert_int_equal(w->got.n_events, 2);
    assert_int_equal(w->got.events[0]->decl, 1);
    assert_int_equal(w->got.bad_values, 1);
    w->fields[2][1].optional = false;
    world_changed(w);
    assert_int_equal(decode_members(w, "\"a\":\"x\""), DECODE_INVALID);
    assert_int_equal(w->got.reason, INVALID_BAD_VALUE); /* the first one's */
    assert_int_equal(w->got.decl, 0);
}

/* Computed fields may read each other in any order of declaration, and `where` may read them. */
static void computed(void **state)
{
    struct world *w = *state;
    (void)add_decl(w, "E");
    for (int i = 0; i < 3; i++) {
        struct schema_field *f = add_field(w, 0, i == 0 ? "x" : i == 1 ? "y" : "z", TYPE_STRING);
        f->origin = ORIGIN_COMPUTED;
        f->keep = i == 0;
    }
    add_field(w, 0, "v", TYPE_STRING)->keep = false;
    w->fields[0][1].computed = field_expr(w, 0, 2);
    w->fields[0][2].computed = field_expr(w, 0, 3);
    w->fields[0][3].computed = field_expr(w, 0, 4);
    assert_int_equal(decode_members(w, "\"v\":\"text\",\"x\":\"payload\""), DECODE_EVENTS);
    assert_string_equal(value_text(w, 0, 1), "\"text\"");
    assert_true(value_is_missing(w->got.events[0]->values[2]));
    assert_int_equal(decode_members(w, ""), DECODE_EVENTS);
    assert_true(value_is_missing(w->got.events[0]->values[1]));
    world_changed(w);
    w->decls[0].where = equals(w, 0, 2, "text");
    assert_int_equal(decode_members(w, "\"v\":\"text\""), DECODE_EVENTS);
    assert_string_equal(value_text(w, 0, 1), "\"text\"");
    assert_int_equal(decode_members(w, "\"v\":\"texts\""), DECODE_UNCLAIMED);
}

/* Events own their text: the record and the decoder may go. */
static void events_stand_alone(void **state)
{
    struct world *w = *state;
    (void)add_decl(w, "E");
    (void)add_field(w, 0, "s", TYPE_STRING);
    add_field(w, 0, "l", TYPE_STRING)->is_list = true;
    assert_int_equal(decode_members(w, "\"s\":\"one\\n\",\"l\":[\"two\",\"thr\\u0065e\"]"),
                     DECODE_EVENTS);
    struct event *first = w->got.events[0];
    assert_int_equal(decode_members(w, "\"s\":\"XXXXXXX\",\"l\":[\"YYYYY\",\"ZZZZZZ\"]"),
                     DECODE_EVENTS);
    world_changed(w);
    w->got.events[0] = first;
    assert_string_equal(value_text(w, 0, 1), "\"one\\n\"");
    assert_string_equal(value_text(w, 0, 2), "[\"two\",\"three\"]");
    const char *begin = (const char *)first;
    const char *text = first->values[2].u.items[1].u.str;
    assert_true(text >= begin && text + 5 <= begin + first->bytes);
}

/* `watermark per FIELD` is kept for the clock whatever rules read. */
static void watermark_field_is_kept(void **state)
{
    struct world *w = *state;
    (void)add_decl(w, "E");
    add_field(w, 0, "v", TYPE_INT)->keep = false;
    assert_int_equal(decode_members(w, "\"v\":1"), DECODE_EVENTS);
    assert_true(value_is_missing(w->got.events[0]->values[1]));
    world_changed(w);
    w->topic.has_watermark_per = true;
    w->topic.watermark_per_slot = 1;
    assert_int_equal(decode_members(w, "\"v\":1"), DECODE_EVENTS);
    assert_int_equal(w->got.events[0]->values[1].u.i, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nested_paths),    TEST(collected_paths),    TEST(collected_twice),
        TEST(from_the_record), TEST(whole_records),      TEST(too_far_ahead),
        TEST(where_first),     TEST(where_sees_missing), TEST(several_events),
        TEST(computed),        TEST(events_stand_alone), TEST(watermark_field_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
