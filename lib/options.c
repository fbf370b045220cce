#include "lib/options.h"

#include <stdlib.h>
#include <time.h>

static struct ptime monotonic_now(void *ctx)
{
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct ptime){(int64_t)t.tv_sec * NS_PER_S + t.tv_nsec};
}

static struct etime wall_now(void *ctx)
{
    struct timespec t;
    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct etime){(int64_t)t.tv_sec * NS_PER_S + t.tv_nsec};
}

void fyke_options_init(struct fyke_options *o)
{
    struct engine_options d;
    engine_options_init(&d);
    *o = (struct fyke_options){
        .size = sizeof(*o),
        .app = d.app,
        .threads = d.threads,
        .memory_bytes = d.memory_bytes,
        .buffer_bytes = d.buffer_bytes,
        .max_evidence = d.max_evidence,
        .max_runs = d.nfa.max_runs,
        .max_matches = d.nfa.max_matches,
    };
}

void options_to_engine(const struct fyke_options *o, struct engine_options *ret)
{
    engine_options_init(ret);
    ret->clock = (struct engine_clock){.now = monotonic_now, .wall = wall_now};
    ret->app = o->app ? o->app : ret->app;
    ret->state_dir = o->state_dir;
    ret->threads = o->threads ? o->threads : ret->threads;
    ret->memory_bytes = o->memory_bytes ? (size_t)o->memory_bytes : ret->memory_bytes;
    ret->buffer_bytes = o->buffer_bytes ? (size_t)o->buffer_bytes : ret->buffer_bytes;
    ret->scratch_dir = o->state_dir ? NULL : getenv("TMPDIR");
    ret->max_evidence = o->max_evidence ? o->max_evidence : ret->max_evidence;
    ret->nfa.max_runs = o->max_runs ? o->max_runs : ret->nfa.max_runs;
    ret->nfa.max_matches = o->max_matches ? o->max_matches : ret->nfa.max_matches;
    ret->nfa.general = o->general_detector;
    ret->evidence_fields = o->evidence_fields;
    ret->strict = o->strict;
    ret->pending = o->pending;
    ret->shadow = o->shadow;
    ret->reset_state = o->reset_state;
    ret->log = o->log;
    ret->log_ctx = o->log_ctx;
}

static bool is_field(const struct ruleset *rs, struct slice name)
{
    for (uint32_t i = 0; i < rs->n_decls; i++) {
        for (uint32_t k = 0; k < rs->decls[i].n_fields; k++) {
            if (slice_eq(rs->decls[i].fields[k].name, name)) {
                return true;
            }
        }
    }
    return slice_eq_str(name, "*");
}

/* "a, b": a name that no event has is a slip, not a wish. */
enum err options_check_fields(const struct ruleset *rs, const char *text, struct error *err)
{
    while (*text) {
        size_t len = strcspn(text, ",");
        struct slice name = slice_from(text + strspn(text, " "), 0);
        name.len = (size_t)(text + len - name.ptr);
        while (name.len > 0 && name.ptr[name.len - 1] == ' ') {
            name.len--;
        }
        if (!is_field(rs, name)) {
            return error_set(err, ERR_USAGE, "no event has a field \"%.*s\" to show as evidence",
                             SLICE_ARG(name));
        }
        text += len + (text[len] == ',');
    }
    return ERR_OK;
}
