#include "engine/out/out_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prefetch.h"
#include "base/xalloc.h"
#include "engine/keys/key.h"

static size_t key_text_bytes(const struct match *m)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->rule->n_key; i++) {
        n += m->key[i].kind == VAL_STRING ? m->key[i].len : 0;
    }
    return n;
}

static char *put_bytes(char *at, const char *from, size_t len)
{
    if (len > 0) {
        memcpy(at, from, len);
    }
    return at + len;
}

/* Of most alerts of a replay all there is. */
#define ALERT_PREFETCH_BYTES 512

/* Room behind the texts for a number that is known only later. */
#define NUMBER_ROOM 20

struct out_alert *out_alert_new(const struct match *m, struct standing stands, uint64_t seq,
                                struct hash128 id, struct slice json, struct alert_places places,
                                struct slice key_text)
{
    size_t values_bytes = m->rule->n_key * sizeof(struct value);
    struct out_alert *a = xmalloc(sizeof(*a) + values_bytes + key_text_bytes(m) + json.len +
                                  key_text.len + NUMBER_ROOM);
    struct value *key = (struct value *)(void *)(a + 1);
    char *at = (char *)(a + 1) + values_bytes;
    for (uint32_t i = 0; i < m->rule->n_key; i++) {
        key[i] = m->key[i];
        if (key[i].kind == VAL_STRING) {
            key[i].u.str = at;
            at = put_bytes(at, m->key[i].u.str, m->key[i].len);
        }
    }
    *a = (struct out_alert){
        .detected = m->detected_at,
        .rule = m->rule,
        .kind = m->kind,
        .stands = stands,
        .seq = seq,
        .key = key,
        .n_key = m->rule->n_key,
        .has_evidence = m->n_evidence > 0,
        .first = m->first_at,
        .last = m->last_at,
        .json = slice_from(at, json.len),
        .places = places,
        .key_text = slice_from(at + json.len, key_text.len),
    };
    put_bytes(put_bytes(at, json.ptr, json.len), key_text.ptr, key_text.len);
    hash128_hex(id, a->match_id);
    return a;
}

void out_alert_set_suppressed(struct out_alert *a, uint64_t n)
{
    if (a->places.suppressed == 0) {
        return;
    }
    char digits[NUMBER_ROOM + 1];
    size_t more = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n) - 1;
    char *at = (char *)(uintptr_t)a->json.ptr + a->places.suppressed;
    const char *end = a->key_text.ptr + a->key_text.len; /* it stands right behind the text */
    memmove(at + 1 + more, at + 1, (size_t)(end - at) - 1);
    memcpy(at, digits, more + 1);
    a->json.len += more;
    a->key_text.ptr += more;
}

/* When its turn comes. Live an event that came back (`watermark per`) speaks when it is let in. */
static struct etime turn_of(const struct out_order *o, const struct out_alert *a)
{
    return o->live ? a->stands.root.time : a->detected;
}

static int standing_cmp(const struct standing *a, const struct standing *b)
{
    int c = place_cmp(a->root, b->root);
    c = c != 0 ? c : place_cmp(a->at, b->at);
    return c != 0 ? c : (a->rank > b->rank) - (a->rank < b->rank);
}

static int same_time_cmp(const struct out_order *o, const struct out_alert *a,
                         const struct out_alert *b)
{
    int c = key_compare(a->key, a->n_key, b->key, b->n_key);
    c = c != 0 || !o->live ? c : standing_cmp(&a->stands, &b->stands);
    c = c != 0 ? c : slice_cmp(a->rule->name, b->rule->name);
    /* Values of `per` may look like a key: then the alert stands in front of `quiet_ended`. */
    c = c != 0 ? c : (a->rule->index > b->rule->index) - (a->rule->index < b->rule->index);
    return c != 0 ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static bool is_before(const struct out_order *o, const struct out_turn *a, const struct out_turn *b)
{
    return a->at.ns != b->at.ns ? a->at.ns < b->at.ns : same_time_cmp(o, a->alert, b->alert) < 0;
}

void out_order_init(struct out_order *o)
{
    *o = (struct out_order){0};
}

void out_order_release(struct out_order *o)
{
    for (size_t i = 0; i < o->n; i++) {
        free(o->held[i].alert);
    }
    free(o->held);
    *o = (struct out_order){0};
}

void out_order_add(struct out_order *o, struct out_alert *a)
{
    const struct out_turn turn = {turn_of(o, a), a};
    size_t i = o->n;
    VEC_PUSH(o->held, o->n, o->cap) = turn;
    while (i > 0 && is_before(o, &turn, &o->held[(i - 1) / 2])) {
        o->held[i] = o->held[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    o->held[i] = turn;
}

static void drop_first(struct out_order *o)
{
    const struct out_turn turn = o->held[--o->n];
    size_t i = 0;
    for (size_t child = 1; child < o->n; child = 2 * i + 1) {
        if (child + 1 < o->n && is_before(o, &o->held[child + 1], &o->held[child])) {
            child++;
        }
        if (!is_before(o, &o->held[child], &turn)) {
            break;
        }
        o->held[i] = o->held[child];
        i = child;
    }
    if (o->n > 0) {
        o->held[i] = turn;
    }
}

static enum err write_alert(const struct out_alert *a, struct sink *sink, struct error *err)
{
    struct out_record r = {
        .value = a->json,
        .key = a->key_text,
        .has_key = a->n_key > 0,
        .event_time = a->detected,
        .rule = a->rule->name,
        .rule_index = a->rule->original,
        .match_id = slice_of(a->match_id),
        .only_derives = a->only_derives,
        .kind = a->kind,
        .has_evidence = a->has_evidence,
        .first = a->first,
        .last = a->last,
        .emit = slice_from(a->json.ptr + a->places.emit, a->places.emit_len),
        .evidence = slice_from(a->json.ptr + a->places.evidence, a->places.evidence_len),
    };
    return sink->ops->write(sink, &r, err);
}

static bool may_leave(const struct out_turn *turn, const struct out_bound *safe)
{
    if (safe->time.ns == INT64_MAX || etime_lt(turn->at, safe->time)) {
        return true;
    }
    return turn->at.ns == safe->time.ns && safe->key != NULL &&
           key_compare(turn->alert->key, turn->alert->n_key, safe->key, safe->n_key) < 0;
}

/* One of two; another thread has made it. */
static void fetch_next(const struct out_order *o)
{
    for (size_t i = 1; i < 3 && i < o->n; i++) {
        memory_prefetch(o->held[i].alert, ALERT_PREFETCH_BYTES);
    }
}

enum err out_order_flush(struct out_order *o, const struct out_bound *safe, struct sink *sink,
                         out_written_fn written, void *ctx, struct error *err)
{
    while (o->n > 0 && may_leave(&o->held[0], safe)) {
        struct out_alert *a = o->held[0].alert;
        fetch_next(o);
        if (!a->withheld) {
            FYKE_TRY(write_alert(a, sink, err));
        }
        drop_first(o);
        written(ctx, a);
        free(a);
    }
    return ERR_OK;
}
