/* A file as lines and as envelopes: the lines are the file, the hash depends on the bytes alone, no
 * envelope does harm. The first byte is the longest line allowed. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "connectors/envelope.h"
#include "connectors/lines.h"

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static int make_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void try_envelope(struct envelope *e, struct arena *arena, struct slice line)
{
    struct record r = {0};
    struct slice topic;
    if (!envelope_place(e, line, &topic, &r.partition, &r.offset)) {
        must(topic.len > 0 && r.partition >= 0 && r.offset >= 0);
        if (!envelope_content(e, arena, &r)) {
            must(r.value.len <= line.len && r.key.len <= line.len);
        }
    }
    arena_reset(arena);
}

/* Returns the hash over all lines. */
static struct hash128 walk(const uint8_t *data, size_t size, size_t max, struct envelope *e)
{
    struct file_bytes in;
    struct lines l;
    struct line line;
    struct error err;
    struct arena arena = ARENA_INIT;
    size_t at = 0;
    enum lines_result rc;
    file_bytes_adopt(&in, make_file(data, size), "fuzz");
    lines_init(&l, in, max);
    l.hashing = true;
    hasher_init(&l.hash);
    while ((rc = lines_next(&l, &line)) != LINES_END) {
        if (rc == LINES_NEED) {
            must(lines_fill(&l, &err) == ERR_OK);
            continue;
        }
        const uint8_t *nl = memchr(data + at, '\n', size - at);
        size_t len = nl ? (size_t)(nl - data) - at : size - at;
        must(line.too_long == (len > max));
        must(line.text.len == (len > max ? max + 1 : len));
        must(line.text.len == 0 || memcmp(line.text.ptr, data + at, line.text.len) == 0);
        try_envelope(e, &arena, line.text);
        at += len + 1;
    }
    must(at >= size);
    struct hash128 hash = hasher_hash128(&l.hash);
    lines_close(&l);
    arena_release(&arena);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct envelope e;
    if (size == 0) {
        return 0;
    }
    envelope_init(&e);
    struct hash128 some = walk(data + 1, size - 1, data[0], &e);
    struct hash128 all = walk(data + 1, size - 1, SIZE_MAX - 1, &e);
    must(hash128_eq(some, all));
    envelope_release(&e);
    return 0;
}
