/* gzip archives; several members one after the other are one stream. */
#include <stdlib.h>
#include <zlib.h>

#include "base/xalloc.h"
#include "connectors/file_bytes.h"

#define GZIP_WINDOW (15 + 16) /* gzip headers only */

struct gz {
    z_stream stream;
    bool inside; /* a member has begun and is not over */
};

static void *gz_open(void)
{
    struct gz *g = xcalloc(1, sizeof(*g));
    if (inflateInit2(&g->stream, GZIP_WINDOW) != Z_OK) {
        xalloc_die(sizeof(*g));
    }
    return g;
}

static void gz_close(void *state)
{
    struct gz *g = state;
    inflateEnd(&g->stream);
    free(g);
}

static enum err gz_step(struct file_bytes *in, struct gz *g, struct error *err)
{
    g->stream.next_in = (unsigned char *)in->raw + in->raw_at;
    g->stream.avail_in = (uInt)(in->raw_end - in->raw_at);
    g->inside = true;
    int rc = inflate(&g->stream, Z_NO_FLUSH);
    in->raw_at = in->raw_end - g->stream.avail_in;
    if (rc == Z_STREAM_END) {
        g->inside = false;
        inflateReset(&g->stream);
    } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
        return file_bytes_corrupt(in, g->stream.msg ? g->stream.msg : "it does not decompress",
                                  err);
    }
    return ERR_OK;
}

static enum err gz_read(struct file_bytes *in, char *to, size_t cap, size_t *got, struct error *err)
{
    struct gz *g = in->state;
    *got = 0;
    g->stream.next_out = (unsigned char *)to;
    g->stream.avail_out = (uInt)cap;
    while (g->stream.avail_out == cap) {
        FYKE_TRY(file_bytes_more_raw(in, err));
        bool drained = in->raw_at == in->raw_end;
        if (drained && !g->inside) {
            return ERR_OK;
        }
        FYKE_TRY(gz_step(in, g, err));
        if (drained && g->stream.avail_out == cap) {
            return file_bytes_corrupt(in, "it ends too early", err);
        }
    }
    *got = cap - g->stream.avail_out;
    return ERR_OK;
}

const struct file_codec file_codec_gz = {".gz", gz_open, gz_read, gz_close};
