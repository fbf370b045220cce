#include "lib/rule_test_events.h"

#include "connectors/file_key.h"
#include "connectors/file_reader.h"
#include "connectors/record_lines.h"
#include "engine/decode/decode.h"

struct events_file {
    const struct ruleset *rs;
    const char *path;
    struct arena *arena;
    rule_test_event fn;
    void *ctx;
    struct buf *problem;
    struct decoder *decoder;
    struct file_key key; /* payload files: of the only topic */
    bool has_key;
};

static bool refuse(struct events_file *f, const struct record *r, const char *why)
{
    buf_printf(f->problem, "%s:%llu: %s", f->path, (unsigned long long)r->line, why);
    return false;
}

/* Payloads name no topic: the rules must declare exactly one. */
static bool only_topic(struct events_file *f, struct record *r)
{
    struct error err = ERROR_INIT;
    if (file_input_only_topic(f->rs, f->path, &r->topic, &err) != ERR_OK) {
        return refuse(f, r, err.text);
    }
    if (!f->has_key) {
        file_key_init(&f->key, f->rs, r->topic);
        f->has_key = true;
    }
    file_key_supply(&f->key, f->arena, r);
    return true;
}

static bool take_record(struct events_file *f, struct record *r, struct slice topic)
{
    struct decoded d;
    if (r->broken) {
        return refuse(f, r, r->broken);
    }
    if (topic.len == 0 && !only_topic(f, r)) {
        return false;
    }
    if (topic.len > 0) {
        r->topic = file_input_topic(f->rs, topic);
        if (r->topic == UINT32_MAX) {
            return true;
        }
    }
    decoder_decode(f->decoder, r, f->arena, &d);
    if (d.result == DECODE_INVALID) {
        return refuse(f, r, invalid_reason_name(d.reason));
    }
    for (uint32_t i = 0; d.result == DECODE_EVENTS && i < d.n_events; i++) {
        d.events[i]->at.partition = 0; /* the test has one partition per topic */
        f->fn(f->ctx, d.events[i]);
    }
    return true;
}

static bool take_all(struct events_file *f, struct record_lines *lines)
{
    struct error err = ERROR_INIT;
    struct record r;
    struct slice topic;
    bool end = false;
    while (!end) {
        if (record_lines_next(lines, &r, &topic, &end, &err) != ERR_OK) {
            buf_puts(f->problem, err.text);
            return false;
        }
        if (!end && !take_record(f, &r, topic)) {
            return false;
        }
    }
    return true;
}

bool rule_test_events(const struct ruleset *rs, const struct eval_env *env, const char *path,
                      struct arena *arena, rule_test_event fn, void *ctx, struct buf *problem)
{
    struct error err = ERROR_INIT;
    struct record_lines lines;
    struct events_file f = {
        .rs = rs, .path = path, .arena = arena, .fn = fn, .ctx = ctx, .problem = problem};
    if (record_lines_open(&lines, path, RECORD_LINES_ANY, &err) != ERR_OK) {
        buf_puts(problem, err.text);
        return false;
    }
    f.decoder = decoder_new(rs, (struct decode_limits){0});
    decoder_set_env(f.decoder, env);
    bool ok = take_all(&f, &lines);
    decoder_free(f.decoder);
    if (f.has_key) {
        file_key_release(&f.key);
    }
    record_lines_close(&lines);
    return ok;
}
