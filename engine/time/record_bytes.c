#include "engine/time/record_bytes.h"

#include "engine/state/store_bytes.h"

#define HAS_KEY 1
#define HAS_VALUE 2
#define IN_FORMAT 4
#define HAS_TIMESTAMP 8
#define APPEND_TIME 16
#define HAS_ORIGIN 32

/* Null and empty are different values of a header. */
static void put_header(const struct record_header *h, struct buf *out)
{
    buf_put_blob(out, h->name);
    buf_put_byte(out, h->value.ptr != NULL);
    buf_put_blob(out, h->value);
}

static struct record_header read_header(struct reader *in, struct arena *arena)
{
    struct record_header h = {.name = arena_copy(arena, read_blob(in))};
    bool has_value = read_byte(in) != 0;
    struct slice value = read_blob(in);
    if (has_value && !in->failed) {
        h.value = slice_from(arena_strndup(arena, value.ptr, value.len), value.len);
    }
    return h;
}

void record_put(const struct record *r, struct buf *out)
{
    buf_put_byte(out, r != NULL);
    if (r == NULL) {
        return;
    }
    buf_put_byte(out, (uint8_t)((r->has_key ? HAS_KEY : 0) | (r->has_value ? HAS_VALUE : 0) |
                                (r->in_format ? IN_FORMAT : 0) |
                                (r->has_timestamp ? HAS_TIMESTAMP : 0) |
                                (r->log_append_time ? APPEND_TIME : 0) |
                                (r->origin != NULL ? HAS_ORIGIN : 0)));
    buf_put_varint(out, r->topic);
    buf_put_zigzag(out, r->partition);
    buf_put_zigzag(out, r->offset);
    buf_put_blob(out, r->key);
    buf_put_blob(out, r->value);
    buf_put_zigzag(out, r->timestamp.ns);
    if (r->origin != NULL) {
        buf_put_blob(out, slice_of(r->origin));
    }
    buf_put_varint(out, r->line);
    buf_put_varint(out, r->n_headers);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        put_header(&r->headers[i], out);
    }
}

static void read_headers(struct reader *in, struct record *r, struct arena *arena)
{
    r->n_headers = read_count(in);
    struct record_header *headers = ARENA_ARRAY(arena, struct record_header, r->n_headers + 1);
    for (uint32_t i = 0; i < r->n_headers && !in->failed; i++) {
        headers[i] = read_header(in, arena);
    }
    r->headers = headers;
}

const struct record *record_read(struct reader *in, struct arena *arena)
{
    if (read_byte(in) == 0) {
        return NULL;
    }
    struct record *r = ARENA_NEW(arena, struct record);
    uint8_t flags = read_byte(in);
    *r = (struct record){
        .has_key = (flags & HAS_KEY) != 0,
        .has_value = (flags & HAS_VALUE) != 0,
        .in_format = (flags & IN_FORMAT) != 0,
        .has_timestamp = (flags & HAS_TIMESTAMP) != 0,
        .log_append_time = (flags & APPEND_TIME) != 0,
    };
    r->topic = read_varint32(in);
    r->partition = read_zigzag32(in);
    r->offset = read_zigzag(in);
    r->key = arena_copy(arena, read_blob(in));
    r->value = arena_copy(arena, read_blob(in));
    r->timestamp = read_etime(in);
    if ((flags & HAS_ORIGIN) != 0) {
        struct slice origin = read_blob(in);
        r->origin = arena_strndup(arena, origin.ptr, origin.len);
    }
    r->line = read_varint(in);
    read_headers(in, r, arena);
    return in->failed ? NULL : r;
}
