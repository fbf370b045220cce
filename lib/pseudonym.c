#include "lib/pseudonym.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/xalloc.h"

#define HASH_HEX 16
#define INT_BYTES 6           /* below 2⁴⁸: exact as any number of JSON */
#define FIRST_IPV4 0xf0       /* 240.0.0.0/4 belongs to nobody */
static const uint8_t ipv6_documentation[4] = {0x20, 0x01, 0x0d, 0xb8};

void pseudonyms_init(struct pseudonyms *p, struct slice secret)
{
    *p = (struct pseudonyms){.secret = secret};
    arena_init(&p->arena);
}

void pseudonyms_release(struct pseudonyms *p)
{
    arena_release(&p->arena);
    free(p->items);
}

bool pseudonym_type(enum field_type type)
{
    return type == TYPE_STRING || type == TYPE_INT || type == TYPE_IP;
}

/* ---- the set ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct pseudonym *x = a, *y = b;
    int c = slice_cmp(x->kind, y->kind);
    return c ? c : value_compare(x->real, y->real);
}

void pseudonyms_add(struct pseudonyms *p, struct slice kind, struct value v)
{
    if (v.kind == VAL_LIST) {
        for (uint32_t i = 0; i < v.len; i++) {
            pseudonyms_add(p, kind, v.u.items[i]);
        }
    } else if (v.kind != VAL_MISSING) {
        VEC_PUSH(p->items, p->n, p->cap) =
            (struct pseudonym){.kind = kind, .real = value_copy(v, &p->arena)};
    }
}

/* ---- what stands in their place -------------------------------------------------------------- */

static struct value text_value(struct pseudonyms *p, const char *text)
{
    return value_string(arena_copy(&p->arena, slice_of(text)));
}

/* `bits` as the end of an address that is given to nobody. */
static struct value address(uint8_t family, const uint8_t *bits, size_t n)
{
    struct ip ip = {.family = family};
    if (family == 4) {
        memcpy(ip.bytes, bits + n - 4, 4);
        ip.bytes[0] = (uint8_t)(FIRST_IPV4 | ip.bytes[0]);
    } else {
        memcpy(ip.bytes, ipv6_documentation, sizeof(ipv6_documentation));
        memcpy(ip.bytes + 16 - n, bits, n);
    }
    return value_ip(ip);
}

static struct value numbered(struct pseudonyms *p, const struct pseudonym *of, uint64_t number,
                             int digits)
{
    char text[32];
    uint8_t bits[8];
    if (of->real.kind == VAL_STRING) {
        snprintf(text, sizeof(text), "-%0*llu", digits, (unsigned long long)number);
        return text_value(p, arena_printf(&p->arena, "%.*s%s", SLICE_ARG(of->kind), text));
    }
    if (of->real.kind == VAL_INT) {
        return value_int((int64_t)number);
    }
    for (size_t i = 0; i < sizeof(bits); i++) {
        bits[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    return address(of->real.aux, bits, sizeof(bits));
}

static struct value hashed(struct pseudonyms *p, const struct pseudonym *of)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    uint8_t sum[SHA256_BYTES];
    char hex[HASH_HEX + 1];
    int64_t number = 0;
    buf_put_blob(&text, of->kind);
    value_encode(of->real, &text);
    hmac_sha256(p->secret, buf_slice(&text), sum);
    for (size_t i = 0; i < INT_BYTES; i++) {
        number = number << 8 | sum[i];
    }
    for (size_t i = 0; i < HASH_HEX / 2; i++) {
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    }
    switch (of->real.kind) {
    case VAL_STRING:
        return text_value(p, arena_printf(&p->arena, "%.*s-%s", SLICE_ARG(of->kind), hex));
    case VAL_INT: return value_int(number);
    default: return address(of->real.aux, sum, 12);
    }
}

static int digits_of(size_t n)
{
    int digits = 1;
    for (; n >= 10; n /= 10) {
        digits++;
    }
    return digits;
}

/* Numbered: texts of a kind from 1, padded, so that they sort as the values do. */
static void name_kind(struct pseudonyms *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct pseudonym *of = &p->items[i];
        of->stands = p->secret.len > 0 ? hashed(p, of)
                                       : numbered(p, of, i - from + 1, digits_of(to - from));
    }
}

static int compare_values(const void *a, const void *b)
{
    return value_compare(*(const struct value *)a, *(const struct value *)b);
}

static enum err check_apart(const struct pseudonyms *p, size_t from, size_t to, struct error *err)
{
    struct value *all = xcalloc(to - from + 1, sizeof(*all));
    enum err rc = ERR_OK;
    for (size_t i = from; i < to; i++) {
        all[i - from] = p->items[i].stands;
    }
    qsort(all, to - from, sizeof(*all), compare_values);
    for (size_t i = 1; i < to - from && rc == ERR_OK; i++) {
        rc = value_equal(all[i - 1], all[i])
                 ? error_set(err, ERR_LIMIT, "two values of %.*s would get the same pseudonym; take "
                             "another secret, or none", SLICE_ARG(p->items[from].kind))
                 : ERR_OK;
    }
    free(all);
    return rc;
}

enum err pseudonyms_seal(struct pseudonyms *p, struct error *err)
{
    size_t n = 0;
    if (p->n > 1) {
        qsort(p->items, p->n, sizeof(*p->items), compare);
    }
    for (size_t i = 0; i < p->n; i++) {
        if (n == 0 || compare(&p->items[n - 1], &p->items[i]) != 0) {
            p->items[n++] = p->items[i];
        }
    }
    p->n = n;
    for (size_t from = 0, to; from < n; from = to) {
        const struct pseudonym *first = &p->items[from];
        for (to = from + 1; to < n && slice_eq(p->items[to].kind, first->kind) &&
                            p->items[to].real.kind == first->real.kind &&
                            p->items[to].real.aux == first->real.aux;) {
            to++;
        }
        name_kind(p, from, to);
        FYKE_TRY(check_apart(p, from, to, err));
    }
    return ERR_OK;
}

/* ---- asking --------------------------------------------------------------------------------- */

struct value pseudonym_of(const struct pseudonyms *p, struct slice kind, struct value v,
                          struct arena *arena)
{
    if (v.kind == VAL_LIST) {
        struct value *items = ARENA_ARRAY(arena, struct value, v.len + 1u);
        for (uint32_t i = 0; i < v.len; i++) {
            items[i] = pseudonym_of(p, kind, v.u.items[i], arena);
        }
        return value_list(items, v.len);
    }
    if (v.kind == VAL_MISSING) {
        return v;
    }
    const struct pseudonym key = {.kind = kind, .real = v};
    const struct pseudonym *found = bsearch(&key, p->items, p->n, sizeof(key), compare);
    assert(found);
    return found->stands;
}

bool pseudonym_stands_for(const struct pseudonyms *p, struct slice real, struct slice stands)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (size_t i = 0; i < p->n; i++) {
        buf_clear(&text);
        value_to_json(p->items[i].stands, &text);
        if (slice_eq(buf_slice(&text), stands)) {
            buf_clear(&text);
            value_to_json(p->items[i].real, &text);
            if (slice_eq(buf_slice(&text), real)) {
                return true;
            }
        }
    }
    return false;
}
