/* Which rules several instances can evaluate.
 *
 * A field *places* an event when its value decides in which partition the event is: the field declared
 * `key` of an event from a topic. A derived event is placed by a field that every rule that derives it
 * takes, as it is, from a part of its own key that is placed. A rule is fine when one part of its key
 * is, in every role, a field that places the event: then all events of a key meet in one task. */
#include "lib/group.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "base/xalloc.h"
#include "nfa/profile.h"

#define NO_FIELD (-1)

/* ---- configuration ------------------------------------------------------------------------ */

static bool is_name(const char *text)
{
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr("._-", *text)) {
            return false;
        }
    }
    return true;
}

enum err group_check_config(const struct fyke_run_config *c, bool from_kafka, struct error *err)
{
    bool to_kafka = c->output && strncmp(c->output, "kafka:", 6) == 0 && !c->on_alert;
    if (c->warm_changed) {
        return error_set(err, ERR_USAGE, "--on-change warm needs one instance (--instances 1)");
    }
    if (!from_kafka || !to_kafka || c->delivery == FYKE_AT_LEAST_ONCE) {
        return error_set(err, ERR_USAGE, "several instances deliver exactly once, from Kafka to Kafka: "
                                         "-i kafka -o kafka:TOPIC");
    }
    if (!c->instance_id || !*c->instance_id || !is_name(c->instance_id)) {
        return error_set(err, ERR_USAGE, "several instances need a name each, of letters, digits, "
                                         "\".\", \"_\", \"-\": --instance-id ID");
    }
    return ERR_OK;
}

/* ---- placing ------------------------------------------------------------------------------ */

struct placing {
    const struct ruleset *rs;
    int32_t *field; /* per declaration: the slot that places it; NO_FIELD: none */
    bool *by_all;   /* per declaration that is derived: so far all rules agree */
};

static int32_t key_field(const struct schema_decl *d)
{
    for (uint32_t i = 0; i < d->n_fields; i++) {
        if (d->fields[i].is_key && !d->fields[i].is_list) {
            return (int32_t)i;
        }
    }
    return NO_FIELD;
}

static bool places(const struct placing *p, const struct rule_role *role, uint32_t part)
{
    const struct expr *e = role->key[part];
    if (e->op != EX_FIELD || !e->field) {
        return false;
    }
    for (uint32_t i = 0; i < e->field->n; i++) {
        if (e->field->alt[i].decl == role->decl) {
            return p->field[role->decl] == (int32_t)e->field->alt[i].slot;
        }
    }
    return false;
}

/* The part of the key that is placed in every role; n_key: none. */
static uint32_t placed_part(const struct placing *p, const struct rule_role *roles, uint32_t n,
                            uint32_t n_key)
{
    for (uint32_t part = 0; part < n_key; part++) {
        uint32_t i = 0;
        while (i < n && places(p, &roles[i], part)) {
            i++;
        }
        if (i == n) {
            return part;
        }
    }
    return n_key;
}

/* What a rule derives is placed by the field that takes the placed part of its key. */
static void place_emits(struct placing *p, const struct rule *r, const struct emit_plan *emits,
                        uint32_t n)
{
    uint32_t part = placed_part(p, r->roles, r->n_roles, r->n_key);
    for (uint32_t i = 0; i < n; i++) {
        const struct emit_plan *e = &emits[i];
        if (!e->is_event) {
            continue;
        }
        int32_t slot = part < r->n_key && e->key_slots[part] >= 0 ? e->key_slots[part] : NO_FIELD;
        bool first = !p->by_all[e->decl];
        p->by_all[e->decl] = true;
        p->field[e->decl] = first || p->field[e->decl] == slot ? slot : NO_FIELD;
    }
}

/* Level by level: what a rule reads is placed before it is. */
static void place_all(struct placing *p)
{
    for (uint32_t i = 0; i < p->rs->n_decls; i++) {
        const struct schema_decl *d = &p->rs->decls[i];
        p->field[i] = d->n_topics > 0 ? key_field(d) : NO_FIELD;
    }
    for (uint32_t level = 0; level < p->rs->n_levels; level++) {
        for (uint32_t i = 0; i < p->rs->n_rules; i++) {
            const struct rule *r = &p->rs->rules[i];
            if (r->level == level && !rule_is_disabled(r)) {
                place_emits(p, r, r->emits, r->n_emits);
                place_emits(p, r, r->timeouts, r->n_timeouts);
            }
        }
    }
}

static bool is_placed_field(const struct placing *p, const struct expr *e)
{
    for (uint32_t i = 0; e->field && i < e->field->n; i++) {
        if (p->field[e->field->alt[i].decl] != (int32_t)e->field->alt[i].slot) {
            return false;
        }
    }
    return e->field && e->field->n > 0;
}

/* What shares a silence is in one partition: its name holds what places the events. */
static bool quiet_is_placed(const struct placing *p, const struct rule *r)
{
    uint32_t part = placed_part(p, r->roles, r->n_roles, r->n_key);
    for (uint32_t i = 0; i < r->quiet.n_per; i++) {
        const struct expr *e = r->quiet.per[i];
        if ((e->op == EX_KEY && e->slot == (int32_t)part) ||
            ((e->op == EX_BOUND || e->op == EX_ITER) && is_placed_field(p, e))) {
            return true;
        }
    }
    return false;
}

/* ---- judging ------------------------------------------------------------------------------ */

/* NULL: it can be shared. */
static const char *why_not(const struct placing *p, const struct rule *r)
{
    if (r->n_key == 0) {
        return "it has no `for each`: its events are in all partitions";
    }
    if (placed_part(p, r->roles, r->n_roles, r->n_key) == r->n_key) {
        return "no part of its key is the field declared `key` of every event that it reads: they would "
               "have to be written anew by another key";
    }
    if (r->quiet.apart && !quiet_is_placed(p, r)) {
        return "its silence is shared by keys of several partitions: `quiet … per` without the field declared "
               "`key`";
    }
    for (uint32_t i = 0; i < r->n_profiles; i++) {
        const struct profile *f = &p->rs->profiles[r->profiles[i]];
        if (placed_part(p, f->roles, f->n_roles, f->n_key) == f->n_key) {
            return "a profile that it reads follows events by another field than the one declared `key`";
        }
    }
    return NULL;
}

static uint32_t judge_all(const struct placing *p, engine_log log, void *log_ctx)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < p->rs->n_rules; i++) {
        const struct rule *r = &p->rs->rules[i];
        const char *why = rule_is_disabled(r) ? NULL : why_not(p, r);
        if (why && log) {
            char line[512];
            snprintf(line, sizeof(line), SAY_ERROR "rule %.*s needs one instance: %s",
                     SLICE_ARG(r->name), why);
            log(log_ctx, line);
        }
        bad += why != NULL;
    }
    return bad;
}

enum err group_check_rules(const struct ruleset *rs, engine_log log, void *log_ctx,
                           struct error *err)
{
    struct placing p = {.rs = rs,
                        .field = xcalloc(rs->n_decls + 1u, sizeof(*p.field)),
                        .by_all = xcalloc(rs->n_decls + 1u, sizeof(*p.by_all))};
    place_all(&p);
    uint32_t bad = judge_all(&p, log, log_ctx);
    free(p.field);
    free(p.by_all);
    return bad == 0 ? ERR_OK
                    : error_set(err, ERR_USAGE, "%u rule%s cannot be shared by several instances; leave "
                                "them out, or run one (--instances 1)", bad, bad == 1 ? "" : "s");
}
