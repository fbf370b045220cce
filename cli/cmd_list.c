/* fyke list: what there is, from the tables that the program itself uses. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "cli/cli.h"
#include "cli/reference.h"
#include "cli/settings.h"
#include "dsl/diag.h"
#include "lib/replay_gate.h"
#include "lib/rules.h"
#include "nfa/eval_env.h"
#include "nfa/functions.h"

struct list_args {
    const char *what;
    struct cli_list rules;
    enum cli_format format;
    enum cli_color color;
};

struct listing {
    struct buf *out;
    bool json;
};

/* One row: columns by name. */
static void put_row(struct listing *l, const char *const *names, const struct slice *values,
                    size_t n)
{
    struct json_out j = json_out_to(l->out);
    if (!l->json) {
        for (size_t i = 0; i < n; i++) {
            int width = i + 1 < n ? (i == 0 ? 24 : 36) : 0;
            buf_printf(l->out, "%-*.*s%s", width, SLICE_ARG(values[i]), i + 1 < n ? "  " : "\n");
        }
        return;
    }
    json_object_begin(&j);
    for (size_t i = 0; i < n; i++) {
        json_member_string(&j, names[i], values[i]);
    }
    json_object_end(&j);
    json_line_end(&j);
}

static void list_geoip(struct listing *l, const char *const *names)
{
    FYKE_CLEANUP(buf_release) struct buf signature = BUF_INIT;
    for (int i = 0; i < GEOIP_FIELD_COUNT; i++) {
        enum geoip_field f = (enum geoip_field)i;
        buf_clear(&signature);
        buf_printf(&signature, "geoip(ip).%s: %s", geoip_field_name(f),
                   value_kind_name(geoip_field_kind(f)));
        put_row(l, names,
                (struct slice[]){SLICE_LIT("geoip"), buf_slice(&signature),
                                 slice_of(geoip_field_help(f))},
                3);
    }
}

static void list_functions(struct listing *l)
{
    static const char *const names[] = {"name", "signature", "doc", "example"};
    FYKE_CLEANUP(buf_release) struct buf signature = BUF_INIT;
    uint32_t n;
    const struct function *f = functions_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < f[i].n_overloads; k++) {
            buf_clear(&signature);
            function_signature(&f[i], k, &signature);
            put_row(l, names,
                    (struct slice[]){slice_of(f[i].name), buf_slice(&signature),
                                     slice_of(f[i].doc), slice_of(f[i].example)},
                    l->json ? 4 : 3);
        }
    }
    list_geoip(l, names);
    const struct aggregate *a = aggregates_all(&n);
    for (uint32_t i = 0; i < n; i++) {
        buf_clear(&signature);
        aggregate_signature(&a[i], &signature);
        put_row(l, names,
                (struct slice[]){slice_of(a[i].name), buf_slice(&signature), slice_of(a[i].doc),
                                 slice_of(a[i].example)},
                l->json ? 4 : 3);
    }
}

static void list_codes(struct listing *l)
{
    static const char *const names[] = {"code", "title"};
    uint32_t n;
    const struct diag_code *c = diag_codes(&n);
    for (uint32_t i = 0; i < n; i++) {
        put_row(l, names, (struct slice[]){slice_of(c[i].code), slice_of(c[i].title)}, 2);
    }
}

static void list_props(struct listing *l)
{
    static const char *const names[] = {"name", "default", "doc", "environment"};
    FYKE_CLEANUP(buf_release) struct buf variable = BUF_INIT;
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        if (d->without & NOT_IN_FILE) {
            continue;
        }
        buf_clear(&variable);
        setting_variable(d, &variable);
        const char *fallback = d->kind == SETTING_FLAG ? "false" : d->fallback ? d->fallback : "";
        put_row(l, names,
                (struct slice[]){slice_of(d->name), slice_of(fallback), slice_of(d->help),
                                 buf_slice(&variable)},
                l->json ? 4 : 3);
    }
}

static void describe_type(const struct schema_field *f, struct buf *out)
{
    buf_puts(out, f->is_set ? "set of " : f->is_list ? "list of " : "");
    buf_puts(out, type_name(f->type));
}

static void describe_field(const struct schema_field *f, struct buf *out)
{
    const char *flags[] = {f->is_key ? " key" : "", f->is_event_time ? " event time" : "",
                           f->optional ? " optional" : "",
                           f->origin == ORIGIN_COMPUTED ? " computed" : ""};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(flags); i++) {
        buf_puts(out, flags[i]);
    }
}

static void list_fields(struct listing *l, const struct ruleset *rs)
{
    static const char *const names[] = {"event", "field", "type"};
    for (uint32_t i = 0; i < rs->n_decls; i++) {
        const struct schema_decl *d = &rs->decls[i];
        for (uint32_t k = 0; k < d->n_fields; k++) {
            FYKE_CLEANUP(buf_release) struct buf type = BUF_INIT;
            describe_type(&d->fields[k], &type);
            describe_field(&d->fields[k], &type);
            put_row(l, names, (struct slice[]){d->name, d->fields[k].name, buf_slice(&type)}, 3);
        }
    }
}

static void list_rules(struct listing *l, const struct ruleset *rs)
{
    static const char *const names[] = {"rule", "severity", "title"};
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        const struct rule *r = &rs->rules[i];
        put_row(l, names, (struct slice[]){r->name, r->severity, r->title}, 3);
    }
}

static void list_gates(struct listing *l)
{
    static const char *const names[] = {"name", "needs", "doc"};
    static const char *const needs[] = {"-", "labels", "diff"};
    uint32_t n;
    const struct gate_name *g = gate_names(&n);
    for (uint32_t i = 0; i < n; i++) {
        put_row(l, names,
                (struct slice[]){slice_of(g[i].name), slice_of(needs[g[i].needs]),
                                 slice_of(g[i].help)},
                3);
    }
}

/* What the program knows by itself; false: not one of these. */
static bool list_own(const struct list_args *a, struct listing *l)
{
    static const struct {
        const char *what;
        void (*rows)(struct listing *l);
        void (*page)(struct buf *out);
    } lists[] = {
        {"functions", list_functions, reference_functions},
        {"codes", list_codes, reference_codes},
        {"props", list_props, settings_page},
        {"gates", list_gates, NULL},
    };
    for (size_t i = 0; i < FYKE_ARRAY_LEN(lists); i++) {
        bool can = a->format != FORMAT_MARKDOWN || lists[i].page != NULL;
        if (can && strcmp(a->what, lists[i].what) == 0) {
            a->format == FORMAT_MARKDOWN ? lists[i].page(l->out) : lists[i].rows(l);
            return true;
        }
    }
    return false;
}

static int list(const struct cli_verb *v, struct list_args *a)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct listing l = {&out, a->format == FORMAT_JSON};
    struct cli_rules_options o = {.color = a->color, .quiet_notes = true};
    struct fyke_rules *rules = NULL;
    if (list_own(a, &l)) {
        return cli_put(buf_slice(&out));
    }
    if (a->format == FORMAT_MARKDOWN) {
        return cli_usage_error(v,
                               "only functions, codes and props are a page of the reference");
    }
    if (strcmp(a->what, "fields") != 0 && strcmp(a->what, "rules") != 0) {
        return cli_usage_error(
            v, "there is no list of '%s': fields, rules, functions, codes, props or gates", a->what);
    }
    int rc = cli_load_rules(v, &a->rules, &o, &rules);
    if (rc != CLI_OK) {
        return rc;
    }
    (a->what[0] == 'f' ? list_fields : list_rules)(&l, rules_ruleset(rules));
    fyke_rules_free(rules);
    return cli_put(buf_slice(&out));
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct list_args *a)
{
    enum { OPT_FORMAT = 256, OPT_COLOR };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON, FORMAT_MARKDOWN};
    static const struct option options[] = {
        {"rules", required_argument, NULL, 'r'},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":r:h", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'r': cli_list_add(&a->rules, optarg); break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 3, &a->format); break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    if (ok && optind >= argc) {
        return cli_usage_error(v, "say what: fields, rules, functions, codes, props or gates");
    }
    if (ok) {
        a->what = argv[optind++];
    }
    for (int i = optind; ok && i < argc; i++) {
        cli_list_add(&a->rules, argv[i]);
    }
    return ok ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct list_args a = {0};
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        rc = list(verb, &a);
    }
    cli_list_release(&a.rules);
    return rc;
}

const struct cli_verb verb_list = {
    "list",
    "fields and rules of rule files; functions; error codes; settings; gates",
    "usage: fyke list functions|codes|props|gates\n"
    "       fyke list fields|rules PATH…\n"
    "\n"
    "  -r, --rules PATH    the same as PATH\n"
    "      --format F      human (default); json: one object per row; markdown: the page of the\n"
    "                      reference (functions, codes, props)\n",
    run,
};
