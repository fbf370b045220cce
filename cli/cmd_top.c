/* fyke top: the rules of a running process by what they cost, match and keep. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "cli/live_args.h"

enum column { COL_EVENTS, COL_OPERATIONS, COL_ALERTS, COL_SHADOW, COL_KEYS, COL_KEPT, COL_OPEN,
              COL_COUNT };
static const char *const members[COL_COUNT] = {"events", "operations", "alerts", "shadow",
                                               "keys",   "kept",       "open"};

struct row {
    char *rule;
    uint64_t n[COL_COUNT];
    uint64_t operations; /* since the last look */
    uint64_t order;      /* most first */
};

struct looking {
    struct live_target target;
    enum column by;
    uint64_t count; /* looks; 0: without end */
    struct duration every;
    enum cli_format format;
    uint64_t looks;
    struct map before; /* rule → its operations at the last look, as a pointer's value */
    uint64_t records_before;
    int64_t up_ms_before;
    struct row *rows;
    size_t n_rows, cap_rows;
};

static uint64_t number(struct json_span object, const char *name)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(json_view_get(object, name), &text);
    return strtoull(buf_cstr(&text), NULL, 10);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void release_rows(struct looking *l)
{
    for (size_t i = 0; i < l->n_rows; i++) {
        free(l->rows[i].rule);
    }
    l->n_rows = 0;
}

static void take_rows(struct looking *l, struct json_span root)
{
    struct json_span item, list = json_view_get(root, "rules");
    release_rows(l);
    struct json_walk w = json_walk_into(list);
    while (list.kind == JSON_ARRAY && json_walk_item(&w, &item)) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        struct row row = {0};
        json_view_text(json_view_get(item, "rule"), &name);
        for (int c = 0; c < COL_COUNT; c++) {
            row.n[c] = number(item, members[c]);
        }
        uint64_t before = (uint64_t)(uintptr_t)map_get(&l->before, buf_slice(&name));
        /* A reload begins to count anew. */
        row.operations = row.n[COL_OPERATIONS] - (before > row.n[COL_OPERATIONS] ? 0 : before);
        map_set(&l->before, buf_slice(&name), (void *)(uintptr_t)row.n[COL_OPERATIONS]);
        row.order = l->by == COL_OPERATIONS ? row.operations : row.n[l->by];
        row.rule = xstrdup(buf_cstr(&name));
        VEC_PUSH(l->rows, l->n_rows, l->cap_rows) = row;
    }
}

static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->order != y->order ? (x->order > y->order ? -1 : 1) : strcmp(x->rule, y->rule);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Several instances: what this one has. */
static void put_tasks(struct json_span root, struct buf *out)
{
    struct json_span tasks = json_view_get(root, "tasks"), item;
    struct json_walk w = json_walk_into(tasks);
    if (tasks.kind != JSON_ARRAY) {
        return;
    }
    buf_puts(out, "tasks");
    while (json_walk_item(&w, &item)) {
        buf_puts(out, " ");
        buf_put_slice(out, json_view_raw(item));
    }
    buf_printf(out, " of %" PRIu64 ", of this instance\n", number(root, "of_tasks"));
}

static void put_head(struct looking *l, struct json_span root, struct buf *out)
{
    uint64_t records = number(root, "records");
    int64_t up_ms = (int64_t)number(root, "up_ms"), ms = up_ms - l->up_ms_before;
    bool again = l->looks > 0 && ms > 0 && records >= l->records_before;
    buf_printf(out, "up %" PRId64 " s  %" PRIu64 " records", up_ms / 1000, records);
    if (again) {
        buf_printf(out, " (%" PRIu64 "/s)",
                   (records - l->records_before) * 1000 / (uint64_t)ms);
    }
    buf_printf(out, "  %" PRIu64 " late  %" PRIu64 " alerts  %" PRIu64 " keys\n",
               number(root, "late"), number(root, "alerts"), number(root, "keys"));
    put_tasks(root, out);
    l->records_before = records;
    l->up_ms_before = up_ms;
}

static void put_table(struct looking *l, struct json_span root, struct buf *out)
{
    uint64_t whole = 0;
    take_rows(l, root);
    put_head(l, root, out);
    for (size_t i = 0; i < l->n_rows; i++) {
        whole += l->rows[i].operations;
    }
    if (l->n_rows > 1) {
        qsort(l->rows, l->n_rows, sizeof(*l->rows), compare);
    }
    buf_printf(out, "%-32s %7s %12s %12s %9s %9s %9s %9s\n", "rule", "cost", "operations", "events",
               "alerts", "keys", "kept", "open");
    for (size_t i = 0; i < l->n_rows; i++) {
        const struct row *r = &l->rows[i];
        buf_printf(out, "%-32s %5.1f %% %12" PRIu64 " %12" PRIu64 " %9" PRIu64 " %9" PRIu64
                   " %9" PRIu64 " %9" PRIu64 "\n", r->rule,
                   whole > 0 ? 100.0 * (double)r->operations / (double)whole : 0, r->operations,
                   r->n[COL_EVENTS], r->n[COL_ALERTS] + r->n[COL_SHADOW], r->n[COL_KEYS],
                   r->n[COL_KEPT], r->n[COL_OPEN]);
    }
    if (json_view_get(root, "all_keys").kind == JSON_FALSE) {
        buf_puts(out, "keys, kept and open: of 200,000 keys in memory, there are more\n");
    }
}

static void on_line(void *ctx, struct json_span root, struct slice text)
{
    struct looking *l = ctx;
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    if (l->format == FORMAT_JSON) {
        buf_put_slice(&out, text);
        buf_puts(&out, "\n");
    } else {
        if (l->looks > 0 && isatty(STDOUT_FILENO)) {
            buf_puts(&out, "\033[H\033[J");
        }
        put_table(l, root, &out);
    }
    (void)cli_put(buf_slice(&out));
    fflush(stdout);
}

static int look(void *ctx)
{
    struct looking *l = ctx;
    int rc = CLI_OK;
    for (l->looks = 0; rc == CLI_OK && (l->count == 0 || l->looks < l->count); l->looks++) {
        if (l->looks > 0) {
            const struct timespec pause = {.tv_sec = (time_t)(l->every.ns / NS_PER_S),
                                           .tv_nsec = (long)(l->every.ns % NS_PER_S)};
            nanosleep(&pause, NULL);
        }
        rc = live_ask(&l->target, SLICE_LIT("{\"ask\":\"top\"}"), on_line, l);
    }
    return rc;
}

/* ---- options --------------------------------------------------------------------------------- */

enum { OPT_BY = 256, OPT_ONCE, OPT_EVERY, OPT_FORMAT };

static bool take_column(const struct cli_verb *v, const char *text, enum column *ret)
{
    static const struct {
        const char *name;
        enum column column;
    } names[] = {{"cost", COL_OPERATIONS}, {"alerts", COL_ALERTS}, {"open", COL_OPEN},
                 {"keys", COL_KEYS},       {"events", COL_EVENTS}};
    for (size_t i = 0; i < FYKE_ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i].name) == 0) {
            *ret = names[i].column;
            return true;
        }
    }
    cli_usage_error(v, "--by takes cost, alerts, open, keys or events, not '%s'", text);
    return false;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, void *ctx)
{
    struct looking *l = ctx;
    static const struct option options[] = {
        LIVE_LONG_OPTIONS,
        {"by", required_argument, NULL, OPT_BY},
        {"once", no_argument, NULL, OPT_ONCE},
        {"every", required_argument, NULL, OPT_EVERY},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const enum cli_format formats[] = {FORMAT_HUMAN, FORMAT_JSON};
    int opt, index;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":c:n:h", options, &index)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 'c': ok = live_target_option(v, &l->target, "config", optarg); break;
        case 'n': ok = cli_parse_number(v, "-n", optarg, 1, 1000000000, &l->count); break;
        case LIVE_OPT_TARGET:
            ok = live_target_option(v, &l->target, options[index].name, optarg);
            break;
        case OPT_BY: ok = take_column(v, optarg, &l->by); break;
        case OPT_ONCE: l->count = 1; break;
        case OPT_EVERY: ok = cli_parse_duration(v, "--every", optarg, &l->every.ns); break;
        case OPT_FORMAT: ok = cli_parse_format(v, optarg, formats, 2, &l->format); break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    if (ok && optind < argc) {
        return cli_usage_error(v, "unexpected '%s'", argv[optind]);
    }
    return ok ? -1 : CLI_USAGE;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct looking l = {.by = COL_OPERATIONS, .every = {2 * NS_PER_S}};
    map_init(&l.before, MAP_COPY_KEYS);
    const struct live_verb live = {&l.target, parse_args, look, &l};
    int rc = live_verb_run(verb, argc, argv, &live);
    release_rows(&l);
    free(l.rows);
    map_release(&l.before);
    return rc;
}

const struct cli_verb verb_top = {
    "top",
    "rules of a running process by cost, alerts and what is open",
    "usage: fyke top --state DIR|--listen PATH|-c FILE [options]\n"
    "\n"
    "Asks the running process every two seconds and shows a line per rule: its share of the\n"
    "operations since the last look, events handed to it, alerts, keys that keep something for it,\n"
    "events kept, events that may still begin a match.\n"
    "\n" LIVE_TARGET_OPTIONS
    "      --by COLUMN      cost (default), alerts, open, keys, events\n"
    "      --every D        between two looks (default 2s)\n"
    "  -n N                 so many looks, then the end\n"
    "      --once           one look\n"
    "      --format F       human (default), json: an object per look\n"
    "\n"
    "Exit: 0 fine, 1 no process answers, 2 wrong usage or no such directory.\n",
    run,
};
