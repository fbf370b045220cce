#include "lib/infer.h"

#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/xalloc.h"

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
    unsigned types = INFER_TIME | (decimal_parse(text, &d) ? INFER_DECIMAL : 0);
    return types | (s.kind == JSON_INT && text.len <= 18 ? INFER_INT : 0);
}

static void take_value(const struct walk *w, struct infer_field *f, struct json_span s)
{
    struct infer *in = w->in;
    int32_t partition = w->record->partition;
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
    if ((f->types & INFER_TIME) &&
        !(s.kind == JSON_STRING ? infer_time_text(&f->time, partition, text)
                                : infer_time_number(&f->time, partition, text))) {
        f->types &= ~(unsigned)INFER_TIME;
    }
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

static void walk_value(struct walk *w, struct infer_field *f, struct json_span s)
{
    if (f->last_record != w->in->records && s.kind != JSON_NULL) {
        f->last_record = w->in->records;
        f->records++;
    }
    if (s.kind == JSON_ARRAY) {
        struct json_walk items = json_walk_into(s);
        struct json_span item;
        f->is_list = true;
        while (json_walk_item(&items, &item)) {
            if (item.kind == JSON_ARRAY) {
                w->in->unnamed++;
            } else {
                walk_value(w, f, item);
            }
        }
    } else if (s.kind == JSON_OBJECT) {
        f->is_object = true;
        walk_object(w, f, s);
    } else if (s.kind == JSON_NULL) {
        f->nulls++;
    } else {
        take_value(w, f, s);
    }
}

static void walk_object(struct walk *w, struct infer_field *parent, struct json_span object)
{
    struct json_walk members = json_walk_into(object);
    struct json_span key, value;
    if (++w->depth > INFER_MAX_DEPTH) {
        w->in->unnamed++;
    } else {
        while (json_walk_member(&members, &key, &value)) {
            buf_clear(&w->in->text);
            json_view_text(key, &w->in->text);
            struct infer_field *f = field_of(w->in, parent, buf_slice(&w->in->text));
            if (f == NULL) {
                w->in->unnamed++;
            } else {
                walk_value(w, f, value);
            }
        }
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
