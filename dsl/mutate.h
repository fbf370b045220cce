/* Changes of one place of a rule, as changes of its text: what a rule would say if one condition,
 * window, count or absence were looser. `test --mutate` asks whether a test notices, `explain` and
 * replay's near misses which of them would have made the rule fire.
 *
 * A change replaces a span; the text must be compiled to know whether it makes sense. Only what may
 * bring about more matches is listed, never what takes some away (an `emit`, a key). */
#ifndef FYKE_DSL_MUTATE_H
#define FYKE_DSL_MUTATE_H

#include "base/buf.h"
#include "dsl/compile.h"

enum mutation_kind {
    MUTATION_CONDITION, /* one of the conditions that `and` joins counts as true */
    MUTATION_WINDOW,    /* `within D` and `each within D` are longer */
    MUTATION_GAP,       /* `after D` is shorter */
    MUTATION_COUNT,     /* fewer events are enough */
    MUTATION_LINK,      /* `first`, `next`, `in a row` are left out */
    MUTATION_ABSENCE,   /* `no M` is left out; of `with no M` and `without M` no event is M, which is the same */
    MUTATION_SILENCE,   /* `no M for D`: D is shorter */
    MUTATION_POLICY,    /* every match is reported: `after match no skip` */
    MUTATION_QUIET,     /* without `quiet for D` */
    MUTATION_LATENESS,  /* `out of order by D` is longer */
    MUTATION_AHEAD,     /* without `at most D ahead` */
    MUTATION_STATUS,    /* without `status disabled` */
};

struct mutation {
    enum mutation_kind kind;
    struct span span;  /* replaced; empty: the text is inserted */
    struct slice text; /* by this */
    struct span about; /* the construct, for messages */
    struct span around; /* the declaration that it is in */
    const struct ast_expr *condition; /* MUTATION_CONDITION */
    struct slice step;      /* the alias or source of the event that the place is about; may be empty */
    struct duration length; /* what the text says now: windows, gaps, silences, lateness */
    struct duration tried;  /* what `text` says instead */
    int64_t count;          /* MUTATION_COUNT: what is enough now */
};

struct mutations {
    struct mutation *items;
    uint32_t n;
};

struct mutate_options {
    uint32_t times;   /* windows become so many times as long, gaps so many times shorter */
    bool every_count; /* all smaller counts, not just one less */
    bool surroundings; /* also policy, quiet, and the events' declarations: lateness, `where` */
};

/* Of the rule `name`; in the order of the text. Lives in `arena`, points into the compilation. */
void mutations_of(const struct compilation *c, struct slice name, const struct mutate_options *o,
                  struct arena *arena, struct mutations *ret);
static inline bool mutation_is_inserted(const struct mutation *m)
{
    return m->span.start == m->span.end;
}
/* The text of the file (`m->span.file`) with the change. */
void mutation_apply(const struct compilation *c, const struct mutation *m, struct buf *out);
/* "`within 5m` as `within 10m`", "without `country != home`": for people. With its place where the declaration
 * says the same twice. */
void mutation_words(const struct compilation *c, const struct mutation *m, struct buf *out);

#endif
