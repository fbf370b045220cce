/* Failures of a search, remembered by what they depend on. Private to the finder. */
#ifndef FYKE_NFA_FINDER_MEMO_H
#define FYKE_NFA_FINDER_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct finder;
struct entry;
struct cont;
struct pattern_item;

/* How a failure depends on the event bound last. */
enum memo_place {
    MEMO_HERE,  /* only on it */
    MEMO_LATER, /* behind a later one it fails, too */
    MEMO_ANY,   /* not at all */
};

/* What a failure depends on, while it is written. */
struct memo_key {
    struct buf *out;
    uint64_t live; /* leaves to be written (rule.leaves) */
    const struct entry *at; /* of the place itself; how its event bound last is written: */
    enum memo_place place;
    bool first;    /* a `first` link waits */
    bool known;    /* false: it cannot be told */
};

struct memo {
    uint32_t entry;     /* NONE: not remembered */
    uint32_t place;     /* 0, or where it began: failures from there on are known */
    uint64_t completed; /* assignments completed before */
    bool failed;        /* it has failed here before */
};

struct finder_memo; /* lives in the scratch memory */

struct finder_memo *memo_new(void);
void memo_free(struct finder_memo *m);
void memo_forget(struct finder_memo *m);

/* Before the search from an item of the pattern on. */
struct memo memo_open(struct finder *f, const struct pattern_item *item, const struct entry *e,
                      const struct cont *k, enum memo_place place);
/* MEMO_LATER, if nothing but the events that are left depends on where the last one stands. */
enum memo_place memo_place_of(const struct pattern_item *item, const struct entry *e);
/* After it; returns `stop`, what the search said. */
bool memo_close(struct finder *f, const struct memo *memo, bool stop);

void memo_put_entry(struct finder *f, struct memo_key *key, const struct entry *e);
/* Where the events bound[from …] begin and end. */
void memo_put_extent(struct finder *f, struct memo_key *key, size_t from);
/* Those of them that pass one of the tests. */
void memo_put_taken(struct finder *f, struct memo_key *key, size_t from, uint64_t tests);

#endif
