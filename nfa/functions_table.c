#include "base/attr.h"
#include "nfa/functions.h"
#include "nfa/functions_internal.h"

#define OVERLOADS(...) (const struct function_overload[]){__VA_ARGS__},                            \
    FYKE_ARRAY_LEN(((const struct function_overload[]){__VA_ARGS__}))

static const struct function functions[] = {
    {"lower", "text", false, OVERLOADS({"s", 's', fn_lower}),
     "The text in lower case", "lower(user)"},
    {"upper", "text", false, OVERLOADS({"s", 's', fn_upper}),
     "The text in upper case", "upper(country)"},
    {"trim", "text", false, OVERLOADS({"s", 's', fn_trim}),
     "The text without blanks, tabs and line ends at both ends", "trim(name)"},
    {"length", "text", false, OVERLOADS({"s", 'i', fn_length}, {"l", 'i', fn_length_list}),
     "Number of characters of a text, of items of a list", "length(command) > 500"},
    {"substring", "text", false, OVERLOADS({"sii?", 's', fn_substring}),
     "The part from a character (the first is 1), at most so many", "substring(iban, 1, 2)"},
    {"concat", "text", false, OVERLOADS({"s+", 's', fn_concat}),
     "The texts one after the other; missing if one is", "concat(first_name, \" \", last_name)"},
    {"split_part", "text", false, OVERLOADS({"ssi", 's', fn_split_part}),
     "The n-th part between separators (the first is 1, the last is -1); missing if there is none",
     "split_part(email, \"@\", 2)"},

    {"abs", "math", false,
     OVERLOADS({"i", 'i', fn_abs}, {"d", 'd', fn_abs}, {"f", 'f', fn_abs}, {"u", 'u', fn_abs}),
     "The number without its sign", "abs(amount - usual)"},
    {"round", "math", false,
     OVERLOADS({"ii?", 'i', fn_round}, {"di?", 'd', fn_round}, {"fi?", 'f', fn_round}),
     "Rounded to so many decimals (0 if left out), halves away from zero", "round(amount, 2)"},
    {"floor", "math", false,
     OVERLOADS({"i", 'i', fn_floor}, {"d", 'd', fn_floor}, {"f", 'f', fn_floor}),
     "The largest whole number that is not above", "floor(amount)"},
    {"ceil", "math", false,
     OVERLOADS({"i", 'i', fn_ceil}, {"d", 'd', fn_ceil}, {"f", 'f', fn_ceil}),
     "The smallest whole number that is not below", "ceil(amount)"},
    {"log", "math", false,
     OVERLOADS({"f", 'f', fn_log}, {"i", 'f', fn_log}, {"d", 'f', fn_log}),
     "The natural logarithm; missing for 0 and below", "log(bytes) > 20.0"},
    {"sqrt", "math", false,
     OVERLOADS({"d", 'd', fn_sqrt}, {"f", 'f', fn_sqrt}, {"i", 'd', fn_sqrt}),
     "The square root; of ints and decimals a decimal to 18 places; missing below 0",
     "sqrt(variance)"},

    {"hour", "time", false, OVERLOADS({"tZ?", 'i', fn_hour}),
     "Hour of the day, 0 to 23; UTC unless a zone is named",
     "hour(at, \"Europe/Amsterdam\") between 0 and 5"},
    {"minute", "time", false, OVERLOADS({"tZ?", 'i', fn_minute}),
     "Minute of the hour, 0 to 59", "minute(at) = 0"},
    {"weekday", "time", false, OVERLOADS({"tZ?", 'i', fn_weekday}),
     "Day of the week, 1 = Monday to 7 = Sunday", "weekday(at, \"Europe/Amsterdam\") >= 6"},
    {"date", "time", false, OVERLOADS({"tZ?", 's', fn_date}),
     "The calendar date as text, \"2026-01-31\"", "date(at, \"Europe/Amsterdam\")"},
    {"date_part", "time", false, OVERLOADS({"PtZ?", 'i', fn_date_part}),
     "year, quarter, month, week (ISO), day, yearday, weekday, hour, minute or second",
     "date_part(\"month\", at)"},
    {"truncate", "time", false, OVERLOADS({"tUZ?", 't', fn_truncate}),
     "The start of the second, minute, hour, day, week (Monday), month, quarter or year",
     "truncate(at, \"day\", \"Europe/Amsterdam\")"},

    {"distance_km", "place", false, OVERLOADS({"gg", 'f', fn_distance_km}),
     "Great-circle distance of two places in km", "distance_km(a.place, b.place) > 500"},
    {"speed_kmh", "place", false, OVERLOADS({"gtgt", 'f', fn_speed_kmh}),
     "Speed needed between two places and times; 0 at one place, missing at one time",
     "speed_kmh(a.place, a.at, b.place, b.at) > 900"},
    {"subnet", "place", false, OVERLOADS({"pi", 'c', fn_subnet}),
     "The network of so many bits around an address; missing if there is none", "subnet(ip, 24)"},

    {"coalesce", "other", true, OVERLOADS({"T+", 'T', fn_coalesce}),
     "The first argument that is not missing", "coalesce(nickname, user)"},
    {"hash", "other", false, OVERLOADS({"A+", 's', fn_hash}),
     "16 hex digits (XXH3-64) that stand for the values; no secret", "hash(user, device)"},

    {"bool", "cast", false, OVERLOADS({"b", 'b', fn_to_bool}, {"s", 'b', fn_to_bool}),
     "From the texts true and false", "bool(flag)"},
    {"int", "cast", false,
     OVERLOADS({"i", 'i', fn_to_int}, {"d", 'i', fn_to_int}, {"f", 'i', fn_to_int},
               {"s", 'i', fn_to_int}, {"b", 'i', fn_to_int}),
     "Whole part of a number, whole number in a text, 1 and 0 of true and false", "int(port)"},
    {"decimal", "cast", false,
     OVERLOADS({"d", 'd', fn_to_decimal}, {"i", 'd', fn_to_decimal}, {"f", 'd', fn_to_decimal},
               {"s", 'd', fn_to_decimal}),
     "Exact decimal of a number or text", "decimal(amount_text)"},
    {"float", "cast", false,
     OVERLOADS({"f", 'f', fn_to_float}, {"i", 'f', fn_to_float}, {"d", 'f', fn_to_float},
               {"s", 'f', fn_to_float}),
     "Floating-point number nearest to a number or text", "float(amount)"},
    {"string", "cast", false, OVERLOADS({"A", 's', fn_to_string}),
     "The value as text, as an alert shows it", "string(port)"},
    {"timestamp", "cast", false,
     OVERLOADS({"t", 't', fn_to_timestamp}, {"s", 't', fn_to_timestamp}),
     "From RFC 3339 text with a zone", "timestamp(expires)"},
    {"duration", "cast", false, OVERLOADS({"u", 'u', fn_to_duration}, {"s", 'u', fn_to_duration}),
     "From compact text, \"1h30m\"", "duration(ttl)"},
    {"ip", "cast", false, OVERLOADS({"p", 'p', fn_to_ip}, {"s", 'p', fn_to_ip}),
     "From text; missing if it is no address", "ip(client)"},
    {"cidr", "cast", false, OVERLOADS({"c", 'c', fn_to_cidr}, {"s", 'c', fn_to_cidr}),
     "From text; missing if it is no network", "cidr(net)"},
    {"geo", "cast", false, OVERLOADS({"ff", 'g', fn_geo}, {"dd", 'g', fn_geo}),
     "A place from latitude and longitude in degrees; missing if there is none",
     "geo(lat, lon)"},
};

const struct function *functions_all(uint32_t *ret_n)
{
    *ret_n = FYKE_ARRAY_LEN(functions);
    return functions;
}

static const struct aggregate aggregates[] = {
    {"count", AGG_COUNT, AGG_TAKES_NAME, AGG_GIVES_INT, NULL,
     "Number of events, of events that fulfil a `where`, or of present values of a field",
     "count(fail where country = \"NL\")", false},
    {"sum", AGG_SUM, AGG_TAKES_NUMBER, AGG_GIVES_SAME, NULL, "Sum; 0 over nothing",
     "sum(p.amount)", false},
    {"min", AGG_MIN, AGG_TAKES_ORDERED, AGG_GIVES_SAME, NULL, "The smallest value",
     "min(p.amount)", false},
    {"max", AGG_MAX, AGG_TAKES_ORDERED, AGG_GIVES_SAME, NULL, "The largest value",
     "max(p.amount)", false},
    {"average", AGG_AVERAGE, AGG_TAKES_NUMBER, AGG_GIVES_MEAN, NULL,
     "Mean; of ints and decimals a decimal to 18 places, half-even", "average(p.amount)", false},
    {"stddev", AGG_STDDEV, AGG_TAKES_NUMBER, AGG_GIVES_MEAN, NULL,
     "Standard deviation of a sample; missing below 2 values", "stddev(p.amount)", false},
    {"first", AGG_FIRST, AGG_TAKES_ANY, AGG_GIVES_SAME, NULL, "The first present value",
     "first(f.ip)", false},
    {"last", AGG_LAST, AGG_TAKES_ANY, AGG_GIVES_SAME, NULL, "The last present value",
     "last(f.ip)", false},
    {"nth", AGG_NTH, AGG_TAKES_ANY, AGG_GIVES_SAME, "n",
     "The n-th present value, counted from 1", "nth(f.ip, 2)", false},
    {"count_distinct", AGG_COUNT_DISTINCT, AGG_TAKES_ANY, AGG_GIVES_INT, NULL,
     "Number of different values", "count_distinct(f.user)", false},
    {"distinct", AGG_DISTINCT, AGG_TAKES_SCALAR, AGG_GIVES_LIST, NULL,
     "List of the different values in order of first occurrence", "distinct(f.user)", false},
    {"collect", AGG_COLLECT, AGG_TAKES_SCALAR, AGG_GIVES_LIST, NULL,
     "List of the values in order", "collect(f.user)", false},
    {"percentile", AGG_PERCENTILE, AGG_TAKES_ORDERED, AGG_GIVES_SAME, "percent",
     "The value at that percentage of the sorted values, nearest rank",
     "percentile(p.amount, 95)", false},
    {"gap_average", AGG_GAP_AVERAGE, AGG_TAKES_EVENTS, AGG_GIVES_DURATION, NULL,
     "Mean time between consecutive events; missing below 2 events", "gap_average(b)", false},
    {"gap_stddev", AGG_GAP_STDDEV, AGG_TAKES_EVENTS, AGG_GIVES_DURATION, NULL,
     "Standard deviation of the times between consecutive events; missing below 3 events",
     "gap_stddev(b)", false},
    {"set", AGG_DISTINCT, AGG_TAKES_SCALAR, AGG_GIVES_LIST, NULL,
     "In profiles only: the different values, each once with the time it was seen last; `max` "
     "bounds them",
     "set(country)", true},
};

const struct aggregate *aggregates_all(uint32_t *ret_n)
{
    *ret_n = FYKE_ARRAY_LEN(aggregates);
    return aggregates;
}
