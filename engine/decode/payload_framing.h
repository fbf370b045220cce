/* What stands in front of a message that a serializer with a schema registry has written: a zero
 * byte, the schema's id (4 bytes, big-endian), and for Protobuf which message of the file it is. */
#ifndef FYKE_ENGINE_DECODE_PAYLOAD_FRAMING_H
#define FYKE_ENGINE_DECODE_PAYLOAD_FRAMING_H

#include "engine/decode/payload_codec.h"

/* Moves c->at behind the framing if there is any and notes the id. *same: false when it names
 * another message than the schema's. */
bool payload_framing(struct payload_codec *c, const struct record *r, bool *same);

#endif
