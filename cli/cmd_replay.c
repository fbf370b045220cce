/* fyke replay: what rules say about a part of the past. */
#include <errno.h>
#include <string.h>

#include "cli/replay_parts.h"
#include "cli/replay_sweep.h"
#include "cli/signals.h"
#include "lib/replay_near.h"
#include "lib/rules.h"

/* ---- lines of matches ----------------------------------------------------------------------- */

static int open_lines(struct replay_args *a)
{
    if (!a->matches) {
        return CLI_OK;
    }
    a->lines = strcmp(a->matches, "-") == 0 ? stdout : fopen(a->matches, "we");
    if (!a->lines) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", a->matches, strerror(errno));
        return CLI_IO;
    }
    return CLI_OK;
}

static bool put_line(void *ctx, struct slice json)
{
    struct replay_args *a = ctx;
    a->write_failed = fwrite(json.ptr, 1, json.len, a->lines) != json.len ||
                      putc('\n', a->lines) == EOF ||
                      (a->pace.speed > 0 && fflush(a->lines) != 0); /* somebody watches */
    return !a->write_failed;
}

static int close_lines(struct replay_args *a)
{
    if (!a->lines) {
        return CLI_OK;
    }
    bool ok = !a->write_failed && fflush(a->lines) == 0;
    ok = (a->lines == stdout || fclose(a->lines) == 0) && ok;
    a->lines = NULL;
    if (!ok) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", a->matches, strerror(errno));
    }
    return ok ? CLI_OK : CLI_IO;
}

/* ---- the replay ----------------------------------------------------------------------------- */

/* Where matches go to standard output, the report does not. */
static int put_report(const struct replay_args *a, const struct replay_result *r)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    bool aside = a->matches && strcmp(a->matches, "-") == 0;
    if (a->quiet) {
        return CLI_OK;
    }
    (a->format ? a->format : report_text)(r, &out);
    if (aside) {
        fwrite(out.ptr, 1, out.len, stderr);
        return CLI_OK;
    }
    return cli_put(buf_slice(&out));
}

static int write_reports(const struct replay_args *a, const struct replay_result *r)
{
    for (size_t i = 0; i < a->reports.n; i++) {
        FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
        report_of_file(a->reports.items[i])(r, &out);
        int rc = replay_write_file(a->reports.items[i], buf_slice(&out));
        if (rc != CLI_OK) {
            return rc;
        }
    }
    return CLI_OK;
}

static enum fyke_result run_replay(const struct replay_args *a, const struct fyke_rules *rules,
                                   struct replay_result *ret, struct replay_near *near)
{
    if (a->near_misses == 0) {
        return replay_run(rules, &a->config, ret);
    }
    enum fyke_result rc = replay_near_run(rules, &a->config, ret, near);
    ret->near_misses = near;
    ret->near_shown = a->near_misses;
    return rc;
}

static int replay(struct replay_args *a, const struct fyke_rules *rules)
{
    struct replay_result result;
    struct replay_near near = {0};
    int rc = replay_check_gates(a, rules_ruleset(rules), NULL);
    rc = rc == CLI_OK ? open_lines(a) : rc;
    if (rc != CLI_OK) {
        return rc;
    }
    if (a->lines) {
        a->config.line = put_line;
        a->config.line_ctx = a;
    }
    enum fyke_result done = run_replay(a, rules, &result, &near);
    replay_clear_progress(a);
    rc = close_lines(a);
    if (rc == CLI_OK && done != FYKE_OK && done != FYKE_INTERRUPTED) {
        replay_near_release(&near);
        return cli_fail(done);
    }
    if (rc == CLI_OK && done == FYKE_INTERRUPTED) {
        fprintf(stderr, "fyke: interrupted: what follows ends where reading did\n");
    }
    if (rc == CLI_OK) {
        rc = put_report(a, &result);
        rc = rc == CLI_OK ? write_reports(a, &result) : rc;
        rc = rc == CLI_OK ? replay_judge_gates(a, &result, NULL) : rc;
        bool differs = result.verified.only_delivered + result.verified.only_replayed > 0;
        rc = rc == CLI_OK && differs ? CLI_FINDINGS : rc;
        rc = rc == CLI_OK && done == FYKE_INTERRUPTED ? CLI_INTERRUPTED : rc;
    }
    if (done == FYKE_OK || done == FYKE_INTERRUPTED) {
        replay_result_release(&result);
    }
    replay_near_release(&near);
    return rc;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct replay_args a = {0};
    struct fyke_rules *rules = NULL;
    replay_config_init(&a.config);
    a.config.options.log = replay_say;
    a.config.options.log_ctx = &a;
    int rc = replay_args_read(verb, argc, argv, &a);
    if (rc < 0) {
        struct cli_rules_options o = {
            .color = a.color, .allow_empty = a.allow_empty, .quiet_notes = true};
        rc = cli_load_rules(verb, &a.rules, &o, &rules);
    }
    if (rules) {
        replay_watch(&a);
        rc = a.sweeps.n > 0 ? replay_sweep(&a, rules) : replay(&a, rules);
        signals_release();
    }
    fyke_rules_free(rules);
    replay_args_release(&a);
    return rc;
}

const struct cli_verb verb_replay = {
    "replay",
    "what rules say about a part of the past",
    "usage: fyke replay -r RULES -i INPUT [--from T] [--to T] [options]\n"
    "\n"
    "Evaluates rules over recorded events and counts the matches that were detected in [from, to).\n"
    "Touches no state, group or topic of an application.\n"
    "\n"
    "  -r, --rules PATH       rule file or directory; repeatable\n"
    "  -c, --config FILE      settings of the service that runs: rules, input, brokers, bounds\n"
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
    "      --verify-against A compare with delivered alerts: kafka:TOPIC or a file\n"
    "      --from-state FILE  go on from a state (`fyke state export`): exactly what a run would from there;\n"
    "                         --from then only says what counts\n"
    "      --warm-up D|all    evaluated in front of the range; default: what the rules look back\n"
    "      --cool-down D      evaluated behind it; default: the longest window\n"
    "  -j, --jobs N           threads; the answers do not depend on it\n"
    "      --buffer SIZE      for events that wait for their turn (256MiB); nor on this\n"
    "      --memory SIZE      for what is kept of keys, packed beyond a quarter of it (4GiB); nor on this\n"
    "      --batch N          records read at a time; nor on this\n"
    "      --speed Nx|max     as fast as it goes (max), or N times as fast as it happened: 1x, 60x, 0.5x\n"
    "      --max-runs N       as in the run that this is compared with: open first events per rule and key\n"
    "      --max-matches N    the same: with `no skip`, matches per key and point\n"
    "      --geoip FILE       MaxMind database for geoip(ip); repeatable\n"
    "      --format F         human (default), json, csv, markdown, html\n"
    "      --report FILE      a report there, too: .html, .md, .csv, .json or .txt; repeatable\n"
    "      --matches FILE     the matches that count as JSON lines; -: to standard output, and the\n"
    "                         report to standard error\n"
    "      --labels FILE      events known to be bad: TOPIC,PARTITION,OFFSET per line, or objects\n"
    "      --label TEST       the same by a field of the records: 'FIELD', 'FIELD = VALUE' or\n"
    "                         'FIELD != VALUE'\n"
    "      --label-key FIELD  episodes: labelled events with the same value of this field\n"
    "      --label-gap D      … with no gap longer than this (1d)\n"
    "      --amount FIELD     what a labelled event is worth\n"
    "      --alert-cost N     what it costs to look at an alert\n"
    "      --gate EXPR        bound that must hold: 'precision >= 0.8, each.alerts_per_day < 50';\n"
    "                         repeatable; names: fyke list gates\n"
    "      --sweep NAME=A,B,C other values of a const, or of [RULE.]window or [RULE.]quiet; repeatable:\n"
    "                         all combinations, at most 64, in one read; gates mark those that meet them\n"
    "      --funnel           how many first events got as far as each step; evaluates the beginnings of\n"
    "                         rules beside them, in the same read\n"
    "      --near-misses N    what looser rules would have found besides: a longer window, a condition\n"
    "                         less; N changes per rule, each tried in the same read\n"
    "  -q, --quiet            no report\n"
    "      --color WHEN       auto, always, never\n"
    "      --allow-empty      no rules are no error\n"
    "\n"
    "Exit: 0 fine, 1 invalid rules, a gate is missed or delivered alerts differ, 2 wrong usage or a\n"
    "missing file, 4 input or output failed, or another slice than in the manifest.\n",
    run,
};
