/* Tests of rules (`test "…" { … }`), resolved: what a test runner carries out.
 *
 * Moments are as written: relative to the test's origin or absolute. Values are converted to the
 * types of their fields. Arena-owned by the compilation. */
#ifndef FYKE_DSL_COMPILED_TEST_H
#define FYKE_DSL_COMPILED_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"
#include "dsl/source.h"
#include "nfa/profile.h"
#include "nfa/table.h"
#include "nfa/value.h"

/* `at 60s` counts from the origin (`given time`, or 2000-01-03T00:00:00Z). */
#define TEST_ORIGIN_NS INT64_C(946857600000000000)

struct test_moment {
    bool absolute;
    struct duration offset; /* from the origin */
    struct etime time;      /* absolute */
};

static inline struct etime test_moment_time(struct test_moment m, struct etime origin)
{
    return m.absolute ? m.time : etime_add(origin, m.offset);
}

enum test_stmt_kind {
    TEST_STMT_EVENT,     /* at */
    TEST_STMT_WATERMARK, /* watermark */
    TEST_STMT_EXPECT,    /* expect [no] match */
    TEST_STMT_TIMEOUT,   /* expect timeout */
    TEST_STMT_RESTART,
    TEST_STMT_SHUFFLE,
    TEST_STMT_EVENTS_FILE, /* events "FILE" */
    TEST_STMT_RELOAD,      /* reload "FILE": a rule set of its own */
};

struct test_expect_field {
    struct slice name;      /* of the alert's `emit` body, of the key, or `suppressed` */
    int32_t emit_index;     /* into the fields of the alert or of the timeout, or of a derived event
                               of a rule without one; 0 also for a field that only the
                               rules of a reload know; -1: a key part */
    int32_t key_index;      /* into rule->key_names; -1: none. Neither: `suppressed` */
    struct value value;
    struct span span;
};

struct test_stmt {
    enum test_stmt_kind kind;
    struct span span;
    bool has_moment;           /* always for EVENT and WATERMARK */
    struct test_moment moment;
    /* EVENT: values[i] is field i of the declaration; missing where the test leaves it out. The
     * event time, topic and offset come from the runner; computed fields too. */
    uint32_t decl;
    struct value *values;
    uint32_t n_values;
    bool late;
    uint32_t times;            /* x3: 3, else 1 */
    struct duration every;     /* between the repetitions; 0: at one time */
    /* EXPECT: `count` matches (0: no match) */
    uint32_t count;
    struct test_expect_field *fields;
    uint32_t n_fields;
    struct slice step;         /* TIMEOUT: rule_test.label */
    /* SHUFFLE */
    bool has_seed;
    uint64_t seed;
    struct duration within;
    /* EVENTS_FILE, RELOAD */
    const char *path;
};

struct compiled_test {
    uint32_t rule;        /* index in the rule set */
    struct slice title;
    struct span span;
    struct etime origin;
    struct test_stmt *stmts;
    uint32_t n_stmts;
    /* `given list`, `given lookup`: per table of the rule set, NULL where nothing is given; NULL as a
     * whole when the test gives none. Arena of the rule set. */
    const struct table **tables;
    struct profile_given *profiles; /* `given profile p for KEY { … }`: frozen */
    uint32_t n_profiles;
};

struct compiled_tests {
    struct compiled_test *items; /* by rule, then in written order */
    uint32_t n;
};

#endif
