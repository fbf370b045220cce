/* Other values in place of those that nobody shall read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "lib/pseudonym.h"

#define PERSON SLICE_LIT("person")
#define PLACE SLICE_LIT("place")

static struct value text(const char *s)
{
    return value_string(slice_of(s));
}

static struct value ip(const char *s)
{
    struct ip a;
    assert_true(ip_parse(slice_of(s), &a));
    return value_ip(a);
}

static void stands(const struct pseudonyms *p, struct slice kind, struct value v, const char *want)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    FYKE_CLEANUP(arena_release) struct arena arena = ARENA_INIT;
    value_to_json(pseudonym_of(p, kind, v, &arena), &out);
    assert_string_equal(buf_cstr(&out), want);
}

static void seal(struct pseudonyms *p)
{
    struct error err = ERROR_INIT;
    assert_int_equal(pseudonyms_seal(p, &err), ERR_OK);
}

/* Numbers in the order of the values, so wide that the texts sort as the values do. */
static void numbers_keep_the_order(void **state)
{
    (void)state;
    FYKE_CLEANUP(pseudonyms_release) struct pseudonyms p;
    pseudonyms_init(&p, (struct slice){0});
    for (int i = 11; i >= 0; i--) {
        char name[8];
        snprintf(name, sizeof(name), "%c", 'a' + i);
        pseudonyms_add(&p, PERSON, text(name));
        pseudonyms_add(&p, PERSON, value_int(1000 * i));
    }
    pseudonyms_add(&p, PERSON, text("b"));
    pseudonyms_add(&p, PLACE, text("b"));
    pseudonyms_add(&p, PERSON, VALUE_MISSING);
    seal(&p);
    assert_int_equal(p.n, 25);
    stands(&p, PERSON, text("a"), "\"person-01\"");
    stands(&p, PERSON, text("b"), "\"person-02\"");
    stands(&p, PERSON, text("l"), "\"person-12\"");
    stands(&p, PLACE, text("b"), "\"place-1\"");
    stands(&p, PERSON, value_int(0), "1");
    stands(&p, PERSON, value_int(11000), "12");
}

static void lists_and_addresses(void **state)
{
    (void)state;
    FYKE_CLEANUP(pseudonyms_release) struct pseudonyms p;
    const struct value items[] = {text("zoe"), text("ann"), text("zoe")};
    pseudonyms_init(&p, (struct slice){0});
    pseudonyms_add(&p, PERSON, value_list(items, 3));
    pseudonyms_add(&p, PERSON, ip("10.0.0.9"));
    pseudonyms_add(&p, PERSON, ip("10.0.0.1"));
    pseudonyms_add(&p, PERSON, ip("fe80::1"));
    seal(&p);
    stands(&p, PERSON, value_list(items, 3), "[\"person-2\",\"person-1\",\"person-2\"]");
    stands(&p, PERSON, ip("10.0.0.1"), "\"240.0.0.1\"");
    stands(&p, PERSON, ip("10.0.0.9"), "\"240.0.0.2\"");
    stands(&p, PERSON, ip("fe80::1"), "\"2001:db8::1\"");
    assert_true(pseudonym_stands_for(&p, SLICE_LIT("\"zoe\""), SLICE_LIT("\"person-2\"")));
    assert_false(pseudonym_stands_for(&p, SLICE_LIT("\"ann\""), SLICE_LIT("\"person-2\"")));
}

/* The same in every set; another secret or kind, another value. */
static void secrets(void **state)
{
    (void)state;
    FYKE_CLEANUP(arena_release) struct arena arena = ARENA_INIT;
    static const char *const keys[] = {"a secret of some length", "a secret of some length",
                                       "another secret, as long"};
    struct value got[3], other[3];
    for (int i = 0; i < 3; i++) {
        FYKE_CLEANUP(pseudonyms_release) struct pseudonyms p;
        pseudonyms_init(&p, slice_of(keys[i]));
        pseudonyms_add(&p, PERSON, text("ann"));
        pseudonyms_add(&p, PLACE, text("ann"));
        if (i == 1) {
            pseudonyms_add(&p, PERSON, text("aaron"));
        }
        seal(&p);
        got[i] = value_copy(pseudonym_of(&p, PERSON, text("ann"), &arena), &arena);
        other[i] = value_copy(pseudonym_of(&p, PLACE, text("ann"), &arena), &arena);
    }
    assert_true(value_equal(got[0], got[1]));
    assert_false(value_equal(got[0], got[2]));
    assert_true(slice_starts_with(value_as_slice(got[0]), SLICE_LIT("person-")));
    assert_string_not_equal(strchr(got[0].u.str, '-'), strchr(other[0].u.str, '-'));
}

/* 28 bits are left of an address of IPv4: among enough of them two meet, and that is said. */
static void two_that_meet(void **state)
{
    (void)state;
    FYKE_CLEANUP(pseudonyms_release) struct pseudonyms p;
    struct error err = ERROR_INIT;
    pseudonyms_init(&p, SLICE_LIT("a secret of some length"));
    for (uint32_t i = 0; i < 100000; i++) {
        struct ip a = {.family = 4,
                       .bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        pseudonyms_add(&p, PERSON, value_ip(a));
    }
    assert_int_equal(pseudonyms_seal(&p, &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_the_order),
        cmocka_unit_test(lists_and_addresses),
        cmocka_unit_test(secrets),
        cmocka_unit_test(two_that_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
