/* Going back in a file: the lines from a mark on are those that came from there the first time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "connectors/line_marks.h"

#define LINES 300000u

static char path[] = "/tmp/fyke-marks-XXXXXX";

static void next(struct lines *l, struct line *ret)
{
    struct error err = ERROR_INIT;
    enum lines_result rc;
    while ((rc = lines_next(l, ret)) == LINES_NEED) {
        assert_int_equal(lines_fill(l, &err), ERR_OK);
    }
    assert_int_equal(rc, LINES_LINE);
}

static void is_line(const struct line *line, uint64_t number)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "line %llu", (unsigned long long)number);
    assert_int_equal(line->number, number);
    assert_true(slice_eq(line->text, slice_from(text, (size_t)n)));
}

static struct hash128 hash_at(uint64_t count)
{
    struct file_bytes in;
    struct error err = ERROR_INIT;
    struct lines l;
    struct line line;
    assert_int_equal(file_bytes_open(&in, path, &err), ERR_OK);
    lines_init(&l, in, 100);
    l.hashing = true;
    hasher_init(&l.hash);
    while (l.count < count) {
        next(&l, &line);
    }
    struct hash128 h = hasher_hash128(&l.hash);
    lines_close(&l);
    return h;
}

static void goes_back_to(struct line_marks *m, struct lines *l, uint64_t count)
{
    struct error err = ERROR_INIT;
    struct line line;
    assert_int_equal(line_marks_go_back(m, l, count, &err), ERR_OK);
    assert_true(l->count <= count);
    uint64_t from = l->count;
    while (l->count < count + 10) {
        next(l, &line);
        is_line(&line, ++from);
    }
    assert_true(hash128_eq(hasher_hash128(&l->hash), hash_at(l->count)));
}

static void any_line_can_be_read_again(void **state)
{
    struct file_bytes in;
    struct error err = ERROR_INIT;
    struct line_marks m = {0};
    struct lines l;
    struct line line;
    (void)state;
    assert_int_equal(file_bytes_open(&in, path, &err), ERR_OK);
    lines_init(&l, in, 100);
    l.hashing = true;
    hasher_init(&l.hash);
    while (l.count < LINES - 20) {
        line_marks_note(&m, &l);
        next(&l, &line);
    }
    assert_true(line_marks_can(&l));
    assert_in_range(m.n, LINE_MARKS / 2, LINE_MARKS);
    goes_back_to(&m, &l, LINES - 30);
    assert_true(line_marks_go_back(&m, &l, LINES - 30, &err) == ERR_OK);
    assert_in_range(l.count, LINES - 30 - 2 * LINES / LINE_MARKS * 2, LINES - 30);
    for (uint64_t count = 0; count < LINES - 20; count += 41777) {
        goes_back_to(&m, &l, count);
    }
    line_marks_release(&m);
    lines_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_line_can_be_read_again)};
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) {
        return 1;
    }
    for (unsigned i = 1; i <= LINES; i++) {
        fprintf(f, "line %u\n", i);
    }
    fclose(f);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return rc;
}
