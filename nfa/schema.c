#include "nfa/schema.h"

enum value_kind type_value_kind(enum field_type type)
{
    static const enum value_kind kinds[TYPE_COUNT] = {
        [TYPE_BOOL] = VAL_BOOL,           [TYPE_INT] = VAL_INT,
        [TYPE_DECIMAL] = VAL_DECIMAL,     [TYPE_FLOAT] = VAL_FLOAT,
        [TYPE_STRING] = VAL_STRING,       [TYPE_TIMESTAMP] = VAL_TIMESTAMP,
        [TYPE_DURATION] = VAL_DURATION,   [TYPE_IP] = VAL_IP,
        [TYPE_CIDR] = VAL_CIDR,           [TYPE_GEO] = VAL_GEO,
        [TYPE_ENUM] = VAL_STRING,
    };
    return (unsigned)type < TYPE_COUNT ? kinds[type] : VAL_MISSING;
}

const char *type_name(enum field_type type)
{
    return type == TYPE_ENUM ? "enum" : value_kind_name(type_value_kind(type));
}
