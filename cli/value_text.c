#include "cli/value_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "nfa/value.h"

bool value_text_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *ret >= min && *ret <= max;
}

bool value_text_bytes(const char *text, uint64_t *ret)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(units) && *text >= '0' && *text <= '9'; i++) {
        if (strcmp(end, units[i].name) == 0 && errno == 0 && n > 0 &&
            n <= UINT64_MAX >> (units[i].shift + 1)) {
            *ret = n << units[i].shift;
            return true;
        }
    }
    return false;
}

bool value_text_time(const char *text, int64_t *ret_ns)
{
    struct etime t;
    bool ok = etime_parse(slice_of(text), true, &t);
    *ret_ns = ok ? t.ns : 0;
    return ok;
}

bool value_text_duration(const char *text, int64_t *ret_ns)
{
    struct duration d;
    bool ok = value_parse_duration(slice_of(text), &d) && d.ns > 0;
    *ret_ns = ok ? d.ns : 0;
    return ok;
}

bool value_text_moment(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    static const char ago[] = " ago";
    size_t len = strlen(text);
    struct duration back;
    if (strcmp(text, "now") == 0) {
        *ret_ns = now_ns;
        return true;
    }
    bool behind = len >= sizeof(ago) && strcmp(text + len - strlen(ago), ago) == 0;
    if (*text != '-' && !behind) {
        return value_text_time(text, ret_ns);
    }
    struct slice length = slice_from(text + (*text == '-'), len - (*text == '-'));
    length.len -= behind ? strlen(ago) : 0;
    bool ok = value_parse_duration(length, &back) && back.ns > 0 && !(behind && *text == '-');
    *ret_ns = ok ? etime_sub((struct etime){now_ns}, back).ns : 0;
    return ok;
}
