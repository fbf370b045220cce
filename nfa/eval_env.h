/* What expressions read that changes without a new compilation: the content of lists and lookups,
 * and the place of an address. Whoever runs the rules owns it and replaces it between two calls;
 * within a call it stands still. */
#ifndef FYKE_NFA_EVAL_ENV_H
#define FYKE_NFA_EVAL_ENV_H

#include "base/arena.h"
#include "base/ip.h"
#include "nfa/value.h"

struct table;

enum geoip_field {
    GEOIP_COUNTRY,
    GEOIP_COUNTRY_NAME,
    GEOIP_CONTINENT,
    GEOIP_REGION,
    GEOIP_REGION_NAME,
    GEOIP_CITY,
    GEOIP_POSTAL_CODE,
    GEOIP_TIME_ZONE,
    GEOIP_PLACE,
    GEOIP_ASN,
    GEOIP_ORGANIZATION,
    GEOIP_FIELD_COUNT
};

const char *geoip_field_name(enum geoip_field field);
enum value_kind geoip_field_kind(enum geoip_field field);
/* One line for `fyke list functions` and the docs. */
const char *geoip_field_help(enum geoip_field field);

/* The databases of addresses, behind a function. An address or field that none of them has is
 * missing. Text may be put into `arena`. Called by several threads at once. */
struct geoip {
    struct value (*find)(const void *ctx, struct ip ip, enum geoip_field field,
                         struct arena *arena);
    const void *ctx;
};

struct expr;
/* Somebody looks on while lists and lookups are asked: `question` is `X in list …` or `lookup[X]`, `key` what X was.
 * Called by the thread that evaluates. */
struct table_watch {
    void (*asked)(void *ctx, const struct expr *question, const struct table *content,
                  struct value key);
    void *ctx;
};

struct eval_env {
    const struct table *const *tables; /* per declaration of the rule set */
    uint32_t n_tables;
    const struct geoip *geoip; /* NULL: none */
    const struct table_watch *watch; /* NULL: nobody */
};

#endif
