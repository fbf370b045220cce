#include "engine/keys/kin_table.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/xalloc.h"

void kin_table_init(struct kin_table *t, const struct ruleset *rs, struct arena *arena)
{
    *t = (struct kin_table){
        .of_unit = ARENA_ARRAY(arena, struct kin *, rs->n_units + 1u),
        .place = ARENA_ARRAY(arena, uint32_t, rs->n_units + 1u),
    };
}

struct candidate_rule {
    uint32_t unit;
    struct hash128 text;
    struct kin_span span;
    bool says_alike;
    struct hash128 says;
};

static int by_text(const void *x, const void *y)
{
    const struct candidate_rule *a = x, *b = y;
    int c = hash128_cmp(a->text, b->text);
    if (c != 0) {
        return c;
    }
    if (a->span.length.ns != b->span.length.ns) {
        return a->span.length.ns > b->span.length.ns ? -1 : 1;
    }
    return a->unit < b->unit ? -1 : a->unit > b->unit;
}

/* The number of the first that says the same, from 1. */
static uint32_t says_number(const struct candidate_rule *items, uint32_t i)
{
    uint32_t first = 0;
    while (items[i].says_alike &&
           !(items[first].says_alike && hash128_eq(items[first].says, items[i].says))) {
        first++;
    }
    return items[i].says_alike ? first + 1 : 0;
}

static void add_kin(struct kin_table *t, const struct candidate_rule *items, uint32_t n,
                    struct arena *arena)
{
    struct kin *kin = ARENA_NEW(arena, struct kin);
    uint32_t *rules = ARENA_ARRAY(arena, uint32_t, n);
    struct kin_span *spans = ARENA_ARRAY(arena, struct kin_span, n);
    uint32_t *says = ARENA_ARRAY(arena, uint32_t, n);
    *kin = (struct kin){.leader = items[0].unit, .rules = rules, .spans = spans, .says = says,
                        .n = n, .n_words = (n + 63) / 64};
    for (uint32_t i = 0; i < n; i++) {
        rules[i] = items[i].unit;
        spans[i] = items[i].span;
        says[i] = says_number(items, i);
        t->of_unit[rules[i]] = kin;
        t->place[rules[i]] = i;
        kin->leader = rules[i] < kin->leader ? rules[i] : kin->leader;
    }
    t->n_words = kin->n_words > t->n_words ? kin->n_words : t->n_words;
}

void kin_table_add(struct kin_table *t, const struct ruleset *rs, const uint32_t *rules,
                   uint32_t n, struct arena *arena)
{
    struct candidate_rule *all = xcalloc(n + 1u, sizeof(*all));
    uint32_t found = 0;
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < n; i++) {
        struct candidate_rule *c = &all[found];
        buf_clear(&text);
        if (rule_kin_text(&rs->rules[rules[i]], &text, &c->span)) {
            c->unit = rules[i];
            c->text = hash128(buf_slice(&text));
            buf_clear(&text);
            c->says_alike = rule_kin_says(&rs->rules[rules[i]], &text);
            c->says = hash128(buf_slice(&text));
            found++;
        }
    }
    if (found > 1) {
        qsort(all, found, sizeof(*all), by_text);
    }
    for (uint32_t i = 0, end; i < found; i = end) {
        for (end = i + 1; end < found && hash128_eq(all[end].text, all[i].text);) {
            end++;
        }
        if (end - i > 1) {
            add_kin(t, &all[i], end - i, arena);
        }
    }
    buf_release(&text);
    free(all);
}
