#include "engine/decode/payload_codec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/payload_framing.h"

void payload_codec_init(struct payload_codec *c, size_t max_bytes, uint32_t max_depth)
{
    *c = (struct payload_codec){.max_bytes = max_bytes, .max_depth = max_depth};
}

void payload_codec_release(struct payload_codec *c)
{
    buf_release(&c->text);
    free(c->members);
}

bool payload_fail(struct payload_codec *c, enum invalid_reason reason)
{
    if (c->reason == INVALID_NONE) {
        c->reason = reason;
    }
    return false;
}

bool payload_enter(struct payload_codec *c)
{
    return ++c->depth <= c->max_depth || payload_fail(c, INVALID_TOO_DEEP);
}

bool payload_fits(struct payload_codec *c)
{
    return c->text.len <= c->max_bytes || payload_fail(c, INVALID_TOO_LONG);
}

bool payload_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
    const uint8_t *p = *at;
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
        uint8_t byte = *p++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *ret = v;
            return true;
        }
    }
    return false;
}

/* ---- values -------------------------------------------------------------------------------- */

bool payload_put_text(struct payload_codec *c, struct slice text)
{
    if (!utf8_valid(text)) {
        return payload_fail(c, INVALID_UTF8);
    }
    json_text(&c->out, text);
    return payload_fits(c);
}

bool payload_put_base64(struct payload_codec *c, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (s.len > c->max_bytes) {
        return payload_fail(c, INVALID_TOO_LONG);
    }
    json_raw(&c->out, SLICE_LIT("\""));
    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++) {
            v = v << 8 | (i + k < s.len ? (uint8_t)s.ptr[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k > s.len;
            buf_put_byte(&c->text, pad ? '=' : (uint8_t)digits[v >> (18 - 6 * k) & 63]);
        }
    }
    buf_puts(&c->text, "\"");
    return payload_fits(c);
}

void payload_put_double(struct payload_codec *c, double v)
{
    if (isnan(v)) {
        json_text(&c->out, SLICE_LIT("NaN"));
    } else if (isinf(v)) {
        json_text(&c->out, v > 0 ? SLICE_LIT("Infinity") : SLICE_LIT("-Infinity"));
    } else {
        json_double(&c->out, v);
    }
}

void payload_put_float(struct payload_codec *c, float v)
{
    double wide = (double)v;
    for (int digits = 6; isfinite(v) && digits <= 9; digits++) {
        char text[64];
        snprintf(text, sizeof(text), "%.*g", digits, (double)v);
        wide = strtod(text, NULL);
        if ((float)wide == v) {
            break;
        }
    }
    payload_put_double(c, wide);
}

/* ---- messages ------------------------------------------------------------------------------ */

static bool write_message(struct payload_codec *c, const struct payload_want *want)
{
    if (c->schema->format == PAYLOAD_AVRO) {
        return avro_message(c, c->schema->root, want);
    }
    return proto_message(c, c->schema->root, want);
}

enum payload_result payload_to_json(struct payload_codec *c, const struct payload_schema *schema,
                                    const struct payload_want *want, const struct record *r,
                                    size_t *position)
{
    static const char zeros[JSON_PAD_BYTES];
    const uint8_t *value = (const uint8_t *)r->value.ptr;
    c->schema = schema;
    c->begin = c->at = value;
    c->end = r->value.len ? value + r->value.len : value;
    c->depth = 0;
    c->reason = INVALID_NONE;
    c->has_schema_id = false;
    buf_clear(&c->text);
    c->out = json_out_to(&c->text);
    bool same = true;
    bool ok = payload_framing(c, r, &same);
    if (ok && !same) {
        return PAYLOAD_OTHER_MESSAGE;
    }
    ok = ok && write_message(c, want);
    if (!ok) {
        *position = c->at ? (size_t)(c->at - c->begin) : 0;
        return PAYLOAD_INVALID;
    }
    buf_put(&c->text, zeros, sizeof(zeros));
    c->text.len -= sizeof(zeros);
    return PAYLOAD_TEXT;
}
