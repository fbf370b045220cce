/* What of the guessed fields a declaration can say: under which name, from which path, as what. */
#ifndef FYKE_LIB_INFER_FIELDS_H
#define FYKE_LIB_INFER_FIELDS_H

#include "lib/infer.h"

struct infer_described {
    const struct infer_field *field;
    struct slice name;   /* as the declaration calls it: once in the event */
    struct slice path;   /* where it stands */
    const char *type;    /* NULL: it is not declared, … */
    const char *why_not; /* … which is said; NULL: an object, or a part of something */
    bool always;         /* no record lacks it */
};

struct infer_plan {
    struct arena arena;
    const struct infer *in;
    struct infer_described *items; /* in order of declaration */
    uint32_t n;
    const struct infer_described *time;   /* NULL: the record's own */
    const struct infer_described *almost; /* a time in some records, not taken as the event's */
    const struct infer_described *key;
    struct slice record_time, alias, rule; /* names that nothing else has */
};

/* `in` outlives the plan. */
void infer_plan_make(const struct infer *in, struct slice event, struct infer_plan *p);
void infer_plan_release(struct infer_plan *p);

bool infer_is_time(const struct infer_field *f);
/* Equals the message key in every record. */
bool infer_is_message_key(const struct infer *in, const struct infer_described *d);
/* A name as rules write it: plain, or in backticks. */
void infer_put_name(struct buf *out, struct slice name);
/* A literal of the language, which knows fewer escapes than JSON does. */
void infer_put_text(struct buf *out, struct slice text);

#endif
