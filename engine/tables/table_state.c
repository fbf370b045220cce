/* Lists and lookups from topics in the header of the state: their generation, so that a restart can
 * tell whether the same content is in force again, and how far their topics were read. */
#include "base/say.h"
#include "engine/state/checkpoint.h"

void state_describe_tables(const struct engine *e, struct header *h)
{
    h->tables = ARENA_ARRAY(&h->arena, struct header_table, e->rs->n_tables);
    for (uint32_t i = 0; i < e->rs->n_tables; i++) {
        struct table_standing s = tables_standing(e->tables, i);
        if (!s.from_topic) {
            continue;
        }
        struct header_table *t = &h->tables[h->n_tables++];
        *t = (struct header_table){.name = s.name,
                                   .generation = s.generation,
                                   .offsets = ARENA_ARRAY(&h->arena, struct header_offset, s.n_at),
                                   .n_offsets = s.n_at};
        for (uint32_t k = 0; k < s.n_at; k++) {
            t->offsets[k] = (struct header_offset){s.at[k].partition, s.at[k].offset};
        }
    }
}

/* A topic that ends in front of where it was read is another one, or has lost records. */
static bool went_back(const struct header_table *was, const struct table_standing *now)
{
    for (uint32_t i = 0; i < was->n_offsets; i++) {
        for (uint32_t k = 0; k < now->n_at; k++) {
            if (now->at[k].partition == was->offsets[i].partition &&
                now->at[k].offset < was->offsets[i].offset) {
                return true;
            }
        }
    }
    return false;
}

void state_compare_tables(const struct engine *e)
{
    const struct header *h = e->state == NULL ? NULL : &e->state->before;
    for (uint32_t i = 0; h != NULL && i < h->n_tables; i++) {
        for (uint32_t k = 0; k < e->rs->n_tables; k++) {
            struct table_standing now = tables_standing(e->tables, k);
            if (!now.from_topic || !slice_eq(now.name, h->tables[i].name)) {
                continue;
            }
            if (went_back(&h->tables[i], &now)) {
                engine_say(e, "the topic of `%.*s` ends in front of where it was read before: it was "
                              "made anew or has lost records", SLICE_ARG(now.name));
            }
            if (!hash128_eq(now.generation, h->tables[i].generation)) {
                engine_say(e, SAY_INFO "`%.*s` has changed since the last checkpoint: %u entries now",
                           SLICE_ARG(now.name), now.entries);
            }
        }
    }
}
