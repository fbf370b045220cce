/* A keyspace over an LMDB database in a directory of its own. Every so many events what has changed is frozen and
 * written; either is measured alone. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "bench/stages/stages.h"

#define CHECKPOINT_EVERY 20000

struct checkpointed {
    const struct bench *b;
    char dir[PATH_MAX];
    struct store *store;
    struct state_slots slots;
    struct keyspace *ks;
    struct nfa_scratch *scratch;
    struct error err;
    uint64_t changed; /* keys, once per checkpoint */
};

static void hear_nothing(void *ctx, const struct match *match)
{
    (void)ctx;
    (void)match;
}

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s;
    (void)kind;
    (void)at;
    return remove(path);
}

static void number_slots(struct checkpointed *c)
{
    uint32_t n = c->b->rs->n_units + c->b->keys.n_measures;
    c->slots = (struct state_slots){xcalloc(n + 1u, sizeof(uint32_t)),
                                    xcalloc(n + 1u, sizeof(uint32_t)), n};
    for (uint32_t i = 0; i < n; i++) {
        c->slots.of_rule[i] = c->slots.rule_of[i] = i;
    }
}

static void open_all(struct checkpointed *c, const struct bench *b)
{
    *c = (struct checkpointed){.b = b, .err = ERROR_INIT};
    const char *tmp = getenv("TMPDIR");
    snprintf(c->dir, sizeof(c->dir), "%s/fyke-stages-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(c->dir)) {
        die(c->dir, strerror(errno));
    }
    const struct store_options to = {.dir = c->dir, .max_shards = 1};
    check(store_open(&to, &c->store, &c->err), &c->err);
    check(store_open_shards(c->store, 1, &c->err), &c->err);
    number_slots(c);
    struct keyspace_options o = bench_keyspace_options(b);
    o.store = c->store;
    o.slots = &c->slots;
    c->ks = keyspace_new(&o);
    c->scratch = nfa_scratch_new(b->rs, b->limits);
}

static void close_all(struct checkpointed *c)
{
    keyspace_free(c->ks);
    nfa_scratch_free(c->scratch);
    store_close(c->store);
    free(c->slots.of_rule);
    free(c->slots.rule_of);
    if (nftw(c->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        die(c->dir, "cannot be removed");
    }
}

static void take_event(struct checkpointed *c, const struct keyed_event *k)
{
    struct nfa_call call = {.scratch = c->scratch, .on_match = hear_nothing,
                            .key = k->key.values, .history_begin = ETIME_MIN};
    struct key_record *rec;
    bool changed = false;
    check(keyspace_get(c->ks, &k->key, &rec, &c->err), &c->err);
    bool was_dirty = rec->dirty && rec->n_slots > 0; /* a new one is, though nothing is kept yet */
    for (uint32_t i = 0; i < k->variant->n_uses; i++) {
        const struct rule *rule = &c->b->rs->rules[k->variant->uses[i].rule];
        uint64_t roles = k->variant->uses[i].roles & rule_roles_of(rule, k->event, c->scratch);
        if (roles == 0 || rule->n_profiles != 0) {
            continue;
        }
        struct instance *in = keyspace_change(rec, rule->index);
        in = in != NULL ? in : keyspace_add_instance(c->ks, rec, rule->index);
        changed |= instance_event(in, k->event, roles, &call);
    }
    bool stays = keyspace_touch(c->ks, rec, place_of(k->event), changed);
    c->changed += stays && rec->dirty && !was_dirty;
}

static enum err put(struct store_txn *t, const struct frozen *f, struct error *err)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct frozen_op *op = &f->ops[i];
        FYKE_TRY(op->del ? store_del(t, 0, &op->key, err)
                         : store_put(t, 0, &op->key, slice_from(f->bytes.ptr + op->at, op->len), err));
    }
    return ERR_OK;
}

static void write_frozen(struct checkpointed *c, const struct frozen *f)
{
    struct store_txn *t;
    keyspace_release_version(c->ks);
    check(store_begin(c->store, &t, &c->err), &c->err);
    check(put(t, f, &c->err), &c->err);
    check(store_commit(t, &c->err), &c->err);
    keyspace_written(c->ks);
}

static void checkpoint(struct checkpointed *c, struct measured *freezing, struct measured *writing)
{
    struct frozen f = {0};
    stage_begin(freezing);
    keyspace_freeze(c->ks, &f);
    stage_end(freezing);
    stage_begin(writing);
    write_frozen(c, &f);
    stage_end(writing);
    frozen_release(&f);
}

static void run(struct bench *b, struct measured *freezing, struct measured *writing)
{
    struct checkpointed c;
    open_all(&c, b);
    for (size_t i = 0; i < b->n_keyed; i++) {
        take_event(&c, &b->keyed[i]);
        if (i % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1) {
            checkpoint(&c, freezing, writing);
        }
    }
    checkpoint(&c, freezing, writing);
    if (freezing != NULL) {
        freezing->operations = c.changed;
    }
    if (writing != NULL) {
        writing->operations = c.changed;
    }
    close_all(&c);
}

void stage_freeze(struct bench *b, struct measured *m)
{
    run(b, m, NULL);
}

void stage_write(struct bench *b, struct measured *m)
{
    run(b, NULL, m);
}
