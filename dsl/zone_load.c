#include "dsl/zone_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

/* Largest zone files have a few KiB. */
#define ZONE_MAX_BYTES 262144

/* "Area/City": letters, digits and `_ + - /`; no way out of the directory. */
static bool name_is_sound(struct slice name)
{
    if (name.len == 0 || name.len >= ZONE_NAME_MAX || name.ptr[0] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '_' && c != '+' && c != '-' && c != '/') {
            return false;
        }
    }
    return true;
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        return false;
    }
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0 && out->len <= ZONE_MAX_BYTES) {
        buf_put(out, chunk, n);
    }
    bool ok = !ferror(in) && out->len <= ZONE_MAX_BYTES;
    fclose(in);
    return ok;
}

const struct zone *zone_load(struct slice name, struct arena *arena)
{
    static const char *const places[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                         "/usr/share/lib/zoneinfo"};
    if (slice_eq_str(name, "UTC")) {
        return &zone_utc;
    }
    if (!name_is_sound(name)) {
        return NULL;
    }
    const struct zone *zone = NULL;
    for (size_t i = 0; !zone && i < sizeof(places) / sizeof(places[0]); i++) {
        struct buf bytes = BUF_INIT;
        const char *path = arena_printf(arena, "%s/%.*s", places[i], SLICE_ARG(name));
        if (read_file(path, &bytes)) {
            zone = zone_parse(buf_slice(&bytes), name, arena);
        }
        buf_release(&bytes);
    }
    return zone;
}
