/* The message key of a record from a payload file: the text of the field declared `key`. Looked for
 * only where some declaration of the topic reads "$key"; mostly nobody does. */
#ifndef FYKE_CONNECTORS_FILE_KEY_H
#define FYKE_CONNECTORS_FILE_KEY_H

#include "base/arena.h"
#include "engine/decode/json_scan.h"
#include "engine/record.h"
#include "nfa/rule.h"

struct file_key {
    bool wanted;
    const struct schema_field *field;
    struct json_paths paths;
    struct json_scan scan;
    struct json_span *found;
    uint32_t literal, nested; /* nodes */
};

void file_key_init(struct file_key *k, const struct ruleset *rs, uint32_t topic);
void file_key_release(struct file_key *k);
/* Sets r->key from r->value; leaves the key null when the payload has none. */
void file_key_supply(struct file_key *k, struct arena *arena, struct record *r);

#endif
