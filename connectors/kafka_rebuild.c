#include "connectors/kafka_rebuild_parts.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "connectors/kafka_parts.h"

struct kafka_rebuild *kafka_rebuild_new(void)
{
    return xcalloc(1, sizeof(struct kafka_rebuild));
}

void kafka_rebuild_free(struct kafka_rebuild *b)
{
    if (b && b->until) {
        rd_kafka_topic_partition_list_destroy(b->until);
    }
    free(b);
}

bool kafka_rebuild_is_over(const struct kafka_rebuild *b)
{
    return b->over;
}

void kafka_rebuild_end(struct kafka_rebuild *b)
{
    b->over = true;
}

uint64_t kafka_rebuild_withheld(const struct kafka_rebuild *b)
{
    return b->withheld;
}

bool kafka_rebuild_goes_on(const struct kafka_rebuild *b)
{
    return b && !b->over;
}

enum err kafka_rebuild_take(struct kafka_rebuild *b, rd_kafka_topic_partition_list_t *positions,
                            const char *group, struct error *err)
{
    bool any = false;
    b->until = positions;
    for (int i = 0; i < positions->cnt; i++) {
        any |= positions->elems[i].offset >= 0;
    }
    return any ? ERR_OK
               : error_set(err, ERR_USAGE,
                           "--rebuild-from-input: group %s has no positions to rebuild up to; "
                           "--reset-state begins anew where --start says",
                           group);
}

/* A partition without a position had not been read: nothing of it belongs to the state. */
enum err kafka_rebuild_limit(const struct kafka_rebuild *b, struct kafka_part *p, int64_t *ret_lost,
                             struct error *err)
{
    const rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_find(b->until, p->topic, p->partition);
    int64_t until = at && at->offset >= 0 ? at->offset : p->low;
    *ret_lost = p->low;
    if (until > p->end) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: the group's position is %lld, but the topic holds %lld to %lld: it "
                         "was made anew, and what had been read cannot be read again. --reset-state "
                         "begins anew where --start says",
                         p->topic, p->partition, (long long)until, (long long)p->low,
                         (long long)p->end);
    }
    p->end = until > p->low ? until : p->low;
    return ERR_OK;
}
