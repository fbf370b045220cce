/* The rule set that a state was written under, kept with the state: when the files do not compile at a
 * restart, the run goes on with it. */
#ifndef FYKE_LIB_RULE_STORE_H
#define FYKE_LIB_RULE_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "lib/rules.h"

/* Larger sets are not stored. */
#define RULE_STORE_MAX_BYTES ((size_t)64 << 20)

/* varint n · n × {blob path, u8 flags (1 data, 2 imported), blob root, blob text}, in the order of
 * reading. Nothing is added if it would be too large. Old versions that drain stand behind (drain.h). */
void rule_store_encode(const struct fyke_rules *rules, struct buf *out);
/* One set and what stands behind it. False: they do not decode. */
bool rule_store_split(struct slice texts, struct slice *set, struct slice *rest);
/* Compiles the set; `paths` are where a reload reads. */
enum err rule_store_decode(struct slice texts, struct hash128 fingerprint, const char *const *paths,
                           size_t n_paths, struct fyke_rules **ret, struct error *err) FYKE_MUST_USE;

/* What the state of this configuration was last written under. NULL in *ret: there is no state, or it
 * holds no rules. */
enum err rule_store_find(const struct fyke_run_config *c, const char *const *paths, size_t n_paths,
                         struct fyke_rules **ret, struct error *err) FYKE_MUST_USE;

#endif
