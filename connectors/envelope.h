/* One line of `kcat -J` (and of fyke's own captures) as a record:
 *   {"topic":…,"partition":…,"offset":…,"tstype":…,"ts":…,"key":…,"payload":…,"headers":…}
 * `payload` is text (as kcat writes it) or a JSON value; null is a tombstone. `payload_base64` in its
 * place holds the bytes of a message in the topic's format. `ts` is milliseconds.
 * `headers` is kcat's flat list of names and values, a list of pairs, or an object. */
#ifndef FYKE_CONNECTORS_ENVELOPE_H
#define FYKE_CONNECTORS_ENVELOPE_H

#include "base/arena.h"
#include "engine/decode/json_paths.h"
#include "engine/decode/json_scan.h"
#include "engine/record.h"

enum envelope_field {
    ENVELOPE_TOPIC,
    ENVELOPE_PARTITION,
    ENVELOPE_OFFSET,
    ENVELOPE_TSTYPE,
    ENVELOPE_TS,
    ENVELOPE_KEY,
    ENVELOPE_PAYLOAD,
    ENVELOPE_PAYLOAD_BASE64,
    ENVELOPE_HEADERS,
    ENVELOPE_FIELDS
};

/* Reads one line after the other; belongs to one thread. */
struct envelope {
    struct json_paths paths;
    struct json_scan scan;
    struct json_span found[ENVELOPE_FIELDS + 1]; /* [0] is the line */
    uint32_t nodes[ENVELOPE_FIELDS];
    char *text; /* copy of the line with zero bytes behind it */
    size_t cap;
};

void envelope_init(struct envelope *e);
void envelope_release(struct envelope *e);

/* The coordinates alone; NULL, or what is wrong. *topic lives until the next line. */
const char *envelope_place(struct envelope *e, struct slice line, struct slice *topic,
                           int32_t *partition, int64_t *offset);
/* After envelope_place() of the same line: everything else. Texts go into `arena`. */
const char *envelope_content(struct envelope *e, struct arena *arena, struct record *r);

#endif
