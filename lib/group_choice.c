#include "lib/group_choice.h"

#include <stdlib.h>

#include "base/xalloc.h"

bool group_set_eq(const struct group_set *a, const struct group_set *b)
{
    return hash128_eq(a->fingerprint, b->fingerprint) && slice_eq(a->topics, b->topics);
}

enum group_choice group_choose(const struct group_set *ours, const struct group_set *in_force,
                               const struct group_set *offered, bool wished,
                               enum fyke_group_rules policy)
{
    if (!in_force) {
        return GROUP_TAKE;
    }
    if (group_set_eq(ours, in_force)) {
        return GROUP_KEEP;
    }
    if (wished || policy == FYKE_GROUP_TAKE) {
        return GROUP_TAKE;
    }
    if (policy == FYKE_GROUP_FOLLOW) {
        return GROUP_FOLLOW;
    }
    if (!offered) {
        return GROUP_REFUSE;
    }
    return group_set_eq(ours, offered) ? GROUP_FOLLOW : GROUP_TAKE;
}

/* ---- topics ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

void group_topics(const char *list, struct buf *ret)
{
    struct slice *names = NULL;
    size_t n = 0, cap = 0;
    while (list && *list) {
        size_t len = strcspn(list, ",");
        if (len > 0) {
            VEC_PUSH(names, n, cap) = slice_from(list, len);
        }
        list += len + (list[len] == ',');
    }
    if (n > 1) {
        qsort(names, n, sizeof(*names), by_name);
    }
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !slice_eq(names[i], names[i - 1])) {
            buf_puts(ret, ret->len > 0 ? "," : "");
            buf_put_slice(ret, names[i]);
        }
    }
    free(names);
}
