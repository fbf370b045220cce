#include "engine/out/match_id.h"

#include "base/buf.h"

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

static void put_u64(struct hasher *h, uint64_t v)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
    }
    hasher_put_part(h, slice_from((const char *)bytes, sizeof(bytes)));
}

static void put_key(struct hasher *h, const struct match *m)
{
    struct buf key = BUF_INIT;
    for (uint32_t i = 0; i < m->rule->n_key; i++) {
        value_encode(m->key[i], &key);
    }
    hasher_put_part(h, buf_slice(&key));
    buf_release(&key);
}

static void put_evidence(struct hasher *h, const struct ruleset *rs, const struct match *m,
                         const struct match_evidence *ev)
{
    const struct event *e = ev->event;
    hasher_put_part(h, m->rule->tests[ev->test].label);
    if (event_is_derived(e)) {
        uint32_t n_fields = rs->decls[e->decl].n_fields;
        hasher_put_part(h, event_origin(e, n_fields, EVENT_ORIGIN_RULE));
        hasher_put_part(h, event_origin(e, n_fields, EVENT_ORIGIN_MATCH));
        put_u64(h, (uint64_t)e->at.offset);
        hasher_put_part(h, rs->decls[e->decl].name);
        return;
    }
    hasher_put_part(h, e->at.topic < rs->n_topics ? rs->topics[e->at.topic].name : SLICE_LIT(""));
    put_u64(h, (uint64_t)(int64_t)e->at.partition);
    put_u64(h, (uint64_t)e->at.offset);
    hasher_put_part(h, rs->decls[e->decl].name);
}

struct hash128 match_id(const struct ruleset *rs, const struct match *m)
{
    struct hasher h;
    hasher_init(&h);
    hasher_put_part(&h, m->rule->name);
    put_u64(&h, m->rule->plan);
    put_key(&h, m);
    hasher_put_part(&h, slice_of(match_kind_name(m->kind)));
    put_u64(&h, m->n_evidence);
    for (uint32_t i = 0; i < m->n_evidence; i++) {
        put_evidence(&h, rs, m, &m->evidence[i]);
    }
    if (m->by_deadline || m->n_evidence == 0) {
        put_u64(&h, (uint64_t)m->detected_at.ns);
    }
    return hasher_hash128(&h);
}
