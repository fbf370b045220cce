#include "connectors/file_key.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/decode/json_walk.h"

#define MAX_DEPTH 128

static const struct schema_field *find_key_field(const struct ruleset *rs, uint32_t topic,
                                                 bool *key_read)
{
    const struct schema_topic *t = &rs->topics[topic];
    const struct schema_field *key = NULL;
    *key_read = false;
    for (uint32_t d = 0; d < t->n_decls; d++) {
        const struct schema_decl *decl = &rs->decls[t->decls[d]];
        for (uint32_t i = 0; i < decl->n_fields; i++) {
            const struct schema_field *f = &decl->fields[i];
            *key_read |= f->origin == ORIGIN_KEY;
            if (!key && f->is_key && f->origin == ORIGIN_PAYLOAD && !f->is_list) {
                key = f;
            }
        }
    }
    return key;
}

void file_key_init(struct file_key *k, const struct ruleset *rs, uint32_t topic)
{
    bool key_read;
    *k = (struct file_key){.field = find_key_field(rs, topic, &key_read)};
    k->wanted = key_read && k->field;
    if (!k->wanted) {
        return;
    }
    json_paths_init(&k->paths);
    k->literal = json_paths_add(&k->paths, 0, k->field->path_text);
    k->nested = 0;
    for (uint32_t i = 0; i < k->field->n_parts; i++) {
        k->nested = json_paths_add(&k->paths, k->nested, k->field->parts[i].name);
    }
    json_paths_seal(&k->paths);
    k->found = xcalloc(k->paths.n, sizeof(*k->found));
    json_scan_init(&k->scan, MAX_DEPTH);
}

void file_key_release(struct file_key *k)
{
    if (k->wanted) {
        json_scan_release(&k->scan);
        json_paths_release(&k->paths);
        free(k->found);
    }
}

void file_key_supply(struct file_key *k, struct arena *arena, struct record *r)
{
    if (!k->wanted) {
        return;
    }
    char *text = arena_alloc(arena, r->value.len + JSON_PAD_BYTES); /* zeroed */
    memcpy(text, r->value.ptr, r->value.len);
    if (!json_scan_run(&k->scan, text, r->value.len, &k->paths, k->found)) {
        return;
    }
    struct json_span s = k->found[k->literal];
    if (s.kind == JSON_NONE && k->nested != 0) {
        s = k->found[k->nested];
    }
    if (s.kind == JSON_NONE || s.kind == JSON_NULL) {
        return;
    }
    r->has_key = true;
    r->key = slice_from(s.ptr, s.len);
    if (s.kind == JSON_STRING && s.escaped) {
        char *out = arena_alloc(arena, (size_t)s.len + 1);
        r->key = slice_from(out, json_unescape(s, out));
    }
}
