/* Rule files in memory, and positions in them.
 *
 * A position is a byte offset; a span names its file by index in the source set, so that
 * diagnostics of a rule set can point across imports. Lines and columns are only computed for
 * people: both count from 1, columns in code points, a byte order mark is not counted. */
#ifndef FYKE_DSL_SOURCE_H
#define FYKE_DSL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* Larger files are refused with E0111 before they are read by the lexer. */
#define SOURCE_MAX_BYTES (16u * 1024u * 1024u)
/* The same for the files of lists and lookups. */
#define SOURCE_MAX_DATA_BYTES (512u * 1024u * 1024u)

/* Bytes [start, end) of the source `file` of a set. */
struct span {
    uint32_t file;
    uint32_t start;
    uint32_t end;
};

static inline struct span span_join(struct span a, struct span b)
{
    return (struct span){a.file, a.start < b.start ? a.start : b.start,
                         a.end > b.end ? a.end : b.end};
}

/* The place just behind `s`: where something is missing. */
static inline struct span span_after(struct span s)
{
    return (struct span){s.file, s.end, s.end};
}

struct rule_file {
    const char *path;      /* as given or as imported; for messages */
    struct slice text;     /* followed by a NUL byte that is not part of it */
    uint32_t index;        /* in its set: the `file` of its spans */
    uint32_t n_lines;      /* at least 1 */
    uint32_t *line_starts; /* n_lines byte offsets, ascending, [0] = 0 or behind the BOM */
    bool too_large;        /* text left out: more than SOURCE_MAX_BYTES */
    bool is_data;          /* of a list or lookup, no rules */
    bool imported;         /* read where another one names it */
    struct slice root;     /* directory that its names of files may not leave; set by the loader */
};

/* The files of one rule set, in order of loading. Arena-owned. */
struct sources {
    struct arena *arena;
    struct rule_file **items;
    uint32_t n;
    uint32_t cap;
    const char **missing; /* asked for, and cannot be opened */
    uint32_t n_missing, cap_missing;
};

struct source_pos {
    uint32_t line;
    uint32_t col;
};

void sources_init(struct sources *set, struct arena *arena);
/* Copies path and text. A text above SOURCE_MAX_BYTES is kept as empty and marked; the parser
 * reports it. Never NULL. */
struct rule_file *sources_add(struct sources *set, const char *path, struct slice text);
/* The same with SOURCE_MAX_DATA_BYTES. */
struct rule_file *sources_add_data(struct sources *set, const char *path, struct slice text);
enum err sources_read_data(struct sources *set, const char *path, struct rule_file **ret,
                           struct error *err) FYKE_MUST_USE;
/* Reads a file; "-" is not special here. */
enum err sources_read(struct sources *set, const char *path, struct rule_file **ret,
                      struct error *err) FYKE_MUST_USE;
const struct rule_file *sources_get(const struct sources *set, uint32_t file);

struct source_pos source_position(const struct rule_file *src, uint32_t offset);
/* The text of a line (from 1) without its line end. */
struct slice source_line(const struct rule_file *src, uint32_t line);
/* The text of a span, cut to the source. */
struct slice source_text(const struct rule_file *src, struct span span);
bool source_too_large(const struct rule_file *src);

#endif
