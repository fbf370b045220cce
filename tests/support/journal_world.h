/* A rule set, two topics of one partition each, a state directory and a journal in memory, moved by
 * hand: what a test sends, when it commits, how a life ends. Time stands still unless a test moves
 * `now`. Whatever goes wrong fails the test. */
#ifndef FYKE_TESTS_SUPPORT_JOURNAL_WORLD_H
#define FYKE_TESTS_SUPPORT_JOURNAL_WORLD_H

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "tests/support/hand_rules.h"
#include "tests/support/sim_journal.h"

#define LOGINS 0
#define LOGOUTS 1
#define HOUR_NS (3600 * NS_PER_S)

struct sent {
    uint32_t topic;
    int64_t offset, at_ms;
    char user[16];
};

struct world {
    char dir[64];
    struct hand_rules rules;
    const struct ruleset *rs; /* instead of them; NULL: none. Its topics 0 and 1 are logins and logouts */
    bool empty[2];            /* of each topic: nothing in it when the first life begins */
    struct sim_log log;
    struct engine_options options;
    struct journal *journal;
    struct engine *engine;
    struct sent *sent; /* what the topics hold */
    size_t n_sent, cap_sent, fed;
    int64_t offsets[2];
    int64_t now;
    struct buf said;
    volatile sig_atomic_t stop;
    const char *stop_at; /* a line that holds this stops the run */
    struct buf old_copy;
    struct error err;
};

/* cmocka's: *state is a struct world with rules `pair` (within 40 ms) and `far` (without an end). */
int world_setup(void **state);
int world_teardown(void **state);
void world_check(const struct world *w, enum err rc);

/* ---- lives -------------------------------------------------------------------------------- */

/* Opens journal and engine. */
enum err world_try_life(struct world *w);
/* … and input and output: the state is taken over, and rules that are gone leave it. */
enum err world_try_to_begin(struct world *w);
/* Open, the start pinned, everything that was sent before read again. */
void world_begin_life(struct world *w);
void world_begin_reading(struct world *w, int64_t first_offset);
/* `crash`: what is committed is not written to the directory. */
void world_end_life(struct world *w, bool crash);
/* Opening fails with this error and these words in it. */
void world_refused(struct world *w, enum err want, const char *words);
/* A line of this life holds these words. */
void world_heard(const struct world *w, const char *words);

/* ---- input -------------------------------------------------------------------------------- */

/* Where a restart reads on; -1: nothing is known of the topic. */
int64_t world_position_of(struct world *w, uint32_t topic);
/* Pushes what was sent and not read in this life. */
enum err world_feed(struct world *w);
void world_send(struct world *w, uint32_t topic, const char *user, int64_t at_ms);
/* Events from … to - 1 of 23 users, one a ms, every third a logout. */
void world_send_some(struct world *w, int from, int to);
/* Both topics stand at this time: everything in front of it is decided. */
void world_tick_to(struct world *w, int64_t at_ms);
/* The source says that the topic ends there. */
void world_end_reached(struct world *w, uint32_t topic, int64_t offset);

/* ---- state -------------------------------------------------------------------------------- */

void world_commit(struct world *w);
/* Everything committed is in the database. */
void world_checkpoint(struct world *w);
uint64_t world_checkpoints(struct world *w);
void world_wait_a_little(void);
/* What the directory holds, as text; no life may be open (nor in the next ones). */
void world_dump(struct world *w, struct buf *out);
void world_state_is(struct world *w, const struct buf *want);
void world_copy_is_what_the_changelog_says(struct world *w);
void world_restore_from_changelog(struct world *w);
void world_forget_copy(struct world *w);
int world_open_data(struct world *w, int flags);
void world_keep_copy(struct world *w);
void world_restore_copy(struct world *w);

#endif
