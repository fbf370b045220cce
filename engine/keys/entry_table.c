#include "engine/keys/entry_table.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define FIRST_LINES 4
/* Fuller, and many keys stand beyond their home. */
#define MOST_PER_LINE 10
/* Half as many again: twice as many would be half empty, a few more moved often. */
#define LARGER(lines) ((lines) + (lines) / 2)

/* Of a table that owns none; never written. */
static alignas(sizeof(struct entry_line)) struct entry_line no_lines[1];

void entry_table_init(struct entry_table *t)
{
    *t = (struct entry_table){.lines = no_lines};
}

void entry_table_release(struct entry_table *t)
{
    if (t->n_lines > 0) {
        free(t->lines);
    }
    entry_table_init(t);
}

bool entry_table_is_full(const struct entry_table *t)
{
    return t->n >= t->n_lines * MOST_PER_LINE;
}

void entry_table_enlarge(struct entry_table *t)
{
    size_t n_lines = t->n_lines == 0 ? FIRST_LINES : LARGER(t->n_lines);
    entry_table_release(t);
    t->lines = aligned_alloc(sizeof(*t->lines), n_lines * sizeof(*t->lines));
    if (t->lines == NULL) {
        xalloc_die(n_lines * sizeof(*t->lines));
    }
    memset(t->lines, 0, n_lines * sizeof(*t->lines));
    t->n_lines = n_lines;
}

void entry_table_add(struct entry_table *t, struct hash128 hash, uint32_t number)
{
    assert(!entry_table_is_full(t));
    struct entry_line *l = entry_table_home(t, hash);
    uint32_t free_places;
    while ((free_places = entry_line_places(l, 0)) == 0) {
        l->n_beyond++;
        l = entry_line_behind(t, l);
    }
    uint32_t place = entry_first_place(free_places);
    l->tags[place] = entry_tag(hash);
    l->numbers[place] = number;
    t->n++;
}

static bool take_from(struct entry_line *l, uint8_t tag, uint32_t number)
{
    for (uint32_t places = entry_line_places(l, tag); places != 0; places &= places - 1) {
        uint32_t place = entry_first_place(places);
        if (l->numbers[place] == number) {
            l->tags[place] = 0;
            return true;
        }
    }
    return false;
}

void entry_table_remove(struct entry_table *t, struct hash128 hash, uint32_t number)
{
    struct entry_line *l = entry_table_home(t, hash);
    while (!take_from(l, entry_tag(hash), number)) {
        assert(l->n_beyond > 0);
        l->n_beyond--;
        l = entry_line_behind(t, l);
    }
    t->n--;
}
