#include "connectors/file_source_parts.h"

size_t file_source_partition(const struct file_source *s, uint32_t topic, int32_t partition)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].topic == topic && s->parts[i].partition == partition) {
            return i;
        }
    }
    return FILE_NO_PARTITION;
}

static enum err go_back(struct file_source *s, struct error *err)
{
    for (size_t i = 0; i < s->n_readers; i++) {
        struct file_reader *r = &s->readers[i];
        uint64_t from = (uint64_t)s->parts[r->parts[0]].from;
        FYKE_TRY(line_marks_go_back(&r->marks, &r->lines, from, err));
    }
    return ERR_OK;
}

/* Envelopes were counted beforehand; they are read from their beginning. */
bool file_source_again(struct source *source, const struct ruleset *rs)
{
    struct file_source *s = (struct file_source *)source;
    for (size_t i = 0; i < s->n_readers; i++) {
        if (s->kcat || !s->state_dir || !line_marks_can(&s->readers[i].lines)) {
            return false;
        }
    }
    s->again = true;
    s->rs = rs;
    s->turn = 0;
    for (size_t i = 0; i < s->n_readers; i++) {
        struct file_reader *r = &s->readers[i];
        r->ended = false;
        s->parts[r->parts[0]].paused = false;
        line_marks_note(&r->marks, &r->lines); /* of a file that was never read, its beginning */
        file_key_release(&r->key);
        file_key_init(&r->key, rs, r->topic);
    }
    return true;
}

enum err file_source_start(struct source *source, const struct partition_position *from, uint32_t n,
                           struct error *err)
{
    struct file_source *s = (struct file_source *)source;
    for (size_t i = 0; i < s->n_parts; i++) {
        s->parts[i].from = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t part = file_source_partition(s, from[i].topic, from[i].partition);
        if (part != FILE_NO_PARTITION) {
            s->parts[part].from = from[i].offset;
        }
    }
    if (s->again) {
        return go_back(s, err);
    }
    for (size_t i = 0; i < s->n_readers && s->state_dir; i++) {
        const struct file_reader *r = &s->readers[i];
        const struct manifest_entry *known = manifest_find(&s->manifest, r->name);
        if (known && !r->is_stdin) {
            FYKE_TRY(file_reader_verify(r, known, s->max_line_bytes, err));
        }
    }
    return ERR_OK;
}

enum err file_source_commit(struct source *source, const struct partition_position *pos, uint32_t n,
                            const char *metadata, struct error *err)
{
    struct file_source *s = (struct file_source *)source;
    (void)pos;
    (void)n;
    (void)metadata;
    if (!s->state_dir) {
        return ERR_OK;
    }
    for (size_t i = 0; i < s->n_readers; i++) {
        const struct file_reader *r = &s->readers[i];
        const struct manifest_entry *known = manifest_find(&s->manifest, r->name);
        /* What was verified at the start stays the longer part until reading has passed it. */
        if (!r->is_stdin && !r->lines.skipping && (!known || r->lines.count > known->lines)) {
            manifest_set(&s->manifest, r->name, r->lines.count, hasher_hash128(&r->lines.hash));
        }
    }
    return manifest_save(&s->manifest, s->state_dir, err);
}
