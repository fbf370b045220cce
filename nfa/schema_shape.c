#include "nfa/schema_shape.h"

#include "base/buf.h"
#include "base/hash.h"
#include "nfa/expr.h"

static void put_field(const struct schema_field *f, struct buf *out)
{
    buf_put_blob(out, f->name);
    buf_put_blob(out, f->path_text);
    buf_put_varint(out, (uint64_t)f->origin);
    buf_put_blob(out, f->header);
    buf_put_varint(out, (uint64_t)f->type);
    buf_put_byte(out, f->is_list);
    buf_put_byte(out, f->is_set);
    buf_put_varint(out, (uint64_t)f->unit);
    if (f->computed != NULL) {
        struct buf text = BUF_INIT;
        expr_canonical(f->computed, NULL, &text);
        buf_put_blob(out, buf_slice(&text));
        buf_release(&text);
    }
}

uint64_t schema_field_shape(const struct schema_field *f)
{
    struct buf text = BUF_INIT;
    put_field(f, &text);
    uint64_t h = hash64(buf_slice(&text));
    buf_release(&text);
    return h != 0 ? h : 1;
}

uint64_t schema_shape(const struct schema_decl *d)
{
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        put_field(&d->fields[i], &text);
    }
    uint64_t h = hash64(buf_slice(&text));
    buf_release(&text);
    return h;
}
