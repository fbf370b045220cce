/* Entries of the changelog: what stands in the journal for a state (docs/state.md).
 *
 *   record   01 · 24 bytes of the record's database key         value: the stored bytes
 *   page     02 · 24 bytes of the part's database key           the same (clock_page.h, rules_apart.h)
 *   header   00 'H' · u16 number of the part                    value: u8 version · u64 seq
 *            · varint parts · the part's bytes
 *   rules    00 'R' · u16 number of the part                    the same, of the rule set (rule_text.h)
 *   mark     00 'D' · u64 seq of the commit                     none: a deletion of what never was
 *
 * The header is the last of a transaction; it is complete when its last part is read.
 * Pure: bytes in, bytes out. */
#ifndef FYKE_ENGINE_JOURNAL_CHANGELOG_H
#define FYKE_ENGINE_JOURNAL_CHANGELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/state/record_codec.h"

#define CHANGELOG_KEY_MAX (1 + RECORD_KEY_BYTES)
/* What a header's part carries beside its piece of the header. */
#define CHANGELOG_PART_OVERHEAD 16
#define CHANGELOG_MAX_PARTS 0xffff

struct changelog_key {
    uint8_t bytes[CHANGELOG_KEY_MAX];
    uint8_t len;
};

struct changelog_key changelog_record_key(const struct record_key *key);
struct changelog_key changelog_page_key(const struct record_key *key);
struct changelog_key changelog_header_key(uint32_t part);
struct changelog_key changelog_rules_key(uint32_t part);
static inline struct slice changelog_key_slice(const struct changelog_key *k)
{
    return slice_from((const char *)k->bytes, k->len);
}

struct changelog_key changelog_mark_key(uint64_t seq);
bool changelog_parse_mark(struct slice key, uint64_t *seq);

enum changelog_kind {
    CHANGELOG_UNKNOWN,
    CHANGELOG_RECORD,
    CHANGELOG_PAGE,
    CHANGELOG_HEADER,
    CHANGELOG_RULES,
    CHANGELOG_MARK
};
/* `record`: set for a record and for a page; `part`: for header and rules. */
enum changelog_kind changelog_parse_key(struct slice key, struct record_key *record,
                                        uint32_t *part);

struct changelog_part {
    uint64_t seq;
    uint32_t parts;
    struct slice bytes;
};
void changelog_encode_part(const struct changelog_part *p, struct buf *out);
bool changelog_decode_part(struct slice value, struct changelog_part *ret);

/* Puts headers together while entries are read in order. */
struct changelog_header {
    uint64_t seq;
    int64_t first; /* position of part 0 */
    uint32_t parts, next; /* next == 0: nothing gathered */
    bool complete;
    struct buf bytes;
};
/* False: the part does not decode. ->complete says whether this one was the last. */
bool changelog_header_take(struct changelog_header *h, uint32_t part, int64_t position,
                           struct slice value);
void changelog_header_release(struct changelog_header *h);

#endif
