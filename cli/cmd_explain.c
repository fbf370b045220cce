/* fyke explain, fyke graph: what a rule means, in words and as a picture. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "lib/rules.h"

struct explain_args {
    const char *rule; /* NULL: all of them */
    struct cli_list rules;
    enum cli_color color;
};

static const struct rule *find_rule(const struct ruleset *rs, const char *name)
{
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (slice_eq_str(rs->rules[i].name, name)) {
            return &rs->rules[i];
        }
    }
    return NULL;
}

static int unknown_rule(const struct cli_verb *v, const struct ruleset *rs, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf known = BUF_INIT;
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        buf_printf(&known, "%s%.*s", i ? ", " : "", SLICE_ARG(rs->rules[i].name));
    }
    return cli_usage_error(v, "no rule '%s'; there are: %s", name, buf_cstr(&known));
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct explain_args *a)
{
    enum { OPT_FORMAT = 256, OPT_COLOR };
    static const struct option options[] = {
        {"rules", required_argument, NULL, 'r'},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"color", required_argument, NULL, OPT_COLOR},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const enum cli_format formats[] = {FORMAT_HUMAN}, graphs[] = {FORMAT_DOT};
    enum cli_format format;
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":r:h", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'r': cli_list_add(&a->rules, optarg); break;
        case OPT_FORMAT:
            ok = cli_parse_format(v, optarg, v == &verb_graph ? graphs : formats, 1, &format);
            break;
        case OPT_COLOR: ok = cli_parse_color(v, optarg, &a->color); break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    if (!ok) {
        return CLI_USAGE;
    }
    if (optind < argc) {
        a->rule = argv[optind++];
    }
    for (int i = optind; i < argc; i++) {
        cli_list_add(&a->rules, argv[i]);
    }
    return -1;
}

static void show_rule(const struct cli_verb *v, const struct fyke_rules *rules,
                      const struct rule *rule, struct buf *out)
{
    if (v == &verb_graph) {
        rule_graphviz(rule, out);
    } else {
        explain_rule(rules->compilation, rule, out);
    }
}

static int show(const struct cli_verb *v, const struct explain_args *a,
                const struct fyke_rules *rules)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    const struct ruleset *rs = rules_ruleset(rules);
    const struct rule *rule = a->rule ? find_rule(rs, a->rule) : NULL;
    if (a->rule && !rule) {
        return unknown_rule(v, rs, a->rule);
    }
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        if (!rule || rule == &rs->rules[i]) {
            buf_puts(&out, out.len > 0 ? "\n" : "");
            show_rule(v, rules, &rs->rules[i], &out);
        }
    }
    return cli_put(buf_slice(&out));
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct explain_args a = {0};
    struct fyke_rules *rules = NULL;
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        struct cli_rules_options o = {.color = a.color, .quiet_notes = true};
        rc = cli_load_rules(verb, &a.rules, &o, &rules);
    }
    if (rules) {
        rc = show(verb, &a, rules);
    }
    fyke_rules_free(rules);
    cli_list_release(&a.rules);
    return rc;
}

const struct cli_verb verb_explain = {
    "explain",
    "read a rule back in plain words",
    "usage: fyke explain [RULE] -r PATH…\n"
    "       fyke explain RULE PATH…\n"
    "\n"
    "Says what the rule looks for, step by step, and how it is evaluated; without RULE for\n"
    "every rule.\n"
    "\n"
    "  -r, --rules PATH    rule file or directory; repeatable\n"
    "      --color WHEN    auto, always, never\n",
    run,
};

const struct cli_verb verb_graph = {
    "graph",
    "draw a rule as a graph in DOT",
    "usage: fyke graph [RULE] -r PATH…\n"
    "       fyke graph RULE PATH…\n"
    "\n"
    "Writes the rule's automaton in the DOT language, without RULE one graph per rule.\n"
    "Graphviz makes a picture of it:\n"
    "\n"
    "    fyke graph brute_force -r rules | dot -Tsvg > brute_force.svg\n"
    "\n"
    "  -r, --rules PATH    rule file or directory; repeatable\n"
    "      --format dot    the only one\n",
    run,
};
