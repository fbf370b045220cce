/* Lists and lookups: named sets and maps that rules read (language.md 3.11, 3.13).
 *
 * A declaration belongs to the rule set and never changes. Its content is a table: built once,
 * immutable, shared by threads, replaced as a whole. Expressions name the declaration by its index
 * and reach the content through eval_env, so that new content needs no new expressions. */
#ifndef FYKE_NFA_TABLE_H
#define FYKE_NFA_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "nfa/schema.h"
#include "nfa/value.h"

struct value_index;

enum table_origin { TABLE_LITERAL, TABLE_FILE, TABLE_TOPIC };

struct table_decl {
    struct slice name;
    uint32_t index; /* in the rule set */
    bool is_lookup;
    struct schema_field key;   /* type of a lookup's keys, of a list's values; scalar */
    struct schema_field value; /* lookups */
    enum table_origin origin;
    struct slice place;         /* path or topic */
    struct duration refresh;    /* topics; 0: read at the start only */
    const struct table *table;  /* what was compiled in; empty for topics */
};

struct table {
    const struct value_index *index;
    struct value keys;         /* a list's values as given, a lookup's keys */
    uint32_t n;                /* distinct keys */
    struct hash128 generation; /* of the content alone: equal content, equal generation */
};

/* `values`: NULL for a list. Of equal keys the last one counts. Everything is borrowed and lives as
 * long as the arena that the table goes into. */
const struct table *table_new(const struct value *keys, const struct value *values, uint32_t n,
                              struct arena *arena);
/* A value of the list, or an address inside one of its networks. `x` is not missing. */
bool table_has(const struct table *t, struct value x);
/* The value of a key; of the longest network around an address. Missing when there is none. */
struct value table_get(const struct table *t, struct value key);

/* ---- text as content ---------------------------------------------------------------------- */

struct table_problem {
    uint32_t start, end; /* bytes of the text */
    char text[200];
};

#define TABLE_MAX_PROBLEMS 5

/* The text of a list or lookup file as a table; NULL and at least one problem when it is not. */
typedef const struct table *(*table_parse)(const struct table_decl *decl, struct slice text,
                                           struct arena *arena, struct table_problem *problems,
                                           uint32_t *ret_n);

#endif
