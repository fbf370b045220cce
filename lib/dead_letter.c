#include "lib/dead_letter.h"

#include <errno.h>
#include <string.h>

#include "base/json_out.h"
#include "base/utf8.h"

static enum err cannot_write(const struct dead_letter *d, struct error *err)
{
    return error_set(err, ERR_IO, "cannot write %s: %s", d->path, strerror(errno));
}

enum err dead_letter_open(struct dead_letter *d, const char *path, bool append,
                          const struct ruleset *rs, struct error *err)
{
    *d = (struct dead_letter){.file = fopen(path, append ? "ae" : "we"), .path = path, .rs = rs};
    if (!d->file) {
        return cannot_write(d, err);
    }
    /* What is committed must have left the process, so that a crash loses no letter. */
    return setvbuf(d->file, NULL, append ? _IOLBF : _IOFBF, BUFSIZ) == 0 ? ERR_OK
                                                                         : cannot_write(d, err);
}

enum err dead_letter_sync(struct dead_letter *d, struct error *err)
{
    return fflush(d->file) == 0 ? ERR_OK : cannot_write(d, err);
}

enum err dead_letter_close(struct dead_letter *d, struct error *err)
{
    enum err rc = ERR_OK;
    if (d->file && fclose(d->file) != 0) {
        rc = cannot_write(d, err);
    }
    buf_release(&d->line);
    d->file = NULL;
    return rc;
}

static void put_bytes(struct json_out *j, const char *name, bool present, struct slice s)
{
    FYKE_CLEANUP(buf_release) struct buf key = BUF_INIT;
    bool text = utf8_valid(s);
    buf_printf(&key, text ? "%s" : "%s_base64", name);
    json_key(j, slice_of(buf_cstr(&key)));
    if (!present) {
        json_nil(j);
    } else if (text) {
        json_text(j, s);
    } else {
        json_base64(j, s);
    }
}

static void put_headers(struct json_out *j, const struct record *r)
{
    json_key(j, SLICE_LIT("headers"));
    json_array_begin(j);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        json_array_begin(j);
        json_text(j, r->headers[i].name);
        if (r->headers[i].value.ptr) {
            json_text(j, r->headers[i].value);
        } else {
            json_nil(j);
        }
        json_array_end(j);
    }
    json_array_end(j);
}

static void put_place(struct json_out *j, const struct dead_letter *d, const struct record *r)
{
    char time[ETIME_TEXT_MAX];
    if (r->topic < d->rs->n_topics) {
        json_member_string(j, "topic", d->rs->topics[r->topic].name);
        json_member_int(j, "partition", r->partition);
        json_member_int(j, "offset", r->offset);
    }
    if (r->origin) {
        json_member_string(j, "file", slice_of(r->origin));
        json_member_int(j, "line", (int64_t)r->line);
    }
    if (r->has_timestamp) {
        etime_format(r->timestamp, time);
        json_member_string(j, "timestamp", slice_of(time));
    }
}

enum err dead_letter_write(void *ctx, enum refused_why why, const char *reason,
                           const struct record *r, struct error *err)
{
    static const char *const names[] = {"invalid", "late", "after_idle"};
    struct dead_letter *d = ctx;
    buf_clear(&d->line);
    struct json_out j = json_out_to(&d->line);
    json_object_begin(&j);
    json_member_string(&j, "why", slice_of(names[why]));
    json_member_string(&j, "reason", slice_of(reason));
    put_place(&j, d, r);
    put_bytes(&j, "key", r->has_key, r->key);
    put_bytes(&j, "value", r->has_value, r->value);
    if (r->n_headers) {
        put_headers(&j, r);
    }
    json_object_end(&j);
    json_line_end(&j);
    if (fwrite(d->line.ptr, 1, d->line.len, d->file) != d->line.len) {
        return cannot_write(d, err);
    }
    return ERR_OK;
}
