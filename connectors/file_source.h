/* Events from files and standard input.
 *
 * Payload files: one JSON object per line is a message value; the nth file of a topic is its
 * partition n, the offset is the line number − 1. Envelope files (kcat -J): every line says where
 * it belongs; they are read once beforehand to learn their partitions, because the clock must know
 * whom to wait for. Envelopes from standard input are kept in a temporary file for that.
 *
 * Files are read in turns, a batch each; files that the engine has paused are left out. A file of
 * envelopes waits for an earlier one that holds the same partition: offsets must rise. */
#ifndef FYKE_CONNECTORS_FILE_SOURCE_H
#define FYKE_CONNECTORS_FILE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/io.h"
#include "nfa/rule.h"

/* A longer payload is counted `too_long`; the decoder's limit is the same. */
#define FILE_MAX_PAYLOAD_BYTES ((size_t)8 << 20)
/* An envelope holds its payload as text with escapes. */
#define FILE_MAX_ENVELOPE_BYTES ((size_t)32 << 20)

struct file_source_options {
    const struct ruleset *rs;
    const char *const *inputs; /* "[TOPIC=]FILE" or "-" */
    size_t n_inputs;
    bool kcat;
    const char *state_dir; /* NULL: nothing is remembered */
    uint32_t unpackers;    /* so many packed files, the first ones, are unpacked by threads of their own */
};

/* For a run of so many threads: one thread does everything. */
static inline uint32_t file_unpackers(unsigned threads)
{
    return threads > 1 ? threads : 0;
}

/* Opens everything; the options are borrowed until it returns, the rule set as long as the source
 * lives. Released by close(). */
enum err file_source_new(const struct file_source_options *o, struct source **ret,
                         struct error *err) FYKE_MUST_USE;
/* Envelopes of topics that no rule reads: left out without a message. */
uint64_t file_source_foreign(const struct source *source);

#endif
