/* The figures of a whole run (docs/formats.md section 4), as JSON and for people. */
#ifndef FYKE_LIB_SUMMARY_H
#define FYKE_LIB_SUMMARY_H

#include "base/buf.h"
#include "engine/engine.h"
#include "lib/reload.h"
#include "nfa/rule.h"

struct run_figures {
    const struct ruleset *rs;
    struct engine_summary engine;
    bool transactional;
    bool in_group; /* one of several instances */
    uint64_t aborted; /* transactions; their work was done again */
    uint64_t foreign; /* envelopes of topics that the rules do not read */
    struct reload_figures reload;
    double wall_s, cpu_s;
};

void summary_json(const struct run_figures *f, struct buf *out);
/* Several lines, each with a newline. */
void summary_text(const struct run_figures *f, struct buf *out);

#endif
