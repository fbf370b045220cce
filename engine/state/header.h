/* The header of a state: where the input stands and what the records mean (docs/state.md). It is
 * written in the same transaction as the records, so both always tell the same story.
 *
 * Pure: bytes in, bytes out. A decoded header owns its memory in its arena. */
#ifndef FYKE_ENGINE_STATE_HEADER_H
#define FYKE_ENGINE_STATE_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "engine/record.h"
#include "engine/time/place.h"

/* What is written. Read too: 1, which had no `returned`, 2, which had no `last`, 3, in which what was late
 * stood one by one, 4, in which all clocks of values stood in the header, and 5, in which they did not say of
 * which field they are. */
#define HEADER_FORMAT 7
#define HEADER_OLDEST 1

enum state_mode { STATE_SOLO = 0, STATE_GROUP = 1 };

struct header_topic {
    struct slice name;
    struct duration out_of_order;
};

struct header_decl {
    struct slice name;
    uint64_t shape; /* hash of the fields, their types and origins */
};

/* State of a rule is found by (name, plan, key group) only; `slot` is what the records say. */
struct header_slot {
    uint32_t slot;
    struct slice rule;
    uint64_t plan;
    struct hash128 key_group;
};

/* Events that were late when they were read: all of the declaration at offsets in [from, to]; of a run
 * that is open, from `from` on. */
struct header_late {
    int64_t from, to;
    uint32_t decl;
    bool open;
};

/* An event of a value that had fallen silent and came back (`watermark per`). */
struct header_returned {
    int64_t offset;
    uint32_t decl;
    struct etime due; /* its partition's frontier when it was read */
};

struct header_value {
    struct slice value; /* canonical bytes */
    struct etime max_time;
};

/* The clock stands at P (next_offset); events in [B, P) may still wait in the order buffer and are
 * read again. `late` are those in [B, P) that must not be read again, `returned` those that are released
 * elsewhere than at their own time. */
struct header_partition {
    uint32_t topic;
    int32_t partition;
    int64_t restart;     /* B */
    int64_t next_offset; /* P */
    struct record_mark last; /* the last record in front of P; left out of the bytes if not set */
    bool has_time, empty_at_start, idle;
    struct etime max_time, first_time, frontier, floor;
    struct header_late *late; /* by declaration, then ascending, the open one last */
    uint32_t n_late;
    struct header_returned *returned; /* ascending; left out of the bytes when there are none */
    uint32_t n_returned;
    /* `watermark per`: in pages of their own (clock_page.h), or here, as long as a partition of a state in
     * format 4 has not been read again. */
    bool paged;
    uint64_t n_paged, paged_sum; /* values, and the sum of the checksums of their pages' parts */
    struct header_value *values;
    uint32_t n_values;
};

struct header_clock {
    uint32_t *topics; /* ascending; identifies the group */
    uint32_t n_topics;
    bool waits;             /* identifies it too: nothing behind W is let go */
    struct etime watermark; /* W */
    struct place limit;     /* everything before it has been let go, be it by force */
    struct place released;  /* R: the last event released */
    struct etime floor;     /* told from outside; ETIME_MIN: never */
    bool has_history;
    struct etime history_begin;
};

struct header_offset {
    int32_t partition;
    int64_t offset; /* the next one to read */
};

/* Content of a list or lookup from a topic, as it was in force. */
struct header_table {
    struct slice name;
    struct hash128 generation;
    struct header_offset *offsets;
    uint32_t n_offsets;
};

struct header {
    struct arena arena;
    uint64_t format; /* as read */
    uint64_t seq;    /* of the checkpoint, from 1 */
    struct slice app;
    uint8_t mode; /* enum state_mode */
    uint32_t n_shards;
    struct hash128 fingerprint; /* of the rule set in force */
    /* What the rules are: topics, declarations, slots. Much of it stands apart, in so many parts
     * (rules_apart.h); until header_take_rules() there is none of it then. */
    uint32_t n_apart;
    struct hash128 apart_hash;
    struct header_topic *topics; /* in the order in force */
    uint32_t n_topics;
    struct header_decl *decls; /* in the order in force */
    uint32_t n_decls;
    struct header_slot *slots; /* ascending by slot */
    uint32_t n_slots;
    struct header_partition *partitions;
    uint32_t n_partitions;
    struct header_clock *clocks;
    uint32_t n_clocks;
    struct header_table *tables; /* left out of the bytes when there are none */
    uint32_t n_tables;
};

void header_release(struct header *h);
/* What the rules are, as bytes; and back, into a header that stands without. False: damaged. */
void header_put_rules(const struct header *h, struct buf *out);
bool header_take_rules(struct header *h, struct slice bytes);
void header_encode(const struct header *h, struct buf *out);
/* The format that bytes claim to be in; false: they are no whole header of any. */
bool header_format(struct slice bytes, uint64_t *ret);
/* False: damaged or of another format; `*why` says it. */
bool header_decode(struct slice bytes, struct header *ret, const char **why);
/* ERR_STATE with both numbers: whole, but another version of the program has written it. `what` is what
 * holds the header. */
enum err header_check_format(struct slice bytes, const char *what, struct error *err) FYKE_MUST_USE;
/* header_decode() for who ends where it fails: ERR_STATE as above, else ERR_CORRUPT with `remedy` behind
 * the reason. */
enum err header_open(struct slice bytes, const char *what, const char *remedy, struct header *ret,
                     struct error *err) FYKE_MUST_USE;

#endif
