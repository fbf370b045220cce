#include "base/glob.h"

#include "base/utf8.h"

/* Above every code point, so that a bad byte equals only the same bad byte. */
#define BAD_BYTE_BASE 0x110000U

static size_t next_char(struct slice s, size_t at, uint32_t *cp)
{
    size_t n = utf8_decode(s, at, cp);
    if (*cp == UTF8_BAD) {
        *cp = BAD_BYTE_BASE + (unsigned char)s.ptr[at];
    }
    return n;
}

static bool same_char(uint32_t a, uint32_t b, bool ignore_case)
{
    return a == b || (ignore_case && utf8_fold(a) == utf8_fold(b));
}

/* Matches one pattern character that is not `*` at *p against the text at *t and moves both. */
static bool match_one(struct slice pattern, size_t *p, struct slice text, size_t *t,
                      bool ignore_case)
{
    uint32_t want, have;
    size_t want_len = next_char(pattern, *p, &want);
    size_t have_len = next_char(text, *t, &have);
    if (want != '?' && !same_char(want, have, ignore_case)) {
        return false;
    }
    *p += want_len;
    *t += have_len;
    return true;
}

bool glob_match(struct slice pattern, struct slice text, bool ignore_case)
{
    size_t p = 0, t = 0;
    /* Where to go on when the current try fails: behind the last `*`, which then takes one more
     * character. An earlier `*` never has to: the later one can take up any difference. */
    size_t retry_p = SIZE_MAX, retry_t = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            retry_p = ++p;
            retry_t = t;
        } else if (p < pattern.len && match_one(pattern, &p, text, &t, ignore_case)) {
            continue;
        } else if (retry_p != SIZE_MAX) {
            uint32_t skipped;
            retry_t += utf8_decode(text, retry_t, &skipped);
            p = retry_p;
            t = retry_t;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') {
        p++;
    }
    return p == pattern.len;
}

bool glob_is_literal(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.ptr[i] == '*' || pattern.ptr[i] == '?') {
            return false;
        }
    }
    return true;
}
