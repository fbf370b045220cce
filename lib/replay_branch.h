/* One rule set of a replay: its range, its engine over the common input, what comes of it. */
#ifndef FYKE_LIB_REPLAY_BRANCH_H
#define FYKE_LIB_REPLAY_BRANCH_H

#include "connectors/geoip.h"
#include "lib/replay_collect.h"
#include "lib/replay_input.h"
#include "lib/replay_shared.h"
#include "lib/replay_tee.h"

struct replay_branch {
    const struct replay_config *config;
    const struct ruleset *rs;
    struct replay_result *result;
    struct engine_range range;
    struct table_inputs tables;
    struct geoip_files *geoip;
    struct replay_collect collect;
    struct replay_shared *shared; /* its engine speaks for two branches (lib/replay_shared.h); NULL */
    struct engine *engine;
    bool borrows_engine; /* of the branch that it is evaluated with */
    const struct replay_input *input;
    struct replay_tap *tap;
    const char *state_dir;   /* NULL: begins without a state */
    size_t share;            /* so many engines share the memory that the options grant */
    bool silent;             /* lines of the run: another one says them */
    double begun_s, told_s;  /* progress; told_s below 0: another one tells */
    enum err rc;             /* of its run */
    struct error err;
};

/* The collector and the range; labels are read. */
enum err replay_branch_init(struct replay_branch *b, const struct replay_config *c,
                            const struct ruleset *rs, struct replay_result *result,
                            struct error *err) FYKE_MUST_USE;
enum err replay_branch_open(struct replay_branch *b, const struct replay_input *in,
                            struct replay_tap *tap, struct error *err) FYKE_MUST_USE;
/* To the end of the input; into b->rc and b->err. */
void replay_branch_run(struct replay_branch *b);
/* The result is filled. */
void replay_branch_finish(struct replay_branch *b);
void replay_branch_release(struct replay_branch *b);

double replay_seconds(clockid_t clock);

#endif
