/* What events look like, guessed from records: names and types of their fields, what may be their
 * time and their key, how far out of order they come. A guess is said to be one; what it rests on
 * stands beside it. One thread; memory is bounded by INFER_MAX_FIELDS. */
#ifndef FYKE_LIB_INFER_H
#define FYKE_LIB_INFER_H

#include "base/arena.h"
#include "engine/decode/json_walk.h"
#include "engine/record.h"
#include "lib/infer_time.h"
#include "lib/json_view.h"

#define INFER_MAX_FIELDS 1000 /* others are counted, not described */
#define INFER_MAX_DEPTH 6     /* of nested objects; what is deeper is left out and counted */
#define INFER_SHOWN_VALUES 8
#define INFER_SHOWN_BYTES 32 /* of a value; a longer one is not shown */
#define INFER_COUNT_BITS 65536

/* What all values of a field could be so far. */
enum infer_type {
    INFER_BOOL = 1 << 0,
    INFER_INT = 1 << 1,
    INFER_DECIMAL = 1 << 2,
    INFER_IP = 1 << 3,
    INFER_CIDR = 1 << 4,
    INFER_TIME = 1 << 5, /* RFC 3339, or a number that is one in a unit (infer_time.h) */
    INFER_TEXT = 1 << 6,
    INFER_FLOAT = 1 << 7, /* a finite one; what a decimal does not hold */
    INFER_LAT = 1 << 8,   /* a number within 90 */
    INFER_LON = 1 << 9,   /* within 180 */
    INFER_ALL = (1 << 10) - 1,
};

struct infer_field {
    struct slice name;           /* of the member */
    struct infer_field *parent;  /* the object it stands in; NULL: the record */
    struct infer_field *next;    /* in order of first occurrence, over the whole record */
    bool in_list;                /* the values stand in an array, here or further out */
    bool is_list;                /* the value itself is an array */
    bool is_single;              /* it is none: here and there both are seen */
    bool is_object;              /* has fields of its own */
    bool nests;                  /* an array stood in the array */
    uint64_t object;             /* in which it was seen last, … */
    size_t pending;              /* … and where its member waits */
    uint64_t records;            /* that have it, with a value */
    uint64_t nulls;
    uint64_t last_record;        /* in which it was counted */
    uint64_t values;             /* list items counted one by one */
    unsigned types;              /* enum infer_type */
    bool equals_key;             /* in every record so far */
    struct infer_time time;      /* of the values that are times, all while INFER_TIME holds */
    uint64_t timed;              /* records that have one */
    uint64_t last_timed;
    uint8_t *counted;            /* INFER_COUNT_BITS: hashes of values, for their number */
    struct slice shown[INFER_SHOWN_VALUES];
    uint32_t n_shown;
    bool more_values;            /* than shown, or one too long */
};

/* A member of an object that is being read; of two with one name the last one counts. */
struct infer_pending {
    struct infer_field *field;
    struct json_span value;
};

struct infer {
    struct arena arena;
    struct infer_pending *pending; /* of the open objects, the innermost last */
    size_t n_pending, cap_pending;
    uint64_t objects;
    struct json_view view;
    struct infer_field *first, **last;
    uint32_t n_fields;
    uint64_t records, not_objects, empty, with_key;
    uint64_t unnamed; /* members beyond INFER_MAX_FIELDS or INFER_MAX_DEPTH */
    struct infer_time broker; /* the records' own timestamps */
    uint64_t with_timestamp;
    struct slice topic; /* of the records */
    struct buf text; /* scratch */
};

void infer_init(struct infer *in);
void infer_release(struct infer *in);
void infer_record(struct infer *in, const struct record *r);

/* About how many different values (linear counting: Whang et al., ACM TODS 15(2), 1990); exact to a
 * percent up to some 100,000, an upper bound is never given. */
uint64_t infer_distinct(const struct infer_field *f);

struct infer_names {
    struct slice event; /* empty: made of the topic's; else infer_can_name() */
    struct slice topic;
    const char *source; /* for the first line */
};
/* A rule can be written for an event of this name, in backticks if need be. */
bool infer_can_name(struct slice event);
/* A rule file: the declaration and a first rule. False: nothing to say, no record is an object. */
bool infer_text(const struct infer *in, const struct infer_names *names, struct buf *out);

#endif
