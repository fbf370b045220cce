/* Which message keys are the field that an event declares as its key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/keys/message_key.h"

static const struct schema_field text_field = {.type = TYPE_STRING, .is_key = true};
static const struct schema_field int_field = {.type = TYPE_INT, .is_key = true};
static const struct schema_field ip_field = {.type = TYPE_IP, .is_key = true};

#define KEY(s) slice_from(s, sizeof(s) - 1)

static bool text(const char *value, struct slice key)
{
    return message_key_holds(&text_field, value_string(slice_of(value)), key);
}

static bool number(int64_t value, struct slice key)
{
    return message_key_holds(&int_field, value_int(value), key);
}

static void text_is_itself_or_a_json_string(void **state)
{
    (void)state;
    assert_true(text("u1", KEY("u1")));
    assert_true(text("u1", KEY("\"u1\"")));
    assert_true(text("", KEY("")));
    assert_false(text("u1", KEY("u2")));
    assert_false(text("u1", KEY("U1")));
    assert_false(text("u1", KEY("u1 ")));
    assert_false(text("u1", KEY("")));
    assert_false(text("u", KEY("\"")));
    assert_false(text("17", KEY("\0\0\0\x11")));
}

static void numbers_are_text_or_bytes(void **state)
{
    (void)state;
    assert_true(number(17, KEY("17")));
    assert_true(number(-17, KEY("-17")));
    assert_true(number(17, KEY("\0\0\0\x11")));
    assert_true(number(-1, KEY("\xff\xff\xff\xff")));
    assert_true(number(-2, KEY("\xff\xff\xff\xff\xff\xff\xff\xfe")));
    assert_true(number(1LL << 40, KEY("\0\0\1\0\0\0\0\0")));
    assert_false(number(17, KEY("18")));
    assert_false(number(17, KEY("\0\0\0\x12")));
    assert_false(number(17, KEY("\x11")));
    assert_false(number(17, KEY("x")));
}

static void values_with_several_spellings_are_compared(void **state)
{
    struct value v;
    (void)state;
    assert_true(value_from_text(VAL_IP, SLICE_LIT("10.0.0.1"), &v));
    assert_true(message_key_holds(&ip_field, v, KEY("10.0.0.1")));
    assert_false(message_key_holds(&ip_field, v, KEY("10.0.0.2")));
}

static void keys_of_a_registry_are_known(void **state)
{
    (void)state;
    assert_true(text("u1", KEY("\0\0\0\0\7\4u1")));     /* Avro */
    assert_true(text("u1", KEY("\0\0\0\0\7\"u1\"")));   /* JSON */
    assert_true(text("u1", KEY("\0\0\0\0\7u1")));
    assert_false(text("u1", KEY("\0\0\0\0\7\6u1")));    /* another length */
    assert_false(text("u1", KEY("\0\0\0\0\7\4u2")));
    assert_false(text("u1", KEY("\1\0\0\0\7\4u1")));
    assert_false(text("", KEY("\0\0\0\0\7")));
    assert_true(number(-3, KEY("\0\0\0\0\7\5")));
    assert_true(number(300, KEY("\0\0\0\0\7\xd8\4")));
    assert_false(number(300, KEY("\0\0\0\0\7\xd8")));   /* cut */
    assert_false(number(3, KEY("\0\0\0\0\7\5")));
}

static void what_has_no_key_field_fits(void **state)
{
    struct schema_field fields[] = {{.type = TYPE_INT}, text_field};
    struct schema_decl d = {.fields = fields, .n_fields = 2};
    _Alignas(16) char room[sizeof(struct event) + 2 * sizeof(struct value)];
    struct event *e = (struct event *)(void *)room;
    struct record r = {.has_key = true, .key = KEY("u1")};
    (void)state;
    memset(room, 0, sizeof(room));
    e->n_values = 2;
    assert_true(message_key_fits(&d, e, &r)); /* nobody asks for the value */
    e->values[1] = value_string(SLICE_LIT("u1"));
    assert_true(message_key_fits(&d, e, &r));
    r.key = KEY("u2");
    assert_false(message_key_fits(&d, e, &r));
    r.has_key = false;
    assert_false(message_key_fits(&d, e, &r));
    fields[1].origin = ORIGIN_KEY;
    assert_true(message_key_fits(&d, e, &r));
    fields[1].origin = ORIGIN_PAYLOAD;
    fields[1].is_key = false;
    assert_true(message_key_fits(&d, e, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_itself_or_a_json_string),
        cmocka_unit_test(numbers_are_text_or_bytes),
        cmocka_unit_test(values_with_several_spellings_are_compared),
        cmocka_unit_test(keys_of_a_registry_are_known),
        cmocka_unit_test(what_has_no_key_field_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
