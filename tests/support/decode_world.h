/* A rule set of one topic, built by hand, and what a record becomes under it. */
#ifndef FYKE_TESTS_DECODE_WORLD_H
#define FYKE_TESTS_DECODE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/decode/decode.h"

#define MAX_FIELDS 12

struct world {
    struct ruleset rs;
    struct schema_topic topic;
    struct schema_decl decls[4];
    uint32_t decl_index[4];
    struct schema_field fields[4][MAX_FIELDS];
    struct decoder *decoder;
    struct decode_limits limits;
    struct arena arena;
    struct record record;
    struct decoded got;
    struct buf text;
};

/* What a case may want instead of a value's JSON text. */
#define BAD "bad"
#define ABSENT "absent"

int world_setup(void **state);
int world_teardown(void **state);
/* The next decoding sees the declarations as they are now. */
void world_changed(struct world *w);
/* A declaration with its event time "at" in slot 0. */
uint32_t add_decl(struct world *w, const char *name);
/* An optional, kept field with the path "a.b[*].c"; options are set on what is returned. */
struct schema_field *add_field(struct world *w, uint32_t decl, const char *name,
                               enum field_type type);
/* w->record as it is. */
void decode_record(struct world *w);
enum decode_result decode_bytes(struct world *w, const char *payload, size_t len);
enum decode_result decode(struct world *w, const char *payload);
/* {"at":…, <members>} */
enum decode_result decode_members(struct world *w, const char *members);
/* JSON of a value of the last record's events; valid until the next call. */
const char *value_text(struct world *w, uint32_t event, uint32_t slot);

#endif
