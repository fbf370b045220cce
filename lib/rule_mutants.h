/* Tests of a rule that is changed at one place: does one of them notice? */
#ifndef FYKE_LIB_RULE_MUTANTS_H
#define FYKE_LIB_RULE_MUTANTS_H

#include "dsl/rule_change.h"
#include "lib/rule_test.h"
#include "lib/rules.h"

enum mutant_fate { MUTANT_NOTICED, MUTANT_SURVIVED, MUTANT_REFUSED };

/* The rule, what derives for others and every other kind of declaration, in files whose other rules
 * are blank: a change is compiled in the time that one rule takes. */
struct rule_mutants {
    const struct fyke_rules *rules;
    uint32_t rule;
    const struct ast_decl *decl;
    struct arena arena;
    struct rule_changes changes;
    struct compile_source *texts; /* of the files */
    uint32_t *files;              /* per text: its number among the sources */
    uint32_t n_texts;
    struct buf usual; /* a file without a change, in the usual form */
    uint32_t usual_of; /* its number among the sources */
};

void rule_mutants_begin(struct rule_mutants *m, const struct fyke_rules *rules, uint32_t rule);
void rule_mutants_end(struct rule_mutants *m);
/* REFUSED: it does not compile, so it cannot happen. *ret_diff of a survivor: the lines of the usual
 * form that differ, "- …" and "+ …"; NULL: not asked for. */
enum mutant_fate rule_mutants_try(struct rule_mutants *m, const struct rule_change *change,
                                  const struct rule_test_options *options, struct buf *ret_diff);

#endif
