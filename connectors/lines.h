/* Lines of a byte stream. Memory is bounded by the longest line allowed: of a longer one the first
 * bytes are handed out, the rest is skipped. A last line without newline is a line; nothing behind
 * the last newline is none. NUL bytes are bytes like others.
 *
 * Lines stay where they are until lines_fill(): take all that are there, then fill. */
#ifndef FYKE_CONNECTORS_LINES_H
#define FYKE_CONNECTORS_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "connectors/file_bytes.h"

enum lines_result {
    LINES_LINE,
    LINES_NEED, /* no whole line in memory: lines_fill() */
    LINES_END,
};

struct lines {
    struct file_bytes in;
    size_t max_bytes; /* of a line */
    char *buf;
    size_t cap, at, end;
    size_t searched; /* no newline in [at, searched) */
    bool finished;   /* the stream has no more bytes */
    bool skipping;   /* inside a line that was too long */
    uint64_t count;  /* lines handed out */
    uint64_t taken;  /* bytes of the stream so far */
    bool hashing;    /* keep `hash` over everything handed out */
    struct hasher hash;
};

struct line {
    struct slice text;
    uint64_t number; /* from 1 */
    bool too_long;   /* text holds its first max_bytes + 1 bytes */
};

/* Takes over `in`. */
void lines_init(struct lines *l, struct file_bytes in, size_t max_bytes);
void lines_close(struct lines *l);
enum lines_result lines_next(struct lines *l, struct line *ret);
/* The stream was moved to its byte `at`, where `count` lines are over that have this hash. */
void lines_move(struct lines *l, uint64_t count, uint64_t at, const struct hasher *hash);
/* Reads once more from the stream; lines handed out before are gone. */
enum err lines_fill(struct lines *l, struct error *err) FYKE_MUST_USE;

#endif
