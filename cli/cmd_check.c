/* fyke check: the load path of `run`, and what it has to say. */
#include <getopt.h>
#include <stdlib.h>

#include "cli/check_waits.h"
#include "cli/cli.h"
#include "cli/stdin_rules.h"
#include "dsl/compile.h"
#include "dsl/diag_render.h"
#include "dsl/diag_sarif.h"
#include "dsl/load_walk.h"
#include "dsl/parse.h"
#include "fyke/fyke.h"
#include "lib/git_path.h"
#include "lib/rules.h"

struct check_args {
    struct cli_list paths;
    const char *config; /* or NULL */
    enum cli_format format;
    enum cli_color color;
    bool syntax_only, deny_warnings, allow_empty;
    struct stdin_rules standard;
    struct check_waits waits; /* rate 0: not asked for */
    struct sarif *sarif; /* the document, with --format sarif */
    struct git_names *names; /* of files, with --format github and sarif */
};

struct check_counts {
    uint32_t errors, warnings, notes;
};

static void report(const struct check_args *a, const struct sources *set, const struct diags *diags,
                   struct check_counts *n, struct buf *out)
{
    bool color = cli_colored(a->color, stdout);
    bool names = a->format == FORMAT_GITHUB || a->format == FORMAT_SARIF;
    for (const struct diag *d = diags->first; d; d = d->next) {
        const struct rule_file *src = names ? sources_get(set, d->span.file) : NULL;
        const char *named = src ? git_name_of(a->names, src->path) : NULL;
        if (a->format == FORMAT_JSON) {
            diag_render_json(out, set, d);
        } else if (a->format == FORMAT_GITHUB) {
            diag_render_github(out, set, d, named);
        } else if (a->format == FORMAT_SARIF) {
            sarif_result(a->sarif, set, d, named);
        } else {
            diag_render_human(out, set, d, color);
            buf_puts(out, "\n");
        }
    }
    n->errors += diags->n_errors;
    n->warnings += diags->n_warnings;
    n->notes += diags->n_notes;
}

static int conclude(const struct check_args *a, const struct check_counts *n)
{
    if (n->errors) {
        return CLI_FINDINGS;
    }
    return n->warnings && a->deny_warnings ? CLI_WARNINGS : CLI_OK;
}

static void say_total(const struct check_args *a, const struct check_counts *n, uint32_t rules,
                      uint32_t files)
{
    if (a->format != FORMAT_JSON && a->format != FORMAT_SARIF) {
        fprintf(stderr, "%u rule%s in %u file%s: %u error%s, %u warning%s, %u note%s\n", rules,
                rules == 1 ? "" : "s", files, files == 1 ? "" : "s", n->errors,
                n->errors == 1 ? "" : "s", n->warnings, n->warnings == 1 ? "" : "s", n->notes,
                n->notes == 1 ? "" : "s");
    }
}

static void say_waits(const struct check_args *a, const struct ruleset *rs)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    if (rs && a->waits.rate > 0) {
        check_waits(rs, &a->waits, &out);
        fputs(buf_cstr(&out), stderr);
    }
}

static int nothing_found(const struct check_args *a)
{
    if (a->allow_empty) {
        return CLI_OK;
    }
    fprintf(stderr, "fyke: no rules found (--allow-empty accepts that)\n");
    return CLI_USAGE;
}

/* Rules as written, whether or not they compile. */
static uint32_t count_rules(const struct ast_file *f)
{
    uint32_t n = 0;
    for (const struct ast_decl *d = f->first; d; d = d->next) {
        n += d->kind == AST_DECL_RULE;
    }
    return n;
}

static int check_rules(const struct check_args *a, struct buf *out)
{
    struct error err = ERROR_INIT;
    struct check_counts n = {0};
    uint32_t rules = 0;
    struct compile_input input = {.paths = a->paths.items,
                                  .n_paths = (uint32_t)a->paths.n,
                                  .table_parse = rules_table_parse(),
                                  .payload_parse = rules_payload_parse(),
                                  .note_untested = true};
    stdin_rules_add(&a->standard, &input);
    struct compilation *c = dsl_compile(&input, &err);
    if (!c) {
        fprintf(stderr, "fyke: %s\n", err.text);
        return CLI_USAGE;
    }
    report(a, &c->sources, &c->diags, &n, out);
    for (uint32_t i = 0; i < c->n_files; i++) {
        rules += count_rules(c->files[i]);
    }
    say_total(a, &n, rules, c->n_files);
    say_waits(a, c->ruleset);
    int rc = conclude(a, &n);
    compilation_free(c);
    return rules == 0 && rc == CLI_OK ? nothing_found(a) : rc;
}

/* Every file for itself: nothing is resolved, imports are not read. */
static bool check_file(const struct check_args *a, const char *path, struct check_counts *n,
                       uint32_t *rules, struct buf *out, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct diags diags;
    struct rule_file *src;
    sources_init(&set, &arena);
    diags_init(&diags, &arena);
    bool ok = true;
    if (a->standard.given && strcmp(path, STDIN_RULES_PATH) == 0) {
        src = sources_add(&set, path, a->standard.source.text);
    } else {
        ok = sources_read(&set, path, &src, err) == ERR_OK;
    }
    if (ok) {
        *rules += count_rules(dsl_parse(src, &arena, &diags));
        diags_sort(&diags);
        report(a, &set, &diags, n, out);
    }
    arena_release(&arena);
    return ok;
}

static bool check_files(const struct check_args *a, struct walk_list *files, struct check_counts *n,
                        uint32_t *rules, struct buf *out)
{
    struct error err = ERROR_INIT;
    bool ok = true;
    for (size_t i = 0; ok && i < a->paths.n; i++) {
        struct slice path = slice_of(a->paths.items[i]);
        if (a->standard.given && slice_eq_str(path, STDIN_RULES_PATH)) {
            walk_add(files, path, (struct slice){0});
        } else {
            ok = walk_path(files, path, &err) == ERR_OK;
        }
    }
    walk_sort(files);
    for (size_t i = 0; ok && i < files->n; i++) {
        struct slice path = files->items[i].path;
        ok = check_file(a, arena_strndup(files->arena, path.ptr, path.len), n, rules, out, &err);
    }
    if (!ok) {
        fprintf(stderr, "fyke: %s\n", err.text);
    }
    return ok;
}

static int check_syntax(const struct check_args *a, struct buf *out)
{
    struct arena arena = ARENA_INIT;
    struct walk_list files = {.arena = &arena};
    struct check_counts n = {0};
    uint32_t rules = 0;
    int rc = CLI_USAGE;
    if (check_files(a, &files, &n, &rules, out)) {
        say_total(a, &n, rules, (uint32_t)files.n);
        rc = files.n == 0 ? nothing_found(a) : conclude(a, &n);
    }
    walk_release(&files);
    arena_release(&arena);
    return rc;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct check_args *a)
{
    enum { OPT_SYNTAX = 256, OPT_FORMAT, OPT_DENY, OPT_COLOR, OPT_EMPTY, OPT_RATE, OPT_EVENT_SIZE,
           OPT_BUFFER };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON, FORMAT_GITHUB,
                                              FORMAT_SARIF};
    static const struct option options[] = {
        {"rules", required_argument, NULL, 'r'},
        {"config", required_argument, NULL, 'c'},
        {"syntax-only", no_argument, NULL, OPT_SYNTAX},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"deny-warnings", no_argument, NULL, OPT_DENY},
        {"color", required_argument, NULL, OPT_COLOR},
        {"allow-empty", no_argument, NULL, OPT_EMPTY},
        {"rate", required_argument, NULL, OPT_RATE},
        {"event-size", required_argument, NULL, OPT_EVENT_SIZE},
        {"buffer", required_argument, NULL, OPT_BUFFER},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":r:c:h", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'r': cli_list_add(&a->paths, optarg); break;
        case 'c': a->config = optarg; break;
        case OPT_SYNTAX: a->syntax_only = true; break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 4, &a->format); break;
        case OPT_DENY: a->deny_warnings = true; break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
        case OPT_EMPTY: a->allow_empty = true; break;
        case OPT_RATE:
            ok = cli_parse_number(v, "--rate", optarg, 1, 1000000000, &a->waits.rate);
            break;
        case OPT_EVENT_SIZE:
            ok = cli_parse_bytes(v, "--event-size", optarg, &a->waits.event_bytes);
            break;
        case OPT_BUFFER: ok = cli_parse_bytes(v, "--buffer", optarg, &a->waits.buffer_bytes); break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    for (int i = optind; ok && i < argc; i++) {
        cli_list_add(&a->paths, argv[i]);
    }
    return ok ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct sarif sarif;
    struct git_names names = {0};
    struct check_args a = {
        .sarif = &sarif,
        .names = &names,
        .waits = {.event_bytes = 500, .buffer_bytes = UINT64_C(256) << 20},
    };
    struct settings settings;
    FYKE_CLEANUP(buf_release) struct buf unused = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    settings_init(&settings, verb->name);
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0 && a.config &&
        cli_config_rules(verb, a.config, &settings, &a.paths, NULL) != CLI_OK) {
        rc = CLI_USAGE;
    }
    if (rc < 0 && a.paths.n == 0) {
        rc = cli_usage_error(verb, "no rules: name files or directories");
    }
    if (rc < 0) {
        int taken = stdin_rules_take(&a.standard, &a.paths);
        rc = taken == CLI_OK ? rc : taken;
    }
    if (rc < 0) {
        sarif_begin(&sarif, a.format == FORMAT_SARIF ? &out : &unused);
        rc = a.syntax_only ? check_syntax(&a, &out) : check_rules(&a, &out);
        sarif_end(&sarif, fyke_version());
        bool whole = a.format != FORMAT_SARIF || rc != CLI_USAGE;
        int put = whole ? cli_put(buf_slice(&out)) : CLI_OK;
        rc = put != CLI_OK ? put : rc;
    }
    git_names_release(&names);
    stdin_rules_release(&a.standard);
    cli_list_release(&a.paths);
    settings_release(&settings);
    return rc;
}

const struct cli_verb verb_check = {
    "check",
    "say what is wrong with rules, as `run` would load them",
    "usage: fyke check [options] PATH…\n"
    "       fyke check [options] -c FILE\n"
    "\n"
    "Checks rule files and directories exactly as `fyke run` loads them; - is standard input.\n"
    "\n"
    "  -c, --config FILE     check this configuration file, and the rules that it names\n"
    "      --syntax-only     each file for itself: no imports, no names\n"
    "      --format F        human (default); json: one object per finding; github: annotations\n"
    "                        of a workflow; sarif: one SARIF 2.1.0 document\n"
    "      --deny-warnings   exit with 3 when there are warnings\n"
    "      --color WHEN      auto, always, never\n"
    "      --allow-empty     no rules are no error\n"
    "      --rate N          events per second of each topic: say how many must wait for their turn\n"
    "      --event-size SIZE with it: of an event in memory (500)\n"
    "      --buffer SIZE     with it: what `run` may take for them (256MiB)\n"
    "\n"
    "Exit: 0 fine, 1 errors, 2 wrong usage or a missing file, 3 denied warnings.\n",
    run,
};
