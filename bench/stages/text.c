/* From bytes to events. */
#include <string.h>

#include "base/xalloc.h"
#include "bench/stages/stages.h"
#include "engine/decode/decode_plan.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_shape.h"

/* The texts one after the other, each with the zero bytes that a scan wants behind it. */
static struct slice *padded_texts(const struct input *in, struct arena *arena)
{
    struct slice *texts = ARENA_ARRAY(arena, struct slice, in->n + 1);
    for (size_t i = 0; i < in->n; i++) {
        struct slice from = in->records[i].value;
        char *to = arena_alloc(arena, from.len + JSON_PAD_BYTES);
        memcpy(to, from.ptr, from.len);
        memset(to + from.len, 0, JSON_PAD_BYTES);
        texts[i] = slice_from(to, from.len);
    }
    return texts;
}

/* As decode.c goes about it; JSON alone. */
static bool scan(struct json_scan *s, struct json_shape *shape, const struct json_paths *paths,
                 struct slice text, enum decode_way way, struct json_span *found)
{
    return (way != DECODE_GENERAL &&
            json_scan_alike(s, text.ptr, text.len, paths, shape, way == DECODE_BEST, found)) ||
           json_scan_run(s, text.ptr, text.len, paths, found);
}

void stage_scan(struct bench *b, struct measured *m)
{
    struct decode_plan *plan = decode_plan_new(b->rs);
    struct json_shape *shapes = xcalloc(plan->n_topics + 1u, sizeof(*shapes));
    struct json_span *found = xcalloc(plan->most_nodes + 1u, sizeof(*found));
    struct json_scan s;
    struct arena arena = ARENA_INIT;
    struct slice *texts = padded_texts(&b->in, &arena);
    json_scan_init(&s, 128);
    size_t valid = 0;
    stage_begin(m);
    for (size_t i = 0; i < b->in.n; i++) {
        uint32_t topic = b->in.records[i].topic;
        valid += scan(&s, &shapes[topic], &plan->topics[topic].paths, texts[i], b->way, found);
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
    arena_release(&arena);
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
