/* Texts as content of lists and lookups: files (formats.md section 1) and records of topics. */
#ifndef FYKE_ENGINE_TABLES_TABLE_TEXT_H
#define FYKE_ENGINE_TABLES_TABLE_TEXT_H

#include "engine/decode/decode_field.h"
#include "nfa/table.h"

/* A table_parse (nfa/table.h). */
const struct table *table_text_parse(const struct table_decl *decl, struct slice text,
                                     struct arena *arena, struct table_problem *problems,
                                     uint32_t *ret_n);

/* A key as bare text. For keys that are networks an address is the network of itself alone. The
 * text is borrowed. */
bool table_text_key(const struct table_decl *decl, struct slice text, struct value *ret);

/* Reads JSON values of one lookup; belongs to one thread. */
struct table_json {
    struct json_scan scan;
    struct json_paths paths; /* the document itself */
    struct field_room room;  /* values live here until the next call */
    char *text;              /* copy with zero bytes behind it */
    size_t cap;
};

void table_json_init(struct table_json *j);
void table_json_release(struct table_json *j);
/* The document; NULL and *at when it is no JSON. It points into j->text. */
const struct json_span *table_json_scan(struct table_json *j, struct slice text,
                                        struct json_span *found, size_t *at);
/* A value of the lookup's type; false: it is none. */
bool table_json_value(struct table_json *j, const struct table_decl *decl, struct json_span span,
                      struct value *ret);
/* The text of a string span. */
struct slice table_json_string(struct table_json *j, struct json_span span);

#endif
