/* What a state directory knows about the files read so far: how many lines of each and their hash.
 * A file that begins differently the next time is another file: its offsets would mean other
 * records. Kept as text beside the state, replaced as a whole after each checkpoint. */
#ifndef FYKE_CONNECTORS_FILE_MANIFEST_H
#define FYKE_CONNECTORS_FILE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/hash.h"

struct manifest_entry {
    char *name; /* owned: "TOPIC/PARTITION", or "kcat/N" for the Nth file of envelopes */
    uint64_t lines;
    struct hash128 hash; /* of those lines, each with its newline */
};

struct manifest {
    struct manifest_entry *items;
    size_t n, cap;
};

/* No manifest in the directory is an empty one. */
enum err manifest_load(struct manifest *m, const char *dir, struct error *err) FYKE_MUST_USE;
enum err manifest_save(const struct manifest *m, const char *dir, struct error *err) FYKE_MUST_USE;
void manifest_release(struct manifest *m);
const struct manifest_entry *manifest_find(const struct manifest *m, const char *name);
/* Adds or replaces. */
void manifest_set(struct manifest *m, const char *name, uint64_t lines, struct hash128 hash);

#endif
