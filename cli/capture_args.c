#include "cli/capture_args.h"

#include <string.h>
#include <unistd.h>

#include "cli/read_file.h"
#include "lib/pseudonym.h"
#include "lib/rules.h"

#define MAX_SECRET 4096
#define MAX_ALERTS ((size_t)64 << 20)

void capture_args_init(struct capture_args *a)
{
    *a = (struct capture_args){0};
    arena_init(&a->arena);
    why_config_init(&a->config.asked);
    a->config.hidden = a->hidden;
}

void capture_args_release(struct capture_args *a)
{
    arena_release(&a->arena);
    buf_release(&a->secret);
    buf_release(&a->alert);
}

/* ---- options --------------------------------------------------------------------------------- */

static bool is_kind(const char *text)
{
    return text[0] && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                          strlen(text);
}

static bool hide_one(const struct cli_verb *v, struct capture_args *a, char *item)
{
    char *kind = strchr(item, '=');
    if (kind) {
        *kind++ = '\0';
    }
    if (!*item || (kind && !is_kind(kind))) {
        cli_usage_error(v, "--hide takes FIELD or FIELD=KIND, a kind of letters, digits and _");
        return false;
    }
    if (a->config.n_hidden == CAPTURE_MAX_HIDDEN) {
        cli_usage_error(v, "--hide: at most %d fields", CAPTURE_MAX_HIDDEN);
        return false;
    }
    a->hidden[a->config.n_hidden++] = (struct capture_hidden){item, kind};
    return true;
}

bool capture_args_hide(const struct cli_verb *v, struct capture_args *a, const char *text)
{
    char *at = arena_printf(&a->arena, "%s", text);
    for (char *next = at; next; at = next) {
        next = strchr(at, ',');
        if (next) {
            *next++ = '\0';
        }
        if (!hide_one(v, a, at)) {
            return false;
        }
    }
    return true;
}

bool capture_args_secret(const struct cli_verb *v, struct capture_args *a, const char *path)
{
    const char *why = read_file(path, MAX_SECRET, &a->secret);
    while (a->secret.len > 0 && a->secret.ptr[a->secret.len - 1] == '\n') {
        a->secret.len--;
    }
    if (!why && a->secret.len < PSEUDONYM_LEAST_SECRET) {
        why = "the secret is shorter than 16 bytes";
    }
    if (why) {
        cli_usage_error(v, "--secret-file %s: %s", path, why);
        return false;
    }
    a->config.secret = buf_slice(&a->secret);
    return true;
}

/* Several lines are what a run has written: the last one is asked about. */
static struct slice last_line(struct slice text)
{
    while (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
    }
    const char *newline = text.len > 0 ? memrchr(text.ptr, '\n', text.len) : NULL;
    size_t skip = newline ? (size_t)(newline - text.ptr) + 1 : 0;
    return slice_from(text.ptr + skip, text.len - skip);
}

bool capture_args_alert(const struct cli_verb *v, struct capture_args *a, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    const char *why = read_file(standard ? "/dev/stdin" : path, MAX_ALERTS, &a->alert);
    if (why) {
        cli_usage_error(v, "--alert %s: %s", path, why);
        return false;
    }
    a->config.alert = last_line(buf_slice(&a->alert));
    if (!capture_ask(a->config.alert, &a->arena, &a->config.asked)) {
        cli_usage_error(v, "--alert %s: its last line is no alert as JSON", path);
        return false;
    }
    return true;
}

/* ---- running --------------------------------------------------------------------------------- */

static int find_files(const struct cli_verb *v, struct capture_args *a)
{
    struct capture_config *c = &a->config;
    const char *name = strrchr(a->output, '/');
    name = name ? name + 1 : a->output;
    if (!*name) {
        return cli_usage_error(v, "a file name without suffix is wanted, not '%s'", a->output);
    }
    c->fixture = arena_printf(&a->arena, "%s.jsonl", a->output);
    c->test = arena_printf(&a->arena, "%s.rules", a->output);
    const char *const files[] = {c->fixture, c->test};
    for (size_t i = 0; i < 2 && !a->force; i++) {
        if (access(files[i], F_OK) == 0) {
            return cli_usage_error(v, "%s is there already; --force writes over it", files[i]);
        }
    }
    return CLI_OK;
}

static void say_done(const struct capture_args *a, const struct capture_result *r)
{
    const struct capture_config *c = &a->config;
    fprintf(stderr, "fyke: %llu of %llu records of the key, %llu value%s hidden: %s\n",
            (unsigned long long)r->records, (unsigned long long)r->of_key,
            (unsigned long long)r->pseudonyms, r->pseudonyms == 1 ? "" : "s", c->fixture);
    if (r->others > 0) {
        fprintf(stderr, "fyke: with it %llu of other keys, with which the input begins: the rule looks back "
                "so far\n", (unsigned long long)r->others);
    }
    if (r->stays.len > 0) {
        fprintf(stderr, "fyke: as they were: %.*s\n", SLICE_ARG(r->stays));
    }
    if (r->left_out.len > 0) {
        fprintf(stderr, "fyke: made of hidden values, so the test does not ask for it: %.*s\n",
                SLICE_ARG(r->left_out));
    }
    fprintf(stderr, "fyke: the test passes and expects %zu alert%s: %s\n", r->n_alerts,
            r->n_alerts == 1 ? "" : "s", c->test);
}

int capture_args_run(const struct cli_verb *v, struct capture_args *a,
                     const struct fyke_rules *rules)
{
    struct error err = ERROR_INIT;
    struct capture_result result;
    int rc = find_files(v, a);
    if (rc != CLI_OK) {
        return rc;
    }
    struct fyke_rules *whole = rules_keeping_fields(rules, &err);
    if (!whole) {
        fprintf(stderr, "fyke: %s\n", err.text);
        return CLI_FINDINGS;
    }
    enum fyke_result done = capture_run(whole, &a->config, &result);
    if (done == FYKE_OK) {
        say_done(a, &result);
    } else if (done == FYKE_RULES_INVALID) {
        fprintf(stderr, "fyke: nothing was written: %s\n", fyke_last_error());
        rc = CLI_FINDINGS;
    } else {
        rc = cli_fail(done);
    }
    capture_result_release(&result);
    fyke_rules_free(whole);
    return rc;
}
