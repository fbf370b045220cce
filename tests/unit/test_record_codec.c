/* Stored forms: what goes in comes out, and no damage goes unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/state/header.h"
#include "engine/state/record_codec.h"
#include "tests/support/old_header.h"

static const struct hash128 HASH = {0x0102030405060708, 0x1112131415161718};

/* ---- records ------------------------------------------------------------------------------ */

static void keys_sort_heads_before_segments(void **state)
{
    (void)state;
    struct record_key head = record_head_key(HASH);
    struct record_key a = record_segment_key(HASH, 0, 0), b = record_segment_key(HASH, 0, 1);
    struct record_key c = record_segment_key(HASH, 1, 0);
    struct record_key other = record_head_key((struct hash128){HASH.hi, HASH.lo + 1});
    assert_memory_equal(head.bytes, "\1\2\3\4\5\6\7\x8\x11\x12\x13\x14\x15\x16\x17\x18\0\0\0\0\0\0\0\0",
                        RECORD_KEY_BYTES);
    assert_true(slice_cmp(record_key_slice(&head), record_key_slice(&a)) < 0);
    assert_true(slice_cmp(record_key_slice(&a), record_key_slice(&b)) < 0);
    assert_true(slice_cmp(record_key_slice(&b), record_key_slice(&c)) < 0);
    assert_true(slice_cmp(record_key_slice(&c), record_key_slice(&other)) < 0);
    assert_true(hash128_eq(record_key_hash(&b), HASH));
    assert_int_equal(record_key_number(&b), (UINT64_C(1) << 48) + 1);
}

static const struct place LAST = {{-5}, {2, -1, 77}, 3};

static void encode_head(struct record_key key, struct buf *out)
{
    const struct event_near near = record_near(LAST, SLICE_LIT("\6\3bob"));
    const struct record_slot slots[] = {
        {.slot = 0, .first_segment = 7, .n_segments = 2, .events = 90,
         .instance = {"one", 3}, .near = near},
        {.slot = 300, .first_segment = 0, .n_segments = 0, .events = 0, .instance = {"", 0}, .near = near},
        {.slot = 301, .n_segments = 2, .events = 4, .instance = {"in", 2}, .inside = true,
         .segments = {"\3two\0", 5}, .near = {{INT64_MIN}, {0, 0, INT64_MAX}, near.key}},
        {.slot = 302, .n_segments = 1, .events = 1, .instance = {"i", 1}, .inside = true,
         .segments = {"\1x", 2}, .near = near},
    };
    struct record_head head = {
        .canonical = SLICE_LIT("\6\3bob"),
        .last = LAST,
        .next_time = ETIME_MAX,
        .slots = slots,
        .n_slots = 4,
    };
    record_encode_head(&key, &head, out);
}

static void heads_come_back(void **state)
{
    struct record_key key = record_head_key(HASH);
    struct buf b = BUF_INIT;
    struct record_slots slots = {0};
    struct record_head h;
    const char *why;
    (void)state;
    encode_head(key, &b);
    assert_true(record_decode_head(&key, buf_slice(&b), &slots, &h, &why));
    assert_true(slice_eq_str(h.canonical, "\6\3bob"));
    assert_int_equal(place_cmp(h.last, (struct place){{-5}, {2, -1, 77}, 3}), 0);
    assert_int_equal(h.next_time.ns, INT64_MAX);
    assert_int_equal(h.n_slots, 4);
    assert_int_equal(h.slots[0].first_segment, 7);
    assert_int_equal(h.slots[0].n_segments, 2);
    assert_int_equal(h.slots[0].events, 90);
    assert_true(slice_eq_str(h.slots[0].instance, "one"));
    assert_int_equal(h.slots[1].slot, 300);
    assert_int_equal(h.slots[1].n_segments, 0);
    assert_false(h.slots[1].inside);
    assert_true(h.slots[2].inside);
    assert_int_equal(h.slots[2].n_segments, 2);
    assert_int_equal(h.slots[2].events, 4);
    assert_true(slice_eq(h.slots[2].segments, slice_from("\3two\0", 5)));
    assert_int_equal(h.slots[2].near.time.ns, INT64_MIN);
    assert_int_equal(h.slots[2].near.at.offset, INT64_MAX);
    assert_int_equal(h.slots[3].n_segments, 1);
    assert_int_equal(h.slots[3].events, 1);
    assert_int_equal(h.slots[3].near.at.offset, 77);
    assert_true(slice_eq_str(h.slots[3].near.key, "\6\3bob"));
    record_slots_release(&slots);
    buf_release(&b);
}

/* Times as they come: whole milliseconds and others, near and far, with and without an event there. */
static void times_come_back(void **state)
{
    static const int64_t times[] = {0, 1, -1, NS_PER_MS, -7 * NS_PER_MS, INT64_C(1750000000000) * NS_PER_MS,
                                    INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
    static const struct record_slot slot = {.slot = 1};
    struct record_key key = record_head_key(HASH);
    struct record_slots slots = {0};
    const char *why;
    (void)state;
    for (size_t i = 0; i < 2 * FYKE_ARRAY_LEN(times) * FYKE_ARRAY_LEN(times); i++) {
        struct etime last = {times[i / 2 % FYKE_ARRAY_LEN(times)]};
        struct record_head in = {.last = i % 2 ? place_after_time(last) : (struct place){last, {1, 2, 3}, 4},
                                 .next_time = {times[i / 2 / FYKE_ARRAY_LEN(times)]},
                                 .slots = &slot, .n_slots = 1}, h;
        struct buf b = BUF_INIT;
        record_encode_head(&key, &in, &b);
        assert_true(record_decode_head(&key, buf_slice(&b), &slots, &h, &why));
        assert_int_equal(place_cmp(h.last, in.last), 0);
        assert_true(h.next_time.ns == in.next_time.ns);
        buf_release(&b);
    }
    record_slots_release(&slots);
}

/* As versions up to format 6 have written it. */
static void a_head_of_version_1_is_read(void **state)
{
    static const char old[] =
        "\1" "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4" "\5\6\3bob" "\x9\2\1\x9a\1\3"
        "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\1" "\2" "\0\7\2\x5a\3one" "\xac\2\0\0\0\0"
        "\xd8\x1b\x0a\x62\x3b\xb7\x6f\x10";
    struct record_key key = record_head_key(HASH);
    struct record_slots slots = {0};
    struct record_head h;
    const char *why;
    (void)state;
    assert_true(record_decode_head(&key, slice_from(old, sizeof(old) - 1), &slots, &h, &why));
    assert_true(slice_eq_str(h.canonical, "\6\3bob"));
    assert_int_equal(place_cmp(h.last, LAST), 0);
    assert_int_equal(h.next_time.ns, INT64_MAX);
    assert_int_equal(h.n_slots, 2);
    assert_int_equal(h.slots[0].first_segment, 7);
    assert_int_equal(h.slots[0].n_segments, 2);
    assert_int_equal(h.slots[0].events, 90);
    assert_true(slice_eq_str(h.slots[0].instance, "one"));
    assert_int_equal(h.slots[1].slot, 300);
    assert_false(h.slots[0].inside || h.slots[1].inside);
    record_slots_release(&slots);
}

/* Whole by its checksum, but with fewer segments than it says. */
static void segments_that_do_not_stand_inside_are_damage(void **state)
{
    static const struct record_slot slot = {.slot = 1, .n_segments = 3, .events = 9, .inside = true,
                                            .segments = {"\1a\1b", 4}};
    struct record_head in = {.last = LAST, .next_time = ETIME_MAX, .slots = &slot, .n_slots = 1}, h;
    struct record_key key = record_head_key(HASH);
    struct record_slots slots = {0};
    struct buf b = BUF_INIT;
    const char *why;
    (void)state;
    record_encode_head(&key, &in, &b);
    assert_false(record_decode_head(&key, buf_slice(&b), &slots, &h, &why));
    assert_string_equal(why, "the head of a stored record does not decode");
    record_slots_release(&slots);
    buf_release(&b);
}

static void damage_is_seen(void **state)
{
    struct record_key key = record_head_key(HASH), other = record_segment_key(HASH, 0, 0);
    struct buf b = BUF_INIT;
    struct record_slots slots = {0};
    struct record_head h;
    const char *why;
    (void)state;
    encode_head(key, &b);
    assert_false(record_decode_head(&other, buf_slice(&b), &slots, &h, &why));
    for (size_t i = 0; i < b.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
            assert_false(record_decode_head(&key, buf_slice(&b), &slots, &h, &why));
            assert_non_null(why);
            b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
        }
        assert_false(record_decode_head(&key, slice_from(b.ptr, i), &slots, &h, &why));
    }
    record_slots_release(&slots);
    buf_release(&b);
}

static void segments_come_back(void **state)
{
    struct record_key key = record_segment_key(HASH, 4, 9), other = record_segment_key(HASH, 4, 8);
    struct buf b = BUF_INIT;
    struct slice body;
    const char *why;
    (void)state;
    buf_puts(&b, "in front");
    size_t begin = b.len;
    record_begin_segment(&b);
    buf_puts(&b, "events");
    record_end_segment(&key, begin, &b);
    struct slice stored = slice_from(b.ptr + begin, b.len - begin);
    assert_true(record_decode_segment(&key, stored, &body, &why));
    assert_true(slice_eq_str(body, "events"));
    assert_false(record_decode_segment(&other, stored, &body, &why));
    assert_string_equal(why, "the checksum of a stored value is wrong");
    for (size_t i = 0; i < stored.len; i++) {
        assert_false(record_decode_segment(&key, slice_from(stored.ptr, i), &body, &why));
    }
    buf_release(&b);
}

/* ---- header ------------------------------------------------------------------------------- */

static struct header_topic topics[] = {{{"logins", 6}, {5}}, {{"logouts", 7}, {0}}};
static struct header_decl decls[] = {{{"Login", 5}, 1}, {{"Logout", 6}, 2}};
static struct header_slot slots[] = {{0, {"a", 1}, 11, {1, 2}}, {5, {"b", 1}, 12, {3, 4}}};
static struct header_late late[] = {
    {40, 41, 0, false}, {44, 55, 0, false}, {57, 57, 0, true}, {41, 41, 1, false}, {60, 60, 3, true}};
static struct header_returned returned[] = {{42, 1, {85}}, {59, 0, {-3}}};
static struct header_value values[] = {{{"\6\1x", 3}, {9}}}; /* of a state that was in format 4 */
static uint32_t both[] = {0, 1};

static struct header_partition partitions[] = {
    {.topic = 1, .partition = 3, .restart = 40, .next_offset = 60, .has_time = true, .idle = true,
     .max_time = {90}, .first_time = {-4}, .frontier = {85}, .floor = {INT64_MIN}, .late = late,
     .n_late = 5, .returned = returned, .n_returned = 2, .values = values, .n_values = 1,
     .last = {true, 57, {-5}, 0xfeed}},
    {.topic = 0, .partition = 0, .restart = 7, .next_offset = 7, .empty_at_start = true,
     .paged = true, .n_paged = 300, .paged_sum = 0xfeedbeef},
};
static struct header_clock clocks[] = {
    {.topics = both, .n_topics = 2, .watermark = {80}, .limit = {{85}, {1, 3, 60}, 0},
     .released = {{84}, {0, 0, 6}, 1}, .floor = {INT64_MIN}, .has_history = true,
     .history_begin = {-4}},
};

static struct header_offset offsets[] = {{0, 7}, {1, -2}};
static struct header_table tables[] = {{{"home", 4}, {7, 8}, offsets, 2}, {{"vips", 4}, {9, 9}, 0, 0}};

static struct header sample(void)
{
    return (struct header){
        .seq = 18231, .app = SLICE_LIT("fyke"), .mode = STATE_SOLO, .n_shards = 16,
        .fingerprint = HASH, .topics = topics, .n_topics = 2, .decls = decls, .n_decls = 2,
        .slots = slots, .n_slots = 2, .partitions = partitions, .n_partitions = 2,
        .clocks = clocks, .n_clocks = 1, .tables = tables, .n_tables = 2};
}

static void headers_come_back(void **state)
{
    struct header in = sample(), h;
    struct buf b = BUF_INIT, again = BUF_INIT;
    const char *why;
    uint64_t format;
    (void)state;
    header_encode(&in, &b);
    assert_true(header_format(buf_slice(&b), &format));
    assert_int_equal(format, HEADER_FORMAT);
    assert_true(header_decode(buf_slice(&b), &h, &why));
    assert_int_equal(h.seq, 18231);
    assert_true(slice_eq_str(h.topics[1].name, "logouts"));
    assert_int_equal(h.slots[1].slot, 5);
    assert_int_equal(h.partitions[0].restart, 40);
    assert_int_equal(h.partitions[0].n_late, 5);
    for (uint32_t i = 0; i < 5; i++) {
        const struct header_late *got = &h.partitions[0].late[i];
        assert_int_equal(got->from, late[i].from);
        assert_int_equal(got->to, late[i].to);
        assert_int_equal(got->decl, late[i].decl);
        assert_int_equal(got->open, late[i].open);
    }
    assert_int_equal(h.partitions[0].n_returned, 2);
    assert_true(record_mark_eq(&h.partitions[0].last, &partitions[0].last));
    assert_false(h.partitions[1].last.set);
    assert_int_equal(h.partitions[0].returned[1].offset, 59);
    assert_int_equal(h.partitions[0].returned[1].due.ns, -3);
    assert_int_equal(h.partitions[1].n_returned, 0);
    assert_true(h.partitions[0].idle);
    assert_true(h.partitions[1].empty_at_start);
    assert_int_equal(h.partitions[0].n_values, 1);
    assert_false(h.partitions[0].paged);
    assert_true(h.partitions[1].paged);
    assert_int_equal(h.partitions[1].n_paged, 300);
    assert_int_equal(h.partitions[1].paged_sum, 0xfeedbeef);
    assert_int_equal(place_cmp(h.clocks[0].released, clocks[0].released), 0);
    assert_int_equal(h.tables[0].offsets[1].offset, -2);
    assert_true(hash128_eq(h.tables[1].generation, tables[1].generation));
    header_encode(&h, &again);
    assert_true(slice_eq(buf_slice(&b), buf_slice(&again)));
    header_release(&h);
    in.n_tables = 0; /* left out: the bytes end with the clocks */
    buf_clear(&b);
    header_encode(&in, &b);
    assert_true(header_decode(buf_slice(&b), &h, &why));
    assert_int_equal(h.n_tables, 0);
    header_release(&h);
    in.n_apart = 7; /* the rules stand elsewhere */
    in.apart_hash = (struct hash128){5, 6};
    buf_clear(&b);
    buf_clear(&again);
    header_encode(&in, &b);
    assert_true(header_decode(buf_slice(&b), &h, &why));
    assert_int_equal(h.n_apart, 7);
    assert_int_equal(h.n_slots, 0);
    header_encode(&h, &again);
    assert_true(slice_eq(buf_slice(&b), buf_slice(&again)));
    buf_clear(&b);
    header_put_rules(&in, &b);
    assert_true(header_take_rules(&h, buf_slice(&b)));
    assert_int_equal(h.slots[1].plan, 12);
    header_release(&h);
    assert_true(header_decode(buf_slice(&again), &h, &why));
    in.n_topics = 1; /* a partition is of the other */
    buf_clear(&b);
    header_put_rules(&in, &b);
    assert_false(header_take_rules(&h, buf_slice(&b)));
    header_release(&h);
    buf_release(&b);
    buf_release(&again);
}

/* As formats 1 to 3 told it: {42, decl 77}, {42, decl 5} and {50, decl 77}. */
static const char late_one_by_one[] = {3, 2, 77, 0, 5, 8, 77};
static const struct header_late late_as_read[] = {
    {42, 42, 5, false}, {42, 42, 77, false}, {50, 50, 77, false}};

/* Format 1 is without events that came back, format 2 without the mark of the last record; until 3 what was
 * late stands one by one. */
static void headers_of_older_formats_are_read(void **state)
{
    static struct header_late run = {42, 42, 77, false};
    struct header in = sample(), h;
    struct buf b = BUF_INIT, old = BUF_INIT;
    const char *why;
    (void)state;
    const struct header_partition was = partitions[0];
    partitions[1].paged = false;
    partitions[0].n_returned = 0;
    partitions[0].last.set = false;
    partitions[0].late = &run;
    partitions[0].n_late = 1;
    old_header_encode(&in, &b);
    partitions[0] = was;
    partitions[1].paged = true;
    const char *runs = memmem(b.ptr, b.len, "\1\x4d\2\2\0", 5);
    assert_non_null(runs);
    buf_put(&old, b.ptr, (size_t)(runs - b.ptr));
    buf_put(&old, late_one_by_one, sizeof(late_one_by_one));
    buf_put(&old, runs + 5, (size_t)(b.ptr + b.len - (runs + 5)));
    for (char format = 0; format <= HEADER_FORMAT + 1; format++) {
        old.ptr[4] = format;
        old.len -= 8;
        buf_put_u64be(&old, hash64(buf_slice(&old)));
        bool known = format >= 1 && format <= 3;
        assert_true(header_decode(buf_slice(&old), &h, &why) == known);
        if (known) {
            assert_int_equal(h.partitions[0].n_late, 3);
            for (uint32_t i = 0; i < 3; i++) {
                assert_int_equal(h.partitions[0].late[i].from, late_as_read[i].from);
                assert_int_equal(h.partitions[0].late[i].to, late_as_read[i].to);
                assert_int_equal(h.partitions[0].late[i].decl, late_as_read[i].decl);
            }
            assert_false(h.partitions[0].last.set);
            header_release(&h);
        }
    }
    buf_release(&b);
    buf_release(&old);
}

static void damaged_headers_are_seen(void **state)
{
    struct header in = sample(), h;
    struct buf b = BUF_INIT;
    const char *why;
    (void)state;
    header_encode(&in, &b);
    for (size_t i = 0; i < b.len; i++) {
        b.ptr[i] = (char)(b.ptr[i] ^ 0x20);
        assert_false(header_decode(buf_slice(&b), &h, &why));
        b.ptr[i] = (char)(b.ptr[i] ^ 0x20);
        assert_false(header_decode(slice_from(b.ptr, i), &h, &why));
    }
    buf_release(&b);
}

/* Distances from one note to the next must be numbers: found by fuzzing. */
static void positions_further_apart_than_numbers_go_are_damage(void **state)
{
    static const int64_t restarts[] = {INT64_MIN, -1, 0, 1};
    struct header in = sample(), h;
    struct header_partition p = {.restart = 0, .next_offset = 0};
    const char *why;
    (void)state;
    in.partitions = &p;
    in.n_partitions = 1;
    for (size_t i = 0; i < 4; i++) {
        struct buf b = BUF_INIT;
        p.restart = restarts[i];
        header_encode(&in, &b);
        bool reads = header_decode(buf_slice(&b), &h, &why);
        assert_true(reads == (i == 1 || i == 2)); /* the last one stands in front of its restart */
        if (reads) {
            header_release(&h);
        }
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_heads_before_segments),
        cmocka_unit_test(heads_come_back), cmocka_unit_test(times_come_back),
        cmocka_unit_test(a_head_of_version_1_is_read),
        cmocka_unit_test(segments_that_do_not_stand_inside_are_damage),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(segments_come_back),
        cmocka_unit_test(headers_come_back),
        cmocka_unit_test(headers_of_older_formats_are_read),
        cmocka_unit_test(damaged_headers_are_seen),
        cmocka_unit_test(positions_further_apart_than_numbers_go_are_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
