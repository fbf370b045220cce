#include "connectors/file_source.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "connectors/file_source_parts.h"

/* ---- partitions --------------------------------------------------------------------------- */

static size_t add_partition(struct file_source *s, uint32_t topic, int32_t partition)
{
    VEC_PUSH(s->parts, s->n_parts, s->cap_parts) =
        (struct file_partition){.topic = topic, .partition = partition};
    return s->n_parts - 1;
}

static bool reader_has(const struct file_reader *r, size_t part)
{
    for (size_t i = 0; i < r->n_parts; i++) {
        if (r->parts[i] == part) {
            return true;
        }
    }
    return false;
}

static void give_partition(struct file_reader *r, size_t part)
{
    if (!reader_has(r, part)) {
        VEC_PUSH(r->parts, r->n_parts, r->cap_parts) = (uint32_t)part;
    }
}

static enum err open_payload(struct file_source *s, struct file_reader *r, struct error *err)
{
    int32_t partition = 0;
    struct stat st;
    if (r->topic == UINT32_MAX) {
        FYKE_TRY(file_input_only_topic(s->rs, r->path, &r->topic, err));
    }
    if (r->is_stdin && s->state_dir) {
        return error_set(err, ERR_USAGE,
                         "standard input cannot be read again, so it does not go with a state "
                         "directory; use a file or envelopes");
    }
    while (file_source_partition(s, r->topic, partition) != FILE_NO_PARTITION) {
        partition++;
    }
    size_t part = add_partition(s, r->topic, partition);
    give_partition(r, part);
    FYKE_TRY(file_reader_open(r, s->max_line_bytes, s->state_dir != NULL, err));
    s->parts[part].empty = fstat(r->lines.in.fd, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size;
    file_key_init(&r->key, s->rs, r->topic);
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    buf_printf(&name, "%.*s/%d", SLICE_ARG(s->rs->topics[r->topic].name), (int)partition);
    r->name = xstrdup(buf_cstr(&name));
    return ERR_OK;
}

/* ---- envelopes: which partitions does the file hold? --------------------------------------- */

static void note_place(struct file_source *s, struct file_reader *r, struct slice line)
{
    struct slice topic;
    int32_t partition;
    int64_t offset;
    if (envelope_place(&s->envelope, line, &topic, &partition, &offset)) {
        return;
    }
    uint32_t t = file_input_topic(s->rs, topic);
    if (t == UINT32_MAX) {
        return;
    }
    size_t part = file_source_partition(s, t, partition);
    if (part == FILE_NO_PARTITION) {
        part = add_partition(s, t, partition);
        s->parts[part].first = offset;
    }
    struct file_partition *p = &s->parts[part];
    p->remaining++;
    p->first = offset < p->first ? offset : p->first;
    give_partition(r, part);
}

static enum err survey(struct file_source *s, struct file_reader *r, struct error *err)
{
    for (;;) {
        struct line line;
        switch (lines_next(&r->lines, &line)) {
        case LINES_LINE:
            r->surveyed = line.number;
            if (!line.too_long) {
                note_place(s, r, line.text);
            }
            break;
        case LINES_NEED: FYKE_TRY(lines_fill(&r->lines, err)); break;
        case LINES_END: return ERR_OK;
        }
    }
}

static enum err open_envelopes(struct file_source *s, struct file_reader *r, size_t index,
                               struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    buf_printf(&name, "kcat/%zu", index);
    r->name = xstrdup(buf_cstr(&name));
    if (!r->is_stdin) {
        FYKE_TRY(file_reader_open(r, s->max_line_bytes, false, err));
        FYKE_TRY(survey(s, r, err));
        lines_close(&r->lines);
        return file_reader_open(r, s->max_line_bytes, s->state_dir != NULL, err);
    }
    int fd;
    struct file_bytes in;
    FYKE_TRY(file_reader_spool(r, &fd, err));
    lseek(fd, 0, SEEK_SET);
    file_bytes_adopt(&in, fd, "standard input");
    lines_init(&r->lines, in, s->max_line_bytes);
    FYKE_TRY(survey(s, r, err));
    fd = dup(fd);
    lines_close(&r->lines);
    lseek(fd, 0, SEEK_SET);
    file_bytes_adopt(&in, fd, "standard input");
    lines_init(&r->lines, in, s->max_line_bytes);
    return ERR_OK;
}

/* ---- operations --------------------------------------------------------------------------- */

static enum err source_partitions(struct source *source, const struct source_partition **ret,
                                  uint32_t *ret_n, struct error *err)
{
    struct file_source *s = (struct file_source *)source;
    (void)err;
    free(s->announced);
    s->announced = xcalloc(s->n_parts + 1, sizeof(*s->announced));
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct file_partition *p = &s->parts[i];
        s->announced[i] = (struct source_partition){.topic = p->topic,
                                                    .partition = p->partition,
                                                    .first_offset = p->first,
                                                    .empty = p->empty};
    }
    *ret = s->announced;
    *ret_n = (uint32_t)s->n_parts;
    return ERR_OK;
}

static void add_end(struct file_source *s, const struct file_partition *p)
{
    VEC_PUSH(s->ends, s->n_ends, s->cap_ends) =
        (struct partition_position){p->topic, p->partition, 0, 0, {0}};
}

static struct record *add_record(struct file_source *s, struct record r)
{
    VEC_PUSH(s->records, s->n_records, s->cap_records) = r;
    return &s->records[s->n_records - 1];
}

static void take_payload(struct file_source *s, struct file_reader *r, const struct line *line)
{
    const struct file_partition *p = &s->parts[r->parts[0]];
    int64_t offset = (int64_t)line->number - 1;
    if (offset < p->from) {
        return;
    }
    struct record *rec = add_record(s, (struct record){.topic = p->topic,
                                                       .partition = p->partition,
                                                       .offset = offset,
                                                       .has_value = true,
                                                       .value = line->text,
                                                       .origin = r->path,
                                                       .line = line->number});
    file_key_supply(&r->key, &s->arena, rec);
}

static void take_broken(struct file_source *s, const struct file_reader *r, const struct line *line,
                        const char *why)
{
    struct record rec = {.topic = UINT32_MAX,
                         .partition = -1,
                         .offset = (int64_t)line->number - 1,
                         .has_value = true,
                         .value = line->text,
                         .origin = r->path,
                         .line = line->number,
                         .broken = why};
    add_record(s, rec);
}

/* Records of a list or lookup are no business of the source of events. */
static bool feeds_table(const struct ruleset *rs, struct slice topic)
{
    for (uint32_t i = 0; i < rs->n_tables; i++) {
        if (rs->tables[i].origin == TABLE_TOPIC && slice_eq(rs->tables[i].place, topic)) {
            return true;
        }
    }
    return false;
}

/* What is added to the file while it is read waits for the next run: the clock may have gone on without its partition. */
static void take_envelope(struct file_source *s, struct file_reader *r, const struct line *line)
{
    if (line->number > r->surveyed) {
        return;
    }
    struct record rec = {.origin = r->path, .line = line->number};
    struct slice topic;
    const char *why = line->too_long ? "envelope is too long"
                                     : envelope_place(&s->envelope, line->text, &topic,
                                                      &rec.partition, &rec.offset);
    if (why) {
        take_broken(s, r, line, why);
        return;
    }
    rec.topic = file_input_topic(s->rs, topic);
    if (rec.topic == UINT32_MAX) {
        s->foreign += !feeds_table(s->rs, topic);
        return;
    }
    size_t part = file_source_partition(s, rec.topic, rec.partition);
    if (part == FILE_NO_PARTITION) { /* the file has changed since it was surveyed */
        part = add_partition(s, rec.topic, rec.partition);
        give_partition(r, part);
    }
    struct file_partition *p = &s->parts[part];
    if (rec.offset >= p->from) {
        why = envelope_content(&s->envelope, &s->arena, &rec);
        if (why) {
            rec.has_value = true;
            rec.value = line->text;
            rec.broken = why;
        }
        add_record(s, rec);
    }
    if (p->remaining > 0 && --p->remaining == 0) {
        add_end(s, p);
    }
}

/* Offsets of a partition must rise: the file given first is read first. */
static bool must_wait(const struct file_source *s, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        for (size_t k = 0; !s->readers[i].ended && k < s->readers[i].n_parts; k++) {
            if (reader_has(&s->readers[index], s->readers[i].parts[k])) {
                return true;
            }
        }
    }
    return false;
}

static bool is_paused(const struct file_source *s, const struct file_reader *r)
{
    for (size_t i = 0; i < r->n_parts; i++) {
        if (!s->parts[r->parts[i]].paused) {
            return false;
        }
    }
    return r->n_parts > 0;
}

/* Whose turn it is; NULL: every file is at its end. */
static struct file_reader *next_reader(struct file_source *s)
{
    struct file_reader *held = NULL;
    for (size_t i = 0; i < s->n_readers; i++) {
        size_t at = (s->turn + i) % s->n_readers;
        struct file_reader *r = &s->readers[at];
        if (r->ended || must_wait(s, at)) {
            continue;
        }
        if (!is_paused(s, r)) {
            s->turn = at + 1;
            return r;
        }
        held = held ? held : r;
    }
    return held; /* never stand still */
}

static bool all_ended(const struct file_source *s)
{
    for (size_t i = 0; i < s->n_readers; i++) {
        if (!s->readers[i].ended) {
            return false;
        }
    }
    return true;
}

static void end_reader(struct file_source *s, struct file_reader *r)
{
    r->ended = true;
    if (!s->kcat) {
        add_end(s, &s->parts[r->parts[0]]);
    }
}

/* Takes what is in memory; true when the reader needs more bytes. */
static bool take_lines(struct file_source *s, struct file_reader *r, uint32_t max)
{
    for (uint32_t taken = 0; taken < max; taken++) {
        struct line line;
        switch (lines_next(&r->lines, &line)) {
        case LINES_NEED: return true;
        case LINES_END: end_reader(s, r); return false;
        case LINES_LINE: break;
        }
        if (s->kcat) {
            take_envelope(s, r, &line);
        } else {
            take_payload(s, r, &line);
        }
    }
    return false;
}

static enum err source_poll(struct source *source, uint32_t max, struct duration wait,
                            struct source_batch *ret, struct error *err)
{
    struct file_source *s = (struct file_source *)source;
    arena_reset(&s->arena);
    s->n_records = 0;
    s->n_ends = 0;
    struct file_reader *r = next_reader(s);
    if (r && !s->kcat && s->state_dir) {
        line_marks_note(&r->marks, &r->lines);
    }
    while (r && s->n_records == 0 && s->n_ends == 0 && !r->ended && take_lines(s, r, max)) {
        if (s->n_records > 0) {
            break;
        }
        if (!file_bytes_ready(&r->lines.in, wait)) {
            break; /* the caller looks whether it is to stop */
        }
        FYKE_TRY(lines_fill(&r->lines, err));
    }
    *ret = (struct source_batch){.records = s->records,
                                 .n = (uint32_t)s->n_records,
                                 .at_end = s->ends,
                                 .n_at_end = (uint32_t)s->n_ends,
                                 .finished = all_ended(s)};
    return ERR_OK;
}

static enum err source_pause(struct source *source, const struct partition_position *p, bool paused,
                             struct error *err)
{
    struct file_source *s = (struct file_source *)source;
    (void)err;
    size_t part = file_source_partition(s, p->topic, p->partition);
    if (part != FILE_NO_PARTITION) {
        s->parts[part].paused = paused;
    }
    return ERR_OK;
}

static void source_close(struct source *source)
{
    struct file_source *s = (struct file_source *)source;
    for (size_t i = 0; i < s->n_readers; i++) {
        file_reader_release(&s->readers[i]);
    }
    if (s->kcat) {
        envelope_release(&s->envelope);
    }
    manifest_release(&s->manifest);
    arena_release(&s->arena);
    free(s->readers);
    free(s->parts);
    free(s->announced);
    free(s->records);
    free(s->ends);
    free(s->state_dir);
    free(s);
}

/* ---- opening ------------------------------------------------------------------------------ */

static enum err open_input(struct file_source *s, const char *text, size_t index, struct error *err)
{
    struct file_reader *r = &s->readers[index];
    const char *path;
    r->lines.in.fd = -1;
    s->n_readers = index + 1;
    FYKE_TRY(file_input_parse(s->rs, text, &r->topic, &path, err));
    r->path = xstrdup(path);
    r->is_stdin = strcmp(path, "-") == 0;
    r->ahead = index < s->unpackers;
    return s->kcat ? open_envelopes(s, r, index, err) : open_payload(s, r, err);
}

static enum err open_all(struct file_source *s, const struct file_source_options *o,
                         struct error *err)
{
    if (s->state_dir) {
        FYKE_TRY(manifest_load(&s->manifest, s->state_dir, err));
    }
    for (size_t i = 0; i < o->n_inputs; i++) {
        FYKE_TRY(open_input(s, o->inputs[i], i, err));
    }
    return ERR_OK;
}

enum err file_source_new(const struct file_source_options *o, struct source **ret,
                         struct error *err)
{
    static const struct source_ops ops = {
        .partitions = source_partitions,
        .start = file_source_start,
        .poll = source_poll,
        .pause = source_pause,
        .commit = file_source_commit,
        .again = file_source_again,
        .close = source_close,
    };
    struct file_source *s = xcalloc(1, sizeof(*s));
    s->source = (struct source){.ops = &ops, .bounded = true, .remembers = o->state_dir != NULL};
    s->rs = o->rs;
    s->kcat = o->kcat;
    s->unpackers = o->unpackers;
    s->state_dir = o->state_dir ? xstrdup(o->state_dir) : NULL;
    s->max_line_bytes = o->kcat ? FILE_MAX_ENVELOPE_BYTES : FILE_MAX_PAYLOAD_BYTES;
    s->readers = xcalloc(o->n_inputs + 1, sizeof(*s->readers));
    if (s->kcat) {
        envelope_init(&s->envelope);
    }
    enum err rc = open_all(s, o, err);
    if (rc != ERR_OK) {
        source_close(&s->source);
        return rc;
    }
    *ret = &s->source;
    return ERR_OK;
}

uint64_t file_source_foreign(const struct source *source)
{
    return ((const struct file_source *)source)->foreign;
}
