/* A list or lookup that a compacted topic feeds: the newest record per key, and snapshots of it. */
#ifndef FYKE_ENGINE_TABLES_TABLE_LIVE_H
#define FYKE_ENGINE_TABLES_TABLE_LIVE_H

#include "base/attr.h"
#include "base/error.h"
#include "base/map.h"
#include "engine/record.h"
#include "engine/tables/table_text.h"

/* More keys than this are refused: a topic of that size is no lookup. */
#define TABLE_LIVE_MAX_KEYS UINT32_C(20000000)

/* One key's newest value in canonical bytes; NULL: deleted. */
struct table_entry {
    char *value;
    uint32_t len;
};

struct table_live {
    const struct table_decl *decl;
    struct map keys; /* canonical bytes of the key → index of its entry + 1 */
    struct table_entry *entries;
    size_t n_entries, cap_entries;
    bool changed; /* since the last snapshot */
    struct table_json json;
    struct arena arena; /* of the snapshot in force */
    const struct table *table;
};

void table_live_init(struct table_live *t, const struct table_decl *decl);
void table_live_release(struct table_live *t);
/* One record; `objects`: its value is an object from keys to values. Counts what cannot be used in
 * *bad; a key whose newest value cannot be read is gone. ERR_LIMIT: too many keys. */
enum err table_live_put(struct table_live *t, const struct record *r, bool objects, uint64_t *bad,
                        struct error *err) FYKE_MUST_USE;
/* A new snapshot in place of the one before, whose memory is freed. */
void table_live_snapshot(struct table_live *t);

#endif
