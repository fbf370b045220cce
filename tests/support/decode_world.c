#include "tests/support/decode_world.h"

int world_setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    w->topic = (struct schema_topic){
        .name = SLICE_LIT("t"), .decls = w->decl_index, .at_most_ahead = DURATION_INFINITE};
    w->rs.topics = &w->topic;
    w->rs.n_topics = 1;
    w->rs.decls = w->decls;
    w->record = (struct record){.partition = 3, .offset = 77};
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    decoder_free(w->decoder);
    arena_release(&w->arena);
    arena_release(&w->rs.arena);
    buf_release(&w->text);
    free(w);
    return 0;
}

struct schema_field *add_field(struct world *w, uint32_t decl, const char *name,
                               enum field_type type)
{
    struct schema_decl *d = &w->decls[decl];
    struct schema_field *f = &d->fields[d->n_fields++];
    assert_true(d->n_fields <= MAX_FIELDS);
    *f = (struct schema_field){.name = slice_of(name),
                               .path_text = slice_of(name),
                               .type = type,
                               .optional = true,
                               .keep = true};
    f->parts = ARENA_ARRAY(&w->rs.arena, struct path_part, strlen(name) + 1);
    for (const char *p = name;; p++) {
        size_t len = strcspn(p, ".");
        struct path_part part = {.name = slice_from(p, len)};
        if (len > 3 && memcmp(p + len - 3, "[*]", 3) == 0) {
            part = (struct path_part){slice_from(p, len - 3), true};
        }
        f->parts[f->n_parts++] = part;
        p += len;
        if (*p == '\0') {
            return f;
        }
    }
}

uint32_t add_decl(struct world *w, const char *name)
{
    uint32_t i = w->rs.n_decls++;
    w->decls[i] = (struct schema_decl){
        .name = slice_of(name), .index = i, .fields = w->fields[i], .time_field = 0};
    w->decl_index[w->topic.n_decls++] = i;
    struct schema_field *at = add_field(w, i, "at", TYPE_TIMESTAMP);
    at->optional = false;
    at->is_event_time = true;
    return i;
}

void decode_record(struct world *w)
{
    if (!w->decoder) {
        w->decoder = decoder_new(&w->rs, w->limits);
    }
    decoder_decode(w->decoder, &w->record, &w->arena, &w->got);
}

/* The payload lies in a block of exactly its size: the sanitizer sees every byte too many. */
enum decode_result decode_bytes(struct world *w, const char *payload, size_t len)
{
    char *exact = xmalloc(len ? len : 1);
    memcpy(exact, payload, len);
    w->record.has_value = true;
    w->record.value = slice_from(exact, len);
    decode_record(w);
    free(exact);
    assert_int_equal(w->got.result == DECODE_INVALID, w->got.reason != INVALID_NONE);
    assert_int_equal(w->got.result == DECODE_EVENTS, w->got.n_events > 0);
    return w->got.result;
}

enum decode_result decode(struct world *w, const char *payload)
{
    return decode_bytes(w, payload, strlen(payload));
}

enum decode_result decode_members(struct world *w, const char *members)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    buf_printf(&b, "{\"at\":\"2026-01-05T10:00:00Z\"%s%s}", *members ? "," : "", members);
    return decode_bytes(w, b.ptr, b.len);
}

const char *value_text(struct world *w, uint32_t event, uint32_t slot)
{
    buf_clear(&w->text);
    value_to_json(w->got.events[event]->values[slot], &w->text);
    return buf_cstr(&w->text);
}

void world_changed(struct world *w)
{
    decoder_free(w->decoder);
    w->decoder = NULL;
}
