/* A state directory that no process runs on: looked at, checked, made smaller, carried away. */
#ifndef FYKE_LIB_STATE_FILE_H
#define FYKE_LIB_STATE_FILE_H

#include <stdint.h>

#include "engine/state/header.h"
#include "engine/state/state_scan.h"
#include "engine/state/store.h"

struct state_file {
    struct store *store;
    struct header header;
    struct store_origin origin; /* is_copy only */
    bool is_copy;               /* of a journal, or imported (identity empty) */
    struct buf origin_bytes;
};

/* Locks the directory; it must hold a state. */
enum err state_file_open(const char *dir, struct state_file *ret, struct error *err) FYKE_MUST_USE;
void state_file_close(struct state_file *s);

/* state_scan() of it. */
enum err state_file_scan(struct state_file *s, state_head_fn fn, void *ctx,
                         struct state_figures *ret, struct error *err) FYKE_MUST_USE;

/* A portable file: everything that is stored, with a checksum over it all. */
enum err state_file_export(struct state_file *s, const char *path, struct error *err) FYKE_MUST_USE;
/* Its header alone; the caller's to release. */
enum err state_file_peek(const char *path, struct header *ret, struct error *err) FYKE_MUST_USE;
/* Into a directory that holds no state. `app`, if not NULL, is whose it becomes. */
enum err state_file_import(const char *path, const char *dir, const char *app,
                           struct error *err) FYKE_MUST_USE;
enum err state_file_compact(struct state_file *s, struct error *err) FYKE_MUST_USE;

#endif
