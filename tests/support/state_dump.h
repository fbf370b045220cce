/* The bytes of a closed state directory, for comparing: every record of every shard, then the header
 * without its sequence number. */
#ifndef FYKE_TESTS_SUPPORT_STATE_DUMP_H
#define FYKE_TESTS_SUPPORT_STATE_DUMP_H

#include <stdint.h>

#include "base/buf.h"
#include "engine/state/header.h"

/* Fails the running test when it cannot be read. `records` may be NULL. */
void state_dump(const char *dir, struct buf *out, uint64_t *records);
/* The decoded header; the caller releases it. */
void state_dump_header(const char *dir, struct header *ret);

/* A fresh directory under /tmp, and its removal with everything in it. */
void state_dir_make(char dir[64]);
void state_dir_remove(const char *dir);

#endif
