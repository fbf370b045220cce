/* fyke diff: what other rules would have said, alert by alert. */
#include <string.h>
#include <sys/stat.h>

#include "cli/replay_parts.h"
#include "cli/signals.h"
#include "lib/git_path.h"
#include "lib/rules.h"

/* A path that is there is a path; anything else is a revision, of the path that the other operand
 * names. */
static int load_side(const struct cli_verb *v, const struct replay_args *a, size_t side,
                     struct fyke_rules **ret)
{
    struct stat st;
    const char *spec = a->rules.items[side], *other = a->rules.items[1 - side];
    struct cli_rules_options o = {
        .color = a->color, .allow_empty = a->allow_empty, .quiet_notes = true};
    o.format = a->diff_format == report_diff_github ? FORMAT_GITHUB : FORMAT_DEFAULT;
    if (stat(spec, &st) == 0) {
        struct cli_list one = {.items = &a->rules.items[side], .n = 1};
        return cli_load_rules(v, &one, &o, ret);
    }
    return cli_load_revision(spec, stat(other, &st) == 0 ? other : NULL, &o, ret);
}

static int write_all(const struct replay_args *a, const struct replay_diff *d)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct diff_names names = {a->rules.items[0], a->rules.items[1]};
    if (!a->quiet) {
        (a->diff_format ? a->diff_format : report_diff_text)(d, names, &out);
    }
    int rc = cli_put(buf_slice(&out));
    for (size_t i = 0; i < a->reports.n && rc == CLI_OK; i++) {
        buf_clear(&out);
        report_diff_of_file(a->reports.items[i])(d, names, &out);
        rc = replay_write_file(a->reports.items[i], buf_slice(&out));
    }
    return rc;
}

/* Annotations name files as the repository does, wherever this is called. */
static void name_in_repository(struct replay_diff *d, struct git_names *names)
{
    for (size_t i = 0; i < d->n_rules; i++) {
        if (d->rules[i].file) {
            d->rules[i].file = git_name_of(names, d->rules[i].file);
        }
    }
}

static int judge(const struct replay_args *a, const struct replay_diff *d)
{
    int rc = replay_judge_gates(a, d->is, d);
    return rc == CLI_OK && a->exit_code && replay_diff_findings(d) > 0 ? CLI_FINDINGS : rc;
}

static int compare(struct replay_args *a, struct fyke_rules *const *sets)
{
    struct replay_result results[2];
    struct replay_diff diff;
    struct git_names names = {0};
    int rc = replay_check_gates(a, rules_ruleset(sets[1]), rules_ruleset(sets[0]));
    if (rc != CLI_OK) {
        return rc;
    }
    a->config.keep_alerts = true;
    enum fyke_result done = replay_run_both(sets[0], sets[1], &a->config, results);
    replay_clear_progress(a);
    if (done != FYKE_OK && done != FYKE_INTERRUPTED) {
        return cli_fail(done);
    }
    if (done == FYKE_INTERRUPTED) {
        fprintf(stderr, "fyke: interrupted: what follows ends where reading did\n");
    }
    replay_diff_make(sets[0], sets[1], &results[0], &results[1], &diff);
    if (a->diff_format == report_diff_github) {
        name_in_repository(&diff, &names);
    }
    rc = write_all(a, &diff);
    rc = rc == CLI_OK ? judge(a, &diff) : rc;
    rc = rc == CLI_OK && done == FYKE_INTERRUPTED ? CLI_INTERRUPTED : rc;
    replay_diff_release(&diff);
    git_names_release(&names);
    replay_result_release(&results[0]);
    replay_result_release(&results[1]);
    return rc;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct replay_args a = {.is_diff = true};
    struct fyke_rules *sets[2] = {0};
    replay_config_init(&a.config);
    a.config.options.log = replay_say;
    a.config.options.log_ctx = &a;
    int rc = replay_args_read(verb, argc, argv, &a);
    bool go_on = rc < 0;
    for (size_t i = 0; i < 2 && go_on; i++) {
        rc = load_side(verb, &a, i, &sets[i]);
        go_on = rc == CLI_OK;
    }
    if (go_on) {
        replay_watch(&a);
        rc = compare(&a, sets);
        signals_release();
    }
    fyke_rules_free(sets[0]);
    fyke_rules_free(sets[1]);
    replay_args_release(&a);
    return rc;
}

const struct cli_verb verb_diff = {
    "diff",
    "which alerts other rules would have raised, and which not",
    "usage: fyke diff OLD NEW -i INPUT [--from T] [--to T] [options]\n"
    "\n"
    "Evaluates two rule sets over the same recorded events, in one read, and pairs their alerts by\n"
    "rule, key, detection and evidence: same, changed, earlier, later, lost, new.\n"
    "\n"
    "OLD and NEW are rule files or directories. What is none is a revision of git, REV:PATH or REV:\n"
    "then it is the other one's path as it was in REV. `fyke diff HEAD~1 rules -i events.jsonl`\n"
    "\n"
    "  -c, --config FILE      settings of the service that runs: input, brokers, bounds; not its rules\n"
    "  -i, --input INPUT      [TOPIC=]FILE, - for standard input, repeatable, .zst and .gz too; or\n"
    "                         kafka (every topic that the rules declare), kafka:T1,T2\n"
    "      --input-format F   payload (default): one JSON object per line; kcat: envelopes\n"
    "      --from T           the range begins there: 2026-01-05T10:00:00Z, 2026-01-05, now, -7d,\n"
    "                         '2h ago'; default: where the data does\n"
    "      --to T             and ends before T; default: where the data does\n"
    "  -X KEY=VALUE           librdkafka property, such as bootstrap.servers\n"
    "      --manifest FILE    names the slice that is read; if it is there: that slice is read again\n"
    "      --cache DIR        keeps what comes from Kafka; if it is there: it is read instead\n"
    "      --verify           the manifest must be there already\n"
    "      --warm-up D|all    evaluated in front of the range; default: what the rules look back\n"
    "      --cool-down D      evaluated behind it; default: the longest window\n"
    "  -j, --jobs N           threads of each rule set; the answers do not depend on it\n"
    "      --buffer SIZE      for events that wait for their turn, of both (256MiB); nor on this\n"
    "      --memory SIZE      for what is kept of keys, of both (4GiB); nor on this\n"
    "      --batch N          records read at a time; nor on this\n"
    "      --max-runs N, --max-matches N   as in `fyke run`\n"
    "      --geoip FILE       MaxMind database for geoip(ip); repeatable\n"
    "      --format F         human (default), json, markdown, github (annotations)\n"
    "      --report FILE      a report there, too: .md, .json or .txt; repeatable\n"
    "      --exit-code        exit with 1 if any alert is not the same\n"
    "      --labels FILE      events known to be bad, as in `fyke replay`: both sets are judged\n"
    "      --label TEST       the same by a field of the records\n"
    "      --label-key FIELD  episodes: labelled events with the same value of this field\n"
    "      --label-gap D      … with no gap longer than this (1d)\n"
    "      --amount FIELD     what a labelled event is worth\n"
    "      --alert-cost N     what it costs to look at an alert\n"
    "      --gate EXPR        bound that must hold: 'lost = 0, each.new < 50'; other names are about\n"
    "                         the new rules; repeatable; names: fyke list gates\n"
    "  -q, --quiet            no report\n"
    "      --color WHEN       auto, always, never\n"
    "      --allow-empty      no rules are no error\n"
    "\n"
    "Exit: 0 fine, 1 invalid rules, a gate is missed or, with --exit-code, alerts differ, 2 wrong\n"
    "usage, a missing file or revision, 4 input or output failed, or another slice than in the\n"
    "manifest.\n",
    run,
};
