#include "connectors/geoip.h"

#include <maxminddb.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"

#define MAX_PATH_PARTS 4

struct geoip_files {
    struct geoip lookup;
    MMDB_s *files;
    size_t n;
    struct hash128 identity;
};

/* Where the fields stand; the parts of MaxMind's City and ASN files. */
static const char *const paths[GEOIP_FIELD_COUNT][MAX_PATH_PARTS + 1] = {
    [GEOIP_COUNTRY] = {"country", "iso_code"},
    [GEOIP_COUNTRY_NAME] = {"country", "names", "en"},
    [GEOIP_CONTINENT] = {"continent", "code"},
    [GEOIP_REGION] = {"subdivisions", "0", "iso_code"},
    [GEOIP_REGION_NAME] = {"subdivisions", "0", "names", "en"},
    [GEOIP_CITY] = {"city", "names", "en"},
    [GEOIP_POSTAL_CODE] = {"postal", "code"},
    [GEOIP_TIME_ZONE] = {"location", "time_zone"},
    [GEOIP_PLACE] = {"location", "latitude"},
    [GEOIP_ASN] = {"autonomous_system_number"},
    [GEOIP_ORGANIZATION] = {"autonomous_system_organization"},
};

/* ---- values ------------------------------------------------------------------------------- */

static bool get(MMDB_entry_s *entry, const char *const *path, MMDB_entry_data_s *ret)
{
    return MMDB_aget_value(entry, ret, path) == MMDB_SUCCESS && ret->has_data;
}

/* Text lies in the mapped file. */
static struct value text_value(const MMDB_entry_data_s *d)
{
    if (d->type != MMDB_DATA_TYPE_UTF8_STRING) {
        return VALUE_MISSING;
    }
    struct slice text = slice_from(d->utf8_string, d->data_size);
    return utf8_valid(text) ? value_string(text) : VALUE_MISSING;
}

static struct value number_value(const MMDB_entry_data_s *d)
{
    switch (d->type) {
    case MMDB_DATA_TYPE_UINT16: return value_int(d->uint16);
    case MMDB_DATA_TYPE_UINT32: return value_int(d->uint32);
    case MMDB_DATA_TYPE_INT32: return value_int(d->int32);
    case MMDB_DATA_TYPE_UINT64:
        return d->uint64 <= INT64_MAX ? value_int((int64_t)d->uint64) : VALUE_MISSING;
    default: return VALUE_MISSING;
    }
}

static struct value place_value(MMDB_entry_s *entry, const MMDB_entry_data_s *lat)
{
    static const char *const lon_path[] = {"location", "longitude", NULL};
    MMDB_entry_data_s lon;
    if (lat->type != MMDB_DATA_TYPE_DOUBLE || !get(entry, lon_path, &lon) ||
        lon.type != MMDB_DATA_TYPE_DOUBLE) {
        return VALUE_MISSING;
    }
    struct geo g = {.lat = lat->double_value, .lon = lon.double_value};
    return geo_valid(g) ? value_geo(g) : VALUE_MISSING;
}

static struct value field_value(MMDB_entry_s *entry, enum geoip_field field)
{
    MMDB_entry_data_s d;
    if (!get(entry, paths[field], &d)) {
        return VALUE_MISSING;
    }
    switch (geoip_field_kind(field)) {
    case VAL_GEO: return place_value(entry, &d);
    case VAL_INT: return number_value(&d);
    case VAL_STRING: return text_value(&d);
    case VAL_MISSING: case VAL_BOOL: case VAL_DECIMAL: case VAL_FLOAT: case VAL_TIMESTAMP:
    case VAL_DURATION: case VAL_IP: case VAL_CIDR: case VAL_LIST: case VAL_KIND_COUNT: break;
    }
    return VALUE_MISSING;
}

/* ---- look-up ------------------------------------------------------------------------------ */

static MMDB_lookup_result_s find_entry(const MMDB_s *file, const struct ip *ip, int *error)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (ip->family == 4) {
        memcpy(&v4.sin_addr, ip->bytes, 4);
        return MMDB_lookup_sockaddr(file, (const struct sockaddr *)&v4, error);
    }
    memcpy(&v6.sin6_addr, ip->bytes, 16);
    return MMDB_lookup_sockaddr(file, (const struct sockaddr *)&v6, error);
}

static struct value find(const void *ctx, struct ip ip, enum geoip_field field,
                         struct arena *arena)
{
    const struct geoip_files *g = ctx;
    (void)arena;
    for (size_t i = 0; i < g->n; i++) {
        int error = MMDB_SUCCESS;
        MMDB_lookup_result_s r = find_entry(&g->files[i], &ip, &error);
        if (error != MMDB_SUCCESS || !r.found_entry) {
            continue;
        }
        struct value v = field_value(&r.entry, field);
        if (!value_is_missing(v)) {
            return v;
        }
    }
    return VALUE_MISSING;
}

/* ---- files -------------------------------------------------------------------------------- */

static enum err open_files(struct geoip_files *g, const char *const *names, size_t n,
                           struct error *err)
{
    struct hasher h;
    hasher_init(&h);
    for (size_t i = 0; i < n; i++) {
        MMDB_s *file = &g->files[g->n];
        int rc = MMDB_open(names[i], MMDB_MODE_MMAP, file);
        if (rc != MMDB_SUCCESS) {
            return error_set(err, ERR_USAGE, "%s: no database of addresses: %s", names[i],
                             MMDB_strerror(rc));
        }
        g->n++;
        hasher_put_part(&h, slice_from((const char *)file->file_content,
                                       (size_t)file->file_size));
    }
    g->identity = hasher_hash128(&h);
    return ERR_OK;
}

enum err geoip_files_open(const char *const *names, size_t n, struct geoip_files **ret,
                          struct error *err)
{
    *ret = NULL;
    if (n == 0) {
        return ERR_OK;
    }
    struct geoip_files *g = xcalloc(1, sizeof(*g));
    g->files = xcalloc(n, sizeof(*g->files));
    g->lookup = (struct geoip){find, g};
    enum err rc = open_files(g, names, n, err);
    if (rc != ERR_OK) {
        geoip_files_close(g);
        return rc;
    }
    *ret = g;
    return ERR_OK;
}

void geoip_files_close(struct geoip_files *g)
{
    if (!g) {
        return;
    }
    for (size_t i = 0; i < g->n; i++) {
        MMDB_close(&g->files[i]);
    }
    free(g->files);
    free(g);
}

const struct geoip *geoip_files_lookup(const struct geoip_files *g)
{
    return g ? &g->lookup : NULL;
}

struct hash128 geoip_files_identity(const struct geoip_files *g)
{
    return g ? g->identity : (struct hash128){0};
}
