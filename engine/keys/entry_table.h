/* Which keys there are: the numbers of their entries by hash, in lines of twelve, each a cache line.
 *
 * A key stands in its home line or, where that is full, in the next one with room. A line has a byte of each key's
 * hash, the tag, and the number of keys that found it full: a look-up reads one line, nearly always, whether there
 * is such a key or not, and no entry but those of its tag. A key that goes leaves nothing behind. The table does not
 * grow by itself: where a key belongs is known to its entry alone. */
#ifndef FYKE_ENGINE_KEYS_ENTRY_TABLE_H
#define FYKE_ENGINE_KEYS_ENTRY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/hash.h"

#define ENTRY_LINE_KEYS 12

struct entry_line {
    uint8_t tags[ENTRY_LINE_KEYS]; /* 0: there is none */
    uint32_t n_beyond;             /* keys that stand in a line behind and were not let in here */
    uint32_t numbers[ENTRY_LINE_KEYS];
};
_Static_assert(sizeof(struct entry_line) == 64, "a cache line");

struct entry_table {
    struct entry_line *lines;
    size_t n_lines; /* 0: there is one all the same, which stays empty */
    size_t n;
};

void entry_table_init(struct entry_table *t);
void entry_table_release(struct entry_table *t);

/* One more needs a larger table first. */
bool entry_table_is_full(const struct entry_table *t);
/* Larger, and empty: all that was in it is to be added anew. */
void entry_table_enlarge(struct entry_table *t);

/* The table is not full, and has no such number. */
void entry_table_add(struct entry_table *t, struct hash128 hash, uint32_t number);
/* Which is there. */
void entry_table_remove(struct entry_table *t, struct hash128 hash, uint32_t number);

static inline size_t entry_table_bytes(const struct entry_table *t)
{
    return t->n_lines * sizeof(*t->lines);
}

/* Home line and tag are bits of their own. */
static inline struct entry_line *entry_table_home(const struct entry_table *t, struct hash128 hash)
{
    return &t->lines[(hash.lo >> 32) * t->n_lines >> 32];
}
static inline uint8_t entry_tag(struct hash128 hash)
{
    uint8_t tag = hash.lo & 0xff;
    return tag != 0 ? tag : 1;
}

/* The places of a line that have the tag, a bit each. */
static inline uint32_t entry_line_places(const struct entry_line *l, uint8_t tag)
{
#ifdef __SSE2__
    __m128i begin = _mm_load_si128((const __m128i *)(const void *)l);
    uint32_t places = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(begin, _mm_set1_epi8((char)tag)));
    return places & ((1U << ENTRY_LINE_KEYS) - 1);
#else
    uint32_t places = 0;
    for (uint32_t i = 0; i < ENTRY_LINE_KEYS; i++) {
        places |= (uint32_t)(l->tags[i] == tag) << i;
    }
    return places;
#endif
}
static inline uint32_t entry_first_place(uint32_t places)
{
    return (uint32_t)__builtin_ctz(places);
}

/* None of this tag is there, as far as one line says. */
static inline bool entry_table_lacks(const struct entry_table *t, struct hash128 hash)
{
    const struct entry_line *home = entry_table_home(t, hash);
    return home->n_beyond == 0 && entry_line_places(home, entry_tag(hash)) == 0;
}

/* Goes through the numbers of a tag:
 *
 *   struct entry_search s = entry_search(t, hash);
 *   for (uint32_t number; entry_search_next(t, &s, &number);) */
struct entry_search {
    const struct entry_line *line;
    size_t lines_left;
    uint32_t places;
    uint8_t tag;
};

static inline struct entry_search entry_search(const struct entry_table *t, struct hash128 hash)
{
    const struct entry_line *home = entry_table_home(t, hash);
    uint8_t tag = entry_tag(hash);
    return (struct entry_search){home, t->n_lines, entry_line_places(home, tag), tag};
}
static inline struct entry_line *entry_line_behind(const struct entry_table *t, const struct entry_line *l)
{
    size_t i = (size_t)(l - t->lines) + 1;
    return &t->lines[i < t->n_lines ? i : 0];
}
static inline bool entry_search_next(const struct entry_table *t, struct entry_search *s, uint32_t *ret)
{
    while (s->places == 0) {
        if (s->line->n_beyond == 0 || --s->lines_left == 0) {
            return false;
        }
        s->line = entry_line_behind(t, s->line);
        s->places = entry_line_places(s->line, s->tag);
    }
    *ret = s->line->numbers[entry_first_place(s->places)];
    s->places &= s->places - 1;
    return true;
}

#endif
