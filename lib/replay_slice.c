#include "lib/replay_slice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "lib/json_view.h"

#define MANIFEST_FORMAT 1

void replay_slice_release(struct replay_slice *s)
{
    free(s->parts);
    *s = (struct replay_slice){0};
}

/* ---- reading along -------------------------------------------------------------------------- */

static struct slice_part *part_of(struct replay_slice *s, const struct record *r)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t at = (s->last + i) % s->n; /* records come in runs of one partition */
        if (s->parts[at].topic == r->topic && s->parts[at].partition == r->partition) {
            s->last = at;
            return &s->parts[at];
        }
    }
    s->last = s->n;
    struct slice_part *p = &VEC_PUSH(s->parts, s->n, s->cap);
    *p = (struct slice_part){.topic = r->topic, .partition = r->partition, .first = r->offset};
    hasher_init(&p->hash);
    return p;
}

static void put_part(struct hasher *h, bool present, struct slice s)
{
    static const char is_there[] = {1}, is_not[] = {0};
    hasher_put(h, slice_from(present ? is_there : is_not, 1));
    hasher_put_part(h, present ? s : (struct slice){0});
}

static void put_number(struct hasher *h, int64_t n)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
    }
    hasher_put(h, slice_from((const char *)bytes, sizeof(bytes)));
}

void replay_slice_note(struct replay_slice *s, const struct record *r)
{
    struct slice_part *p = part_of(s, r);
    p->end = r->offset + 1;
    p->records++;
    put_number(&p->hash, r->offset);
    put_number(&p->hash, r->has_timestamp ? r->timestamp.ns : INT64_MIN);
    put_part(&p->hash, r->has_key, r->key);
    put_part(&p->hash, r->has_value, r->value);
}

static int compare_parts(const void *a, const void *b)
{
    const struct slice_part *x = a, *y = b;
    if (x->topic != y->topic) {
        return x->topic < y->topic ? -1 : 1;
    }
    return (x->partition > y->partition) - (x->partition < y->partition);
}

void replay_slice_finish(struct replay_slice *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->parts[i].sum = hasher_hash128(&s->parts[i].hash);
    }
    if (s->n > 1) {
        qsort(s->parts, s->n, sizeof(*s->parts), compare_parts);
    }
}

/* ---- manifest ------------------------------------------------------------------------------- */

static void put_time(struct json_out *j, const char *key, struct etime t)
{
    json_key(j, slice_of(key));
    json_int(j, t.ns);
}

static void put_manifest(const struct replay_slice *s, const struct ruleset *rs, struct buf *out)
{
    char hex[HASH128_HEX_MAX];
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    json_member_int(&j, "fyke_slice", MANIFEST_FORMAT);
    put_time(&j, "from_ns", s->from);
    put_time(&j, "before_ns", s->before);
    json_key(&j, SLICE_LIT("partitions"));
    json_array_begin(&j);
    for (size_t i = 0; i < s->n; i++) {
        const struct slice_part *p = &s->parts[i];
        hash128_hex(p->sum, hex);
        json_object_begin(&j);
        json_member_string(&j, "topic", rs->topics[p->topic].name);
        json_member_int(&j, "partition", p->partition);
        json_member_int(&j, "first", p->first);
        json_member_int(&j, "end", p->end);
        json_member_int(&j, "records", (int64_t)p->records);
        json_member_string(&j, "hash", slice_of(hex));
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_line_end(&j);
}

enum err replay_slice_save(const struct replay_slice *s, const struct ruleset *rs,
                           const char *path, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf beside = BUF_INIT;
    put_manifest(s, rs, &text);
    buf_printf(&beside, "%s.new", path);
    FILE *to = fopen(buf_cstr(&beside), "we");
    bool ok = to && fwrite(text.ptr, 1, text.len, to) == text.len;
    ok = to && fclose(to) == 0 && ok && rename(buf_cstr(&beside), path) == 0;
    if (!ok) {
        enum err rc = error_set(err, ERR_IO, "cannot write %s: %s", path, strerror(errno));
        unlink(buf_cstr(&beside));
        return rc;
    }
    return ERR_OK;
}

static bool number(struct json_span object, const char *key, int64_t *ret)
{
    struct json_span s = json_view_get(object, key);
    errno = 0;
    *ret = s.kind == JSON_INT ? strtoll(s.ptr, NULL, 10) : 0; /* a delimiter follows in the text */
    return s.kind == JSON_INT && errno == 0;
}

static uint32_t topic_of(const struct ruleset *rs, struct json_span name)
{
    for (uint32_t i = 0; i < rs->n_topics && name.kind == JSON_STRING; i++) {
        if (json_string_equals(name, rs->topics[i].name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static bool take_part(struct replay_slice *s, const struct ruleset *rs, struct json_span object)
{
    FYKE_CLEANUP(buf_release) struct buf hex = BUF_INIT;
    struct slice_part p = {.topic = topic_of(rs, json_view_get(object, "topic"))};
    int64_t partition, records;
    json_view_text(json_view_get(object, "hash"), &hex);
    bool ok = number(object, "partition", &partition) && number(object, "first", &p.first) &&
              number(object, "end", &p.end) && number(object, "records", &records) &&
              hash128_parse(buf_slice(&hex), &p.sum) && partition >= 0 &&
              partition <= INT32_MAX && p.first >= 0 && p.end >= p.first && records >= 0;
    p.partition = (int32_t)partition;
    p.records = (uint64_t)records;
    if (ok && p.topic != UINT32_MAX) {
        VEC_PUSH(s->parts, s->n, s->cap) = p;
    }
    return ok && p.topic != UINT32_MAX;
}

static bool take_manifest(struct replay_slice *s, const struct ruleset *rs, struct json_span root)
{
    int64_t format;
    struct json_span parts = json_view_get(root, "partitions"), entry;
    if (!number(root, "fyke_slice", &format) || format != MANIFEST_FORMAT ||
        !number(root, "from_ns", &s->from.ns) || !number(root, "before_ns", &s->before.ns) ||
        parts.kind != JSON_ARRAY) {
        return false;
    }
    struct json_walk w = json_walk_into(parts);
    while (json_walk_item(&w, &entry)) {
        if (!take_part(s, rs, entry)) {
            return false;
        }
    }
    return true;
}

static enum err read_whole(const char *path, struct buf *ret, bool *found, struct error *err)
{
    char chunk[8192];
    size_t n;
    FILE *from = fopen(path, "re");
    *found = from != NULL;
    if (!from) {
        return errno == ENOENT ? ERR_OK : error_set(err, ERR_IO, "cannot read %s: %s", path,
                                                    strerror(errno));
    }
    while ((n = fread(chunk, 1, sizeof(chunk), from)) > 0) {
        buf_put(ret, chunk, n);
    }
    bool ok = !ferror(from);
    fclose(from);
    return ok ? ERR_OK : error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
}

enum err replay_slice_load(struct replay_slice *s, const struct ruleset *rs, const char *path,
                           bool *found, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct json_view view;
    *s = (struct replay_slice){0};
    FYKE_TRY(read_whole(path, &text, found, err));
    if (!*found) {
        return ERR_OK;
    }
    json_view_init(&view);
    bool ok = json_view_set(&view, buf_slice(&text)) && take_manifest(s, rs, view.root);
    json_view_release(&view);
    return ok ? ERR_OK
              : error_set(err, ERR_INPUT, "%s is no manifest of a slice of the topics of these "
                          "rules", path);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static const struct slice_part *find_part(const struct replay_slice *s, const struct slice_part *p)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->parts[i].topic == p->topic && s->parts[i].partition == p->partition) {
            return &s->parts[i];
        }
    }
    return NULL;
}

static enum err differs(const struct slice_part *w, const struct slice_part *g,
                        const struct ruleset *rs, const char *path, struct error *err)
{
    struct slice topic = rs->topics[w->topic].name;
    if (g && g->records == w->records && g->first == w->first && g->end == w->end) {
        return error_set(err, ERR_INPUT, "%s: %.*s[%d] is another slice: the bytes of its %" PRIu64
                         " records differ", path, SLICE_ARG(topic), (int)w->partition, w->records);
    }
    return error_set(err, ERR_INPUT,
                     "%s: %.*s[%d] is another slice: %" PRIu64 " records at offsets %" PRId64
                     " to %" PRId64 " were read, not the %" PRIu64 " at %" PRId64 " to %" PRId64
                     " of the manifest", path, SLICE_ARG(topic), (int)w->partition,
                     g ? g->records : 0, g ? g->first : 0, g ? g->end : 0, w->records, w->first,
                     w->end);
}

enum err replay_slice_compare(const struct replay_slice *want, const struct replay_slice *got,
                              const struct ruleset *rs, const char *path, struct error *err)
{
    for (size_t i = 0; i < want->n; i++) {
        const struct slice_part *w = &want->parts[i], *g = find_part(got, w);
        if (g && g->records == w->records && hash128_eq(g->sum, w->sum)) {
            continue;
        }
        return differs(w, g, rs, path, err);
    }
    if (got->n > want->n) {
        return error_set(err, ERR_INPUT, "%s: %zu partitions were read that it does not name", path,
                         got->n - want->n);
    }
    return ERR_OK;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static bool put_headers(struct json_out *j, const struct record *r)
{
    json_key(j, SLICE_LIT("headers"));
    json_array_begin(j);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const struct record_header *h = &r->headers[i];
        if (!utf8_valid(h->name) || !utf8_valid(h->value)) {
            return false;
        }
        json_text(j, h->name);
        if (h->value.ptr) {
            json_text(j, h->value);
        } else {
            json_nil(j);
        }
    }
    json_array_end(j);
    return true;
}

static void put_payload(struct json_out *j, const struct record *r, bool encoded)
{
    bool text = !encoded && utf8_valid(r->value);
    json_key(j, r->has_value && !text ? SLICE_LIT("payload_base64") : SLICE_LIT("payload"));
    if (!r->has_value) {
        json_nil(j);
    } else if (text) {
        json_text(j, r->value);
    } else {
        json_base64(j, r->value);
    }
}

bool replay_slice_line(const struct record *r, const struct ruleset *rs, struct buf *out)
{
    struct json_out j = json_out_to(out);
    bool encoded = r->in_format && rs->topics[r->topic].payload;
    json_object_begin(&j);
    json_member_string(&j, "topic", rs->topics[r->topic].name);
    json_member_int(&j, "partition", r->partition);
    json_member_int(&j, "offset", r->offset);
    if (r->has_timestamp) {
        json_member_string(&j, "tstype", slice_of(r->log_append_time ? "logappend" : "create"));
        json_member_int(&j, "ts", r->timestamp.ns / NS_PER_MS);
    }
    json_key(&j, SLICE_LIT("key"));
    if (r->has_key) {
        json_text(&j, r->key);
    } else {
        json_nil(&j);
    }
    put_payload(&j, r, encoded);
    bool ok = put_headers(&j, r);
    json_object_end(&j);
    json_line_end(&j);
    return ok && (!r->has_key || utf8_valid(r->key));
}
