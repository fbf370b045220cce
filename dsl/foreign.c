#include "dsl/foreign.h"

#include <stdbool.h>
#include <string.h>

#include "base/attr.h"

struct foreign {
    const char *words; /* blank before and behind each */
    const char *help;
};

#define NO_CLOCK "there is no wall clock; windows and `within` compare the times of events"

static const struct foreign functions[] = {
    {" avg mean ", "write `average(x.FIELD)`"},
    {" std stdev stddev_samp stdevp stddev_pop variance ", "write `stddev(x.FIELD)`"},
    {" median ", "write `percentile(x.FIELD, 50)`"},
    {" len strlen char_length size character_length ", "write `length(…)`"},
    {" substr mid left right ", "write `substring(text, 1, 3)`; the first character is 1"},
    {" lowercase lcase tolower to_lower ", "write `lower(…)`"},
    {" uppercase ucase toupper to_upper ", "write `upper(…)`"},
    {" strip ltrim rtrim btrim ", "write `trim(…)`"},
    {" split strtok split_string ", "write `split_part(text, \",\", 1)`"},
    {" ifnull nvl isnull nullif ", "write `coalesce(a, b)`, or ask `x is missing`"},
    {" exists notnull isnotnull is_not_null has ", "ask `x is present`"},
    {" ceiling ", "write `ceil(…)`"},
    {" ln log10 ", "write `log(…)`, the natural logarithm"},
    {" date_trunc trunc floor_date datetrunc ", "write `truncate(at, \"day\")`"},
    {" dayofweek day_of_week dow ", "write `weekday(at)`, 1 = Monday to 7 = Sunday"},
    {" extract datepart year month day dayofmonth quarter ",
     "write `date_part(\"month\", at)`"},
    {" regexp_like regexp rlike regex regex_match match re_match regexp_matches regexp_contains ",
     "write `x matches r\"…\"`"},
    {" startswith starts_with prefix ", "write `x starts with \"…\"`"},
    {" endswith ends_with suffix ", "write `x ends with \"…\"`"},
    {" contains indexof instr strpos charindex position includes stringcontains ",
     "write `x contains \"…\"`; `x contains ~ \"…\"` ignores case"},
    {" wildcard like glob ", "write `x ~ \"*.exe\"`; `like` tells upper from lower case"},
    {" cidrmatch cidr_match cidr_contains incidr in_cidr ipinrange ip_in_range ",
     "write `ip in 10.0.0.0/8`"},
    {" equals eq ", "write `x = \"…\"`"},
    {" now current_timestamp getdate sysdate unix_timestamp current_time today systimestamp "
     "proctime ",
     NO_CLOCK},
    {" countif count_if sumif ", "write `count(x where …)`"},
    {" array_agg collect_list list_agg listagg string_agg group_concat window "
     "grouparray ",
     "write `collect(x.FIELD)`, or `distinct(x.FIELD)` without repetitions"},
    {" dc cardinality distinct_count uniq approx_count_distinct countdistinct unique nunique "
     "dcount ",
     "write `count_distinct(x.FIELD)`"},
    {" collect_set values makeset make_set ", "write `distinct(x.FIELD)`"},
    {" iff iif case decode ", "write `if c then a else b`"},
    {" cast convert try_cast tonumber to_number number ",
     "types are functions: `int(x)`, `decimal(x)`, `string(x)`"},
    {" tostring to_string str varchar ", "write `string(x)`"},
    {" haversine geodistance st_distance geo_distance distance ", "write `distance_km(a, b)`"},
    {" md5 sha1 sha256 sha hash_code hashcode ", "write `hash(…)`"},
    {" lag prev previous lead ",
     "name the steps: `A as a then B as b where b.x > a.x`; in a count `last(x.FIELD)`"},
    {" cnt ", "write `count(x)`"},
    {" maximum greatest ", "write `max(x.FIELD)`"},
    {" minimum least ", "write `min(x.FIELD)`"},
    {" timestampdiff datediff date_diff elapsed ", "subtract the times: `b.at - a.at > 5m`"},
};

static const struct foreign types[] = {
    {" str text varchar char keyword nvarchar chararray symbol ", "string"},
    {" integer long bigint smallint tinyint int64 int32 uint64 uint32 short byte unsigned number ",
     "int"},
    {" numeric money bigdecimal number_decimal dec ", "decimal"},
    {" double real float64 float32 ", "float"},
    {" boolean bit ", "bool"},
    {" datetime date time instant timestamptz timestamp_ltz date_nanos epoch ", "timestamp"},
    {" interval timespan ", "duration"},
    {" ipaddr ipaddress ip_address inet ipv4 ipv6 ", "ip"},
    {" subnet network netmask ip_range ", "cidr"},
    {" geopoint geo_point point location ", "geo"},
    {" array ", "list of"},
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins_with(const char *word, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (word[i] != lower(name.ptr[i])) {
            return false;
        }
    }
    return word[name.len] == ' ';
}

static bool is_word_of(const char *words, struct slice name)
{
    if (memchr(name.ptr, ' ', name.len)) {
        return false;
    }
    for (const char *at = words; *at; at++) {
        if (*at == ' ' && begins_with(at + 1, name)) {
            return true;
        }
    }
    return false;
}

static const char *find(const struct foreign *table, size_t n, struct slice name)
{
    for (size_t i = 0; i < n && name.len > 0; i++) {
        if (is_word_of(table[i].words, name)) {
            return table[i].help;
        }
    }
    return NULL;
}

const char *foreign_function_help(struct slice name)
{
    return find(functions, FYKE_ARRAY_LEN(functions), name);
}

const char *foreign_type(struct slice name)
{
    return find(types, FYKE_ARRAY_LEN(types), name);
}
