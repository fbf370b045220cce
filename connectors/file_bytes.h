/* Bytes of a file or of standard input, decompressed on the way when the name ends in .zst or .gz.
 * A damaged or cut archive is ERR_CORRUPT with the file's name, never a silent end. */
#ifndef FYKE_CONNECTORS_FILE_BYTES_H
#define FYKE_CONNECTORS_FILE_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/error.h"

#define FILE_RAW_BYTES ((size_t)128 << 10)

struct file_bytes;
struct file_ahead;

/* One way to decompress. `open` returns its state; `read` gives *got = 0 at the end only. */
struct file_codec {
    const char *suffix;
    void *(*open)(void);
    enum err (*read)(struct file_bytes *in, char *to, size_t cap, size_t *got, struct error *err);
    void (*close)(void *state);
};
extern const struct file_codec file_codec_zst;
extern const struct file_codec file_codec_gz;

struct file_bytes {
    int fd;
    const char *name;               /* for messages; borrowed */
    const struct file_codec *codec; /* NULL: plain */
    void *state;                    /* the codec's */
    char *raw;                      /* compressed bytes; only with a codec */
    size_t raw_at, raw_end;
    bool raw_finished; /* the file has no more bytes */
    bool ahead;        /* wanted: unpacked by another thread from the first read on */
    struct file_ahead *unpacker; /* that thread; NULL: none */
};

/* "-" is standard input. A directory is refused. */
enum err file_bytes_open(struct file_bytes *in, const char *path, struct error *err) FYKE_MUST_USE;
/* Takes over an open descriptor. */
void file_bytes_adopt(struct file_bytes *in, int fd, const char *name);
void file_bytes_close(struct file_bytes *in);
/* *got is 0 only at the end. */
enum err file_bytes_read(struct file_bytes *in, char *to, size_t cap, size_t *got,
                         struct error *err) FYKE_MUST_USE;
/* A read would not block; waits up to `wait`. Regular files always are. */
bool file_bytes_ready(const struct file_bytes *in, struct duration wait);

/* For codecs: makes raw[raw_at, raw_end) non-empty unless the file is finished. */
enum err file_bytes_more_raw(struct file_bytes *in, struct error *err) FYKE_MUST_USE;
enum err file_bytes_corrupt(const struct file_bytes *in, const char *why, struct error *err);

#endif
