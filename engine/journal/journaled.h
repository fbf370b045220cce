/* State with a journal (journal.h): commits go there, the database follows.
 *
 *   journaled.c    a commit in two steps: entries and header go out; when the transaction that carries
 *                  them and the positions is through, the overlay takes them; checkpoints
 *   recover.c      opening: the database as far as it is of use, then the rest of the log
 *
 * Thread rule: the input thread's, between two barriers. */
#ifndef FYKE_ENGINE_JOURNAL_JOURNALED_H
#define FYKE_ENGINE_JOURNAL_JOURNALED_H

#include "engine/engine_parts.h"
#include "engine/journal/changelog.h"
#include "engine/journal/checkpointer.h"
#include "engine/journal/journal.h"
#include "engine/journal/overlay.h"
#include "engine/state/header.h"

/* A checkpoint that is wanted before it is due. */
enum checkpoint_hurry { HURRY_NOT, HURRY_WANTED, HURRY_WRITING };

struct journaled {
    struct journal *journal;
    uint32_t task;
    struct overlay **overlays; /* per shard, then the pages */
    uint32_t n_dbs;
    struct checkpointer *checkpointer;
    struct buf identity; /* owned: of the log */
    struct buf sent;     /* the header that went out, until its transaction is through */
    struct buf rules_sent;        /* texts of the rules with it; empty: none */
    struct hash128 rules_sent_id; /* rule_text_id() */
    struct partition_position *positions; /* with it */
    /* As of the last commit; what the next checkpoint writes beside the overlay. */
    struct buf header;
    struct store_origin origin;
    struct buf rules;            /* texts; empty: the database has them */
    struct hash128 logged_rules; /* texts that the changelog holds (rule_text_id); zero: none */
    struct buf rules_written;    /* of the checkpoint that is being written; empty: not with it */
    bool mark_due;             /* the next commit leaves a mark (store_origin.h): one per checkpoint */
    bool ahead;                /* there were commits since a checkpoint was begun */
    struct buf header_written; /* of the checkpoint that is being written */
    struct ptime last_checkpoint;
    enum checkpoint_hurry hurry;
    bool said_blocked;
    bool begins_log; /* an imported state: its records are not in the log yet */
    bool failed; /* the database cannot be written any more */
};

/* Opens journal and database and brings the database to the last commit; e->state->before and
 * ->found as after an ordinary open. */
enum err recover_open(struct engine *e, struct error *err) FYKE_MUST_USE;
/* The database turned out to be damaged: the same from the log alone. No readers may be left. */
enum err recover_anew(struct engine *e, struct error *err) FYKE_MUST_USE;
/* The same with what the engine before left behind, which is the last commit. */
struct engine_kept;
void recover_kept(struct engine *e, const struct engine_kept *k);
/* When the number of shards is known. Nothing is appended before. */
void journaled_begin(struct engine *e);
/* What stands in no overlay yet, to the open transaction; `db`: which database it is of. */
enum err journaled_append(struct journaled *j, uint32_t db, const struct frozen *f,
                          struct error *err) FYKE_MUST_USE;
/* The header; *ret, with B of every partition in `h`, is for journaled_commit() and valid until the next
 * header. */
enum err journaled_send_header(struct engine *e, const struct header *h, struct journal_task *ret,
                               struct error *err) FYKE_MUST_USE;
/* Everything in `frozen` (per database), then the header. */
enum err journaled_send(struct engine *e, const struct frozen *frozen, const struct header *h,
                        struct journal_task *ret, struct error *err) FYKE_MUST_USE;
/* What the tasks have sent, as one. */
enum err journaled_commit(struct journal *j, struct fault *fault, struct journal_task *tasks,
                          uint32_t n, struct error *err) FYKE_MUST_USE;
/* It is committed: the header … */
void journaled_take_header(struct engine *e, const struct journal_task *done);
/* … and the records (taken over). */
void journaled_take(struct engine *e, struct frozen *frozen, const struct journal_task *done);
/* Once per turn of the input loop: takes note of checkpoints that are through, begins them. */
enum err journaled_tick(struct engine *e, struct error *err) FYKE_MUST_USE;
/* After a commit: waits while the overlay takes more than half of the budget. */
enum err journaled_settle(struct engine *e, struct error *err) FYKE_MUST_USE;
/* Writes what is committed and not in the database yet. False: it could not be written. Otherwise e->state has
 * no journal any more, and *k knows which commit it is. */
bool journaled_keep(struct engine *e, struct engine_kept *k);
/* Writes what is committed and not in the database yet, unless `abandon`. */
void journaled_close(struct engine *e, bool abandon);

#endif
