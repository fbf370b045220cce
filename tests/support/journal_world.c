#include "tests/support/journal_world.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "tests/support/state_dump.h"

static void hear(void *ctx, const char *line)
{
    struct world *w = ctx;
    buf_puts(&w->said, line);
    buf_puts(&w->said, "\n");
    if (w->stop_at != NULL && strstr(line, w->stop_at) != NULL) {
        w->stop = 1;
    }
}

static struct ptime now(void *ctx)
{
    const struct world *w = ctx;
    return (struct ptime){w->now};
}

static void open_ended(struct rule *r, struct hand_rules *h)
{
    r->window = DURATION_INFINITE;
    rule_finish(r, &h->rs.arena);
}

/* `far` keeps what it saw for ever, without a timer; of its own key group. */
static void add_rules(struct hand_rules *h)
{
    hand_begin(h, 0);
    hand_pair(h, "pair", 40)->plan = 1;
    struct rule *far = hand_rule(h, "far", 2, 2);
    far->plan = 2;
    hand_test(far, 0, TEST_STEP, 0, 0, "a");
    hand_test(far, 1, TEST_STEP, 0, 1, "b");
    hand_sequence(h, far, 2, NO_TEST, 0);
    open_ended(far, h);
}

int world_setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    state_dir_make(w->dir);
    add_rules(&w->rules);
    sim_log_init(&w->log);
    engine_options_init(&w->options);
    w->options.state_dir = w->dir;
    w->options.state_map_bytes = (size_t)64 << 20;
    w->options.shards = 1;
    w->options.log = hear;
    w->options.log_ctx = w;
    w->options.clock = (struct engine_clock){.now = now, .ctx = w};
    *state = w;
    return 0;
}

/* ---- lives -------------------------------------------------------------------------------- */

void world_end_life(struct world *w, bool crash)
{
    if (w->engine != NULL) {
        (crash ? engine_abandon : engine_free)(w->engine);
        w->engine = NULL;
    }
    if (w->journal != NULL) {
        w->journal->ops->close(w->journal);
        w->journal = NULL;
    }
}

int world_teardown(void **state)
{
    struct world *w = *state;
    world_end_life(w, true);
    hand_end(&w->rules);
    sim_log_release(&w->log);
    buf_release(&w->said);
    buf_release(&w->old_copy);
    free(w->sent);
    state_dir_remove(w->dir);
    free(w);
    return 0;
}

void world_check(const struct world *w, enum err rc)
{
    if (rc != ERR_OK) {
        fail_msg("%s: %s", err_name(rc), w->err.text);
    }
}

enum err world_try_life(struct world *w)
{
    buf_clear(&w->said);
    w->log.now = w->now;
    w->journal = sim_journal_new(&w->log);
    w->options.journal = w->journal;
    const struct ruleset *rs = w->rs != NULL ? w->rs : &w->rules.rs;
    return engine_new(rs, &w->options, &w->engine, &w->err);
}

int64_t world_position_of(struct world *w, uint32_t topic)
{
    const struct partition_position *pos;
    uint32_t n = engine_positions(w->engine, &pos);
    for (uint32_t i = 0; i < n; i++) {
        if (pos[i].topic == topic) {
            return pos[i].offset;
        }
    }
    return -1;
}

void world_begin_reading(struct world *w, int64_t first_offset)
{
    struct source_partition parts[] = {
        {.topic = LOGINS, .first_offset = first_offset, .empty = w->empty[LOGINS]},
        {.topic = LOGOUTS, .first_offset = first_offset, .empty = w->empty[LOGOUTS]}};
    world_check(w, engine_begin(w->engine, parts, 2, sim_journal_sink(w->journal), &w->err));
}

/* With input and output open the state is taken over, and rules that are gone leave it. */
enum err world_try_to_begin(struct world *w)
{
    struct source_partition parts[] = {{.topic = LOGINS}, {.topic = LOGOUTS}};
    FYKE_TRY(world_try_life(w));
    return engine_begin(w->engine, parts, 2, sim_journal_sink(w->journal), &w->err);
}

enum err world_feed(struct world *w)
{
    for (; w->fed < w->n_sent; w->fed++) {
        const struct sent *s = &w->sent[w->fed];
        char payload[96];
        if (s->offset < world_position_of(w, s->topic)) {
            continue;
        }
        snprintf(payload, sizeof(payload), "{\"user\":\"%s\",\"at\":%" PRId64 "}", s->user,
                 s->at_ms);
        struct record r = {.topic = s->topic,
                           .offset = s->offset,
                           .has_value = true,
                           .value = slice_of(payload)};
        FYKE_TRY(engine_push(w->engine, &r, &w->err));
    }
    return ERR_OK;
}

/* Open, the start pinned, everything that was sent before read again. */
void world_begin_life(struct world *w)
{
    world_check(w, world_try_life(w));
    world_begin_reading(w, 0);
    if (world_position_of(w, LOGINS) < 0) {
        world_check(w, engine_commit(w->engine, &w->err));
    }
    w->fed = 0;
    world_check(w, world_feed(w));
}

void world_send(struct world *w, uint32_t topic, const char *user, int64_t at_ms)
{
    struct sent s = {.topic = topic, .offset = w->offsets[topic]++, .at_ms = at_ms};
    snprintf(s.user, sizeof(s.user), "%s", user);
    VEC_PUSH(w->sent, w->n_sent, w->cap_sent) = s;
    world_check(w, world_feed(w));
}

/* Both topics stand at this time: everything in front of it is decided. */
void world_tick_to(struct world *w, int64_t at_ms)
{
    world_send(w, LOGINS, "clock", at_ms);
    world_send(w, LOGOUTS, "clock", at_ms);
}

void world_commit(struct world *w)
{
    w->log.now = w->now;
    world_check(w, engine_commit(w->engine, &w->err));
}

void world_wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

uint64_t world_checkpoints(struct world *w)
{
    struct engine_summary s;
    engine_summary(w->engine, &s);
    return s.checkpoints;
}

/* Everything committed is in the database. */
void world_checkpoint(struct world *w)
{
    uint64_t before = world_checkpoints(w);
    w->now += w->options.checkpoint_every.ns;
    world_commit(w);
    while (world_checkpoints(w) == before) {
        world_wait_a_little();
        world_commit(w);
    }
}

void world_dump(struct world *w, struct buf *out)
{
    state_dump(w->dir, out, NULL);
}

void world_forget_copy(struct world *w)
{
    state_dir_remove(w->dir);
    assert_int_equal(mkdir(w->dir, 0700), 0);
}

void world_restore_from_changelog(struct world *w)
{
    world_forget_copy(w);
    world_check(w, world_try_life(w));
    world_end_life(w, false);
}

void world_state_is(struct world *w, const struct buf *want)
{
    struct buf got = BUF_INIT;
    world_dump(w, &got);
    assert_true(slice_eq(buf_slice(want), buf_slice(&got)));
    buf_release(&got);
}

void world_copy_is_what_the_changelog_says(struct world *w)
{
    struct buf copy = BUF_INIT;
    world_dump(w, &copy);
    world_restore_from_changelog(w);
    world_state_is(w, &copy);
    buf_release(&copy);
}

void world_heard(const struct world *w, const char *words)
{
    struct buf said = w->said;
    if (said.len == 0 || strstr(buf_cstr(&said), words) == NULL) {
        fail_msg("no \"%s\" in: %.*s", words, (int)said.len, said.len ? said.ptr : "");
    }
}

void world_refused(struct world *w, enum err want, const char *words)
{
    enum err rc = world_try_life(w);
    world_end_life(w, true);
    assert_int_equal(rc, want);
    if (strstr(w->err.text, words) == NULL) {
        fail_msg("no \"%s\" in: %s", words, w->err.text);
    }
}

void world_send_some(struct world *w, int from, int to)
{
    char user[16];
    for (int i = from; i < to; i++) {
        snprintf(user, sizeof(user), "u%d", i % 23);
        world_send(w, i % 3 == 0 ? LOGOUTS : LOGINS, user, i);
    }
}

void world_end_reached(struct world *w, uint32_t topic, int64_t offset)
{
    const struct partition_position at = {topic, 0, offset, 0, {0}};
    idle_note_end(w->engine, &at);
}

/* ---- files -------------------------------------------------------------------------------- */

int world_open_data(struct world *w, int flags)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/data.mdb", w->dir);
    return open(path, flags | O_CLOEXEC, 0600);
}

void world_keep_copy(struct world *w)
{
    char chunk[65536];
    int fd = world_open_data(w, O_RDONLY);
    buf_clear(&w->old_copy);
    for (ssize_t n = read(fd, chunk, sizeof(chunk)); n > 0; n = read(fd, chunk, sizeof(chunk))) {
        buf_put(&w->old_copy, chunk, (size_t)n);
    }
    close(fd);
}

void world_restore_copy(struct world *w)
{
    world_forget_copy(w);
    int fd = world_open_data(w, O_WRONLY | O_CREAT);
    assert_int_equal(write(fd, w->old_copy.ptr, w->old_copy.len), (ssize_t)w->old_copy.len);
    close(fd);
}
