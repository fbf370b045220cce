/* The figures of a run: into --stats FILE and onto standard error. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run_args.h"

static bool write_text(const char *path, struct slice text)
{
    FILE *to = fopen(path, "we");
    bool written = to && fwrite(text.ptr, 1, text.len, to) == text.len;
    if (to && fclose(to) != 0) {
        written = false; /* a full disk shows itself only here */
    }
    return written;
}

/* Who reads the file sees all of the old figures or all of the new ones. A device or a pipe is
 * written to as it is. */
static bool replace_text(const char *path, struct slice text)
{
    struct stat st;
    FYKE_CLEANUP(buf_release) struct buf beside = BUF_INIT;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return write_text(path, text);
    }
    buf_printf(&beside, "%s.%ld.tmp", path, (long)getpid());
    if (!write_text(buf_cstr(&beside), text)) {
        return write_text(path, text); /* a directory that takes no new file */
    }
    bool renamed = rename(buf_cstr(&beside), path) == 0;
    int why = errno;
    if (!renamed) {
        unlink(buf_cstr(&beside));
        errno = why;
    }
    return renamed;
}

static bool write_stats(struct run_args *a, const struct run_figures *f)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    summary_json(f, &text);
    buf_puts(&text, "\n");
    bool written = replace_text(a->stats, buf_slice(&text));
    if (!written) {
        log_say(&a->log, LEVEL_ERROR, "run", "cannot write %s: %s", a->stats, strerror(errno));
    }
    return written;
}

/* `name`: what these figures are called in a line of the log. */
static void print_figures(struct run_args *a, const struct run_figures *f, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    if (a->log.json) {
        summary_json(f, &text);
        log_value(&a->log, "run", name, name, buf_slice(&text));
        return;
    }
    if (a->format == FORMAT_JSON) {
        summary_json(f, &text);
        buf_puts(&text, "\n");
    } else {
        summary_text(f, &text);
    }
    fputs(buf_cstr(&text), stderr);
}

void run_args_figures(void *ctx, const struct run_figures *f)
{
    struct run_args *a = ctx;
    if (a->stats) {
        a->stats_failed = !write_stats(a, f);
    }
    if (!a->quiet) {
        print_figures(a, f, "summary");
    }
}

void run_args_report(void *ctx, const struct run_figures *f)
{
    struct run_args *a = ctx;
    if (a->stats) {
        write_stats(a, f);
    } else {
        print_figures(a, f, "statistics");
    }
}
