/* Vectors of FIPS 180-4 and RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/sha256.h"

static void is_hex(const uint8_t sum[SHA256_BYTES], const char *want)
{
    char hex[2 * SHA256_BYTES + 1];
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    }
    assert_string_equal(hex, want);
}

static void of_text(struct slice s, const char *want)
{
    uint8_t sum[SHA256_BYTES];
    struct sha256 h;
    sha256_init(&h);
    sha256_put(&h, s);
    sha256_finish(&h, sum);
    is_hex(sum, want);
}

static void hashes(void **state)
{
    (void)state;
    of_text(SLICE_LIT(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    of_text(SLICE_LIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    of_text(SLICE_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void in_parts(void **state)
{
    (void)state;
    uint8_t sum[SHA256_BYTES];
    struct sha256 h;
    sha256_init(&h);
    for (int i = 0; i < 1000000; i++) {
        sha256_put(&h, SLICE_LIT("a"));
    }
    sha256_finish(&h, sum);
    is_hex(sum, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void keyed(void **state)
{
    (void)state;
    uint8_t sum[SHA256_BYTES];
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    hmac_sha256(SLICE_LIT("Jefe"), SLICE_LIT("what do ya want for nothing?"), sum);
    is_hex(sum, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    for (int i = 0; i < 131; i++) {
        buf_put_byte(&key, 0xaa);
    }
    hmac_sha256(buf_slice(&key),
                SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First"), sum);
    is_hex(sum, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(in_parts),
        cmocka_unit_test(keyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
