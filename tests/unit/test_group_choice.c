/* Which rules one of several instances begins with, and what the topic of the rules in force says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/journal/rule_text.h"
#include "lib/group_topic.h"

/* ---- the choice --------------------------------------------------------------------------- */

static struct group_set set(uint64_t n, const char *topics)
{
    return (struct group_set){{n, n}, slice_of(topics)};
}

static enum group_choice choose(const struct group_set *ours, const struct group_set *in_force,
                                const struct group_set *offered)
{
    return group_choose(ours, in_force, offered, false, FYKE_GROUP_AUTO);
}

static void the_first_one_is_taken(void **state)
{
    struct group_set a = set(1, "");
    (void)state;
    assert_int_equal(choose(&a, NULL, NULL), GROUP_TAKE);
    assert_int_equal(group_choose(&a, NULL, NULL, false, FYKE_GROUP_FOLLOW), GROUP_TAKE);
    assert_int_equal(choose(&a, &a, NULL), GROUP_KEEP);
    assert_int_equal(group_choose(&a, &a, NULL, true, FYKE_GROUP_TAKE), GROUP_KEEP);
}

static void files_that_changed_are_a_wish_and_old_ones_are_none(void **state)
{
    struct group_set a = set(1, ""), b = set(2, ""), c = set(3, "");
    (void)state;
    assert_int_equal(choose(&b, &a, &a), GROUP_TAKE);   /* upgraded */
    assert_int_equal(choose(&a, &b, &a), GROUP_FOLLOW); /* others were, this one has crashed */
    assert_int_equal(choose(&a, &b, &b), GROUP_TAKE);   /* rolled back */
    assert_int_equal(choose(&a, &c, &b), GROUP_TAKE);
    assert_int_equal(choose(&a, &b, NULL), GROUP_REFUSE);
}

static void topics_belong_to_the_set(void **state)
{
    struct group_set all = set(1, ""), one = set(1, "t1");
    (void)state;
    assert_int_equal(choose(&one, &all, NULL), GROUP_REFUSE);
    assert_int_equal(choose(&one, &all, &all), GROUP_TAKE);
    assert_int_equal(choose(&one, &all, &one), GROUP_FOLLOW);
    assert_int_equal(choose(&one, &one, &all), GROUP_KEEP);
}

static void what_is_said_counts(void **state)
{
    struct group_set a = set(1, ""), b = set(2, "");
    (void)state;
    assert_int_equal(group_choose(&a, &b, NULL, false, FYKE_GROUP_TAKE), GROUP_TAKE);
    assert_int_equal(group_choose(&a, &b, &a, false, FYKE_GROUP_TAKE), GROUP_TAKE);
    assert_int_equal(group_choose(&a, &b, NULL, false, FYKE_GROUP_FOLLOW), GROUP_FOLLOW);
    assert_int_equal(group_choose(&b, &a, &a, false, FYKE_GROUP_FOLLOW), GROUP_FOLLOW);
    assert_int_equal(group_choose(&a, &b, &a, true, FYKE_GROUP_FOLLOW), GROUP_TAKE);
}

static void expect_topics(const char *list, const char *want)
{
    FYKE_CLEANUP(buf_release) struct buf b = BUF_INIT;
    group_topics(list, &b);
    assert_string_equal(buf_cstr(&b), want);
}

static void topics_have_an_order(void **state)
{
    (void)state;
    expect_topics(NULL, "");
    expect_topics("", "");
    expect_topics("b", "b");
    expect_topics("b,a,ab,b", "a,ab,b");
    expect_topics(",b,,a,", "a,b");
}

/* ---- the topic ---------------------------------------------------------------------------- */

struct log {
    struct group_view view;
    int64_t position;
    bool refused;
};

static void put(struct log *l, struct slice key, struct slice value)
{
    struct error err = ERROR_INIT;
    bool done = false;
    struct journal_entry e = {.key = key, .value = value, .position = l->position++};
    l->refused = group_view_take(&l->view, &e, &done, &err) != ERR_OK;
    assert_false(done);
}

static void put_offer(struct log *l, const char *instance, const struct group_set *s)
{
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT, value = BUF_INIT;
    group_offer_key(instance, &key);
    group_offer_encode(s, &value);
    put(l, buf_slice(&key), buf_slice(&value));
}

static void put_force(struct log *l, uint64_t generation, const struct group_set *s)
{
    FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT, topics = BUF_INIT, by = BUF_INIT;
    buf_put_slice(&topics, s->topics);
    buf_puts(&by, "b");
    struct group_force f = {generation, s->fingerprint, 4, topics, by};
    group_force_encode(&f, &value);
    put(l, group_force_key(), buf_slice(&value));
}

static void put_texts(struct log *l, uint64_t generation, uint64_t n, const char *texts, size_t piece)
{
    FYKE_CLEANUP(buf_release) struct buf bytes = BUF_INIT;
    char key[GROUP_KEY_MAX];
    rule_text_encode((struct hash128){n, n}, slice_of(texts), &bytes);
    uint32_t parts = (uint32_t)((bytes.len + piece - 1) / piece);
    for (uint32_t i = 0; i < parts; i++) {
        FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT;
        size_t at = i * piece, left = bytes.len - at;
        struct changelog_part p = {generation, parts,
                                   slice_from(bytes.ptr + at, left < piece ? left : piece)};
        changelog_encode_part(&p, &value);
        put(l, group_part_key(i, key), buf_slice(&value));
    }
}

static void expect_texts(const struct log *l, const char *want)
{
    struct error err = ERROR_INIT;
    struct slice texts;
    assert_int_equal(group_view_texts(&l->view, &texts, &err), want ? ERR_OK : ERR_STATE);
    assert_true(!want || slice_eq_str(texts, want));
}

static void what_is_in_force_is_found(void **state)
{
    struct log l = {.view = {.instance = "a"}};
    struct group_set one = set(1, ""), two = set(2, "t1,t2"), got;
    (void)state;
    assert_null(group_view_in_force(&l.view, &got));
    assert_null(group_view_offered(&l.view, &got));
    put_texts(&l, 1, 1, "the first texts, in many parts", 7);
    put_force(&l, 1, &one);
    put_offer(&l, "a", &one);
    put_offer(&l, "b", &two);
    put_offer(&l, "ab", &two);
    assert_true(group_set_eq(group_view_in_force(&l.view, &got), &one));
    assert_true(group_set_eq(group_view_offered(&l.view, &got), &one));
    expect_texts(&l, "the first texts, in many parts");
    put_texts(&l, 2, 2, "two", 100);
    put_force(&l, 2, &two);
    assert_true(group_set_eq(group_view_in_force(&l.view, &got), &two));
    assert_int_equal(l.view.force.generation, 2);
    assert_int_equal(l.view.force.n_tasks, 4);
    assert_true(slice_eq_str(buf_slice(&l.view.force.by), "b"));
    expect_texts(&l, "two");
    group_view_release(&l.view);
}

/* Compaction has taken the first parts of the old set, and left its last ones. */
static void parts_of_older_sets_are_passed_over(void **state)
{
    struct log l = {.view = {.instance = "a"}};
    struct group_set two = set(2, "");
    char key[GROUP_KEY_MAX];
    FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT;
    (void)state;
    changelog_encode_part(&(struct changelog_part){1, 3, slice_of("left")}, &value);
    put(&l, group_part_key(2, key), buf_slice(&value));
    assert_false(l.refused);
    put_texts(&l, 2, 2, "two", 10);
    put_force(&l, 2, &two);
    expect_texts(&l, "two");
    put(&l, group_part_key(2, key), buf_slice(&value));
    expect_texts(&l, "two");
    group_view_release(&l.view);
}

static void missing_texts_are_said(void **state)
{
    struct log l = {.view = {.instance = "a"}};
    struct group_set one = set(1, ""), two = set(2, "");
    (void)state;
    put_force(&l, 1, &one);
    expect_texts(&l, NULL);
    put_texts(&l, 1, 1, "one", 100);
    expect_texts(&l, "one");
    put_force(&l, 2, &two); /* its texts are gone */
    expect_texts(&l, NULL);
    group_view_release(&l.view);
}

static void damaged_entries_are_refused(void **state)
{
    struct log l = {.view = {.instance = "a"}};
    struct group_set one = set(1, "t1");
    FYKE_CLEANUP(buf_release) struct buf value = BUF_INIT, key = BUF_INIT;
    char part[GROUP_KEY_MAX];
    (void)state;
    group_offer_encode(&one, &value);
    group_offer_key("a", &key);
    for (size_t n = 0; n < value.len; n++) {
        put(&l, buf_slice(&key), slice_from(value.ptr, n));
        assert_true(l.refused);
        put(&l, group_force_key(), slice_from(value.ptr, n));
        assert_true(l.refused);
    }
    put(&l, group_part_key(0, part), slice_of(""));
    assert_true(l.refused);
    put(&l, slice_of("something else"), slice_of("x"));
    assert_false(l.refused);
    group_view_release(&l.view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_is_taken),
        cmocka_unit_test(files_that_changed_are_a_wish_and_old_ones_are_none),
        cmocka_unit_test(topics_belong_to_the_set),
        cmocka_unit_test(what_is_said_counts),
        cmocka_unit_test(topics_have_an_order),
        cmocka_unit_test(what_is_in_force_is_found),
        cmocka_unit_test(parts_of_older_sets_are_passed_over),
        cmocka_unit_test(missing_texts_are_said),
        cmocka_unit_test(damaged_entries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
