/* What is done per key before any rule is asked. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "bench/stages/stages.h"
#include "engine/keys/keyspace_parts.h"

void stage_key(struct bench *b, struct measured *m)
{
    struct key_eval ev;
    uint64_t made = 0;
    key_eval_init(&ev);
    stage_begin(m);
    for (size_t i = 0; i < b->n_keyed; i++) {
        const struct keyed_event *k = &b->keyed[i];
        struct key_ref key;
        made += key_of(k->group, k->variant, k->event, &ev, &key);
        if (i % PROCESS_EVERY == 0) {
            arena_reset(&ev.scratch);
        }
    }
    stage_end(m);
    m->operations = b->n_keyed;
    if (made != b->n_keyed) {
        die("key", "keys are missing");
    }
    key_eval_release(&ev);
}

/* With a record, of which nothing is kept, for each key. */
static struct keyspace *fill(const struct bench *b)
{
    struct error err = ERROR_INIT;
    struct key_record *rec;
    const struct keyspace_options o = bench_keyspace_options(b);
    struct keyspace *ks = keyspace_new(&o);
    for (uint32_t i = 0; i < b->n_keys; i++) {
        check(keyspace_get(ks, &b->key_of_number[i]->key, &rec, &err), &err);
    }
    return ks;
}

void stage_look_up(struct bench *b, struct measured *m)
{
    struct error err = ERROR_INIT;
    struct keyspace *ks = fill(b);
    uint64_t found = 0;
    stage_begin(m);
    for (size_t i = 0; i < b->n_keyed; i++) {
        struct key_record *rec;
        check(keyspace_find(ks, &b->keyed[i].key, &rec, &err), &err);
        found += rec != NULL;
    }
    stage_end(m);
    m->operations = b->n_keyed;
    if (found != b->n_keyed) {
        die("look-up", "keys are missing");
    }
    keyspace_free(ks);
}

/* Those of one stage that are over by now go out. */
static void drop_due(struct keyspace *ks, uint32_t stage, struct etime now)
{
    struct error err = ERROR_INIT;
    struct key_record *rec;
    while (etime_lt(keyspace_next_time(ks, stage), now)) {
        check(keyspace_due(ks, stage, now, &rec, &err), &err);
        keyspace_set_timer(ks, rec->entry, ETIME_MAX);
    }
}

void stage_timers(struct bench *b, struct measured *m)
{
    struct error err = ERROR_INIT;
    struct keyspace *ks = fill(b);
    struct key_entry **entries = xcalloc(b->n_keys + 1u, sizeof(struct key_entry *));
    struct key_record *rec;
    for (uint32_t i = 0; i < b->n_keys; i++) {
        check(keyspace_find(ks, &b->key_of_number[i]->key, &rec, &err), &err);
        entries[i] = rec->entry;
    }
    stage_begin(m);
    for (size_t i = 0; i < b->n_keyed; i++) {
        const struct keyed_event *k = &b->keyed[i];
        const struct rule *rule = &b->rs->rules[k->group->rules[0]];
        drop_due(ks, k->group->stage, k->event->time);
        keyspace_set_timer(ks, entries[k->number], etime_add(k->event->time, rule->window));
    }
    stage_end(m);
    m->operations = b->n_keyed;
    free(entries);
    keyspace_free(ks);
}
