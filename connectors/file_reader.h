/* One input file of the file source. Private to connectors/. */
#ifndef FYKE_CONNECTORS_FILE_READER_H
#define FYKE_CONNECTORS_FILE_READER_H

#include "connectors/envelope.h"
#include "connectors/file_key.h"
#include "connectors/file_manifest.h"
#include "connectors/line_marks.h"
#include "connectors/lines.h"
#include "nfa/rule.h"

/* A partition of this run. */
struct file_partition {
    uint32_t topic;
    int32_t partition;
    int64_t from;       /* first offset wanted */
    int64_t first;      /* lowest offset seen beforehand (envelopes) */
    uint64_t remaining; /* lines not yet read (envelopes) */
    bool empty;
    bool paused;
};

struct file_reader {
    char *path; /* as given, without TOPIC= */
    char *name; /* in the manifest */
    bool is_stdin;
    bool ahead;      /* file_bytes.ahead */
    uint32_t topic;  /* payload */
    uint32_t *parts; /* indexes of its partitions; payload: one */
    size_t n_parts, cap_parts;
    uint64_t surveyed; /* lines that the file held beforehand (envelopes) */
    struct lines lines;
    struct line_marks marks; /* payload */
    struct file_key key;
    bool ended;
};

/* The reader's stream from its beginning. Standard input is opened once only. */
enum err file_reader_open(struct file_reader *r, size_t max_line_bytes, bool hashing,
                          struct error *err) FYKE_MUST_USE;
void file_reader_release(struct file_reader *r);
/* The file still begins with what the entry remembers (a pass of its own over that part). */
enum err file_reader_verify(const struct file_reader *r, const struct manifest_entry *known,
                            size_t max_line_bytes, struct error *err) FYKE_MUST_USE;
/* Moves standard input into an unlinked temporary file, so that it can be read twice. */
enum err file_reader_spool(struct file_reader *r, int *ret_fd, struct error *err) FYKE_MUST_USE;

/* UINT32_MAX: the rules read no such topic. */
uint32_t file_input_topic(const struct ruleset *rs, struct slice name);
/* Splits "[TOPIC=]FILE" by what the rules declare. UINT32_MAX as topic: none stated. */
enum err file_input_parse(const struct ruleset *rs, const char *text, uint32_t *topic,
                          const char **path, struct error *err) FYKE_MUST_USE;
/* The one topic of the rules, or an error that names the choices. */
enum err file_input_only_topic(const struct ruleset *rs, const char *path, uint32_t *topic,
                               struct error *err) FYKE_MUST_USE;

#endif
