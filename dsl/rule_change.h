/* One change at a time that a rule's tests should notice: a condition (of a step, a `let` that it reads, `until`,
 * `having`) left out or moved by its boundary, a side of an `or` left out, a time twice or half as long, a count one more or less, a link or an absence dropped.
 *
 * Changes are spans of the rule as written with other words in their place, in order of position. */
#ifndef FYKE_DSL_RULE_CHANGE_H
#define FYKE_DSL_RULE_CHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "dsl/ast.h"
#include "dsl/source.h"

struct rule_change {
    struct span span;
    struct slice with;   /* in its place */
    const char *what;    /* "`amount > 100` left out" */
    const char *wanted;  /* the test that would notice it */
};

struct rule_changes {
    struct rule_change *items;
    size_t n, cap;
};

/* Everything but the array lies in `arena`. Some may not compile: they say nothing. */
void rule_changes_of(const struct sources *sources, const struct ast_decl *rule,
                  const struct ast_file *const *files, uint32_t n_files, struct arena *arena,
                  struct rule_changes *ret);
/* The text of the change's file with it. */
void rule_change_apply(const struct rule_change *change, struct slice text, struct buf *out);
void rule_changes_release(struct rule_changes *m);

#endif
