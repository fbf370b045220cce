/* The inside of recover.c, for recover_copy.c. Private to engine/journal/. */
#ifndef FYKE_ENGINE_JOURNAL_RECOVER_PARTS_H
#define FYKE_ENGINE_JOURNAL_RECOVER_PARTS_H

#include "engine/journal/journaled.h"

struct recovery {
    struct engine *e;
    struct journal *journal;
    struct journal_standing standing;
    struct changelog_header gather;
    /* The last header in the log. */
    bool found;
    uint64_t seq; /* K */
    int64_t header_at; /* position of its first part */
    int64_t header_end; /* behind its last one */
    bool behind; /* looking for another one behind it */
    struct buf header;
    struct store_origin origin; /* of the database */
};

static inline uint32_t recovery_task(const struct recovery *r)
{
    return r->e->options.task;
}

/* recover_copy.c. *ret_whole: the database stands at K. r->origin: where to read on; what is of no use
 * is deleted. */
enum err recover_judge_copy(struct recovery *r, bool *ret_whole, struct error *err) FYKE_MUST_USE;
enum err recover_wipe(struct recovery *r, const char *why, struct error *err) FYKE_MUST_USE;

#endif
