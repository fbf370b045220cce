/* A packed file that is unpacked in a thread of its own, ahead of who reads it. What comes when does not
 * depend on the thread: a read is filled as far as the file goes. */
#ifndef FYKE_CONNECTORS_FILE_AHEAD_H
#define FYKE_CONNECTORS_FILE_AHEAD_H

#include "connectors/file_bytes.h"

struct file_ahead;

/* Takes over what `in` unpacks with; the descriptor stays the caller's and open as long. NULL: standard
 * input, pipes and the like, which a thread could wait in for ever, or no thread to be had; nothing is
 * taken over then. */
struct file_ahead *file_ahead_new(struct file_bytes *in);
void file_ahead_free(struct file_ahead *a);
/* file_bytes_read(): less than `cap` at the end only. An error comes behind what was read before it. */
enum err file_ahead_read(struct file_ahead *a, char *to, size_t cap, size_t *got,
                         struct error *err) FYKE_MUST_USE;

#endif
