#include "tests/support/state_dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/state/rules_apart.h"
#include "engine/state/store.h"

struct dump {
    struct buf *out;
    uint64_t heads;
    bool records;
};

static enum err put(void *ctx, const struct record_key *key, struct slice value, struct error *err)
{
    struct dump *d = ctx;
    (void)err;
    buf_put_slice(d->out, record_key_slice(key));
    buf_put_blob(d->out, value);
    d->heads += d->records && record_key_number(key) == 0;
    return ERR_OK;
}

static struct store *open_store(const char *dir, struct header *h)
{
    struct store_options o = {.dir = dir, .max_shards = 64};
    struct error err = ERROR_INIT;
    struct buf bytes = BUF_INIT;
    struct store *s = NULL;
    const char *why;
    bool found;
    if (store_open(&o, &s, &err) != ERR_OK || store_header(s, &bytes, &found, &err) != ERR_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(found);
    if (!header_decode(buf_slice(&bytes), h, &why)) {
        fail_msg("%s", why);
    }
    buf_release(&bytes);
    assert_int_equal(store_open_shards(s, h->n_shards, &err), ERR_OK);
    assert_int_equal(rules_apart_read(s, h, &err), ERR_OK);
    return s;
}

void state_dump(const char *dir, struct buf *out, uint64_t *records)
{
    struct header h;
    struct error err = ERROR_INIT;
    struct store *s = open_store(dir, &h);
    struct dump d = {.out = out};
    buf_clear(out);
    for (uint32_t i = 0; i <= h.n_shards; i++) { /* the last: pages */
        struct store_reader *r = store_reader_new(s, i);
        d.records = i < h.n_shards;
        assert_int_equal(store_each(r, put, &d, &err), ERR_OK);
        store_reader_free(r);
    }
    store_close(s);
    h.seq = 0;
    header_encode(&h, out);
    header_release(&h);
    if (records != NULL) {
        *records = d.heads;
    }
}

void state_dump_header(const char *dir, struct header *ret)
{
    store_close(open_store(dir, ret));
}

void state_dir_make(char dir[64])
{
    /* Where syncing costs nothing, when there is such a place. */
    snprintf(dir, 64, "%s/fyke-state-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(dir));
}

void state_dir_remove(const char *dir)
{
    char path[512];
    DIR *d = opendir(dir);
    if (d == NULL) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            unlink(path);
        }
    }
    closedir(d);
    rmdir(dir);
}
