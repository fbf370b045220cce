/* Which rules an instance begins with, when several share the work. One set is in force for all of them,
 * with one list of topics. Files that are other ones than those in force are a wish when they have changed
 * since this instance was started, or asked to reload, the last time; if they have not, others have moved on
 * in between, and it follows. Of an instance that was never there before nobody knows which it is.
 *
 * Pure. */
#ifndef FYKE_LIB_GROUP_CHOICE_H
#define FYKE_LIB_GROUP_CHOICE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"
#include "fyke/fyke.h"

/* A rule set, and which topics of it are read: their names in order, separated by commas; empty: all. */
struct group_set {
    struct hash128 fingerprint;
    struct slice topics;
};

bool group_set_eq(const struct group_set *a, const struct group_set *b);

enum group_choice {
    GROUP_KEEP,   /* ours is in force */
    GROUP_TAKE,   /* ours is to be in force */
    GROUP_FOLLOW, /* the one in force is to be ours */
    GROUP_REFUSE, /* nobody knows */
};

/* `in_force`, `offered` NULL: none; `offered`: with which this instance was started, or asked to reload, the
 * last time. `wished`: a reload asks for ours. */
enum group_choice group_choose(const struct group_set *ours, const struct group_set *in_force,
                               const struct group_set *offered, bool wished,
                               enum fyke_group_rules policy);

/* "T2,T1" as above; NULL: nothing. */
void group_topics(const char *list, struct buf *ret);

#endif
