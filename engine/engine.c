#include "engine/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "engine/engine_parts.h"
#include "engine/journal/rule_text.h"
#include "engine/state/checkpoint.h"

#define MAX_THREADS 256
#define MAX_SHARDS 4096

/* ---- options ------------------------------------------------------------------------------ */

static struct ptime no_time(void *ctx)
{
    (void)ctx;
    return (struct ptime){0};
}

void engine_options_init(struct engine_options *o)
{
    *o = (struct engine_options){
        .app = "fyke",
        .threads = 1,
        .memory_bytes = (size_t)512 << 20,
        .buffer_bytes = (size_t)256 << 20,
        .commit_every = {NS_PER_S},
        .checkpoint_every = {5 * NS_PER_S},
        .max_evidence = 100,
        .nfa = {.max_runs = 1000, .max_matches = 1000},
        .decode = {.max_value_bytes = (size_t)8 << 20, .max_depth = 128},
        .clock = {.now = no_time},
    };
}

static enum err check_options(const struct ruleset *rs, const struct engine_options *o,
                              struct error *err)
{
    if (o->threads < 1 || o->threads > MAX_THREADS) {
        return error_set(err, ERR_USAGE, "number of threads must be 1 to %d, not %u", MAX_THREADS,
                         o->threads);
    }
    if (o->shards > MAX_SHARDS) {
        return error_set(err, ERR_USAGE, "number of shards must be at most %d, not %u", MAX_SHARDS,
                         o->shards);
    }
    if (rs->uses_geoip && o->geoip == NULL) {
        return error_set(err, ERR_USAGE,
                         "the rules ask for places of addresses: name a database with --geoip "
                         "FILE.mmdb");
    }
    if (o->journal != NULL && o->state_dir == NULL) {
        return error_set(err, ERR_USAGE, "exactly once needs a state directory");
    }
    if (o->journal != NULL && o->watermark_end == END_FLUSH) {
        return error_set(err, ERR_USAGE, "a flushed end commits nothing, so it cannot be exactly "
                         "once");
    }
    if (o->max_evidence < 1) {
        return error_set(err, ERR_USAGE, "evidence needs at least one entry per step");
    }
    return ERR_OK;
}

struct ptime engine_now(const struct engine *e)
{
    return e->options.clock.now(e->options.clock.ctx);
}

static void say(const struct engine_options *o, const char *fmt, va_list args)
{
    char line[1024];
    if (o->log != NULL) {
        vsnprintf(line, sizeof(line), fmt, args);
        o->log(o->log_ctx, line);
    }
}

void engine_say_with(const struct engine_options *o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(o, fmt, args);
    va_end(args);
}

void engine_say(const struct engine *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(&e->options, fmt, args);
    va_end(args);
}

/* ---- life --------------------------------------------------------------------------------- */

/* "a, b" → names; blanks around a name do not count. */
static void parse_fields(struct engine *e)
{
    const char *text = e->options.evidence_fields;
    size_t n = 0, cap = 0;
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, ",");
        struct slice name = slice_from(text, len);
        while (name.len > 0 && *name.ptr == ' ') {
            name = slice_from(name.ptr + 1, name.len - 1);
        }
        while (name.len > 0 && name.ptr[name.len - 1] == ' ') {
            name.len--;
        }
        if (slice_eq_str(name, "*")) {
            e->alerts.all_fields = true;
        } else if (name.len > 0) {
            VEC_PUSH(e->evidence_fields, n, cap) = arena_copy(&e->arena, name);
        }
        text += len + (text[len] == ',');
    }
    e->alerts.fields = e->evidence_fields;
    e->alerts.n_fields = (uint32_t)n;
}

static void init_clocks(struct engine *e)
{
    const struct ruleset *rs = e->rs;
    e->clocks = ARENA_ARRAY(&e->arena, struct clock_state, rs->n_clock_groups);
    e->fire_before = ARENA_ARRAY(&e->arena, struct etime, rs->n_clock_groups);
    e->history_begin = ARENA_ARRAY(&e->arena, struct etime, rs->n_clock_groups);
    e->watermark = ARENA_ARRAY(&e->arena, struct etime, rs->n_clock_groups);
    e->in_order = ARENA_ARRAY(&e->arena, bool, rs->n_clock_groups);
    e->feeds = ARENA_ARRAY(&e->arena, struct feed, rs->n_clock_groups);
    e->topic_groups = ARENA_ARRAY(&e->arena, struct topic_groups, rs->n_topics);
    for (uint32_t t = 0; t < rs->n_topics; t++) {
        e->topic_groups[t].groups = ARENA_ARRAY(&e->arena, uint32_t, rs->n_clock_groups);
    }
    for (uint32_t g = 0; g < rs->n_clock_groups; g++) {
        clock_state_init(&e->clocks[g], &rs->clock_groups[g]);
        if (e->options.range != NULL) {
            e->clocks[g].end = e->options.range->before;
        }
        e->fire_before[g] = ETIME_MIN;
        e->history_begin[g] = ETIME_MIN;
        e->watermark[g] = ETIME_MIN;
        for (uint32_t i = 0; i < rs->clock_groups[g].n_topics; i++) {
            struct topic_groups *tg = &e->topic_groups[rs->clock_groups[g].topics[i]];
            tg->groups[tg->n++] = g;
        }
    }
}

static const struct overlay *overlay_of(const struct engine *e, uint32_t shard)
{
    const struct journaled *j = e->state == NULL ? NULL : e->state->journaled;
    return j == NULL ? NULL : j->overlays[shard];
}

static void init_shards(struct engine *e)
{
    e->shards = xcalloc(e->n_shards, sizeof(*e->shards));
    for (uint32_t i = 0; i < e->n_shards; i++) {
        struct keyspace_options o = {
            .rs = e->rs,
            .key_groups = e->keys.groups,
            .n_key_groups = e->keys.n_groups,
            .group_of_unit = e->keys.group_of_unit,
            .measures = e->keys.measures,
            .kin = &e->keys.kin,
            .shard = i,
            .memory_bytes = (e->options.memory_bytes + e->n_shards - 1) / e->n_shards,
            .store = e->state == NULL ? NULL : e->state->store,
            .overlay = overlay_of(e, i),
            .slots = e->state == NULL ? NULL : &e->state->slots,
            .nfa = e->options.nfa,
        };
        shard_init(&e->shards[i], &o, &e->keys, &e->alerts, e->options.pending);
        e->shards[i].given = e->options.given;
        e->shards[i].emitter.store.env = tables_env(e->tables);
    }
    uint32_t threads = e->options.threads < e->n_shards ? e->options.threads : e->n_shards;
    e->workers = workers_new(e->rs, e->options.nfa, threads, tables_env(e->tables));
}

static void init_tables(struct engine *e)
{
    const struct engine_options *o = &e->options;
    const struct tables_options to = {
        .rs = e->rs,
        .given = o->given_tables,
        .feeds = o->table_feeds,
        .n_feeds = o->n_table_feeds,
        .geoip = o->geoip,
        .geoip_identity = o->geoip_identity,
        .watch = o->table_watch,
        .log = o->log,
        .log_ctx = o->log_ctx,
    };
    e->tables = tables_new(&to);
    e->table_summaries = ARENA_ARRAY(&e->arena, struct table_standing, e->rs->n_tables);
    e->key_eval.env = tables_env(e->tables);
    e->alerts.fingerprint = tables_fingerprint(e->tables);
}

void engine_ask_stop(struct engine *e)
{
    e->asked_to_stop = true;
}

bool engine_has_stopped(const struct engine *e)
{
    return e->has_stopped;
}

static void tell_disabled(const struct engine *e)
{
    for (uint32_t i = 0; i < e->rs->n_rules; i++) {
        if (rule_is_disabled(&e->rs->rules[i])) {
            engine_say(e, SAY_INFO "rule %.*s is disabled: it is not evaluated",
                       SLICE_ARG(e->rs->rules[i].name));
        }
    }
}

static void init_lanes(struct engine *e)
{
    e->n_lanes = workers_count(e->workers);
    e->lanes = xcalloc(e->n_lanes, sizeof(*e->lanes));
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        e->lanes[i].decoder = decoder_new(e->rs, e->options.decode);
        decoder_set_env(e->lanes[i].decoder, tables_env(e->tables));
        event_blocks_init(&e->lanes[i].blocks);
    }
}

static void release_shards(struct engine *e)
{
    workers_free(e->workers);
    for (uint32_t i = 0; e->shards != NULL && i < e->n_shards; i++) {
        shard_release(&e->shards[i]);
    }
    free(e->shards);
    e->workers = NULL;
    e->shards = NULL;
}

/* A database that turns out to be damaged while it is read is made anew where a journal has it all. */
static enum err restore_state(struct engine *e, struct error *err)
{
    enum err rc = state_restore(e, err);
    if (rc != ERR_CORRUPT || e->options.journal == NULL) {
        return rc;
    }
    release_shards(e);
    FYKE_TRY(recover_anew(e, err));
    init_shards(e);
    return state_restore(e, err);
}

/* Input and output are open: from here on the rules are in force, and what others had kept is
 * dropped. */
static enum err take_state(struct engine *e, struct error *err)
{
    if (e->state == NULL || e->state->taken_over) {
        return ERR_OK;
    }
    FYKE_TRY(state_drop_dead_rules(e, err));
    FYKE_TRY(restore_state(e, err));
    e->state->taken_over = true;
    return ERR_OK;
}

enum err engine_restore(struct engine *e, struct error *err)
{
    return state_writes_at_start(e) ? ERR_OK : take_state(e, err);
}

void engine_set_journal(struct engine *e, struct journal *j)
{
    e->options.journal = j;
    e->state->journaled->journal = j;
}

static const char *scratch_dir(const struct engine_options *o)
{
    const char *dir = o->scratch_dir != NULL ? o->scratch_dir : o->state_dir;
    return dir != NULL ? dir : "/tmp";
}

/* What is there before the rules are known. */
static struct engine *engine_bare(const struct ruleset *rs, const struct engine_options *o)
{
    struct engine *e = xcalloc(1, sizeof(*e));
    e->rs = rs;
    e->options = *o;
    e->n_shards = o->shards ? o->shards : ENGINE_DEFAULT_SHARDS;
    rule_text_set(e, rs->fingerprint, o->rule_texts);
    key_eval_init(&e->key_eval);
    out_order_init(&e->out);
    e->out.live = true;
    slices_init(&e->slices, o->slice);
    spill_init(&e->spill, scratch_dir(o));
    return e;
}

static void take_rules(struct engine *e)
{
    const struct ruleset *rs = e->rs;
    e->alerts = (struct alert_options){
        .rs = rs, .max_evidence = e->options.max_evidence, .shadow = e->options.shadow};
    parse_fields(e);
    e->alerts.show_derived = e->options.show_derived;
    e->alerts.emit_only = e->options.emit_only;
    e->rule_alerts = ARENA_ARRAY(&e->arena, uint64_t, rs->n_rules);
    e->rule_shadow = ARENA_ARRAY(&e->arena, uint64_t, rs->n_rules);
    e->drained = ARENA_ARRAY(&e->arena, bool, rs->n_draining + 1);
    engine_begin_counters(e);
    if (e->options.nfa.apart || e->options.nfa.general || e->options.nfa.watch != NULL) {
        key_table_init(&e->keys, rs);
    } else {
        key_table_init_shared(&e->keys, rs);
    }
    tell_disabled(e);
    init_clocks(e);
    init_tables(e);
    wanted_init(&e->wanted, &e->keys, &e->arena);
    const struct engine_options *o = &e->options;
    e->shows_all = o->keyed != NULL || o->nfa.watch != NULL;
    e->reads_once = o->state_dir == NULL && o->refused == NULL && !e->shows_all;
    e->plain_intake = o->state_dir == NULL && o->refused == NULL && o->observe == NULL && o->range == NULL &&
                      !o->in_group;
}

static enum err open_all(struct engine *e, struct error *err)
{
    bool stored = e->options.state_dir != NULL;
    if (stored) {
        FYKE_TRY(state_open_bare(e, err));
        FYKE_TRY(state_take_rules(e, err));
    }
    FYKE_TRY(check_options(e->rs, &e->options, err));
    take_rules(e);
    if (stored) {
        FYKE_TRY(state_fit(e, err));
    }
    init_shards(e);
    init_lanes(e);
    e->more = stored; /* deadlines that were due when the state was written */
    return ERR_OK;
}

static enum err make(const struct ruleset *rs, const struct engine_options *o, struct engine **ret,
                     struct error *err)
{
    *ret = NULL;
    FYKE_TRY(check_options(rs, o, err));
    struct engine *e = engine_bare(rs, o);
    enum err rc = open_all(e, err);
    e->options.kept = NULL;
    if (rc != ERR_OK) {
        engine_free(e);
        return rc;
    }
    *ret = e;
    return ERR_OK;
}

enum err engine_new(const struct ruleset *rs, const struct engine_options *o, struct engine **ret,
                    struct error *err)
{
    enum err rc = make(rs, o, ret, err);
    engine_kept_free(o->kept);
    return rc;
}

static void release(struct engine *e, bool abandon)
{
    if (e == NULL) {
        return;
    }
    release_shards(e);
    state_close(e, abandon);
    for (uint32_t g = 0; e->clocks != NULL && g < e->rs->n_clock_groups; g++) {
        clock_state_release(&e->clocks[g]);
        feed_release(&e->feeds[g]);
    }
    for (size_t i = 0; i < e->n_partitions; i++) {
        partition_release(e->partitions[i]);
        free(e->partitions[i]);
    }
    out_order_release(&e->out);
    slices_release(&e->slices);
    spill_release(&e->spill);
    key_eval_release(&e->key_eval);
    tables_free(e->tables);
    key_table_release(&e->keys);
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        event_blocks_release(&e->lanes[i].blocks);
        decoder_free(e->lanes[i].decoder);
    }
    free(e->lanes);
    free(e->decoded);
    free(e->partitions);
    free(e->partition_summaries);
    free(e->positions);
    free(e->evidence_fields);
    free(e->held);
    engine_carried_free(e->at_commit);
    arena_release(&e->arena);
    free(e);
}

void engine_free(struct engine *e)
{
    release(e, false);
}

void engine_abandon(struct engine *e)
{
    release(e, true);
}

/* ---- partitions --------------------------------------------------------------------------- */

struct partition *engine_find_partition(struct engine *e, uint32_t topic, int32_t partition)
{
    if (engine_used_last(e, topic, partition)) {
        return e->last_used;
    }
    for (size_t i = 0; i < e->n_partitions; i++) {
        struct partition *p = e->partitions[i];
        if (p->topic->index == topic && p->id == partition) {
            e->last_used = p;
            return p;
        }
    }
    return NULL;
}

struct partition *engine_open_partition(struct engine *e, const struct source_partition *sp)
{
    struct partition *p = xcalloc(1, sizeof(*p));
    partition_init(p, &e->rs->topics[sp->topic], sp);
    VEC_PUSH(e->partitions, e->n_partitions, e->cap_partitions) = p;
    e->partition_summaries = xrealloc(e->partition_summaries,
                                      e->n_partitions * sizeof(*e->partition_summaries));
    const struct topic_groups *tg = &e->topic_groups[sp->topic];
    for (uint32_t i = 0; i < tg->n; i++) {
        clock_state_add(&e->clocks[tg->groups[i]], p);
    }
    e->last_used = p;
    engine_begin_partition_counters(e, p);
    if (e->state != NULL) {
        state_restore_partition(e, p);
    }
    return p;
}

uint32_t engine_positions(struct engine *e, const struct partition_position **ret)
{
    uint32_t n = 0;
    e->positions = xrealloc(e->positions, (e->n_partitions + 1) * sizeof(*e->positions));
    for (size_t i = 0; i < e->n_partitions; i++) {
        const struct partition *p = e->partitions[i];
        if (p->restored >= 0) {
            e->positions[n++] = (struct partition_position){
                p->topic->index, p->id, p->replay_until > 0 ? p->replay_next : p->next_offset,
                p->next_offset, p->last};
        }
    }
    *ret = e->positions;
    return n;
}

enum err engine_begin(struct engine *e, const struct source_partition *parts, uint32_t n,
                      struct sink *sink, struct error *err)
{
    e->sink = sink;
    e->last_commit = engine_now(e);
    FYKE_TRY(take_state(e, err));
    for (uint32_t i = 0; i < n; i++) {
        if (parts[i].topic >= e->rs->n_topics) {
            return error_set(err, ERR_USAGE, "the source has a topic that the rules do not name");
        }
        if (engine_find_partition(e, parts[i].topic, parts[i].partition) == NULL) {
            engine_open_partition(e, &parts[i]);
        }
    }
    return ERR_OK;
}

/* Where a partition without a position starts is known now; that is its position until its first
 * record comes. */
void engine_note_first_offsets(struct engine *e, const struct source_partition *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct partition *p = engine_find_partition(e, parts[i].topic, parts[i].partition);
        if (p != NULL && p->restored < 0) {
            p->next_offset = parts[i].first_offset;
        }
    }
}

enum err engine_load_tables(struct engine *e, struct error *err)
{
    FYKE_TRY(tables_load(e->tables, engine_now(e), e->stop, err));
    e->alerts.fingerprint = tables_fingerprint(e->tables);
    state_compare_tables(e);
    return ERR_OK;
}
