#include "engine/tables/table_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/decode/json_walk.h"

void table_live_init(struct table_live *t, const struct table_decl *decl)
{
    *t = (struct table_live){.decl = decl, .table = decl->table};
    map_init(&t->keys, MAP_COPY_KEYS);
    table_json_init(&t->json);
}

void table_live_release(struct table_live *t)
{
    for (size_t i = 0; i < t->n_entries; i++) {
        free(t->entries[i].value);
    }
    free(t->entries);
    map_release(&t->keys);
    table_json_release(&t->json);
    arena_release(&t->arena);
}

/* ---- entries ------------------------------------------------------------------------------ */

static enum err find_entry(struct table_live *t, struct value key, struct table_entry **ret,
                           struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    value_encode(key, &bytes);
    uintptr_t at = (uintptr_t)map_get(&t->keys, buf_slice(&bytes));
    if (at == 0) {
        if (t->n_entries >= TABLE_LIVE_MAX_KEYS) {
            return error_set(err, ERR_LIMIT, "the topic \"%.*s\" has more than %u keys",
                             SLICE_ARG(t->decl->place), TABLE_LIVE_MAX_KEYS);
        }
        VEC_PUSH(t->entries, t->n_entries, t->cap_entries) = (struct table_entry){0};
        at = t->n_entries;
        map_set(&t->keys, buf_slice(&bytes), (void *)at);
    }
    *ret = &t->entries[at - 1];
    return ERR_OK;
}

static bool same_bytes(const struct table_entry *e, struct slice bytes)
{
    return e->value && e->len == bytes.len && memcmp(e->value, bytes.ptr, bytes.len) == 0;
}

/* `value`: NULL deletes. */
static enum err set_entry(struct table_live *t, struct value key, const struct value *value,
                          struct error *err)
{
    struct table_entry *e = NULL;
    FYKE_TRY(find_entry(t, key, &e, err));
    if (!value) {
        t->changed |= e->value != NULL;
        free(e->value);
        *e = (struct table_entry){0};
        return ERR_OK;
    }
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    value_encode(*value, &bytes);
    if (!same_bytes(e, buf_slice(&bytes))) {
        free(e->value);
        e->value = xmalloc(bytes.len);
        memcpy(e->value, bytes.ptr, bytes.len);
        e->len = (uint32_t)bytes.len;
        t->changed = true;
    }
    return ERR_OK;
}

/* ---- records ------------------------------------------------------------------------------ */

/* A JSON value as the value of a key; lists hold keys alone, so that any value but null will do. */
static enum err put_json(struct table_live *t, struct value key, struct json_span span,
                         uint64_t *bad, struct error *err)
{
    struct value v = value_bool(true);
    bool ok = span.kind != JSON_NULL;
    if (ok && t->decl->is_lookup && !table_json_value(&t->json, t->decl, span, &v)) {
        (*bad)++;
        ok = false;
    }
    return set_entry(t, key, ok ? &v : NULL, err);
}

static bool is_scalar(const struct table_decl *d)
{
    return !d->value.is_list && d->value.type != TYPE_GEO;
}

/* The value of a record: JSON, or for single values their bare text. */
static enum err put_value(struct table_live *t, struct value key, struct slice text,
                          uint64_t *bad, struct error *err)
{
    struct json_span found[1];
    struct value v;
    size_t at = 0;
    const struct json_span *doc = table_json_scan(&t->json, text, found, &at);
    bool json = doc && (doc->kind == JSON_STRING || doc->kind == JSON_NULL);
    if (t->decl->is_lookup && is_scalar(t->decl) && !json) {
        bool ok = utf8_valid(text) && field_text(&t->decl->value, text, true, &v);
        *bad += !ok;
        return set_entry(t, key, ok ? &v : NULL, err);
    }
    if (!doc && t->decl->is_lookup) {
        (*bad)++;
        return set_entry(t, key, NULL, err);
    }
    v = value_bool(true);
    return doc && t->decl->is_lookup ? put_json(t, key, *doc, bad, err)
                                     : set_entry(t, key, &v, err);
}

static enum err put_object(struct table_live *t, struct slice text, uint64_t *bad,
                           struct error *err)
{
    struct json_span found[1], key, span;
    struct value k;
    size_t at;
    const struct json_span *doc = table_json_scan(&t->json, text, found, &at);
    if (!doc || doc->kind != JSON_OBJECT) {
        (*bad)++;
        return ERR_OK;
    }
    struct json_walk w = json_walk_into(*doc);
    while (json_walk_member(&w, &key, &span)) {
        if (!table_text_key(t->decl, table_json_string(&t->json, key), &k)) {
            (*bad)++;
            continue;
        }
        FYKE_TRY(put_json(t, k, span, bad, err));
    }
    return ERR_OK;
}

enum err table_live_put(struct table_live *t, const struct record *r, bool objects, uint64_t *bad,
                        struct error *err)
{
    struct value key;
    if (r->broken || (objects && !r->has_value)) {
        (*bad)++;
        return ERR_OK;
    }
    if (objects) {
        return put_object(t, r->value, bad, err);
    }
    if (!r->has_key || !table_text_key(t->decl, r->key, &key)) {
        (*bad)++;
        return ERR_OK;
    }
    return r->has_value ? put_value(t, key, r->value, bad, err) : set_entry(t, key, NULL, err);
}

/* ---- snapshots ---------------------------------------------------------------------------- */

static struct value decode(struct slice bytes, struct arena *arena)
{
    struct reader r = reader_of(arena_copy(arena, bytes));
    return value_decode(&r, arena);
}

void table_live_snapshot(struct table_live *t)
{
    struct arena arena = ARENA_INIT;
    struct value *keys = ARENA_ARRAY(&arena, struct value, t->n_entries + 1);
    struct value *values = t->decl->is_lookup ? ARENA_ARRAY(&arena, struct value, t->n_entries + 1)
                                              : NULL;
    uint32_t n = 0;
    for (size_t i = 0; i < t->keys.n; i++) {
        const struct table_entry *e = &t->entries[(uintptr_t)t->keys.entries[i].value - 1];
        if (!e->value) {
            continue;
        }
        keys[n] = decode(t->keys.entries[i].key, &arena);
        if (values) {
            values[n] = decode(slice_from(e->value, e->len), &arena);
        }
        n++;
    }
    t->table = table_new(keys, values, n, &arena);
    arena_release(&t->arena);
    t->arena = arena;
    t->changed = false;
}
