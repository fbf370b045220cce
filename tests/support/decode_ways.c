#include "tests/support/decode_ways.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/decode.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_shape.h"
#include "engine/decode/json_stops.h"
#include "nfa/expr.h"

#define MAX_DEPTH 16
#define MAX_NODES 16
#define N_WAYS 3
#define MAX_FIELDS 16

static struct path_part parts[] = {
    {SLICE_LIT("at"), false},   {SLICE_LIT("type"), false},   {SLICE_LIT("user"), false},
    {SLICE_LIT("a"), false},    {SLICE_LIT("n"), false},      {SLICE_LIT("status"), false},
    {SLICE_LIT("flag"), false}, {SLICE_LIT("amount"), false}, {SLICE_LIT("a name longer"), false},
    {SLICE_LIT("ip"), false},   {SLICE_LIT("when"), false},   {SLICE_LIT("f"), false},
};
static struct path_part nested[] = {{SLICE_LIT("a"), false}, {SLICE_LIT("b"), false}};

#define PATH(text, i)                                                                              \
    .name = SLICE_LIT(text), .path_text = SLICE_LIT(text), .parts = &parts[i], .n_parts = 1

/* A declaration whose `where` is an equality, one with two, one that must do without short cuts. */
enum { DECL_LOGIN, DECL_PAYMENT, DECL_ANY, N_DECLS };

struct decode_ways {
    struct json_scan scan;
    struct json_paths paths;
    struct json_shape shapes[3];
    struct json_span want[MAX_NODES], got[MAX_NODES];
    struct ruleset rs;
    struct schema_topic topic;
    struct schema_decl decls[N_DECLS];
    uint32_t decl_indexes[N_DECLS];
    struct schema_field fields[N_DECLS][MAX_FIELDS];
    struct slice statuses[3];
    struct field_ref *refs[4];
    struct expr exprs[12];
    const struct expr *kids[12];
    struct decoder *decoders[N_WAYS];
    struct arena arenas[N_WAYS];
    struct buf first, other;
    uint64_t events;
};

static void disagree(const char *what, const char *text, size_t len)
{
    fprintf(stderr, "ways of decoding disagree: %s\n", what);
    for (size_t i = 0; i < len; i++) {
        fprintf(stderr, text[i] >= ' ' && text[i] < 0x7F ? "%c" : "\\x%02X",
                (unsigned char)text[i]);
    }
    fputc('\n', stderr);
    abort();
}

/* ---- declarations ------------------------------------------------------------------------- */

static void declare(struct decode_ways *w, uint32_t decl, const struct schema_field *fields,
                    uint32_t n)
{
    memcpy(w->fields[decl], fields, n * sizeof(*fields));
    w->decl_indexes[decl] = decl;
    w->decls[decl] = (struct schema_decl){
        .name = SLICE_LIT("E"), .index = decl, .fields = w->fields[decl], .n_fields = n};
}

/* `slot` of `decl` = "text", in nodes i to i + 2 */
static const struct expr *equals(struct decode_ways *w, uint32_t i, uint32_t decl, uint32_t slot,
                                 struct slice text)
{
    struct field_ref *ref = xcalloc(1, sizeof(*ref) + sizeof(ref->alt[0]));
    ref->n = 1;
    ref->alt[0].decl = decl;
    ref->alt[0].slot = slot;
    w->refs[i / 3] = ref;
    w->exprs[i] = (struct expr){.op = EX_FIELD, .kind = VAL_STRING, .field = ref};
    w->exprs[i + 1] =
        (struct expr){.op = EX_CONST, .kind = VAL_STRING, .value = value_string(text)};
    w->kids[i] = &w->exprs[i];
    w->kids[i + 1] = &w->exprs[i + 1];
    w->exprs[i + 2] = (struct expr){
        .op = EX_EQ, .kind = VAL_BOOL, .n_kids = 2, .kids = &w->kids[i]};
    return &w->exprs[i + 2];
}

static void declare_all(struct decode_ways *w)
{
    const struct schema_field login[] = {
        {PATH("at", 0), .type = TYPE_TIMESTAMP, .is_event_time = true, .keep = true},
        {PATH("type", 1), .type = TYPE_STRING, .keep = true},
        {PATH("user", 2), .type = TYPE_STRING, .keep = true},
        {PATH("status", 5), .type = TYPE_ENUM, .enum_values = w->statuses, .n_enum_values = 3,
         .keep = true, .optional = true},
        {PATH("n", 4), .type = TYPE_INT, .keep = true, .optional = true},
        {PATH("a name longer", 8), .type = TYPE_STRING, .optional = true},
        {.name = SLICE_LIT("a.b"), .path_text = SLICE_LIT("a.b"), .parts = nested, .n_parts = 2,
         .type = TYPE_DECIMAL, .keep = true, .optional = true},
    };
    const struct schema_field payment[] = {
        {PATH("at", 0), .type = TYPE_TIMESTAMP, .is_event_time = true},
        {PATH("amount", 7), .type = TYPE_DECIMAL, .keep = true},
        {PATH("status", 5), .type = TYPE_ENUM, .enum_values = w->statuses, .n_enum_values = 3},
        {PATH("type", 1), .type = TYPE_STRING},
        {PATH("flag", 6), .type = TYPE_BOOL, .keep = true, .optional = true},
        {PATH("user", 2), .type = TYPE_STRING, .keep = true, .optional = true},
    };
    const struct schema_field any[] = {
        {PATH("when", 10), .type = TYPE_TIMESTAMP, .unit = UNIT_MS, .is_event_time = true},
        {PATH("ip", 9), .type = TYPE_IP, .keep = true, .optional = true},
        {PATH("f", 11), .type = TYPE_FLOAT, .keep = true},
        {PATH("a", 3), .type = TYPE_GEO, .keep = true, .optional = true},
        {PATH("amount", 7), .type = TYPE_DECIMAL, .optional = true},
    };
    w->statuses[0] = SLICE_LIT("approved");
    w->statuses[1] = SLICE_LIT("declined for long");
    w->statuses[2] = SLICE_LIT("no");
    declare(w, DECL_LOGIN, login, FYKE_ARRAY_LEN(login));
    declare(w, DECL_PAYMENT, payment, FYKE_ARRAY_LEN(payment));
    declare(w, DECL_ANY, any, FYKE_ARRAY_LEN(any));
    w->decls[DECL_LOGIN].where = equals(w, 0, DECL_LOGIN, 1, SLICE_LIT("login"));
    w->kids[9] = equals(w, 3, DECL_PAYMENT, 3, SLICE_LIT("payment by card"));
    w->kids[10] = equals(w, 6, DECL_PAYMENT, 2, SLICE_LIT("no"));
    w->exprs[9] = (struct expr){.op = EX_NOT, .kind = VAL_BOOL, .n_kids = 1, .kids = &w->kids[10]};
    w->kids[10] = &w->exprs[8];
    w->kids[11] = &w->exprs[9];
    w->exprs[10] = (struct expr){.op = EX_AND, .kind = VAL_BOOL, .n_kids = 2, .kids = &w->kids[9]};
    w->decls[DECL_PAYMENT].where = &w->exprs[10];
}

/* Nodes for whatever the generators write. */
static void look_for(struct decode_ways *w)
{
    json_paths_init(&w->paths);
    uint32_t a = json_paths_add(&w->paths, 0, SLICE_LIT("a"));
    uint32_t b = json_paths_add(&w->paths, a, SLICE_LIT("b"));
    (void)json_paths_add(&w->paths, b, SLICE_LIT("b"));
    (void)json_paths_add(&w->paths, 0, SLICE_LIT("a.b"));
    (void)json_paths_add(&w->paths, 0, SLICE_LIT("type"));
    (void)json_paths_add(&w->paths, 0, SLICE_LIT("user"));
    (void)json_paths_add(&w->paths, a, SLICE_LIT("a"));
    json_paths_seal(&w->paths);
}

struct decode_ways *decode_ways_new(void)
{
    static const enum decode_way ways[N_WAYS] = {DECODE_GENERAL, DECODE_BEST, DECODE_PORTABLE};
    struct decode_ways *w = xcalloc(1, sizeof(*w));
    json_scan_init(&w->scan, MAX_DEPTH);
    look_for(w);
    declare_all(w);
    w->topic = (struct schema_topic){
        .decls = w->decl_indexes, .n_decls = N_DECLS, .at_most_ahead = {NS_PER_S}};
    w->rs.topics = &w->topic;
    w->rs.n_topics = 1;
    w->rs.n_decls = N_DECLS;
    w->rs.decls = w->decls;
    for (int i = 0; i < N_WAYS; i++) {
        w->decoders[i] =
            decoder_new(&w->rs, (struct decode_limits){.max_depth = MAX_DEPTH, .way = ways[i]});
    }
    return w;
}

void decode_ways_free(struct decode_ways *w)
{
    for (int i = 0; i < N_WAYS; i++) {
        decoder_free(w->decoders[i]);
        arena_release(&w->arenas[i]);
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(w->refs); i++) {
        free(w->refs[i]);
    }
    for (size_t i = 0; i < FYKE_ARRAY_LEN(w->shapes); i++) {
        json_shape_release(&w->shapes[i]);
    }
    json_scan_release(&w->scan);
    json_paths_release(&w->paths);
    buf_release(&w->first);
    buf_release(&w->other);
    free(w);
}

uint64_t decode_ways_events(const struct decode_ways *w)
{
    return w->events;
}

/* ---- checks ------------------------------------------------------------------------------- */

static void check_scan(struct decode_ways *w, const char *text, size_t len, bool ok,
                       struct json_shape *shape, const uint64_t *stops)
{
    if (json_scan_alike(&w->scan, text, len, &w->paths, shape, stops, w->got) != ok) {
        disagree(ok ? "only the general scan accepts" : "only the short scan accepts", text, len);
    }
    for (size_t i = 0; ok && i < w->paths.n; i++) {
        const struct json_span *x = &w->want[i], *y = &w->got[i];
        if (x->kind != y->kind ||
            (x->kind != JSON_NONE &&
             (x->ptr != y->ptr || x->len != y->len || x->escaped != y->escaped))) {
            disagree("spans", text, len);
        }
    }
}

/* Without stops, and with those that either kind of the machine's vectors finds. */
static void check_scans(struct decode_ways *w, const char *text, size_t len)
{
    const json_stops_fn ways[] = {json_stops_sse2(), json_stops_avx2()};
    bool ok = json_scan_run(&w->scan, text, len, &w->paths, w->want) &&
              w->want[0].kind == JSON_OBJECT;
    check_scan(w, text, len, ok, &w->shapes[0], NULL);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(ways); i++) {
        if (ways[i] != NULL) {
            char *copy = xmalloc(JSON_STOPS_TEXT(len));
            uint64_t *stops = xmalloc(JSON_STOPS_WORDS(len) * sizeof(*stops));
            ways[i](copy, text, len, stops);
            check_scan(w, text, len, ok, &w->shapes[i + 1], stops);
            free(copy);
            free(stops);
        }
    }
}

static void check_events(struct decode_ways *w, const struct decoded *a, const struct decoded *b,
                         const char *text, size_t len)
{
    for (uint32_t i = 0; i < a->n_events; i++) {
        const struct event *x = a->events[i], *y = b->events[i];
        buf_clear(&w->first);
        buf_clear(&w->other);
        event_encode(x, &NEAR_NOTHING, &w->first);
        event_encode(y, &NEAR_NOTHING, &w->other);
        if (!slice_eq(buf_slice(&w->first), buf_slice(&w->other)) || x->bytes != y->bytes ||
            y->bytes != event_clone_bytes(y) || x->serial != y->serial) {
            disagree("events", text, len);
        }
    }
}

static void check_decoders(struct decode_ways *w, const struct record *r)
{
    struct decoded got[N_WAYS];
    for (int i = 0; i < N_WAYS; i++) {
        arena_reset(&w->arenas[i]);
        decoder_decode(w->decoders[i], r, &w->arenas[i], &got[i]);
        const struct decoded *a = &got[0], *b = &got[i];
        if (a->result != b->result || a->reason != b->reason || a->decl != b->decl ||
            a->field != b->field || a->position != b->position || a->n_events != b->n_events ||
            a->bad_values != b->bad_values) {
            disagree("results", r->value.ptr, r->value.len);
        }
        check_events(w, a, b, r->value.ptr, r->value.len);
    }
    w->events += got[0].n_events > 0;
}

void decode_ways_check(struct decode_ways *w, const char *text, size_t len)
{
    /* a block of its own size each time, for the sanitizer */
    char *copy = xcalloc(1, len + JSON_PAD_BYTES), *bare = xmalloc(len + 1);
    if (len > 0) {
        memcpy(copy, text, len);
        memcpy(bare, text, len);
    }
    char *exact = xrealloc(bare, len ? len : 1);
    check_scans(w, copy, len);
    struct record r = {.has_value = true, .value = slice_from(exact, len), .offset = 7};
    check_decoders(w, &r);
    r.has_timestamp = true; /* just behind what the generators write, so some are too far ahead */
    r.timestamp.ns = INT64_C(1767600000) * NS_PER_S;
    check_decoders(w, &r);
    free(exact);
    free(copy);
}
