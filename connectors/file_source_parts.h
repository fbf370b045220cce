/* The inside of the file source:
 *   file_source.c      opening, reading
 *   file_source_at.c   where it stands: start, commit, going on under other rules
 * Private to connectors/. */
#ifndef FYKE_CONNECTORS_FILE_SOURCE_PARTS_H
#define FYKE_CONNECTORS_FILE_SOURCE_PARTS_H

#include "connectors/file_reader.h"
#include "connectors/file_source.h"

#define FILE_NO_PARTITION SIZE_MAX

struct file_source {
    struct source source; /* first */
    const struct ruleset *rs;
    bool kcat;
    char *state_dir; /* or NULL */
    uint32_t unpackers;
    size_t max_line_bytes;
    struct manifest manifest;
    struct file_reader *readers;
    size_t n_readers, turn;
    struct file_partition *parts;
    size_t n_parts, cap_parts;
    struct source_partition *announced;
    struct envelope envelope;
    uint64_t foreign;
    bool again; /* started before: the files are known */
    /* The last batch. */
    struct arena arena;
    struct record *records;
    size_t n_records, cap_records;
    struct partition_position *ends;
    size_t n_ends, cap_ends;
};

size_t file_source_partition(const struct file_source *s, uint32_t topic, int32_t partition);

/* source_ops */
enum err file_source_start(struct source *source, const struct partition_position *from, uint32_t n,
                           struct error *err);
enum err file_source_commit(struct source *source, const struct partition_position *pos, uint32_t n,
                            const char *metadata, struct error *err);
bool file_source_again(struct source *source, const struct ruleset *rs);

#endif
