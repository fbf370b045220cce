#include "lib/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/xalloc.h"
#include "engine/decode/json_number.h"

/* Values of a field that are looked at whether they are times, when none has been. */
#define TRIED_VALUES 1000

struct walk {
    struct infer *in;
    const struct record *record;
    int depth;
};

void infer_init(struct infer *in)
{
    *in = (struct infer){0};
    arena_init(&in->arena);
    json_view_init(&in->view);
    in->last = &in->first;
}

void infer_release(struct infer *in)
{
    for (struct infer_field *f = in->first; f; f = f->next) {
        infer_time_release(&f->time);
        free(f->counted);
    }
    infer_time_release(&in->broker);
    free(in->pending);
    json_view_release(&in->view);
    buf_release(&in->text);
    arena_release(&in->arena);
}

/* ---- values ------------------------------------------------------------------------------- */

static void count_value(struct infer *in, struct infer_field *f, struct slice text)
{
    if (f->counted == NULL) {
        f->counted = xcalloc(INFER_COUNT_BITS / 8, 1);
    }
    uint64_t h = hash64(text) % INFER_COUNT_BITS;
    bool known = f->counted[h / 8] & (1u << (h % 8));
    f->counted[h / 8] = (uint8_t)(f->counted[h / 8] | (1u << (h % 8)));
    if (known || f->more_values) {
        return;
    }
    if (f->n_shown == INFER_SHOWN_VALUES || text.len > INFER_SHOWN_BYTES) {
        f->more_values = true;
        return;
    }
    f->shown[f->n_shown++] = arena_copy(&in->arena, text);
}

static unsigned types_of_text(struct slice text)
{
    struct ip ip;
    struct cidr net;
    return INFER_TEXT | INFER_TIME | (ip_parse(text, &ip) ? INFER_IP : 0) |
           (memchr(text.ptr, '/', text.len) != NULL && cidr_parse(text, &net) ? INFER_CIDR : 0);
}

static unsigned types_of_number(struct json_span s, struct slice text)
{
    struct decimal d;
    double v;
    unsigned types = INFER_TIME | (decimal_parse(text, &d) ? INFER_DECIMAL : 0);
    if (json_number_to_double(text, &v)) {
        types |= INFER_FLOAT | (fabs(v) <= 90 ? INFER_LAT : 0) | (fabs(v) <= 180 ? INFER_LON : 0);
    }
    return types | (s.kind == JSON_INT && text.len <= 18 ? INFER_INT : 0);
}

/* Some values of the event time may be none; a field whose first thousand are none is something
 * else. */
static void take_time(const struct walk *w, struct infer_field *f, bool is_text, struct slice text)
{
    int32_t partition = w->record->partition;
    bool taken = (f->timed > 0 || f->values <= TRIED_VALUES) &&
                 (is_text ? infer_time_text(&f->time, partition, text)
                          : infer_time_number(&f->time, partition, text));
    if (!taken) {
        f->types &= ~(unsigned)INFER_TIME;
    } else if (f->last_timed != w->in->records) {
        f->last_timed = w->in->records;
        f->timed++;
    }
}

static void take_value(const struct walk *w, struct infer_field *f, struct json_span s)
{
    struct infer *in = w->in;
    buf_clear(&in->text);
    json_view_text(s, &in->text);
    struct slice text = buf_slice(&in->text);
    f->values++;
    count_value(in, f, text);
    f->equals_key = f->equals_key && w->record->has_key && slice_eq(text, w->record->key);
    if (s.kind == JSON_TRUE || s.kind == JSON_FALSE) {
        f->types &= INFER_BOOL;
        return;
    }
    f->types &= s.kind == JSON_STRING ? types_of_text(text) : types_of_number(s, text);
    take_time(w, f, s.kind == JSON_STRING, text);
}

/* ---- the tree of fields ------------------------------------------------------------------- */

static struct infer_field *field_of(struct infer *in, struct infer_field *parent, struct slice name)
{
    for (struct infer_field *f = in->first; f; f = f->next) {
        if (f->parent == parent && slice_eq(f->name, name)) {
            return f;
        }
    }
    if (in->n_fields == INFER_MAX_FIELDS) {
        return NULL;
    }
    struct infer_field *f = ARENA_NEW(&in->arena, struct infer_field);
    *f = (struct infer_field){.name = arena_copy(&in->arena, name),
                              .parent = parent,
                              .in_list = parent && (parent->in_list || parent->is_list),
                              .types = INFER_ALL,
                              .equals_key = true};
    *in->last = f;
    in->last = &f->next;
    in->n_fields++;
    return f;
}

static void walk_object(struct walk *w, struct infer_field *parent, struct json_span object);

static void walk_single(struct walk *w, struct infer_field *f, struct json_span s)
{
    if (s.kind == JSON_OBJECT) {
        f->is_object = true;
        walk_object(w, f, s);
    } else if (s.kind == JSON_NULL) {
        f->nulls++;
    } else {
        take_value(w, f, s);
    }
}

static void walk_list(struct walk *w, struct infer_field *f, struct json_span s)
{
    struct json_walk items = json_walk_into(s);
    struct json_span item;
    while (json_walk_item(&items, &item)) {
        if (item.kind == JSON_ARRAY) {
            f->nests = true;
            w->in->unnamed++;
        } else {
            walk_single(w, f, item);
        }
    }
}

static void walk_value(struct walk *w, struct infer_field *f, struct json_span s)
{
    if (f->last_record != w->in->records && s.kind != JSON_NULL) {
        f->last_record = w->in->records;
        f->records++;
    }
    f->is_list = f->is_list || s.kind == JSON_ARRAY;
    f->is_single = f->is_single || (s.kind != JSON_ARRAY && s.kind != JSON_NULL);
    if (s.kind == JSON_ARRAY) {
        walk_list(w, f, s);
    } else {
        walk_single(w, f, s);
    }
}

/* Members wait until the object is read to its end: the last of those with one name counts. */
static void take_members(struct walk *w, struct infer_field *parent, struct json_span object)
{
    struct infer *in = w->in;
    struct json_walk members = json_walk_into(object);
    struct json_span key, value;
    uint64_t id = ++in->objects;
    while (json_walk_member(&members, &key, &value)) {
        buf_clear(&in->text);
        json_view_text(key, &in->text);
        struct infer_field *f = field_of(in, parent, buf_slice(&in->text));
        if (f == NULL) {
            in->unnamed++;
        } else if (f->object == id) {
            in->pending[f->pending].value = value;
        } else {
            f->object = id;
            f->pending = in->n_pending;
            VEC_PUSH(in->pending, in->n_pending, in->cap_pending) =
                (struct infer_pending){f, value};
        }
    }
}

static void walk_object(struct walk *w, struct infer_field *parent, struct json_span object)
{
    struct infer *in = w->in;
    size_t first = in->n_pending;
    if (++w->depth > INFER_MAX_DEPTH) {
        in->unnamed++;
    } else {
        take_members(w, parent, object);
        size_t end = in->n_pending;
        for (size_t i = first; i < end; i++) {
            struct infer_pending p = in->pending[i];
            walk_value(w, p.field, p.value);
        }
        in->n_pending = first;
    }
    w->depth--;
}

void infer_record(struct infer *in, const struct record *r)
{
    if (!r->has_value) {
        in->empty++;
        return;
    }
    if (!json_view_set(&in->view, r->value) || in->view.root.kind != JSON_OBJECT) {
        in->not_objects++;
        return;
    }
    in->records++;
    in->with_key += r->has_key;
    if (r->has_timestamp) {
        in->with_timestamp++;
        infer_time_add(&in->broker, r->partition, r->timestamp);
    }
    struct walk w = {in, r, 0};
    walk_object(&w, NULL, in->view.root);
}

uint64_t infer_distinct(const struct infer_field *f)
{
    uint32_t set = 0;
    for (size_t i = 0; f->counted && i < INFER_COUNT_BITS / 8; i++) {
        set += (uint32_t)__builtin_popcount(f->counted[i]);
    }
    if (set == INFER_COUNT_BITS) {
        return f->values;
    }
    double free_share = 1.0 - (double)set / INFER_COUNT_BITS;
    uint64_t n = (uint64_t)(-(double)INFER_COUNT_BITS * __builtin_log(free_share) + 0.5);
    return n < f->values ? n : f->values;
}
