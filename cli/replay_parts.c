#include "cli/replay_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/signals.h"

/* ---- progress: one line on a terminal that is written over ---------------------------------- */

static void show_progress(void *ctx, const struct replay_progress *p)
{
    struct replay_args *a = ctx;
    char at[ETIME_TEXT_MAX] = "", left[32] = "";
    if (p->reached.ns != INT64_MIN) {
        etime_format(p->reached, at);
    }
    if (p->share > 0) {
        snprintf(left, sizeof(left), "  %3.0f %%  %.0f s left", p->share * 100,
                 p->seconds / p->share - p->seconds);
    }
    a->progress_shown = true;
    fprintf(stderr, "\r%llu records  %.0f/s%s  %s\033[K", (unsigned long long)p->records,
            p->seconds > 0 ? (double)p->records / p->seconds : 0, left, at);
}

void replay_clear_progress(struct replay_args *a)
{
    if (a->progress_shown) {
        fputs("\r\033[K", stderr);
    }
}

void replay_say(void *ctx, const char *line)
{
    struct replay_args *a = ctx;
    replay_clear_progress(a);
    if (line[0] == '<' && line[1] && line[2] == '>') {
        line += 3; /* its level (base/say.h) */
    }
    fprintf(stderr, "fyke: %s\n", line);
}

void replay_watch(struct replay_args *a)
{
    static char late[] = "fyke: not finished within 30 s\n";
    if (isatty(STDERR_FILENO)) {
        a->config.progress = show_progress;
        a->config.progress_ctx = a;
    }
    signals_catch((struct duration){30 * NS_PER_S}, late, -1);
    a->config.stop = &signals_seen()->stop;
    if (a->pace.speed > 0) {
        a->pace.stop = a->config.stop;
        a->config.pace = replay_pace_wait;
        a->config.pace_ctx = &a->pace;
        a->config.batch = 1; /* what has come is evaluated before the next one is waited for */
    }
}

/* ---- gates and files ------------------------------------------------------------------------ */

int replay_check_gates(const struct replay_args *a, const struct ruleset *rs,
                       const struct ruleset *old_rs)
{
    struct error err = ERROR_INIT;
    if (gates_check(&a->gates, rs, old_rs, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
        return CLI_USAGE;
    }
    return CLI_OK;
}

int replay_judge_gates(const struct replay_args *a, const struct replay_result *r,
                       const struct replay_diff *d)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    bool met = gates_judge(&a->gates, r, d, &out);
    fflush(stdout);
    fputs(buf_cstr(&out), stderr);
    return met ? CLI_OK : CLI_FINDINGS;
}

int replay_write_file(const char *path, struct slice text)
{
    FILE *to = fopen(path, "we");
    bool ok = to && fwrite(text.ptr, 1, text.len, to) == text.len;
    ok = to && fclose(to) == 0 && ok;
    if (!ok) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", path, strerror(errno));
    }
    return ok ? CLI_OK : CLI_IO;
}
