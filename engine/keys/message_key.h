/* Is the message key the field that an event declares as its `key`?
 *
 * Several instances share a topic by its partitions, and those are chosen by the message key: events with
 * one value of the field meet in one task iff the key is made of it, always in the same way. Ways that are
 * known: text, a JSON string, an integer of 4 or 8 bytes (big-endian), and text, JSON or an Avro string
 * or integer behind the five bytes that name a schema of a registry. */
#ifndef FYKE_ENGINE_KEYS_MESSAGE_KEY_H
#define FYKE_ENGINE_KEYS_MESSAGE_KEY_H

#include "engine/record.h"
#include "nfa/event.h"
#include "nfa/schema.h"

/* `v` is not missing. */
bool message_key_holds(const struct schema_field *f, struct value v, struct slice key);

/* True also where there is nothing to compare: the declaration has no key, the key itself is the field,
 * the event has no value, or nobody asks for it. */
bool message_key_fits(const struct schema_decl *d, const struct event *event,
                      const struct record *r);

#endif
