#include "engine/decode/decode_field.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "engine/decode/json_number.h"
#include "engine/decode/json_walk.h"

void field_room_init(struct field_room *room)
{
    *room = (struct field_room){0};
}

void field_room_release(struct field_room *room)
{
    arena_release(&room->arena);
    free(room->items);
    field_room_init(room);
}

void field_room_reset(struct field_room *room)
{
    if (room->arena.used_bytes > 0) {
        arena_reset(&room->arena);
    }
}

static bool is_number(struct json_span s)
{
    return s.kind == JSON_INT || s.kind == JSON_REAL;
}

static struct slice span_slice(struct json_span s)
{
    return slice_from(s.ptr, s.len);
}

static struct slice unescaped(struct json_span s, struct field_room *room)
{
    char *text = arena_alloc(&room->arena, s.len);
    return slice_from(text, json_unescape(s, text));
}

static bool string_value(const struct plan_field *f, struct json_span span, struct field_room *room,
                         struct value *ret)
{
    struct slice text = span_slice(span);
    if (span.escaped) {
        if (f->decl->type == TYPE_STRING && !f->wanted) {
            *ret = value_string(SLICE_LIT("")); /* every string is one; nobody reads it */
            return true;
        }
        text = unescaped(span, room);
    }
    return field_text(f->decl, text, false, ret);
}

static bool number_of(struct json_span span, double *ret)
{
    return is_number(span) && json_number_to_double(span_slice(span), ret);
}

/* {"lat":…,"lon":…} or [lon,lat]; other members are not looked at. */
static bool geo_value(struct json_span span, struct value *ret)
{
    struct geo g;
    struct json_span lat, lon, more;
    if (span.kind == JSON_OBJECT) {
        lat = json_walk_find(span, SLICE_LIT("lat"));
        lon = json_walk_find(span, SLICE_LIT("lon"));
    } else if (span.kind == JSON_ARRAY) {
        struct json_walk w = json_walk_into(span);
        if (!json_walk_item(&w, &lon) || !json_walk_item(&w, &lat) || json_walk_item(&w, &more)) {
            return false;
        }
    } else {
        return false;
    }
    if (!number_of(lat, &g.lat) || !number_of(lon, &g.lon) || !geo_valid(g)) {
        return false;
    }
    *ret = value_geo(g);
    return true;
}

bool field_scalar(const struct plan_field *f, struct json_span span, struct field_room *room,
                  struct value *ret)
{
    switch ((enum json_kind)span.kind) {
    case JSON_STRING: return string_value(f, span, room, ret);
    case JSON_INT:
    case JSON_REAL: return field_number(f->decl, span_slice(span), ret);
    case JSON_TRUE:
    case JSON_FALSE: *ret = value_bool(span.kind == JSON_TRUE); return f->decl->type == TYPE_BOOL;
    case JSON_OBJECT:
    case JSON_ARRAY: return f->decl->type == TYPE_GEO && geo_value(span, ret);
    case JSON_NONE:
    case JSON_NULL: break;
    }
    return false;
}

enum field_verdict field_from_payload(const struct plan_field *f, const struct json_span *found,
                                      struct field_room *room, struct json_span *where,
                                      struct value *ret)
{
    bool collects = false;
    bool ok;
    *where = (struct json_span){0};
    if (f->literal != JSON_NO_NODE) {
        *where = found[f->literal];
    }
    if (where->kind == JSON_NONE && f->nested != JSON_NO_NODE) {
        *where = found[f->nested];
        collects = f->collects;
    }
    if (where->kind <= JSON_NULL) {
        return FIELD_ABSENT;
    }
    if (f->decl->is_list || f->decl->is_set) {
        ok = where->kind == JSON_ARRAY && field_list(f, *where, collects, room, ret);
    } else {
        ok = !collects && field_scalar(f, *where, room, ret);
    }
    return ok ? FIELD_OK : FIELD_BAD;
}

static enum field_verdict from_text(const struct plan_field *f, bool present, struct slice text,
                                    struct value *ret)
{
    if (!present) {
        return FIELD_ABSENT;
    }
    bool ok = !f->decl->is_list && !f->decl->is_set && utf8_valid(text) &&
              field_text(f->decl, text, true, ret);
    return ok ? FIELD_OK : FIELD_BAD;
}

/* Kafka allows a header name more than once; the last one is the newest. */
static bool find_header(const struct record *r, struct slice name, struct slice *ret)
{
    for (uint32_t i = r->n_headers; i-- > 0;) {
        if (slice_eq(r->headers[i].name, name)) {
            *ret = r->headers[i].value;
            return ret->ptr != NULL;
        }
    }
    return false;
}

enum field_verdict field_from_record(const struct plan_field *f, const struct record *r,
                                     struct value *ret)
{
    struct slice text = {0};
    if (f->origin == ORIGIN_KEY) {
        return from_text(f, r->has_key, r->key, ret);
    }
    if (f->origin == ORIGIN_HEADER) {
        bool present = find_header(r, f->decl->header, &text);
        return from_text(f, present, text, ret);
    }
    if (!r->has_timestamp) {
        return FIELD_ABSENT;
    }
    *ret = value_timestamp(r->timestamp);
    return f->decl->type == TYPE_TIMESTAMP && !f->decl->is_list ? FIELD_OK : FIELD_BAD;
}
