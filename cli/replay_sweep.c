#include "cli/replay_sweep.h"

#include "cli/replay_parts.h"
#include "report/sweep.h"

static int put_reports(const struct replay_args *a, const struct replay_sweep *s)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    const char *format = a->format_name ? a->format_name : "human";
    if (!a->quiet) {
        report_sweep_named(format)(s, a->gates.n > 0, &out);
    }
    int rc = cli_put(buf_slice(&out));
    for (size_t i = 0; i < a->reports.n && rc == CLI_OK; i++) {
        buf_clear(&out);
        report_sweep_of_file(a->reports.items[i])(s, a->gates.n > 0, &out);
        rc = replay_write_file(a->reports.items[i], buf_slice(&out));
    }
    return rc;
}

/* A point meets the gates or not; where none does, they are missed. */
static int judge(const struct replay_args *a, struct replay_sweep *s)
{
    FYKE_CLEANUP(buf_release) struct buf unused = BUF_INIT;
    bool any = a->gates.n == 0;
    for (uint32_t i = 0; i < s->n_points; i++) {
        struct sweep_point *p = &s->points[i];
        p->meets = gates_judge(&a->gates, &s->results[i], NULL, &unused);
        any |= p->meets;
    }
    return any ? CLI_OK : CLI_FINDINGS;
}

static enum err open_sweep(const struct replay_args *a, struct replay_sweep *s, struct error *err)
{
    for (size_t i = 0; i < a->sweeps.n; i++) {
        FYKE_TRY(replay_sweep_add(s, a->sweeps.items[i], err));
    }
    return replay_sweep_points(s, err);
}

static int run(struct replay_args *a, struct replay_sweep *s)
{
    enum fyke_result done = replay_sweep_run(s, &a->config);
    replay_clear_progress(a);
    if (done != FYKE_OK && done != FYKE_INTERRUPTED) {
        return cli_fail(done);
    }
    if (done == FYKE_INTERRUPTED) {
        fprintf(stderr, "fyke: interrupted: what follows ends where reading did\n");
    }
    int judged = judge(a, s), rc = put_reports(a, s);
    rc = rc == CLI_OK ? judged : rc;
    if (judged == CLI_FINDINGS) {
        fflush(stdout);
        fprintf(stderr, "no point of the sweep meets the gates\n");
    }
    return rc == CLI_OK && done == FYKE_INTERRUPTED ? CLI_INTERRUPTED : rc;
}

int replay_sweep(struct replay_args *a, const struct fyke_rules *rules)
{
    struct error err = ERROR_INIT;
    struct replay_sweep s;
    int rc = replay_check_gates(a, rules_ruleset(rules), NULL);
    if (rc != CLI_OK) {
        return rc;
    }
    replay_sweep_init(&s, rules);
    if (open_sweep(a, &s, &err) == ERR_OK) {
        if (s.left_out.len > 0) {
            fprintf(stderr, "fyke: left out of the sweep:\n%s", buf_cstr(&s.left_out));
        }
        rc = run(a, &s);
    } else {
        fprintf(stderr, "fyke: %s\n", err.text);
        rc = err.code == ERR_RULES ? CLI_FINDINGS : CLI_USAGE;
    }
    replay_sweep_release(&s);
    return rc;
}
