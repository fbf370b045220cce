/* Other contents of lists and lookups under the same rules. */
#include "engine/engine_parts.h"
#include "engine/journal/rule_text.h"

void engine_swap_tables(struct engine *e, const struct table *const *content)
{
    tables_swap(e->tables, content);
    e->alerts.fingerprint = tables_fingerprint(e->tables);
}

void engine_renew_tables(struct engine *e, const struct ruleset *rs, struct slice texts)
{
    e->renewed = rs;
    e->renewed_texts = texts;
}

/* What was read so far is judged by the contents that it was read under. */
enum err engine_take_renewed(struct engine *e, struct error *err)
{
    FYKE_TRY(engine_commit(e, err));
    tables_renew(e->tables, e->renewed);
    const struct engine_old_rules *old = e->options.old_rules;
    struct hash128 print = e->renewed->fingerprint;
    rule_text_set(e, print, old != NULL ? old->texts(old->ctx, print) : e->renewed_texts);
    e->alerts.fingerprint = tables_fingerprint(e->tables);
    e->renewed = NULL;
    return engine_commit(e, err);
}
