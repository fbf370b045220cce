/* Everything that is read from a state directory: header, heads, segments, pages, instances, and the file
 * itself. The first byte says which; checksums are put right first, because damage that they see is
 * the easy kind. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/state/clock_page.h"
#include "engine/state/header.h"
#include "engine/state/lmdb_check.h"
#include "engine/state/record_codec.h"
#include "nfa/state.h"
#include "tests/support/hand_rules.h"

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* ---- header ------------------------------------------------------------------------------- */

static void try_header(struct slice body)
{
    struct buf b = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
    struct header h, again;
    const char *why = NULL;
    uint64_t format;
    buf_put_slice(&b, body);
    buf_put_u64be(&b, hash64(body));
    header_format(buf_slice(&b), &format);
    if (header_decode(buf_slice(&b), &h, &why)) {
        header_encode(&h, &once);
        must(header_decode(buf_slice(&once), &again, &why));
        header_encode(&again, &twice);
        must(slice_eq(buf_slice(&once), buf_slice(&twice)));
        header_release(&again);
        header_release(&h);
    } else {
        must(why != NULL);
    }
    must(!header_decode(body, &h, &why) || (header_release(&h), true));
    buf_release(&b);
    buf_release(&once);
    buf_release(&twice);
}

/* ---- records ------------------------------------------------------------------------------ */

static void seal(const struct record_key *key, struct slice body, struct buf *out)
{
    struct hasher h;
    hasher_init(&h);
    hasher_put(&h, record_key_slice(key));
    hasher_put(&h, body);
    buf_put_slice(out, body);
    buf_put_u64be(out, hasher_hash64(&h));
}

static void try_head(struct slice body)
{
    struct record_key key = record_head_key((struct hash128){1, 2});
    struct buf b = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
    struct record_slots slots = {0};
    struct record_head head;
    const char *why = NULL;
    seal(&key, body, &b);
    if (record_decode_head(&key, buf_slice(&b), &slots, &head, &why)) {
        record_encode_head(&key, &head, &once);
        must(record_decode_head(&key, buf_slice(&once), &slots, &head, &why));
        record_encode_head(&key, &head, &twice);
        must(slice_eq(buf_slice(&once), buf_slice(&twice)));
    } else {
        must(why != NULL);
    }
    record_slots_release(&slots);
    buf_release(&b);
    buf_release(&once);
    buf_release(&twice);
}

static void try_segment(struct slice body)
{
    struct record_key key = record_segment_key((struct hash128){1, 2}, 3, 4);
    struct buf b = BUF_INIT;
    struct slice ret;
    const char *why = NULL;
    seal(&key, body, &b);
    must(record_decode_segment(&key, buf_slice(&b), &ret, &why) || why != NULL);
    buf_release(&b);
}

/* ---- pages -------------------------------------------------------------------------------- */

/* Two bytes say which page; what it holds must lie there. */
static void try_page(struct slice body)
{
    struct record_key key = record_head_key((struct hash128){1, 2});
    struct buf b = BUF_INIT;
    struct value_clocks c;
    const char *why = NULL;
    if (body.len < 2) {
        return;
    }
    memcpy(key.bytes + 18, body.ptr, 2);
    seal(&key, slice_from(body.ptr + 2, body.len - 2), &b);
    value_clocks_init(&c, (struct duration){1000});
    if (clock_page_take(&c, &key, buf_slice(&b), ETIME_MAX, &why)) {
        struct frozen f = {0};
        must(c.n > 0);
        clock_pages_freeze(&c, (struct hash128){1, 2}, &f);
        must(f.n == 0);
        frozen_release(&f);
    } else {
        must(why != NULL);
    }
    value_clocks_release(&c);
    buf_release(&b);
}

static void try_rules(struct slice body)
{
    struct header h = {0};
    struct buf once = BUF_INIT;
    if (header_take_rules(&h, body)) {
        header_put_rules(&h, &once);
        must(once.len <= body.len);
    }
    header_release(&h);
    buf_release(&once);
}

/* ---- instances ---------------------------------------------------------------------------- */

/* One byte: length of the head; then the head; the rest is every segment. */
static struct slice all_the_same(void *ctx, uint64_t id)
{
    const struct slice *rest = ctx;
    return id < 1000 ? *rest : (struct slice){0};
}

static void ignore_match(void *ctx, const struct match *m)
{
    (void)ctx;
    (void)m;
}

static void try_instance(struct slice body)
{
    struct hand_rules rules;
    struct pool pool;
    const char *why = NULL;
    size_t n = body.len > 0 ? (uint8_t)body.ptr[0] : 0;
    if (n + 1 > body.len) {
        return;
    }
    struct slice head = slice_from(body.ptr + 1, n);
    struct slice rest = slice_from(body.ptr + 1 + n, body.len - 1 - n);
    hand_begin(&rules, 0);
    struct rule *rule = hand_missing(&rules, "missing", 15);
    struct nfa_scratch *scratch =
        nfa_scratch_new(&rules.rs, (struct nfa_limits){.max_runs = 100, .max_matches = 100});
    pool_init(&pool);
    const struct event_near near = {{5000}, {0, 0, 7}, SLICE_LIT("\6\3bob")};
    struct stored_form from = {head, near, near, all_the_same, &rest};
    struct instance *in = instance_load(rule, &pool, scratch, &from, &why);
    must(in != NULL || why != NULL);
    if (in != NULL) {
        struct value key = VALUE_MISSING;
        struct nfa_call call = {.scratch = scratch, .key = &key, .on_match = ignore_match,
                                .history_begin = ETIME_MIN};
        instance_advance(in, (struct etime){1000000}, &call);
        instance_free(in);
    }
    pool_release(&pool);
    nfa_scratch_free(scratch);
    hand_end(&rules);
}

/* ---- files -------------------------------------------------------------------------------- */

static void try_file(struct slice bytes)
{
    struct error err = ERROR_INIT;
    char path[64];
    int fd = memfd_create("fyke", 0);
    if (fd < 0) {
        return;
    }
    if (write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        must(lmdb_check(path, &err) == ERR_OK || err.text[0] != '\0');
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 18) {
        return 0;
    }
    struct slice body = slice_from((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'H':
        try_header(body);
        break;
    case 'h':
        try_head(body);
        break;
    case 's':
        try_segment(body);
        break;
    case 'p':
        try_page(body);
        break;
    case 'r':
        try_rules(body);
        break;
    case 'i':
        try_instance(body);
        break;
    default:
        try_file(body);
        break;
    }
    return 0;
}
