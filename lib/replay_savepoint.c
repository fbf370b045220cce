#include "lib/replay_savepoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "lib/state_file.h"

/* ---- opening and closing -------------------------------------------------------------------- */

static enum err make_dir(struct replay_savepoint *s, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    const char *tmp = getenv("TMPDIR");
    buf_printf(&name, "%s/fyke-replay-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    s->dir = xstrdup(buf_cstr(&name));
    if (!mkdtemp(s->dir)) {
        enum err rc = error_set(err, ERR_IO, "cannot make %s: %s", s->dir, strerror(errno));
        free(s->dir);
        s->dir = NULL;
        return rc;
    }
    return ERR_OK;
}

static void remove_dir(const char *dir)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, e->d_name);
        unlink(buf_cstr(&path)); /* a database and its neighbours: no folders but "." and ".." */
    }
    if (d) {
        closedir(d);
    }
    rmdir(dir);
}

static enum err read_header(struct replay_savepoint *s, struct error *err)
{
    struct state_file state;
    FYKE_TRY(state_file_open(s->dir, &state, err));
    s->header = state.header; /* the header moves here */
    s->has_header = true;
    state.header = (struct header){0};
    state_file_close(&state);
    return ERR_OK;
}

/* The engine would refuse the same, and name a directory that nobody has asked for. */
static enum err check_fits(const struct replay_savepoint *s, const struct ruleset *rs,
                           struct error *err)
{
    const struct header *h = &s->header;
    if (h->mode == STATE_GROUP) {
        return error_set(err, ERR_USAGE, "%s is the state of one task of several instances: it cannot be "
                         "replayed from alone", s->path);
    }
    for (uint32_t i = 0; i < h->n_topics && i < rs->n_topics; i++) {
        if (!slice_eq(h->topics[i].name, rs->topics[i].name)) {
            return error_set(err, ERR_USAGE, "%s does not fit: its topic %u is \"%.*s\", in these rules it "
                             "is \"%.*s\"; declare topics in the order they had, new ones last", s->path,
                             i + 1, SLICE_ARG(h->topics[i].name), SLICE_ARG(rs->topics[i].name));
        }
    }
    return ERR_OK;
}

enum err replay_savepoint_open(struct replay_savepoint *s, const char *path, const char *app,
                               const struct ruleset *rs, struct error *err)
{
    s->path = path;
    FYKE_TRY(make_dir(s, err));
    FYKE_TRY(state_file_import(path, s->dir, app, err));
    FYKE_TRY(read_header(s, err));
    return check_fits(s, rs, err);
}

void replay_savepoint_close(struct replay_savepoint *s)
{
    if (s->dir) {
        remove_dir(s->dir);
    }
    free(s->dir);
    if (s->has_header) {
        header_release(&s->header);
    }
    *s = (struct replay_savepoint){0};
}

/* ---- positions ------------------------------------------------------------------------------ */

const struct header_partition *replay_savepoint_position(const struct replay_savepoint *s,
                                                         const struct ruleset *rs, uint32_t topic,
                                                         int32_t partition)
{
    for (uint32_t i = 0; i < s->header.n_partitions; i++) {
        const struct header_partition *p = &s->header.partitions[i];
        if (p->partition == partition && p->topic < s->header.n_topics &&
            slice_eq(s->header.topics[p->topic].name, rs->topics[topic].name)) {
            return p;
        }
    }
    return NULL;
}

enum err replay_savepoint_ranges(const struct replay_savepoint *s, const struct ruleset *rs,
                                 struct kafka_range *ranges, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct kafka_range *r = &ranges[i];
        const struct header_partition *p = replay_savepoint_position(s, rs, r->topic, r->partition);
        if (!p) {
            continue;
        }
        if (p->next_offset > r->end) {
            return error_set(err, ERR_KAFKA, "%s stands at offset %lld of %.*s[%d], which ends at %lld: the "
                             "topic was made anew, or this is another one", s->path,
                             (long long)p->next_offset, SLICE_ARG(rs->topics[r->topic].name),
                             (int)r->partition, (long long)r->end);
        }
        if (p->restart < r->low) {
            return error_set(err, ERR_KAFKA, "%s goes on from offset %lld of %.*s[%d], the topic holds %lld to "
                             "%lld: %lld of its offsets were removed by retention", s->path,
                             (long long)p->restart, SLICE_ARG(rs->topics[r->topic].name),
                             (int)r->partition, (long long)r->low, (long long)r->end,
                             (long long)(r->low - p->restart));
        }
        r->first = p->restart;
    }
    return ERR_OK;
}

/* ---- what the result says ------------------------------------------------------------------- */

static bool knows_rule(const struct header *h, const struct rule *rule)
{
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (slice_eq(h->slots[i].rule, rule->name) && h->slots[i].plan == rule->plan) {
            return true;
        }
    }
    return false;
}

static bool same_topics(const struct replay_savepoint *s, const struct ruleset *rs,
                        const struct header_clock *c, const struct clock_group *g)
{
    bool same = c->n_topics == g->n_topics && c->waits == g->waits;
    for (uint32_t i = 0; same && i < c->n_topics; i++) {
        same = c->topics[i] < s->header.n_topics &&
               slice_eq(s->header.topics[c->topics[i]].name, rs->topics[g->topics[i]].name);
    }
    return same;
}

static struct etime decided_of(const struct replay_savepoint *s, const struct ruleset *rs,
                               uint32_t rule)
{
    const struct clock_group *g = &rs->clock_groups[rs->clock_group_of_rule[rule]];
    for (uint32_t i = 0; i < s->header.n_clocks; i++) {
        const struct header_clock *c = &s->header.clocks[i];
        if (same_topics(s, rs, c, g)) {
            return etime_lt(c->watermark, c->limit.time) ? c->limit.time : c->watermark;
        }
    }
    return ETIME_MIN;
}

void replay_savepoint_tell(const struct replay_savepoint *s, struct replay_result *r)
{
    r->has_savepoint = true;
    r->savepoint_commit = s->header.seq;
    for (uint32_t i = 0; i < r->n_rules; i++) {
        const struct rule *rule = &r->rs->rules[i];
        r->rules[i].decided_before = ETIME_MIN;
        if (!rule_is_disabled(rule)) {
            r->rules[i].begins_anew = !knows_rule(&s->header, rule);
            r->rules[i].decided_before = decided_of(s, r->rs, i);
        }
    }
}
