/* The fields of `geoip(ip)`: one table for checker, database and docs. */
#include "nfa/eval_env.h"

static const struct {
    const char *name;
    enum value_kind kind;
    const char *help;
} fields[GEOIP_FIELD_COUNT] = {
    [GEOIP_COUNTRY] = {"country", VAL_STRING, "two letters (ISO 3166-1)"},
    [GEOIP_COUNTRY_NAME] = {"country_name", VAL_STRING, "in English"},
    [GEOIP_CONTINENT] = {"continent", VAL_STRING, "two letters"},
    [GEOIP_REGION] = {"region", VAL_STRING, "code of the state or province (ISO 3166-2)"},
    [GEOIP_REGION_NAME] = {"region_name", VAL_STRING, "in English"},
    [GEOIP_CITY] = {"city", VAL_STRING, "in English"},
    [GEOIP_POSTAL_CODE] = {"postal_code", VAL_STRING, "postal code"},
    [GEOIP_TIME_ZONE] = {"time_zone", VAL_STRING, "name of the time zone"},
    [GEOIP_PLACE] = {"place", VAL_GEO, "latitude and longitude"},
    [GEOIP_ASN] = {"asn", VAL_INT, "number of the autonomous system"},
    [GEOIP_ORGANIZATION] = {"organization", VAL_STRING, "who runs the autonomous system"},
};

const char *geoip_field_name(enum geoip_field field)
{
    return fields[field].name;
}

enum value_kind geoip_field_kind(enum geoip_field field)
{
    return fields[field].kind;
}

const char *geoip_field_help(enum geoip_field field)
{
    return fields[field].help;
}
