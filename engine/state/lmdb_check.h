/* Is an LMDB file whole? LMDB follows page numbers and offsets found in the file without asking; a
 * truncated or damaged file makes it read outside its map. So the file is checked before LMDB sees
 * it: sizes, page numbers, node offsets, order of keys, and that no page is used twice. What lies in
 * values is guarded by their own checksums. */
#ifndef FYKE_ENGINE_STATE_LMDB_CHECK_H
#define FYKE_ENGINE_STATE_LMDB_CHECK_H

#include "base/attr.h"
#include "base/error.h"

/* ERR_OK also when there is no file. ERR_CORRUPT says what is wrong. */
enum err lmdb_check(const char *path, struct error *err) FYKE_MUST_USE;

#endif
