/* Files as a source: lines, archives, coordinates, pauses, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/rng.h"
#include "base/xalloc.h"
#include "connectors/file_source.h"
#include "connectors/lines.h"

struct world {
    char dir[64];
    struct buf path;
    struct ruleset rs;
    struct schema_topic topics[2];
    struct schema_decl decls[1];
    struct schema_field fields[2];
    struct path_part part;
    uint32_t decl_index;
    struct source *source;
    struct error err;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof(*w));
    strcpy(w->dir, "/tmp/fyke-files-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->part.name = SLICE_LIT("user");
    w->fields[0] = (struct schema_field){.name = w->part.name,
                                         .path_text = w->part.name,
                                         .parts = &w->part,
                                         .n_parts = 1,
                                         .is_key = true,
                                         .type = TYPE_STRING};
    w->fields[1] =
        (struct schema_field){.name = SLICE_LIT("k"), .origin = ORIGIN_KEY, .type = TYPE_STRING};
    w->decls[0] = (struct schema_decl){.fields = w->fields, .n_fields = 2};
    w->topics[0] =
        (struct schema_topic){.name = SLICE_LIT("a"), .decls = &w->decl_index, .n_decls = 1};
    w->topics[1] = (struct schema_topic){.name = SLICE_LIT("b"), .index = 1};
    w->rs = (struct ruleset){.topics = w->topics, .n_topics = 2, .decls = w->decls, .n_decls = 1};
    *state = w;
    return 0;
}

static void close_source(struct world *w)
{
    if (w->source) {
        w->source->ops->close(w->source);
        w->source = NULL;
    }
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[96];
    close_source(w);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    buf_release(&w->path);
    free(w);
    return 0;
}

static const char *path_of(struct world *w, const char *name)
{
    buf_clear(&w->path);
    buf_printf(&w->path, "%s/%s", w->dir, name);
    return buf_cstr(&w->path);
}

static void put_file(struct world *w, const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(path_of(w, name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void put_text(struct world *w, const char *name, const char *text)
{
    put_file(w, name, text, strlen(text));
}

/* ---- lines -------------------------------------------------------------------------------- */

static void open_lines(struct world *w, struct lines *l, const char *name, size_t max)
{
    struct file_bytes in;
    assert_int_equal(file_bytes_open(&in, path_of(w, name), &w->err), ERR_OK);
    lines_init(l, in, max);
}

/* The next line, filling as needed; false at the end. */
static bool next_line(struct world *w, struct lines *l, struct line *ret)
{
    for (;;) {
        switch (lines_next(l, ret)) {
        case LINES_LINE: return true;
        case LINES_END: return false;
        case LINES_NEED: assert_int_equal(lines_fill(l, &w->err), ERR_OK); break;
        }
    }
}

static void expect_lines(struct world *w, const char *text, size_t max, const char *const *want)
{
    struct lines l;
    struct line line;
    size_t n = 0;
    put_text(w, "t", text);
    open_lines(w, &l, "t", max);
    while (next_line(w, &l, &line)) {
        assert_non_null(want[n]);
        assert_true(slice_eq_str(line.text, want[n]));
        assert_int_equal(line.too_long, line.text.len > max);
        assert_int_equal(line.number, ++n);
    }
    assert_null(want[n]);
    lines_close(&l);
}

static void lines_of_all_kinds(void **state)
{
    struct world *w = *state;
    expect_lines(w, "", 9, (const char *const[]){NULL});
    expect_lines(w, "\n", 9, (const char *const[]){"", NULL});
    expect_lines(w, "a", 9, (const char *const[]){"a", NULL});
    expect_lines(w, "a\nb\n", 9, (const char *const[]){"a", "b", NULL});
    expect_lines(w, "a\n\nb\r\nc", 9, (const char *const[]){"a", "", "b\r", "c", NULL});
    expect_lines(w, "abc\nabcd\nx\n", 3, (const char *const[]){"abc", "abcd", "x", NULL});
    expect_lines(w, "abcdefgh\nx", 3, (const char *const[]){"abcd", "x", NULL});
    expect_lines(w, "abcdefgh", 3, (const char *const[]){"abcd", NULL});
    expect_lines(w, "abcd\n", 3, (const char *const[]){"abcd", NULL});
}

/* Lines of random lengths around the size of the buffer, against a plain split. */
static void lines_across_buffers(void **state)
{
    struct world *w = *state;
    struct rng rng = rng_seed(7);
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    for (int i = 0; i < 60; i++) {
        size_t len = i % 7 == 0 ? (size_t)rng_below(&rng, 600000) : (size_t)rng_below(&rng, 300);
        for (size_t k = 0; k < len; k++) {
            buf_put_byte(&text, (uint8_t)('a' + k % 26));
        }
        buf_put_byte(&text, '\n');
    }
    put_file(w, "t", text.ptr, text.len);
    struct lines l;
    struct line line;
    size_t at = 0;
    open_lines(w, &l, "t", 200000);
    while (next_line(w, &l, &line)) {
        const char *nl = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = (size_t)(nl - text.ptr) - at;
        assert_int_equal(line.too_long, len > 200000);
        assert_int_equal(line.text.len, len > 200000 ? 200001 : len);
        assert_memory_equal(line.text.ptr, text.ptr + at, line.text.len);
        at += len + 1;
    }
    assert_int_equal(at, text.len);
    lines_close(&l);
}

/* ---- archives ----------------------------------------------------------------------------- */

static void put_zst(struct world *w, const char *name, const char *text, size_t keep)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    for (int frame = 0; frame < 2; frame++) {
        size_t half = strlen(text) / 2, len = frame ? strlen(text) - half : half;
        char block[4096];
        size_t n = ZSTD_compress(block, sizeof(block), text + (frame ? half : 0), len, 1);
        assert_false(ZSTD_isError(n));
        buf_put(&out, block, n);
    }
    put_file(w, name, out.ptr, keep < out.len ? keep : out.len);
}

static void put_gz(struct world *w, const char *name, const char *text, size_t keep)
{
    char block[4096];
    gzFile f = gzopen(path_of(w, "whole.gz"), "w");
    assert_int_equal(gzwrite(f, text, (unsigned)strlen(text)), (int)strlen(text));
    assert_int_equal(gzclose(f), Z_OK);
    FILE *in = fopen(path_of(w, "whole.gz"), "r");
    size_t n = fread(block, 1, sizeof(block), in);
    fclose(in);
    put_file(w, name, block, keep < n ? keep : n);
}

static enum err read_all(struct world *w, const char *name, struct buf *out)
{
    struct file_bytes in;
    char block[7]; /* small, so that decoders stop in the middle */
    size_t got = 1;
    enum err rc = file_bytes_open(&in, path_of(w, name), &w->err);
    while (rc == ERR_OK && got > 0) {
        rc = file_bytes_read(&in, block, sizeof(block), &got, &w->err);
        buf_put(out, block, rc == ERR_OK ? got : 0);
    }
    file_bytes_close(&in);
    return rc;
}

static void archives_and_damage(void **state)
{
    struct world *w = *state;
    static const char text[] = "one\ntwo\nthree and some more text, some more text\nfour\n";
    static const struct {
        const char *name;
        void (*put)(struct world *, const char *, const char *, size_t);
    } kinds[] = {{"t.zst", put_zst}, {"t.gz", put_gz}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(kinds); i++) {
        FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
        kinds[i].put(w, kinds[i].name, text, SIZE_MAX);
        assert_int_equal(read_all(w, kinds[i].name, &out), ERR_OK);
        assert_string_equal(buf_cstr(&out), text);
        for (size_t keep = 1; keep < 20; keep += 3) {
            kinds[i].put(w, kinds[i].name, text, keep);
            assert_int_equal(read_all(w, kinds[i].name, &out), ERR_CORRUPT);
        }
        put_text(w, kinds[i].name, "plain text");
        assert_int_equal(read_all(w, kinds[i].name, &out), ERR_CORRUPT);
        put_text(w, kinds[i].name, "");
        buf_clear(&out);
        assert_int_equal(read_all(w, kinds[i].name, &out), ERR_OK);
        assert_int_equal(out.len, 0);
    }
}

/* ---- source ------------------------------------------------------------------------------- */

static enum err open_source(struct world *w, const char *const *names, size_t n, bool kcat,
                            bool state)
{
    struct arena arena = ARENA_INIT;
    const char **inputs = ARENA_ARRAY(&arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *eq = strchr(names[i], '=');
        inputs[i] =
            eq ? arena_printf(&arena, "%.*s=%s/%s", (int)(eq - names[i]), names[i], w->dir, eq + 1)
               : arena_printf(&arena, "%s/%s", w->dir, names[i]);
    }
    struct file_source_options o = {.rs = &w->rs,
                                    .inputs = inputs,
                                    .n_inputs = n,
                                    .kcat = kcat,
                                    .state_dir = state ? w->dir : NULL};
    close_source(w);
    enum err rc = file_source_new(&o, &w->source, &w->err);
    arena_release(&arena);
    return rc;
}

/* One batch as text: "a/0@3=value" per record, "|a/0" per partition at its end. */
static bool poll_text(struct world *w, uint32_t max, struct buf *out)
{
    struct source_batch b;
    assert_int_equal(w->source->ops->poll(w->source, max, (struct duration){0}, &b, &w->err),
                     ERR_OK);
    for (uint32_t i = 0; i < b.n; i++) {
        const struct record *r = &b.records[i];
        if (r->broken) {
            buf_printf(out, "!%s ", r->broken);
            continue;
        }
        buf_printf(out, "%.*s/%d@%d=%.*s ", SLICE_ARG(w->topics[r->topic].name), r->partition,
                   (int)r->offset, r->has_value ? (int)r->value.len : 4,
                   r->has_value ? r->value.ptr : "null");
        if (r->has_key) {
            buf_printf(out, "(%.*s) ", SLICE_ARG(r->key));
        }
    }
    for (uint32_t i = 0; i < b.n_at_end; i++) {
        buf_printf(out, "|%.*s/%d ", SLICE_ARG(w->topics[b.at_end[i].topic].name),
                   b.at_end[i].partition);
    }
    return !b.finished;
}

static void expect_all(struct world *w, uint32_t max, const char *want)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    const struct source_partition *parts;
    uint32_t n;
    assert_int_equal(w->source->ops->partitions(w->source, &parts, &n, &w->err), ERR_OK);
    assert_int_equal(w->source->ops->start(w->source, NULL, 0, &w->err), ERR_OK);
    while (poll_text(w, max, &out)) {
    }
    assert_string_equal(buf_cstr(&out), want);
}

static void files_are_partitions(void **state)
{
    struct world *w = *state;
    const struct source_partition *parts;
    uint32_t n;
    put_text(w, "1", "p\nq\n");
    put_text(w, "2", "r\n");
    put_text(w, "3", "");
    assert_int_equal(open_source(w, (const char *[]){"b=1", "a=3", "b=2"}, 3, false, false),
                     ERR_OK);
    assert_int_equal(w->source->ops->partitions(w->source, &parts, &n, &w->err), ERR_OK);
    assert_int_equal(n, 3);
    assert_int_equal(parts[0].topic, 1);
    assert_int_equal(parts[2].partition, 1);
    assert_true(parts[1].empty);
    assert_false(parts[0].empty);
    expect_all(w, 100, "b/0@0=p b/0@1=q |a/0 b/1@0=r |b/0 |b/1 ");
}

static void files_take_turns(void **state)
{
    struct world *w = *state;
    put_text(w, "1", "1\n2\n3");
    put_text(w, "2", "4\n5\n6\n");
    assert_int_equal(open_source(w, (const char *[]){"b=1", "b=2"}, 2, false, false), ERR_OK);
    expect_all(w, 2, "b/0@0=1 b/0@1=2 b/1@0=4 b/1@1=5 b/0@2=3 |b/0 b/1@2=6 |b/1 ");
}

static void paused_files_wait(void **state)
{
    struct world *w = *state;
    struct partition_position p = {1, 0, 0, 0, {0}};
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    put_text(w, "1", "1\n2\n");
    put_text(w, "2", "4\n5\n");
    assert_int_equal(open_source(w, (const char *[]){"b=1", "b=2"}, 2, false, false), ERR_OK);
    assert_int_equal(w->source->ops->pause(w->source, &p, true, &w->err), ERR_OK);
    assert_true(poll_text(w, 1, &out));
    assert_true(poll_text(w, 1, &out));
    assert_int_equal(w->source->ops->pause(w->source, &p, false, &w->err), ERR_OK);
    while (poll_text(w, 9, &out)) {
    }
    assert_string_equal(buf_cstr(&out), "b/1@0=4 b/1@1=5 b/0@0=1 b/0@1=2 |b/1 |b/0 ");
}

static void key_of_the_payload(void **state)
{
    struct world *w = *state;
    put_text(w, "1", "{\"user\":\"x\\u0041\"}\n{\"user\":7}\n{}\nnot json\n");
    assert_int_equal(open_source(w, (const char *[]){"a=1"}, 1, false, false), ERR_OK);
    expect_all(w, 9,
               "a/0@0={\"user\":\"x\\u0041\"} (xA) a/0@1={\"user\":7} (7) a/0@2={} a/0@3=not json "
               "|a/0 ");
}

static const char envelopes[] =
    "{\"topic\":\"b\",\"partition\":2,\"offset\":5,\"key\":\"k\",\"payload\":\"x\\ny\"}\n"
    "{\"topic\":\"b\",\"partition\":0,\"offset\":1,\"key\":null,\"payload\":null}\n"
    "{\"topic\":\"else\",\"partition\":0,\"offset\":1,\"key\":null,\"payload\":null}\n"
    "{\"topic\":\"b\",\"partition\":2,\"offset\":9,\"key\":3,\"payload\":{\"v\":[1]}}\n"
    "oops\n";

static void envelopes_keep_coordinates(void **state)
{
    struct world *w = *state;
    const struct source_partition *parts;
    uint32_t n;
    put_text(w, "1", envelopes);
    assert_int_equal(open_source(w, (const char *[]){"1"}, 1, true, false), ERR_OK);
    assert_int_equal(w->source->ops->partitions(w->source, &parts, &n, &w->err), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(parts[0].first_offset, 5);
    expect_all(w, 9,
               "b/2@5=x\ny (k) b/0@1=null b/2@9={\"v\":[1]} (3) !envelope is not JSON |b/0 |b/2 ");
    assert_int_equal(file_source_foreign(w->source), 1);
}

/* Its partition has ended by then, and others may have moved the clock past it. */
static void what_is_added_to_envelopes_waits(void **state)
{
    struct world *w = *state;
    put_text(w, "1", envelopes);
    assert_int_equal(open_source(w, (const char *[]){"1"}, 1, true, false), ERR_OK);
    FILE *f = fopen(path_of(w, "1"), "a");
    assert_non_null(f);
    fputs("{\"topic\":\"b\",\"partition\":0,\"offset\":2,\"key\":null,\"payload\":null}\n", f);
    fputs("{\"topic\":\"b\",\"partition\":1,\"offset\":1,\"key\":null,\"payload\":null}\n", f);
    assert_int_equal(fclose(f), 0);
    expect_all(w, 9,
               "b/2@5=x\ny (k) b/0@1=null b/2@9={\"v\":[1]} (3) !envelope is not JSON |b/0 |b/2 ");
}

static void start_from_positions(void **state)
{
    struct world *w = *state;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct partition_position from[] = {{1, 0, 2, 0, {0}}};
    put_text(w, "1", "1\n2\n3\n");
    assert_int_equal(open_source(w, (const char *[]){"b=1"}, 1, false, false), ERR_OK);
    assert_int_equal(w->source->ops->start(w->source, from, 1, &w->err), ERR_OK);
    while (poll_text(w, 9, &out)) {
    }
    assert_string_equal(buf_cstr(&out), "b/0@2=3 |b/0 ");
}

static enum err run_with_state(struct world *w)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    enum err rc = open_source(w, (const char *[]){"b=1"}, 1, false, true);
    rc = rc == ERR_OK ? w->source->ops->start(w->source, NULL, 0, &w->err) : rc;
    while (rc == ERR_OK && poll_text(w, 1, &out)) {
    }
    return rc == ERR_OK ? w->source->ops->commit(w->source, NULL, 0, "", &w->err) : rc;
}

static void files_may_only_grow(void **state)
{
    struct world *w = *state;
    put_text(w, "1", "1\n2");
    assert_int_equal(run_with_state(w), ERR_OK);
    assert_int_equal(run_with_state(w), ERR_OK);
    put_text(w, "1", "1\n2\n3\n");
    assert_int_equal(run_with_state(w), ERR_OK);
    put_text(w, "1", "1\n2\n");
    assert_int_equal(run_with_state(w), ERR_INPUT);
    put_text(w, "1", "1\n2x\n3\n4\n");
    assert_int_equal(run_with_state(w), ERR_INPUT);
    put_text(w, "1", "1\n2\n3\n4\n");
    assert_int_equal(run_with_state(w), ERR_OK);
    put_text(w, "inputs", "fyke inputs 1\nnonsense\n");
    assert_int_equal(run_with_state(w), ERR_STATE);
}

static void names_that_do_not_fit(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_source(w, (const char *[]){"1"}, 1, false, false), ERR_USAGE);
    assert_non_null(strstr(w->err.text, "the rules read: a, b"));
    assert_int_equal(open_source(w, (const char *[]){"c=1"}, 1, false, false), ERR_USAGE);
    assert_int_equal(open_source(w, (const char *[]){"a=nothing"}, 1, false, false), ERR_USAGE);
    put_text(w, "x=y", "1\n");
    assert_int_equal(open_source(w, (const char *[]){"b=x=y"}, 1, false, false), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_of_all_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_across_buffers, setup, teardown),
        cmocka_unit_test_setup_teardown(archives_and_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_partitions, setup, teardown),
        cmocka_unit_test_setup_teardown(files_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(paused_files_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(key_of_the_payload, setup, teardown),
        cmocka_unit_test_setup_teardown(envelopes_keep_coordinates, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_added_to_envelopes_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(start_from_positions, setup, teardown),
        cmocka_unit_test_setup_teardown(files_may_only_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_do_not_fit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
