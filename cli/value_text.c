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
