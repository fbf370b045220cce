/* One field's value out of what a record holds for it. Which values a type accepts is formats.md's
 * business and stands in decode_field_text.c (what text can be) and decode_field.c (what JSON). */
#ifndef FYKE_ENGINE_DECODE_DECODE_FIELD_H
#define FYKE_ENGINE_DECODE_DECODE_FIELD_H

#include "base/arena.h"
#include "engine/decode/decode_plan.h"
#include "engine/decode/json_scan.h"
#include "engine/record.h"

enum field_verdict {
    FIELD_OK,
    FIELD_ABSENT, /* not there, or null */
    FIELD_BAD,    /* undecodable */
};

/* Where decoding may put things. Values point into the scanned text, the schema or `arena`; all
 * of it lives until the record is done. */
struct field_room {
    struct arena arena;
    struct value *items; /* the list being collected */
    size_t n_items, items_cap;
    struct etime_day day; /* of the event time that was read last */
};

void field_room_init(struct field_room *room);
void field_room_release(struct field_room *room);
void field_room_reset(struct field_room *room);

/* A payload field. `found`: what the scan found; *where gets the span judged (kind JSON_NONE when
 * the field is absent). */
enum field_verdict field_from_payload(const struct plan_field *f, const struct json_span *found,
                                      struct field_room *room, struct json_span *where,
                                      struct value *ret);
/* "$key", "$timestamp", "$header.x". */
enum field_verdict field_from_record(const struct plan_field *f, const struct record *r,
                                     struct value *ret);

/* ---- shared by the files of this part ----------------------------------------------------- */

/* A JSON value that is not null, as one value of the field's type (an item of a list field). */
bool field_scalar(const struct plan_field *f, struct json_span span, struct field_room *room,
                  struct value *ret);
/* The list or set of a list field: the array itself, or what its path collects. */
bool field_list(const struct plan_field *f, struct json_span array, bool collects,
                struct field_room *room, struct value *ret);
/* Text as a value of the field's type. Of numbers and truth values only decimals are text in
 * JSON; keys and headers, which are text only, pass `bare`. */
bool field_text(const struct schema_field *f, struct slice text, bool bare, struct value *ret);
/* Within what event times may be: 1678 up to the end of 64 bits. */
bool field_time_valid(struct etime t);
/* A JSON number as a value of the field's type. */
bool field_number(const struct schema_field *f, struct slice number, struct value *ret);

#endif
