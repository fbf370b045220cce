/* fyke fmt: one way to write a rule. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/read_file.h"
#include "cli/replace_file.h"
#include "dsl/diag_render.h"
#include "dsl/fmt.h"
#include "dsl/load_walk.h"
#include "dsl/parse.h"

struct fmt_args {
    struct cli_list paths;
    enum cli_color color;
    bool check, allow_empty;
};

/* What to do with the formatted text of one source. */
static int settle(const struct fmt_args *a, const struct rule_file *src, bool is_stdin,
                  struct slice text)
{
    bool same = slice_eq(text, src->text);
    if (a->check) {
        if (!same) {
            printf("%s\n", src->path);
        }
        return same ? CLI_OK : CLI_FINDINGS;
    }
    if (is_stdin) {
        return cli_put(text);
    }
    return same || replace_file(src->path, text) ? CLI_OK : CLI_IO;
}

static int format_source(const struct fmt_args *a, struct sources *set, const struct rule_file *src,
                         bool is_stdin)
{
    struct diags diags;
    struct arena scratch = ARENA_INIT;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    int rc;
    diags_init(&diags, set->arena);
    const struct ast_file *file = dsl_parse(src, set->arena, &diags);
    if (dsl_fmt(file, &scratch, &out)) {
        rc = settle(a, src, is_stdin, buf_slice(&out));
    } else {
        diags_sort(&diags);
        for (const struct diag *d = diags.first; d; d = d->next) {
            diag_render_human(&out, set, d, cli_colored(a->color, stderr));
        }
        fputs(buf_cstr(&out), stderr);
        rc = CLI_FINDINGS;
    }
    arena_release(&scratch);
    return rc;
}

static int format_stdin(const struct fmt_args *a)
{
    struct arena arena = ARENA_INIT;
    struct sources set;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    const char *why = read_stdin((size_t)2 * SOURCE_MAX_BYTES, &text);
    if (why) {
        fprintf(stderr, "fyke: cannot read standard input: %s\n", why);
        return CLI_IO;
    }
    sources_init(&set, &arena);
    const struct rule_file *src = sources_add(&set, "<stdin>", buf_slice(&text));
    int rc = format_source(a, &set, src, true);
    arena_release(&arena);
    return rc;
}

static int format_file(const struct fmt_args *a, const char *path)
{
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct rule_file *src;
    struct error err = ERROR_INIT;
    int rc = CLI_USAGE;
    sources_init(&set, &arena);
    if (sources_read(&set, path, &src, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
    } else {
        rc = format_source(a, &set, src, false);
    }
    arena_release(&arena);
    return rc;
}

/* The worst outcome counts; the other files are done all the same. */
static int format_files(const struct fmt_args *a, struct walk_list *files)
{
    struct error err = ERROR_INIT;
    int rc = CLI_OK;
    for (size_t i = 0; i < a->paths.n; i++) {
        if (walk_path(files, slice_of(a->paths.items[i]), &err) != ERR_OK) {
            fprintf(stderr, "fyke: %s\n", err.text);
            return CLI_USAGE;
        }
    }
    if (files->n == 0 && !a->allow_empty) {
        fprintf(stderr, "fyke: no rules found (--allow-empty accepts that)\n");
        return CLI_USAGE;
    }
    walk_sort(files);
    for (size_t i = 0; i < files->n; i++) {
        struct slice path = files->items[i].path;
        int one = format_file(a, arena_strndup(files->arena, path.ptr, path.len));
        rc = one > rc ? one : rc;
    }
    return rc;
}

static int format_all(const struct fmt_args *a)
{
    struct arena arena = ARENA_INIT;
    struct walk_list files = {.arena = &arena};
    if (a->paths.n == 1 && strcmp(a->paths.items[0], "-") == 0) {
        return format_stdin(a);
    }
    int rc = format_files(a, &files);
    walk_release(&files);
    arena_release(&arena);
    return rc;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct fmt_args *a)
{
    enum { OPT_COLOR = 256, OPT_EMPTY };
    static const struct option options[] = {
        {"check", no_argument, NULL, 'c'},
        {"color", required_argument, NULL, OPT_COLOR},
        {"allow-empty", no_argument, NULL, OPT_EMPTY},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":ch", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'c': a->check = true; break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
        case OPT_EMPTY: a->allow_empty = true; break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    for (int i = optind; ok && i < argc; i++) {
        cli_list_add(&a->paths, argv[i]);
    }
    if (ok && a->paths.n == 0) {
        return cli_usage_error(v, "no rules: name files, directories or -");
    }
    return ok ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct fmt_args a = {0};
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        rc = format_all(&a);
    }
    cli_list_release(&a.paths);
    return rc;
}

const struct cli_verb verb_fmt = {
    "fmt",
    "write rules in the one usual form",
    "usage: fyke fmt [--check] PATH…\n"
    "       fyke fmt [--check] -\n"
    "\n"
    "Rewrites rule files in place; - formats standard input to standard output. A file with\n"
    "syntax errors is left as it is.\n"
    "\n"
    "  -c, --check         write nothing, name the files that would change, exit with 1\n"
    "      --color WHEN    auto, always, never\n"
    "      --allow-empty   no rules are no error\n",
    run,
};
