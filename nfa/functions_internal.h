/* The code behind the rows of functions_table.c. */
#ifndef FYKE_NFA_FUNCTIONS_INTERNAL_H
#define FYKE_NFA_FUNCTIONS_INTERNAL_H

#include "nfa/expr_internal.h"

#define FUNCTION_IMPL(name)                                                                        \
    struct value name(struct eval *ev, const struct value *args, uint32_t n)

/* functions_string.c */
FUNCTION_IMPL(fn_lower);
FUNCTION_IMPL(fn_upper);
FUNCTION_IMPL(fn_trim);
FUNCTION_IMPL(fn_length);
FUNCTION_IMPL(fn_length_list);
FUNCTION_IMPL(fn_substring);
FUNCTION_IMPL(fn_concat);
FUNCTION_IMPL(fn_split_part);
/* functions_math.c */
FUNCTION_IMPL(fn_abs);
FUNCTION_IMPL(fn_round);
FUNCTION_IMPL(fn_floor);
FUNCTION_IMPL(fn_ceil);
FUNCTION_IMPL(fn_log);
FUNCTION_IMPL(fn_sqrt);
/* functions_time.c */
FUNCTION_IMPL(fn_hour);
FUNCTION_IMPL(fn_minute);
FUNCTION_IMPL(fn_weekday);
FUNCTION_IMPL(fn_date);
FUNCTION_IMPL(fn_date_part);
FUNCTION_IMPL(fn_truncate);
extern const char *const date_part_words[];
extern const char *const time_unit_words[];
/* functions_geo.c */
FUNCTION_IMPL(fn_distance_km);
FUNCTION_IMPL(fn_speed_kmh);
FUNCTION_IMPL(fn_geo);
FUNCTION_IMPL(fn_subnet);
/* functions_cast.c */
FUNCTION_IMPL(fn_coalesce);
FUNCTION_IMPL(fn_hash);
FUNCTION_IMPL(fn_to_bool);
FUNCTION_IMPL(fn_to_int);
FUNCTION_IMPL(fn_to_decimal);
FUNCTION_IMPL(fn_to_float);
FUNCTION_IMPL(fn_to_string);
FUNCTION_IMPL(fn_to_timestamp);
FUNCTION_IMPL(fn_to_duration);
FUNCTION_IMPL(fn_to_ip);
FUNCTION_IMPL(fn_to_cidr);

#endif
