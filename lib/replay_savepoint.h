/* A replay that goes on from where a state stands (`fyke state export`): the state is imported into a
 * temporary directory, the engine opens it there as a run would, and reading begins at its positions. */
#ifndef FYKE_LIB_REPLAY_SAVEPOINT_H
#define FYKE_LIB_REPLAY_SAVEPOINT_H

#include "connectors/kafka_slice.h"
#include "engine/state/header.h"
#include "lib/replay.h"

struct replay_savepoint {
    const char *path; /* as given; borrowed; NULL: none */
    char *dir;        /* temporary, deleted at the end */
    struct header header;
    bool has_header;
};

/* `app` is whose the state becomes. It must be one that these rules can go on from. */
enum err replay_savepoint_open(struct replay_savepoint *s, const char *path, const char *app,
                               const struct ruleset *rs, struct error *err) FYKE_MUST_USE;
void replay_savepoint_close(struct replay_savepoint *s);

/* Where reading goes on: the earliest offset that an event still waits from, and the next one that was
 * never read. NULL: the state knows no such partition. */
const struct header_partition *replay_savepoint_position(const struct replay_savepoint *s,
                                                         const struct ruleset *rs, uint32_t topic,
                                                         int32_t partition);
/* Each range begins where the state stands. */
enum err replay_savepoint_ranges(const struct replay_savepoint *s, const struct ruleset *rs,
                                 struct kafka_range *ranges, size_t n,
                                 struct error *err) FYKE_MUST_USE;
/* What the result says of it: rules that begin anew; up to when each was decided. */
void replay_savepoint_tell(const struct replay_savepoint *s, struct replay_result *r);

#endif
