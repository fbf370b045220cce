/* fyke state: a state directory that no process runs on. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_out.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "lib/last_error.h"
#include "lib/names.h"
#include "engine/state/lock.h"
#include "lib/state_file.h"
#include "lib/state_tasks.h"
#include "nfa/value.h"

struct state_args {
    const char *action, *dir, *file;
    const char *app; /* import: whose it becomes */
    const char *key; /* inspect: records with this value in their key */
    bool records;    /* inspect: all of them */
    const struct state_task *task; /* of several instances; NULL: the state of one */
};

/* ---- inspect ------------------------------------------------------------------------------ */

static void put_time(struct json_out *j, const char *name, struct etime t)
{
    char text[ETIME_TEXT_MAX];
    if (t.ns != INT64_MIN && t.ns != INT64_MAX) {
        etime_format(t, text);
        json_member_string(j, name, slice_of(text));
    }
}

static void put_hash(struct json_out *j, const char *name, struct hash128 hash)
{
    char hex[HASH128_HEX_MAX];
    hash128_hex(hash, hex);
    json_member_string(j, name, slice_of(hex));
}

static struct slice topic_name(const struct header *h, uint32_t topic)
{
    return topic < h->n_topics ? h->topics[topic].name : SLICE_LIT("?");
}

static void put_partitions(struct json_out *j, const struct header *h)
{
    json_key(j, SLICE_LIT("partitions"));
    json_array_begin(j);
    for (uint32_t i = 0; i < h->n_partitions; i++) {
        const struct header_partition *p = &h->partitions[i];
        json_object_begin(j);
        json_member_string(j, "topic", topic_name(h, p->topic));
        json_member_int(j, "partition", p->partition);
        json_member_int(j, "read_from", p->restart);
        json_member_int(j, "next_offset", p->next_offset);
        put_time(j, "max_time", p->max_time);
        json_member_uint(j, "late_runs", p->n_late);
        json_member_bool(j, "idle", p->idle);
        if (p->paged || p->n_values > 0) {
            json_member_uint(j, "values", p->paged ? p->n_paged : p->n_values);
        }
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_clocks(struct json_out *j, const struct header *h)
{
    json_key(j, SLICE_LIT("clocks"));
    json_array_begin(j);
    for (uint32_t i = 0; i < h->n_clocks; i++) {
        json_object_begin(j);
        json_key(j, SLICE_LIT("topics"));
        json_array_begin(j);
        for (uint32_t k = 0; k < h->clocks[i].n_topics; k++) {
            json_text(j, topic_name(h, h->clocks[i].topics[k]));
        }
        json_array_end(j);
        put_time(j, "watermark", h->clocks[i].watermark);
        put_time(j, "released", h->clocks[i].released.time);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_owners(struct json_out *j, const struct header *h)
{
    json_key(j, SLICE_LIT("rules"));
    json_array_begin(j);
    for (uint32_t i = 0; i < h->n_slots; i++) {
        json_text(j, h->slots[i].rule);
    }
    json_array_end(j);
}

static void put_origin(struct json_out *j, const struct state_file *s)
{
    if (!s->is_copy) {
        return;
    }
    json_key(j, SLICE_LIT("changelog"));
    json_object_begin(j);
    json_member_bool(j, "imported", s->origin.identity.len == 0);
    if (s->origin.identity.len > 0) {
        json_member_string(j, "identity", s->origin.identity);
        json_member_int(j, "position", s->origin.position);
        json_member_uint(j, "mark", s->origin.mark);
    }
    json_object_end(j);
}

static void put_summary(struct json_out *j, const struct state_args *a, const struct state_file *s,
                        const struct state_figures *f)
{
    const struct header *h = &s->header;
    json_object_begin(j);
    if (a->task) {
        json_member_uint(j, "task", a->task->number);
    }
    json_member_string(j, "app", h->app);
    json_member_uint(j, "commit", h->seq);
    json_member_uint(j, "shards", h->n_shards);
    put_hash(j, "ruleset", h->fingerprint);
    put_origin(j, s);
    json_member_uint(j, "records", f->records);
    json_member_uint(j, "segments", f->segments);
    json_member_uint(j, "events", f->events);
    json_member_uint(j, "timers", f->timers);
    if (f->values > 0) {
        json_member_uint(j, "values", f->values);
    }
    json_member_uint(j, "bytes", f->bytes);
    json_member_uint(j, "file_bytes", f->used_bytes);
    put_owners(j, h);
    put_clocks(j, h);
    put_partitions(j, h);
    json_object_end(j);
    json_line_end(j);
}

struct key_line {
    const struct state_args *args;
    const struct header *header;
    struct buf *out;
};

/* Values of the key as JSON; true: one of them, as text, is the wanted one. */
static bool show_key(struct slice canonical, const char *wanted, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    struct arena arena;
    struct reader r = reader_of(canonical);
    bool hit = false;
    arena_init(&arena);
    buf_puts(out, "[");
    for (bool more = false; !r.failed && reader_left(&r) > 0; more = true) {
        struct value v = value_decode(&r, &arena);
        buf_puts(out, more ? "," : "");
        value_to_json(v, out);
        buf_clear(&text);
        value_to_text(v, &text);
        hit |= wanted != NULL && slice_eq_str(buf_slice(&text), wanted);
    }
    buf_puts(out, "]");
    arena_release(&arena);
    return hit;
}

static struct slice owner_of(const struct header *h, uint32_t slot)
{
    for (uint32_t i = 0; i < h->n_slots; i++) {
        if (h->slots[i].slot == slot) {
            return h->slots[i].rule;
        }
    }
    return SLICE_LIT("?");
}

static void put_holders(struct json_out *j, const struct header *h, const struct record_head *head)
{
    json_key(j, SLICE_LIT("holds"));
    json_array_begin(j);
    for (uint32_t i = 0; i < head->n_slots; i++) {
        json_object_begin(j);
        json_member_string(j, "rule", owner_of(h, head->slots[i].slot));
        json_member_uint(j, "events", head->slots[i].events);
        json_member_uint(j, "segments", head->slots[i].n_segments);
        json_object_end(j);
    }
    json_array_end(j);
}

static enum err put_record(void *ctx, const struct record_key *key, const struct record_head *head,
                           struct error *err)
{
    struct key_line *l = ctx;
    FYKE_CLEANUP(buf_release) struct buf values = BUF_INIT;
    (void)err;
    if (!show_key(head->canonical, l->args->key, &values) && l->args->key != NULL) {
        return ERR_OK;
    }
    struct json_out j = json_out_to(l->out);
    json_object_begin(&j);
    json_key(&j, SLICE_LIT("key"));
    json_raw(&j, buf_slice(&values));
    put_hash(&j, "record", record_key_hash(key));
    put_time(&j, "last", head->last.time);
    put_time(&j, "next_deadline", head->next_time);
    put_holders(&j, l->header, head);
    json_object_end(&j);
    json_line_end(&j);
    return ERR_OK;
}

static int show(enum err rc, const struct error *err, const struct buf *out)
{
    return rc != ERR_OK ? cli_fail(last_error_set(err)) : cli_put(buf_slice(out));
}

static int inspect(struct state_file *s, const struct state_args *a)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf records = BUF_INIT;
    struct key_line l = {a, &s->header, &records};
    struct state_figures f;
    struct error err = ERROR_INIT;
    bool any = a->records || a->key;
    enum err rc = state_file_scan(s, any ? put_record : NULL, &l, &f, &err);
    struct json_out j = json_out_to(&out);
    put_summary(&j, a, s, &f);
    return show(rc, &err, any ? &records : &out);
}

/* ---- the others --------------------------------------------------------------------------- */

static int verify(struct state_file *s, const struct state_args *a)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    struct state_figures f;
    struct error err = ERROR_INIT;
    enum err rc = state_file_scan(s, NULL, NULL, &f, &err);
    buf_printf(&out, "%s: commit %" PRIu64 ", %" PRIu64 " records, %" PRIu64 " segments: whole\n",
               a->dir, s->header.seq, f.records, f.segments);
    return show(rc, &err, &out);
}

static int compact(struct state_file *s, const struct state_args *a)
{
    struct error err = ERROR_INIT;
    (void)a;
    enum err rc = state_file_compact(s, &err);
    return rc != ERR_OK ? cli_fail(last_error_set(&err)) : CLI_OK;
}

static int export_to(struct state_file *s, const struct state_args *a)
{
    struct error err = ERROR_INIT;
    enum err rc = state_file_export(s, a->file, &err);
    return rc != ERR_OK ? cli_fail(last_error_set(&err)) : CLI_OK;
}

/* ---- import ------------------------------------------------------------------------------- */

static enum err import_file(const struct state_args *a, const char *file, struct error *err)
{
    char *dir;
    FYKE_TRY(state_tasks_place(file, a->dir, &dir, err));
    bool made = strcmp(dir, a->dir) == 0 || mkdir(a->dir, 0700) == 0 || errno == EEXIST;
    enum err rc = made ? state_file_import(file, dir, a->app, err)
                       : error_set(err, ERR_STATE, "cannot make state directory %s: %s", a->dir,
                                   strerror(errno));
    free(dir);
    return rc;
}

/* All of a folder, or none: a group that starts with some tasks reads the others from the beginning. */
static enum err import_files(const struct state_args *a, const struct state_tasks *files,
                             struct error *err)
{
    struct state_tasks there;
    FYKE_TRY(state_tasks_find(a->dir, &there, err));
    size_t n = there.n;
    state_tasks_release(&there);
    if (n > 0) {
        return error_set(err, ERR_USAGE, "%s holds states of tasks already", a->dir);
    }
    for (size_t i = 0; i < files->n; i++) {
        if (import_file(a, files->items[i].path, err) != ERR_OK) {
            state_tasks_drop(a->dir);
            return err->code;
        }
    }
    return files->n > 0 ? ERR_OK
                        : error_set(err, ERR_USAGE, "%s holds no exports of tasks (task-NNNN"
                                    STATE_TASK_FILE ")", a->file);
}

static enum err import_any(const struct state_args *a, struct error *err)
{
    struct state_tasks files;
    struct stat st;
    if (a->app) {
        FYKE_TRY(names_check_app(a->app, err));
    }
    if (stat(a->file, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return import_file(a, a->file, err);
    }
    FYKE_TRY(state_tasks_find_files(a->file, &files, err));
    enum err rc = import_files(a, &files, err);
    state_tasks_release(&files);
    return rc;
}

static int import_from(const struct state_args *a)
{
    struct error err = ERROR_INIT;
    return import_any(a, &err) != ERR_OK ? cli_fail(last_error_set(&err)) : CLI_OK;
}

/* ---- one state or several ----------------------------------------------------------------- */

static int on_opened(const struct state_args *a, int (*fn)(struct state_file *,
                                                           const struct state_args *))
{
    struct error err = ERROR_INIT;
    struct state_file s;
    if (state_file_open(a->dir, &s, &err) != ERR_OK) {
        return cli_fail(last_error_set(&err));
    }
    int rc = fn(&s, a);
    state_file_close(&s);
    return rc;
}

/* One that cannot be read keeps nobody from reading the others. */
static int on_tasks(const struct state_args *a, const struct state_tasks *tasks,
                    int (*fn)(struct state_file *, const struct state_args *))
{
    int first = CLI_OK;
    for (size_t i = 0; i < tasks->n; i++) {
        FYKE_CLEANUP(buf_release) struct buf file = BUF_INIT;
        struct state_args one = *a;
        one.task = &tasks->items[i];
        one.dir = one.task->path;
        if (a->file) {
            buf_printf(&file, "%s/%s" STATE_TASK_FILE, a->file, strrchr(one.dir, '/') + 1);
            one.file = buf_cstr(&file);
        }
        int rc = on_opened(&one, fn);
        first = first == CLI_OK ? rc : first;
    }
    return first;
}

static int on_found(const struct state_args *a, const struct state_tasks *tasks,
                    int (*fn)(struct state_file *, const struct state_args *))
{
    struct error err = ERROR_INIT;
    struct dir_lock lock = DIR_LOCK_INIT;
    if (tasks->n == 0) {
        return on_opened(a, fn);
    }
    if (lock_acquire(&lock, a->dir, &err) != ERR_OK) {
        return cli_fail(last_error_set(&err));
    }
    bool made = !a->file || mkdir(a->file, 0777) == 0 || errno == EEXIST;
    if (!made) {
        error_set(&err, ERR_IO, "cannot make %s: %s", a->file, strerror(errno));
    }
    int rc = made ? on_tasks(a, tasks, fn) : cli_fail(last_error_set(&err));
    lock_release(&lock);
    return rc;
}

static int on_any(const struct state_args *a, int (*fn)(struct state_file *,
                                                        const struct state_args *))
{
    struct error err = ERROR_INIT;
    struct state_tasks tasks;
    if (state_tasks_find(a->dir, &tasks, &err) != ERR_OK) {
        return cli_fail(last_error_set(&err));
    }
    int rc = on_found(a, &tasks, fn);
    state_tasks_release(&tasks);
    return rc;
}

static int act(const struct cli_verb *v, const struct state_args *a)
{
    static const struct {
        const char *name;
        bool file;
        int (*fn)(struct state_file *, const struct state_args *);
    } actions[] = {
        {"inspect", false, inspect}, {"verify", false, verify}, {"compact", false, compact},
        {"export", true, export_to}, {"import", true, NULL},
    };
    for (size_t i = 0; a->action && i < FYKE_ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, a->action) != 0) {
            continue;
        }
        if (!a->dir) {
            return cli_usage_error(v, "which state? --state DIR");
        }
        if (actions[i].file != (a->file != NULL)) {
            return cli_usage_error(v, actions[i].file ? "%s takes a file" : "%s takes no file",
                                   a->action);
        }
        return actions[i].fn ? on_any(a, actions[i].fn) : import_from(a);
    }
    return cli_usage_error(v, "inspect, verify, compact, export or import?");
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct state_args *a)
{
    enum { OPT_STATE = 256, OPT_APP, OPT_KEY, OPT_RECORDS };
    static const struct option options[] = {
        {"state", required_argument, NULL, OPT_STATE},
        {"app", required_argument, NULL, OPT_APP},
        {"key", required_argument, NULL, OPT_KEY},
        {"records", no_argument, NULL, OPT_RECORDS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case OPT_STATE: a->dir = optarg; break;
        case OPT_APP: a->app = optarg; break;
        case OPT_KEY: a->key = optarg; break;
        case OPT_RECORDS: a->records = true; break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    a->action = optind < argc ? argv[optind++] : NULL;
    a->file = optind < argc ? argv[optind++] : NULL;
    return optind < argc ? cli_usage_error(v, "unexpected '%s'", argv[optind]) : -1;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct state_args a = {0};
    int rc = parse_args(verb, argc, argv, &a);
    return rc < 0 ? act(verb, &a) : rc;
}

const struct cli_verb verb_state = {
    "state",
    "look into a state directory, check it, carry it away",
    "usage: fyke state inspect --state DIR [--records | --key VALUE]\n"
    "       fyke state verify  --state DIR\n"
    "       fyke state compact --state DIR\n"
    "       fyke state export  --state DIR FILE\n"
    "       fyke state import  --state DIR [--app NAME] FILE\n"
    "\n"
    "No process may run on the directory.\n"
    "\n"
    "  inspect           where it stands, as JSON; a line per record with --records or --key\n"
    "  verify            reads everything and checks it\n"
    "  compact           writes the database anew without what is free in it\n"
    "  export            everything into one portable file (a savepoint)\n"
    "  import            a savepoint into a directory that holds no state\n"
    "\n"
    "The directory of several instances holds a state for each task: all of them are meant, and\n"
    "FILE is a folder with a file for each (task-NNNN.fyke).\n"
    "\n"
    "      --state DIR   the state directory\n"
    "      --key VALUE   records that have this value in their key\n"
    "      --records     all records\n"
    "      --app NAME    the application that it is for from now on\n"
    "\n"
    "Exit: 0 fine, 2 wrong usage or no state, 4 damaged, in use or not writable.\n",
    run,
};
