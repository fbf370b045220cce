/* Where the retained events of each test stand: ascending serials per test, so that "the next event
 * that passes test t" costs a binary search however many others lie between.
 *
 * Built when first asked for and only while many events are kept; nothing of it is stored. Private
 * to retained.c. */
#ifndef FYKE_NFA_POSTINGS_H
#define FYKE_NFA_POSTINGS_H

#include <stddef.h>
#include <stdint.h>

#define POSTINGS_TESTS 64

struct posting_list {
    uint64_t *serials;
    size_t lo, n, cap; /* valid: [lo, n) */
};

struct postings {
    struct posting_list lists[POSTINGS_TESTS];
    uint64_t next;  /* serials before it have been entered */
    uint64_t bytes; /* memory held */
};

struct postings *postings_new(uint64_t first_serial);
void postings_free(struct postings *p);
/* An event with these tests; serials come in order. Entries before `first` may be forgotten. */
void postings_add(struct postings *p, uint64_t first, uint64_t serial, uint64_t tests);
/* The last event went away. */
void postings_drop_last(struct postings *p, uint64_t serial, uint64_t tests);
/* The first entry at or after `serial`: its index in the list; list->n if there is none. Entries
 * before `first` are forgotten. */
size_t postings_seek(struct posting_list *l, uint64_t first, uint64_t serial);

#endif
