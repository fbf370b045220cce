#include "lib/drain_kit.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "lib/rule_store.h"

struct kit_set {
    struct hash128 fingerprint;
    struct buf texts;
    struct fyke_rules *rules; /* NULL: not compiled, or taken */
};

struct drain_kit {
    struct kit_set *sets;
    size_t n, cap;
};

struct drain_kit *drain_kit_new(void)
{
    return xcalloc(1, sizeof(struct drain_kit));
}

void drain_kit_add(struct drain_kit *k, struct hash128 fingerprint, struct slice texts)
{
    struct kit_set *s = &VEC_PUSH(k->sets, k->n, k->cap);
    *s = (struct kit_set){.fingerprint = fingerprint};
    buf_put_slice(&s->texts, texts);
}

void drain_kit_compile(struct drain_kit *k)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < k->n; i++) {
        struct kit_set *s = &k->sets[i];
        if (rule_store_decode(buf_slice(&s->texts), s->fingerprint, NULL, 0, &s->rules, &err) !=
            ERR_OK) {
            s->rules = NULL; /* whoever needs it compiles it and says why it cannot be */
        }
    }
}

struct fyke_rules *drain_kit_take(struct drain_kit *k, struct hash128 fingerprint, struct slice texts)
{
    for (size_t i = 0; k && i < k->n; i++) {
        struct kit_set *s = &k->sets[i];
        if (s->rules && hash128_eq(s->fingerprint, fingerprint) &&
            slice_eq(buf_slice(&s->texts), texts)) {
            struct fyke_rules *rules = s->rules;
            s->rules = NULL;
            return rules;
        }
    }
    return NULL;
}

void drain_kit_free(struct drain_kit *k)
{
    for (size_t i = 0; k && i < k->n; i++) {
        fyke_rules_free(k->sets[i].rules);
        buf_release(&k->sets[i].texts);
    }
    if (k) {
        free(k->sets);
    }
    free(k);
}
