/* What waits for deadlines only, at the end of a bounded input. */
#include "engine/keys/measure_view.h"
#include "engine/shard.h"

struct pending_walk {
    struct shard *shard;
    const struct shard_pass *pass;
    struct nfa_scratch *scratch;
};

static enum err pending_of_record(void *ctx, struct key_record *rec, struct error *err)
{
    struct pending_walk *w = ctx;
    (void)err;
    struct nfa_call call = {
        .scratch = w->scratch,
        .key = rec->values,
        .on_match = emitter_match,
        .ctx = &w->shard->emitter,
    };
    struct measure_view view;
    measure_view_init(&view, w->pass->keys, w->shard->given);
    view.rec = rec;
    call.measures = &view.reader;
    for (uint32_t i = 0; i < rec->n_slots; i++) {
        if (rec->slots[i].instance != NULL) {
            call.history_begin = shard_history(w->pass, rec->slots[i].rule);
            instance_pending(rec->slots[i].instance, &call);
        }
    }
    return ERR_OK;
}

enum err shard_pending(struct shard *s, const struct shard_pass *pass,
                       struct nfa_scratch *scratch, struct error *err)
{
    struct pending_walk w = {s, pass, scratch};
    s->emitter.pending = 0;
    s->emitter.cause = (struct cause){0};
    return keyspace_each(s->keyspace, pending_of_record, &w, err);
}
