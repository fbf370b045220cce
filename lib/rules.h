/* Compiled rules behind the public handle, for lib/ and cli/. */
#ifndef FYKE_LIB_RULES_H
#define FYKE_LIB_RULES_H

#include "dsl/compile.h"
#include "fyke/fyke.h"

/* Immutable once made. The texts stay in `compilation->sources`. */
struct fyke_rules {
    struct compilation *compilation;
    char **paths; /* as given, owned; none for rules from memory */
    size_t n_paths;
    char **names; /* of the rules, owned */
    bool stored;  /* from the state: the texts are all there is, `paths` may say something else */
};

static inline const struct ruleset *rules_ruleset(const struct fyke_rules *r)
{
    return r->compilation->ruleset;
}

struct rules_report {
    fyke_diagnostic_fn fn; /* or NULL */
    void *ctx;
    bool color; /* in `rendered` */
    /* The files that were read, and those that were asked for and are not there; or NULL. */
    void (*files)(void *ctx, const struct sources *set);
};

/* Like fyke_rules_compile(), which it implements. On FYKE_RULES_INVALID *ret is NULL. */
enum fyke_result rules_compile(const struct compile_input *input, const struct rules_report *report,
                               struct fyke_rules **ret);
/* The same rules with every declared field kept (for --evidence-fields). NULL: out of words. */
struct fyke_rules *rules_keeping_fields(const struct fyke_rules *rules, struct error *err);
/* The same with another text for one of its files (sources_get(…)->path), every field kept. NULL: it
 * does not compile. */
struct fyke_rules *rules_with_text(const struct fyke_rules *rules, const char *path,
                                   struct slice text, struct error *err);
/* The same with other texts for several of them, fields kept as rules name them. */
struct fyke_rules *rules_with_texts(const struct fyke_rules *rules,
                                    const struct compile_source *instead, size_t n,
                                    struct error *err);

/* Compiled from texts that a state held; `paths` are where its files lie. */
void rules_come_from_store(struct fyke_rules *rules, const char *const *paths, size_t n);

/* What reads the files of lists and lookups: compile_input.table_parse. */
table_parse rules_table_parse(void);
/* What reads the schemas of events: compile_input.payload_parse. */
payload_parse rules_payload_parse(void);

/* Tells every diagnostic of a compilation. */
void rules_tell(const struct compilation *c, const struct rules_report *report);

#endif
