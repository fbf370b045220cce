#include "tests/support/json_diff.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/decode.h"
#include "engine/decode/json_number.h"
#include "engine/decode/json_walk.h"
#include "tests/support/json_reference.h"

#define MAX_DEPTH 64
#define N_NODES 9

/* Field "x" of every type, and some of several shapes; slot order. */
static struct path_part parts[] = {
    {SLICE_LIT("at"), false}, {SLICE_LIT("s"), false}, {SLICE_LIT("i"), false},
    {SLICE_LIT("b"), false},  {SLICE_LIT("f"), false}, {SLICE_LIT("d"), false},
    {SLICE_LIT("g"), false},  {SLICE_LIT("e"), false}, {SLICE_LIT("l"), false},
    {SLICE_LIT("st"), false}, {SLICE_LIT("a"), false}, {SLICE_LIT("ip"), false},
    {SLICE_LIT("n"), false},  {SLICE_LIT("t"), false}, {SLICE_LIT("u"), false},
};
static struct path_part nested[] = {{SLICE_LIT("a"), false}, {SLICE_LIT("b"), false}};
static struct path_part collected[] = {{SLICE_LIT("a"), true}, {SLICE_LIT("b"), false}};

#define PATH(text, i)                                                                              \
    .name = SLICE_LIT(text), .path_text = SLICE_LIT(text), .parts = &parts[i], .n_parts = 1,       \
    .keep = true
#define OPTIONAL(text, i) PATH(text, i), .optional = true

enum { SLOT_AT, SLOT_S, SLOT_I, SLOT_B, SLOT_F };

struct json_diff {
    struct json_scan scan;
    struct json_paths paths;
    struct json_span found[N_NODES];
    struct slice names[N_NODES];
    uint32_t parents[N_NODES];
    struct buf ours, theirs;
    struct arena arena;
    struct ruleset rs;
    struct schema_topic topic;
    struct schema_decl decl;
    uint32_t decl_index;
    struct slice enum_values[2];
    struct schema_field fields[17];
    struct decoder *decoder;
};

static void disagree(const char *what, const char *text, size_t len)
{
    fprintf(stderr, "disagreement: %s\n", what);
    for (size_t i = 0; i < len; i++) {
        fprintf(stderr, text[i] >= ' ' && text[i] < 0x7F ? "%c" : "\\x%02X",
                (unsigned char)text[i]);
    }
    fputc('\n', stderr);
    abort();
}

static void declare(struct json_diff *d)
{
    const struct schema_field fields[] = {
        {PATH("at", 0), .type = TYPE_TIMESTAMP, .unit = UNIT_MS, .is_event_time = true},
        {OPTIONAL("s", 1), .type = TYPE_STRING},
        {OPTIONAL("i", 2), .type = TYPE_INT},
        {OPTIONAL("b", 3), .type = TYPE_BOOL},
        {OPTIONAL("f", 4), .type = TYPE_FLOAT},
        {OPTIONAL("d", 5), .type = TYPE_DECIMAL},
        {OPTIONAL("g", 6), .type = TYPE_GEO},
        {OPTIONAL("e", 7), .type = TYPE_ENUM, .enum_values = d->enum_values, .n_enum_values = 2},
        {OPTIONAL("l", 8), .type = TYPE_INT, .is_list = true},
        {OPTIONAL("st", 9), .type = TYPE_STRING, .is_set = true},
        {OPTIONAL("ip", 11), .type = TYPE_IP},
        {OPTIONAL("n", 12), .type = TYPE_CIDR},
        {OPTIONAL("t", 13), .type = TYPE_TIMESTAMP, .unit = UNIT_TEXT},
        {OPTIONAL("u", 14), .type = TYPE_DURATION},
        {OPTIONAL("a", 10), .type = TYPE_GEO, .is_list = true},
        {.name = SLICE_LIT("a.b"),
         .path_text = SLICE_LIT("a.b"),
         .parts = nested,
         .n_parts = 2,
         .type = TYPE_DECIMAL,
         .keep = true,
         .optional = true},
        {.name = SLICE_LIT("a[*].b"),
         .parts = collected,
         .n_parts = 2,
         .type = TYPE_STRING,
         .is_list = true,
         .keep = true,
         .optional = true},
    };
    d->enum_values[0] = SLICE_LIT("yes");
    d->enum_values[1] = SLICE_LIT("no");
    memcpy(d->fields, fields, sizeof(fields));
    d->decl = (struct schema_decl){
        .name = SLICE_LIT("E"), .fields = d->fields, .n_fields = FYKE_ARRAY_LEN(fields)};
    d->topic = (struct schema_topic){
        .decls = &d->decl_index, .n_decls = 1, .at_most_ahead = DURATION_INFINITE};
    d->rs.topics = &d->topic;
    d->rs.n_topics = d->rs.n_decls = 1;
    d->rs.decls = &d->decl;
    d->decoder = decoder_new(&d->rs, (struct decode_limits){.max_depth = MAX_DEPTH});
}

static void look_for(struct json_diff *d, uint32_t parent, struct slice name)
{
    uint32_t node = json_paths_add(&d->paths, parent, name);
    d->names[node] = name;
    d->parents[node] = parent;
}

struct json_diff *json_diff_new(void)
{
    struct json_diff *d = xcalloc(1, sizeof(*d));
    json_scan_init(&d->scan, MAX_DEPTH);
    json_paths_init(&d->paths);
    look_for(d, 0, SLICE_LIT("a"));
    look_for(d, 1, SLICE_LIT("b"));
    look_for(d, 2, SLICE_LIT("a"));
    look_for(d, 1, SLICE_LIT(""));
    look_for(d, 0, SLICE_LIT("a.b"));
    look_for(d, 0, SLICE_LIT("merchant"));
    look_for(d, 6, SLICE_LIT("name_longer"));
    look_for(d, 6, SLICE_LIT("name_longer_still"));
    json_paths_seal(&d->paths);
    declare(d);
    return d;
}

void json_diff_free(struct json_diff *d)
{
    decoder_free(d->decoder);
    json_scan_release(&d->scan);
    json_paths_release(&d->paths);
    arena_release(&d->arena);
    buf_release(&d->ours);
    buf_release(&d->theirs);
    free(d);
}

/* ---- canonical form of a span, as json_reference.h describes it ---------------------------- */

static struct slice content(struct json_diff *d, struct json_span s)
{
    char *text = arena_alloc(&d->arena, s.len + 1);
    size_t len = json_unescape(s, text);
    if (len > s.len || !json_string_equals(s, slice_from(text, len))) {
        disagree("json_unescape and json_string_equals", s.ptr, s.len);
    }
    return slice_from(text, len);
}

static void put_string(struct buf *out, struct slice s)
{
    buf_printf(out, "s%zu:", s.len);
    buf_put_slice(out, s);
}

struct member {
    struct slice key;
    struct json_span value;
    size_t order;
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    int c = slice_cmp(x->key, y->key);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static void put_value(struct json_diff *d, struct buf *out, struct json_span s);

static void put_object(struct json_diff *d, struct buf *out, struct json_span s)
{
    struct member *members = NULL;
    size_t n = 0, cap = 0;
    struct json_span key, value;
    struct json_walk w = json_walk_into(s);
    while (json_walk_member(&w, &key, &value)) {
        struct member m = {content(d, key), value, n};
        VEC_PUSH(members, n, cap) = m;
    }
    if (n > 1) {
        qsort(members, n, sizeof(*members), compare_members);
    }
    buf_puts(out, "{");
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || !slice_eq(members[i].key, members[i + 1].key)) {
            put_string(out, members[i].key);
            put_value(d, out, members[i].value);
        }
    }
    buf_puts(out, "}");
    free(members);
}

static void put_number(struct buf *out, struct json_span s)
{
    struct slice text = slice_from(s.ptr, s.len);
    int64_t i;
    double x;
    if (!json_number_valid(text)) {
        disagree("json_number_valid", s.ptr, s.len);
    }
    struct decimal quick = DECIMAL_ZERO, slow = DECIMAL_ZERO;
    if (json_number_to_decimal(text, &quick) != decimal_parse(text, &slow) ||
        !decimal_eq(quick, slow)) {
        disagree("json_number_to_decimal", s.ptr, s.len);
    }
    if (s.kind == JSON_INT) {
        bool ok = json_number_scaled(text, 0, &i);
        buf_printf(out, ok ? "i%lld;" : "overflow", (long long)i);
    } else {
        bool ok = json_number_to_double(text, &x);
        buf_printf(out, ok ? "d%a;" : "overflow", x);
    }
}

static void put_value(struct json_diff *d, struct buf *out, struct json_span s)
{
    struct json_span item;
    struct json_walk w;
    switch ((enum json_kind)s.kind) {
    case JSON_NONE: buf_puts(out, "?"); break;
    case JSON_NULL: buf_puts(out, "n"); break;
    case JSON_FALSE: buf_puts(out, "f"); break;
    case JSON_TRUE: buf_puts(out, "t"); break;
    case JSON_INT:
    case JSON_REAL: put_number(out, s); break;
    case JSON_STRING: put_string(out, content(d, s)); break;
    case JSON_OBJECT: put_object(d, out, s); break;
    case JSON_ARRAY:
        buf_puts(out, "[");
        w = json_walk_into(s);
        while (json_walk_item(&w, &item)) {
            put_value(d, out, item);
        }
        buf_puts(out, "]");
        break;
    }
}

/* ---- checks ------------------------------------------------------------------------------- */

/* What the scan found on the fly is what a walk over the finished text finds. */
static void check_paths(struct json_diff *d, const char *text, size_t len)
{
    struct json_span want[N_NODES] = {d->found[0]};
    for (uint32_t i = 1; i < N_NODES; i++) {
        if (want[d->parents[i]].kind == JSON_OBJECT) {
            want[i] = json_walk_find(want[d->parents[i]], d->names[i]);
        }
        struct json_span got = d->found[i];
        if (got.kind != want[i].kind ||
            (got.kind != JSON_NONE && (got.ptr != want[i].ptr || got.len != want[i].len ||
                                       got.escaped != want[i].escaped))) {
            disagree("value found by path", text, len);
        }
    }
}

static bool string_agrees(struct json_diff *d, struct value v, struct json_span s)
{
    return s.kind == JSON_STRING
               ? v.kind == VAL_STRING && slice_eq(value_as_slice(v), content(d, s))
               : value_is_missing(v);
}

static bool bool_agrees(struct value v, struct json_span s)
{
    return s.kind == JSON_TRUE || s.kind == JSON_FALSE
               ? v.kind == VAL_BOOL && v.u.b == (s.kind == JSON_TRUE)
               : value_is_missing(v);
}

static bool number_agrees(struct value v, struct json_span s, enum field_type type)
{
    struct slice text = slice_from(s.ptr, s.len);
    int64_t i;
    double x;
    if (s.kind != JSON_INT && s.kind != JSON_REAL) {
        return value_is_missing(v);
    }
    if (type == TYPE_INT) {
        return json_number_scaled(text, 0, &i) ? v.kind == VAL_INT && v.u.i == i
                                               : value_is_missing(v);
    }
    return json_number_to_double(text, &x)
               ? v.kind == VAL_FLOAT && memcmp(&v.u.f, &x, sizeof(x)) == 0
               : value_is_missing(v);
}

static bool value_agrees(struct json_diff *d, struct value v, struct json_span s,
                         enum field_type type)
{
    if (type == TYPE_STRING) {
        return string_agrees(d, v, s);
    }
    return type == TYPE_BOOL ? bool_agrees(v, s) : number_agrees(v, s, type);
}

static void check_event(struct json_diff *d, const struct decoded *got, struct json_span root,
                        const char *text, size_t len)
{
    if (got->result == DECODE_INVALID) {
        if (got->reason != INVALID_NO_TIME && got->reason != INVALID_BAD_TIME) {
            disagree("reason", text, len);
        }
        return;
    }
    if (got->result != DECODE_EVENTS || got->n_events != 1 ||
        got->events[0]->bytes != event_clone_bytes(got->events[0])) {
        disagree("event", text, len);
    }
    for (uint32_t i = SLOT_S; i <= SLOT_F; i++) {
        struct json_span s = json_walk_find(root, d->fields[i].name);
        if (!value_agrees(d, got->events[0]->values[i], s, d->fields[i].type)) {
            disagree("decoded field", text, len);
        }
    }
}

static void check_decoder(struct json_diff *d, const char *text, size_t len)
{
    struct record r = {.has_value = true, .value = slice_from(text, len)};
    struct decoded got;
    decoder_decode(d->decoder, &r, &d->arena, &got);
    enum invalid_reason want = d->scan.error == JSON_BAD_SYNTAX  ? INVALID_NOT_JSON
                               : d->scan.error == JSON_BAD_TEXT  ? INVALID_UTF8
                               : d->scan.error == JSON_TOO_DEEP  ? INVALID_TOO_DEEP
                               : d->found[0].kind != JSON_OBJECT ? INVALID_NOT_OBJECT
                                                                 : INVALID_NONE;
    if (want == INVALID_NONE) {
        check_event(d, &got, d->found[0], text, len);
    } else if (got.result != DECODE_INVALID || got.reason != want) {
        disagree("reason of the whole record", text, len);
    }
}

void json_diff_check(struct json_diff *d, const char *text, size_t len)
{
    /* a block of its own size each time, for the sanitizer */
    char *copy = xcalloc(1, len + JSON_PAD_BYTES);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    buf_clear(&d->ours);
    buf_clear(&d->theirs);
    arena_reset(&d->arena);
    bool ok = json_scan_run(&d->scan, copy, len, &d->paths, d->found);
    enum reference_verdict theirs = json_reference(text, len, &d->theirs);
    if (ok) {
        put_value(d, &d->ours, d->found[0]);
        check_paths(d, copy, len);
        if (theirs == REFERENCE_REJECTS || (len > 0 && memchr(text, '\0', len))) {
            disagree("only we accept", text, len);
        }
        if (theirs == REFERENCE_ACCEPTS && !slice_eq(buf_slice(&d->ours), buf_slice(&d->theirs))) {
            disagree("values", text, len);
        }
    } else if (theirs == REFERENCE_ACCEPTS && d->scan.error != JSON_TOO_DEEP) {
        disagree("only jansson accepts", text, len);
    }
    check_decoder(d, text, len);
    free(copy);
}
