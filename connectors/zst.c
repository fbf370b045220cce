/* zstd archives; several frames one after the other are one stream. */
#include <stdlib.h>
#include <zstd.h>

#include "base/xalloc.h"
#include "connectors/file_bytes.h"

struct zst {
    ZSTD_DStream *stream;
    bool inside; /* a frame has begun and is not over */
};

static void *zst_open(void)
{
    struct zst *z = xcalloc(1, sizeof(*z));
    z->stream = ZSTD_createDStream();
    if (!z->stream) {
        xalloc_die(ZSTD_DStreamInSize());
    }
    return z;
}

static void zst_close(void *state)
{
    struct zst *z = state;
    ZSTD_freeDStream(z->stream);
    free(z);
}

static enum err zst_read(struct file_bytes *in, char *to, size_t cap, size_t *got,
                         struct error *err)
{
    struct zst *z = in->state;
    ZSTD_outBuffer out = {to, cap, 0};
    *got = 0;
    while (out.pos == 0) {
        FYKE_TRY(file_bytes_more_raw(in, err));
        bool drained = in->raw_at == in->raw_end;
        if (drained && !z->inside) {
            return ERR_OK;
        }
        ZSTD_inBuffer raw = {in->raw, in->raw_end, in->raw_at};
        size_t rc = ZSTD_decompressStream(z->stream, &out, &raw);
        if (ZSTD_isError(rc)) {
            return file_bytes_corrupt(in, ZSTD_getErrorName(rc), err);
        }
        in->raw_at = raw.pos;
        z->inside = rc != 0;
        if (drained && out.pos == 0) {
            return file_bytes_corrupt(in, "it ends too early", err);
        }
    }
    *got = out.pos;
    return ERR_OK;
}

const struct file_codec file_codec_zst = {".zst", zst_open, zst_read, zst_close};
