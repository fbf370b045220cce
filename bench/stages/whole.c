/* All stages behind decoding, and all of them. */
#include "bench/stages/stages.h"

void stage_engine(struct bench *b, struct measured *m)
{
    struct engine *e = engine_open(b->rs, &deaf_sink);
    struct error err = ERROR_INIT;
    stage_begin(m);
    for (size_t i = 0; i < b->in.n; i++) {
        check(engine_push(e, &b->in.records[i], &err), &err);
        if (i % PROCESS_EVERY == 0) {
            check(engine_process(e, &err), &err);
        }
    }
    check(engine_finish(e, &err), &err);
    stage_end(m);
    m->operations = b->in.n;
    struct engine_summary s;
    engine_summary(e, &s);
    b->alerts = s.alerts_total;
    engine_free(e);
}

/* Events decoded beforehand, which stand where decoding leaves them. */
void stage_evaluate(struct bench *b, struct measured *m)
{
    struct decoded_input events;
    input_decode(&b->in, b->rs, &events);
    struct engine *e = engine_open(b->rs, &deaf_sink);
    struct error err = ERROR_INIT;
    stage_begin(m);
    for (size_t i = 0, n; i < events.n; i += n) {
        n = events.n - i < PROCESS_EVERY ? events.n - i : PROCESS_EVERY;
        check(engine_push_held(e, &events.events[i], (uint32_t)n, events.block, &err), &err);
        check(engine_process(e, &err), &err);
    }
    check(engine_finish(e, &err), &err);
    stage_end(m);
    m->operations = b->in.n;
    engine_free(e);
    decoded_release(&events);
}
