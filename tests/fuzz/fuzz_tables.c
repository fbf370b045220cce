/* Files of lists and lookups, and records of compacted topics. The first byte chooses the types. */
#include <assert.h>
#include <string.h>

#include "engine/tables/table_live.h"
#include "tests/fuzz/fuzz.h"

static struct table_decl declare(uint8_t choice)
{
    enum field_type key = (enum field_type)(choice % TYPE_ENUM);
    enum field_type value = (enum field_type)(choice / 11 % TYPE_ENUM);
    bool many = choice & 64;
    return (struct table_decl){
        .name = SLICE_LIT("t"),
        .is_lookup = choice & 128,
        .key = {.type = key == TYPE_GEO ? TYPE_STRING : key},
        .value = {.type = value, .is_list = many, .is_set = many},
    };
}

/* Every key that a table has is found in it. */
static void check_table(const struct table_decl *d, const struct table *t)
{
    for (uint32_t i = 0; i < t->keys.len; i++) {
        assert(table_has(t, t->keys.u.items[i]));
        assert(!d->is_lookup || !value_is_missing(table_get(t, t->keys.u.items[i])));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct table_problem problems[TABLE_MAX_PROBLEMS];
    struct error err = ERROR_INIT;
    uint32_t n = 0;
    uint64_t bad = 0;
    if (size < 2 || size > 1 << 16) {
        return 0;
    }
    struct table_decl d = declare(data[0]);
    struct slice text = slice_from((const char *)data + 1, size - 1);
    const struct table *t = table_text_parse(&d, text, &arena, problems, &n);
    assert(t ? n == 0 : n > 0 && n <= TABLE_MAX_PROBLEMS);
    for (uint32_t i = 0; i < n; i++) {
        assert(problems[i].start <= problems[i].end && problems[i].end <= text.len);
    }
    if (t) {
        check_table(&d, t);
    }
    struct table_live live;
    const char *eq = memchr(text.ptr, '=', text.len);
    size_t key = eq ? (size_t)(eq - text.ptr) : 0;
    struct record r = {.has_key = eq, .has_value = true, .key = slice_from(text.ptr, key),
                       .value = slice_from(text.ptr + key, text.len - key)};
    table_live_init(&live, &d);
    assert(table_live_put(&live, &r, !eq, &bad, &err) == ERR_OK);
    table_live_snapshot(&live);
    check_table(&d, live.table);
    table_live_release(&live);
    arena_release(&arena);
    return 0;
}
