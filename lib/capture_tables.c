/* What lists and lookups from topics hold, in a captured test: their whole content is about everybody, so the
 * entries alone are given that the rule asks for (language.md, `given list`, `given lookup`). The content is
 * that which the input has at its end, as a run over it sees it. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/capture_parts.h"
#include "lib/expectation.h"
#include "nfa/expr.h"
#include "nfa/table.h"

#define MAX_ENTRIES 500

struct asked_entry {
    const struct table_decl *table;
    const struct expr *by; /* what the key was in the question that came first */
    struct value key;
    struct value value; /* of a lookup */
};

bool capture_hide_lookup(struct capture *c, const struct capture_hidden *hidden)
{
    for (uint32_t i = 0; i < c->rs->n_tables; i++) {
        const struct table_decl *t = &c->rs->tables[i];
        if (t->origin == TABLE_TOPIC && t->is_lookup && slice_eq_str(t->name, hidden->field) &&
            pseudonym_type(t->value.type)) {
            c->table_kinds[i] = slice_of(hidden->kind ? hidden->kind : CAPTURE_DEFAULT_KIND);
            return true;
        }
    }
    return false;
}

/* ---- noting ---------------------------------------------------------------------------------- */

static bool is_noted(const struct capture *c, const struct table_decl *table, struct value key)
{
    for (size_t i = 0; i < c->n_entries; i++) {
        if (c->entries[i].table == table && value_equal(c->entries[i].key, key)) {
            return true;
        }
    }
    return false;
}

/* struct table_watch. An address is asked for where networks stand: it is given as one of its own. */
static void on_asked(void *ctx, const struct expr *question, const struct table *content,
                     struct value key)
{
    struct capture *c = ctx;
    struct arena *arena = &c->result->arena;
    const struct table_decl *of = question->op == EX_IN ? question->kids[1]->table : question->table;
    const struct table_decl *table = &c->rs->tables[of->index];
    if (table->origin != TABLE_TOPIC || !table_has(content, key) || is_noted(c, table, key) ||
        c->n_entries > MAX_ENTRIES) {
        return;
    }
    struct value value = table->is_lookup ? table_get(content, key) : VALUE_MISSING;
    VEC_PUSH(c->entries, c->n_entries, c->cap_entries) = (struct asked_entry){
        table, question->kids[0], value_copy(key, arena), value_copy(value, arena)};
}

static int by_table(const void *a, const void *b)
{
    const struct asked_entry *x = a, *y = b;
    if (x->table != y->table) {
        return x->table < y->table ? -1 : 1;
    }
    return value_compare(x->key, y->key);
}

static bool reads_topics(const struct capture *c)
{
    for (uint32_t i = 0; i < c->rs->n_tables; i++) {
        if (c->rs->tables[i].origin == TABLE_TOPIC) {
            return true;
        }
    }
    return false;
}

enum err capture_read_tables(struct capture *c, const struct why_evaluation *how, struct error *err)
{
    if (!reads_topics(c)) {
        return ERR_OK;
    }
    const struct table_watch watch = {on_asked, c};
    struct why_evaluation with = *how;
    struct memory_sink unused;
    uint32_t rule;
    FYKE_TRY(why_find_rule(rules_ruleset(c->rules), c->config->asked.rule, &rule, err));
    with.table_watch = &watch;
    with.count = NULL;
    memory_sink_init(&unused);
    enum err rc = why_evaluate(&c->events, rules_ruleset(c->rules), rule, &with, &unused, err);
    memory_sink_release(&unused);
    if (c->n_entries > 1) {
        qsort(c->entries, c->n_entries, sizeof(*c->entries), by_table);
    }
    return rc;
}

/* ---- hidden values --------------------------------------------------------------------------- */

static struct slice value_kind(const struct capture *c, const struct asked_entry *e)
{
    return c->table_kinds[e->table - c->rs->tables];
}

enum err capture_hide_tables(struct capture *c, struct error *err)
{
    if (c->n_entries > MAX_ENTRIES) {
        return error_set(err, ERR_RULES, "the test would have to give more than %d entries of lists and "
                         "lookups from topics", MAX_ENTRIES);
    }
    for (size_t i = 0; i < c->n_entries; i++) {
        const struct asked_entry *e = &c->entries[i];
        struct slice kind;
        if (!capture_question_kind(c, e->by, &kind)) {
            return error_set(err, ERR_RULES, "the test would have to give an entry of %.*s, which is made of "
                             "hidden values", SLICE_ARG(e->table->name));
        }
        if (kind.len > 0) {
            pseudonyms_add(&c->pseudonyms, kind, e->key);
        }
        if (value_kind(c, e).len > 0) {
            pseudonyms_add(&c->pseudonyms, value_kind(c, e), e->value);
        }
    }
    return ERR_OK;
}

void capture_list_lookups(const struct capture *c, struct buf *list)
{
    for (size_t i = 0; i < c->n_entries; i++) {
        const struct asked_entry *e = &c->entries[i];
        bool first = i == 0 || e[-1].table != e->table;
        if (first && e->table->is_lookup && value_kind(c, e).len == 0) {
            buf_printf(list, "%slookup %.*s", list->len ? ", " : "", SLICE_ARG(e->table->name));
        }
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

static struct value shown(const struct capture *c, struct slice kind, struct value v,
                          struct arena *arena)
{
    return kind.len > 0 ? pseudonym_of(&c->pseudonyms, kind, v, arena) : v;
}

static struct value as_key(const struct table_decl *t, struct value v)
{
    if (t->key.type != TYPE_CIDR || v.kind != VAL_IP) {
        return v;
    }
    struct ip ip = value_as_ip(v);
    return value_cidr((struct cidr){ip, (uint8_t)ip_bits(&ip)});
}

static bool put_entry(const struct capture *c, const struct asked_entry *e, struct arena *arena,
                      struct buf *out)
{
    struct slice kind = {0};
    (void)capture_question_kind(c, e->by, &kind);
    struct value key = as_key(e->table, shown(c, kind, e->key, arena));
    struct value value = shown(c, value_kind(c, e), e->value, arena);
    enum value_kind item = value.kind == VAL_LIST && value.len > 0 ? (enum value_kind)value.u.items[0].kind
                                                                   : VAL_MISSING;
    if (!expectation_put_value((enum value_kind)key.kind, VAL_MISSING, key, out)) {
        return false;
    }
    if (!e->table->is_lookup) {
        return true;
    }
    buf_puts(out, " = ");
    return expectation_put_value((enum value_kind)value.kind, item, value, out);
}

enum err capture_put_tables(const struct capture *c, struct buf *out, struct error *err)
{
    struct arena scratch = ARENA_INIT;
    enum err rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < c->n_entries; i++) {
        const struct asked_entry *e = &c->entries[i];
        bool first = i == 0 || e[-1].table != e->table;
        bool last = i + 1 == c->n_entries || e[1].table != e->table;
        bool lookup = e->table->is_lookup;
        if (first) {
            buf_puts(out, lookup ? "\n  given lookup " : "\n  given list ");
            expectation_put_name(e->table->name, out);
        }
        buf_puts(out, !first ? ", " : lookup ? " = { " : " = [");
        if (!put_entry(c, e, &scratch, out)) {
            rc = error_set(err, ERR_RULES, "the test would have to give an entry of %.*s, and there is no way "
                           "to write it", SLICE_ARG(e->table->name));
        }
        buf_puts(out, !last ? "" : lookup ? " }" : "]");
    }
    arena_release(&scratch);
    return rc;
}
