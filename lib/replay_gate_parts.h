/* What the reading and the judging of gates share. Private to these two. */
#ifndef FYKE_LIB_REPLAY_GATE_PARTS_H
#define FYKE_LIB_REPLAY_GATE_PARTS_H

#include "base/buf.h"
#include "base/xalloc.h"
#include "lib/replay_gate.h"

/* NULL: there is none. */
const struct gate_name *gate_name_of(struct slice text);

#endif
