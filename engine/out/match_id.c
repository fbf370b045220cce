#include "engine/out/match_id.h"

#include <string.h>

#include "base/buf.h"
#include "engine/out/alert_memo.h"

const char *match_kind_name(enum match_kind kind)
{
    switch (kind) {
    case MATCH_MATCH:
        return "match";
    case MATCH_TIMEOUT:
        return "timeout";
    case MATCH_QUIET_ENDED:
        return "quiet_ended";
    case MATCH_CAPPED:
        return "capped";
    case MATCH_PENDING:
        return "pending";
    case MATCH_OPEN:
        return "open";
    }
    return "match";
}

static void put_u64(struct buf *out, uint64_t v)
{
    buf_put_varint(out, sizeof(v));
    buf_put_u64be(out, v);
}

static void put_key(struct buf *out, const struct match *m)
{
    size_t begin = out->len;
    for (uint32_t i = 0; i < m->rule->n_key; i++) {
        value_encode(m->key[i], out);
    }
    /* a blob: how long it is stands in front */
    size_t len = out->len - begin;
    buf_put_varint(out, len);
    size_t head = out->len - begin - len;
    char length[16];
    memcpy(length, out->ptr + begin + len, head);
    memmove(out->ptr + begin + head, out->ptr + begin, len);
    memcpy(out->ptr + begin, length, head);
}

static void put_evidence(struct buf *out, const struct ruleset *rs, const struct match *m,
                         const struct match_evidence *ev)
{
    const struct event *e = ev->event;
    buf_put_blob(out, m->rule->tests[ev->test].label);
    if (event_is_derived(e)) {
        uint32_t n_fields = rs->decls[e->decl].n_fields;
        buf_put_blob(out, event_origin(e, n_fields, EVENT_ORIGIN_RULE));
        buf_put_blob(out, event_origin(e, n_fields, EVENT_ORIGIN_MATCH));
        put_u64(out, (uint64_t)e->at.offset);
        buf_put_blob(out, rs->decls[e->decl].name);
        return;
    }
    buf_put_blob(out, e->at.topic < rs->n_topics ? rs->topics[e->at.topic].name : SLICE_LIT(""));
    put_u64(out, (uint64_t)(int64_t)e->at.partition);
    put_u64(out, (uint64_t)e->at.offset);
    buf_put_blob(out, rs->decls[e->decl].name);
}

static void put_evidence_once(struct buf *out, const struct ruleset *rs, const struct match *m,
                              struct alert_memo *memo)
{
    size_t begin = out->len;
    if (memo != NULL && memo->id.len > 0) {
        buf_put_slice(out, buf_slice(&memo->id));
        return;
    }
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        put_evidence(out, rs, m, &m->evidence[i]);
    }
    if (memo != NULL) {
        buf_put(&memo->id, out->ptr + begin, out->len - begin);
    }
}

struct hash128 match_id(const struct ruleset *rs, const struct match *m)
{
    return match_id_again(rs, m, NULL);
}

struct hash128 match_id_again(const struct ruleset *rs, const struct match *m,
                              struct alert_memo *memo)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    buf_reserve(&bytes, 1024);
    buf_put_blob(&bytes, m->rule->name);
    put_u64(&bytes, m->rule->plan);
    put_key(&bytes, m);
    buf_put_blob(&bytes, slice_of(match_kind_name(m->kind)));
    put_u64(&bytes, m->n_evidence);
    put_evidence_once(&bytes, rs, m, memo);
    if (m->by_deadline || m->n_evidence == 0) {
        put_u64(&bytes, (uint64_t)m->detected_at.ns);
    }
    return hash128(buf_slice(&bytes));
}
