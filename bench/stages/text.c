/* From bytes to events. */
#include <string.h>

#include "base/xalloc.h"
#include "bench/stages/stages.h"
#include "engine/decode/decode_plan.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_shape.h"
#include "engine/decode/json_stops.h"

/* Texts as decode.c holds them while it looks at one. */
struct text {
    char *bytes;
    uint64_t *stops; /* NULL: none are wanted */
    json_stops_fn copy;
};

static struct text text_for(const struct bench *b)
{
    size_t most = 0;
    for (size_t i = 0; i < b->in.n; i++) {
        most = b->in.records[i].value.len > most ? b->in.records[i].value.len : most;
    }
    struct text t = {.bytes = xcalloc(JSON_STOPS_TEXT(most), 1)};
    t.copy = b->way == DECODE_BEST ? json_stops_best() : NULL;
    t.stops = t.copy != NULL ? xcalloc(JSON_STOPS_WORDS(most), sizeof(*t.stops)) : NULL;
    return t;
}

static void take_text(struct text *t, struct slice from)
{
    if (t->copy != NULL) {
        t->copy(t->bytes, from.ptr, from.len, t->stops);
    } else {
        memcpy(t->bytes, from.ptr, from.len);
        memset(t->bytes + from.len, 0, JSON_PAD_BYTES);
    }
}

/* JSON alone. */
void stage_scan(struct bench *b, struct measured *m)
{
    struct decode_plan *plan = decode_plan_new(b->rs);
    struct json_shape *shapes = xcalloc(plan->n_topics + 1u, sizeof(*shapes));
    struct json_span *found = xcalloc(plan->most_nodes + 1u, sizeof(*found));
    struct json_scan s;
    struct text t = text_for(b);
    json_scan_init(&s, 128);
    size_t valid = 0;
    stage_begin(m);
    for (size_t i = 0; i < b->in.n; i++) {
        const struct record *r = &b->in.records[i];
        const struct json_paths *paths = &plan->topics[r->topic].paths;
        take_text(&t, r->value);
        valid += (b->way != DECODE_GENERAL && json_scan_alike(&s, t.bytes, r->value.len, paths,
                                                              &shapes[r->topic], t.stops, found)) ||
                 json_scan_run(&s, t.bytes, r->value.len, paths, found);
    }
    stage_end(m);
    m->operations = b->in.n;
    if (valid == 0) {
        die("scan", "no record is JSON");
    }
    for (uint32_t i = 0; i < plan->n_topics; i++) {
        json_shape_release(&shapes[i]);
    }
    json_scan_release(&s);
    free(shapes);
    free(found);
    free(t.bytes);
    free(t.stops);
    decode_plan_free(plan);
}

void stage_decode(struct bench *b, struct measured *m)
{
    struct engine_options o;
    engine_options_init(&o);
    o.decode.way = b->way;
    struct decoder *d = decoder_new(b->rs, o.decode);
    struct arena arena = ARENA_INIT;
    stage_begin(m);
    for (size_t i = 0; i < b->in.n; i++) {
        struct decoded got;
        decoder_decode(d, &b->in.records[i], &arena, &got);
        if (i % PROCESS_EVERY == 0) {
            arena_reset(&arena);
        }
    }
    stage_end(m);
    m->operations = b->in.n;
    arena_release(&arena);
    decoder_free(d);
}
