#include "cli/live_client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- whom ------------------------------------------------------------------------------------ */

void live_target_init(struct live_target *t, const struct cli_verb *v)
{
    *t = (struct live_target){.wait = {10 * NS_PER_S}};
    settings_init(&t->settings, v->name);
    arena_init(&t->arena);
}

void live_target_release(struct live_target *t)
{
    settings_release(&t->settings);
    arena_release(&t->arena);
}

bool live_target_option(const struct cli_verb *v, struct live_target *t, const char *name,
                        const char *value)
{
    if (strcmp(name, "wait") == 0) {
        return cli_parse_duration(v, "--wait", value, &t->wait.ns);
    }
    const char **to = strcmp(name, "state") == 0    ? &t->state
                      : strcmp(name, "listen") == 0 ? &t->listen
                                                    : &t->config;
    *to = value;
    return true;
}

int live_target_find(const struct cli_verb *v, struct live_target *t)
{
    struct settings *s = &t->settings;
    if (!t->state && !t->listen) {
        settings_read_environment(s, (const char *const *)environ);
        const char *config = t->config ? t->config : settings_text(s, SET_CONFIG);
        if (config) {
            settings_read_file(s, config);
        }
        if (cli_tell_problems(v, s) != CLI_OK) {
            return CLI_USAGE;
        }
        t->state = settings_text(s, SET_STATE);
        t->listen = settings_text(s, SET_LISTEN);
    }
    return t->state || t->listen ? CLI_OK
                                 : cli_usage_error(v, "whose? --state DIR, --listen PATH or -c FILE");
}

int live_verb_run(const struct cli_verb *v, int argc, char **argv, const struct live_verb *l)
{
    live_target_init(l->target, v);
    int rc = l->parse(v, argc, argv, l->ctx);
    if (rc < 0) {
        rc = live_target_find(v, l->target);
        rc = rc == CLI_OK ? l->ask(l->ctx) : rc;
    }
    live_target_release(l->target);
    return rc;
}

/* ---- one connection -------------------------------------------------------------------------- */

static enum err connect_to(const struct live_target *t, int *ret, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf dir = BUF_INIT;
    const char *slash = t->listen ? strrchr(t->listen, '/') : NULL;
    if (!t->listen) {
        return local_socket_connect(t->state, LIVE_SOCKET, ret, err);
    }
    buf_put(&dir, slash ? t->listen : "./", slash ? (size_t)(slash - t->listen) + 1 : 2);
    return local_socket_connect(buf_cstr(&dir), slash ? slash + 1 : t->listen, ret, err);
}

int live_client_open(struct live_client *c, const struct live_target *t, struct slice request)
{
    FYKE_CLEANUP(buf_release) struct buf line = BUF_INIT;
    struct error err = ERROR_INIT;
    *c = (struct live_client){.fd = -1};
    if (connect_to(t, &c->fd, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
        return err.code == ERR_USAGE ? CLI_USAGE : CLI_FINDINGS;
    }
    buf_put_slice(&line, request);
    buf_puts(&line, "\n");
    if (send(c->fd, line.ptr, line.len, MSG_NOSIGNAL) != (ssize_t)line.len) {
        fprintf(stderr, "fyke: the process does not take the question: %s\n", strerror(errno));
        live_client_close(c);
        return CLI_FINDINGS;
    }
    return CLI_OK;
}

void live_client_close(struct live_client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
    }
    c->fd = -1;
    buf_release(&c->text);
}

static bool next_line(struct live_client *c, struct slice *ret)
{
    const char *from = c->text.ptr + c->at;
    const char *end = c->text.len > c->at ? memchr(from, '\n', c->text.len - c->at) : NULL;
    if (!end) {
        return false;
    }
    *ret = slice_from(from, (size_t)(end - from));
    c->at += ret->len + 1;
    return true;
}

enum live_read live_client_line(struct live_client *c, struct duration wait, struct slice *ret)
{
    bool forever = duration_is_infinite(wait);
    int64_t until_ms = forever ? 0 : local_socket_now_ms() + wait.ns / NS_PER_MS;
    while (!next_line(c, ret)) {
        char block[65536];
        int64_t left = forever ? -1 : until_ms - local_socket_now_ms();
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (c->at > 0) {
            memmove(c->text.ptr, c->text.ptr + c->at, c->text.len - c->at);
            c->text.len -= c->at;
            c->at = 0;
        }
        int ready = forever || left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return LIVE_LATE;
        }
        ssize_t n = read(c->fd, block, sizeof(block));
        if (n <= 0) {
            return LIVE_END;
        }
        buf_put(&c->text, block, (size_t)n);
    }
    return LIVE_LINE;
}

/* ---- a question and its answer --------------------------------------------------------------- */

static bool tell_error(struct json_span root)
{
    struct json_span error = json_view_get(root, "error");
    if (error.kind == JSON_NONE) {
        return false;
    }
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(error, &text);
    fprintf(stderr, "fyke: %s\n", buf_cstr(&text));
    return true;
}

int live_ask(const struct live_target *t, struct slice request,
             void (*line)(void *ctx, struct json_span root, struct slice text), void *ctx)
{
    struct live_client c;
    struct json_view v;
    struct slice text;
    enum live_read got;
    bool any = false, failed = false;
    int rc = live_client_open(&c, t, request);
    if (rc != CLI_OK) {
        return rc;
    }
    json_view_init(&v);
    while ((got = live_client_line(&c, t->wait, &text)) == LIVE_LINE) {
        any = json_view_set(&v, text);
        failed |= any && tell_error(v.root);
        if (any && !failed) {
            line(ctx, v.root, text);
        }
    }
    if (got == LIVE_LATE || !any) {
        fprintf(stderr, "fyke: the process %s\n",
                got == LIVE_LATE ? "does not answer in time" : "has ended before it answered");
    }
    json_view_release(&v);
    live_client_close(&c);
    return got == LIVE_LATE || !any || failed ? CLI_FINDINGS : CLI_OK;
}
