#include "cli/gen_write.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

static enum err make_dir(const char *dir, struct error *err)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return error_set(err, ERR_IO, "cannot make the directory %s: %s", dir, strerror(errno));
    }
    return ERR_OK;
}

static enum err open_file(const char *path, FILE **ret, struct error *err)
{
    *ret = fopen(path, "we");
    if (!*ret) {
        return error_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    return ERR_OK;
}

/* Write errors stay in the stream until here. */
static enum err close_file(FILE *f, const char *path, struct error *err)
{
    bool failed = ferror(f) != 0;
    int first = errno;
    if (fclose(f) != 0) {
        failed = true;
        first = errno;
    }
    if (failed) {
        return error_set(err, ERR_IO, "cannot write %s: %s", path, strerror(first));
    }
    return ERR_OK;
}

static enum err write_topic(const struct gen_log *log, enum gen_topic topic, const char *path,
                            struct error *err)
{
    FILE *f;
    FYKE_TRY(open_file(path, &f, err));
    for (size_t i = 0; i < log->n_events && !ferror(f); i++) {
        const struct gen_event *e = &log->events[log->order[i]];
        if (e->topic == topic) {
            struct slice payload = gen_event_payload(log, e);
            fwrite(payload.ptr, 1, payload.len, f);
            fputc('\n', f);
        }
    }
    return close_file(f, path, err);
}

enum err gen_write_payloads(const struct gen_log *log, const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    FYKE_TRY(make_dir(dir, err));
    for (int t = 0; t < GEN_TOPICS; t++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s.jsonl", dir, gen_topic_name((enum gen_topic)t));
        FYKE_TRY(write_topic(log, (enum gen_topic)t, buf_cstr(&path), err));
    }
    return ERR_OK;
}

/* The coordinates of an event, as members of an object that is open. */
static void put_coordinates(struct json_out *j, const struct gen_event *e)
{
    json_member_string(j, "topic", slice_of(gen_topic_name(e->topic)));
    json_member_int(j, "partition", (int64_t)e->partition);
    json_member_int(j, "offset", (int64_t)e->offset);
}

static void put_envelope(struct buf *b, const struct gen_log *log, const struct gen_event *e)
{
    struct json_out j = json_out_to(b);
    json_object_begin(&j);
    put_coordinates(&j, e);
    json_member_string(&j, "tstype", SLICE_LIT("create"));
    json_member_int(&j, "ts", e->at_ms);
    json_member_string(&j, "key", gen_event_key(log, e));
    json_member_string(&j, "payload", gen_event_payload(log, e));
    json_object_end(&j);
    buf_put_byte(b, '\n');
}

enum err gen_write_kcat_stream(const struct gen_log *log, FILE *out, const char *name,
                               struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    for (size_t i = 0; i < log->n_events && !ferror(out); i++) {
        buf_clear(&line);
        put_envelope(&line, log, &log->events[log->order[i]]);
        fwrite(line.ptr, 1, line.len, out);
    }
    if (fflush(out) != 0 || ferror(out)) {
        return error_set(err, ERR_IO, "cannot write %s: %s", name, strerror(errno));
    }
    return ERR_OK;
}

enum err gen_write_kcat(const struct gen_log *log, const char *dir, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf path = BUF_INIT;
    FYKE_TRY(make_dir(dir, err));
    buf_printf(&path, "%s/events.kcat.jsonl", dir);
    FILE *f;
    FYKE_TRY(open_file(buf_cstr(&path), &f, err));
    enum err rc = gen_write_kcat_stream(log, f, buf_cstr(&path), err);
    if (rc != ERR_OK) {
        fclose(f);
        return rc;
    }
    return close_file(f, buf_cstr(&path), err);
}

static void member_time(struct json_out *j, const char *key, int64_t at_ms)
{
    char text[ETIME_TEXT_MAX];
    size_t len = etime_format((struct etime){at_ms * NS_PER_MS}, text);
    json_member_string(j, key, slice_from(text, len));
}

static void put_label(struct buf *b, const struct gen_log *log, size_t number)
{
    const struct gen_episode *ep = &log->episodes[number];
    const size_t *refs = log->refs + ep->refs;
    int64_t from = INT64_MAX;
    int64_t to = INT64_MIN;
    struct json_out j = json_out_to(b);
    json_object_begin(&j);
    json_member_string(&j, "rule", slice_of(ep->rule));
    json_member_string(&j, "key", slice_of(ep->key));
    json_member_int(&j, "episode", (int64_t)number + 1);
    json_member_bool(&j, "attack", ep->attack);
    json_key(&j, SLICE_LIT("events"));
    json_array_begin(&j);
    for (size_t i = 0; i < ep->n_refs; i++) {
        const struct gen_event *e = &log->events[refs[i]];
        from = e->at_ms < from ? e->at_ms : from;
        to = e->at_ms > to ? e->at_ms : to;
        json_object_begin(&j);
        put_coordinates(&j, e);
        json_object_end(&j);
    }
    json_array_end(&j);
    member_time(&j, "from", from);
    member_time(&j, "to", to);
    json_member_string(&j, "note", slice_of(ep->note));
    json_object_end(&j);
    buf_put_byte(b, '\n');
}

enum err gen_write_labels(const struct gen_log *log, const char *path, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (size_t i = 0; i < log->n_episodes; i++) {
        put_label(&text, log, i);
    }
    FILE *f;
    FYKE_TRY(open_file(path, &f, err));
    fwrite(text.ptr, 1, text.len, f);
    return close_file(f, path, err);
}

/* The episodes of one rule follow each other or not; the first one of each name speaks for it. */
static void summarize_rule(const struct gen_log *log, size_t first, FILE *out)
{
    const char *rule = log->episodes[first].rule;
    size_t attacks = 0;
    size_t decoys = 0;
    for (size_t i = 0; i < log->n_episodes; i++) {
        if (strcmp(log->episodes[i].rule, rule) != 0) {
            continue;
        }
        if (i < first) {
            return;
        }
        attacks += log->episodes[i].attack;
        decoys += !log->episodes[i].attack;
    }
    fprintf(out, "%-24s %6zu attacks %6zu decoys\n", rule, attacks, decoys);
}

void gen_write_summary(const struct gen_log *log, FILE *out)
{
    size_t counts[GEN_TOPICS] = {0};
    for (size_t i = 0; i < log->n_events; i++) {
        counts[log->events[i].topic]++;
    }
    for (int t = 0; t < GEN_TOPICS; t++) {
        fprintf(out, "%-24s %8zu events\n", gen_topic_name((enum gen_topic)t), counts[t]);
    }
    fprintf(out, "%-24s %8zu events\n", "total", log->n_events);
    const char *last = "";
    for (size_t i = 0; i < log->n_episodes; i++) {
        if (strcmp(log->episodes[i].rule, last) != 0) {
            last = log->episodes[i].rule;
            summarize_rule(log, i, out);
        }
    }
}
