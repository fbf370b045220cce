#include "cli/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/hash.h"
#include "base/json_out.h"

void log_init(struct log *l, FILE *to, bool json, enum say_level least, struct log_clock clock)
{
    *l = (struct log){.to = to, .json = json, .least = least, .clock = clock};
    pthread_mutex_init(&l->lock, NULL);
}

const char *log_level_name(enum say_level level)
{
    switch (level) {
    case LEVEL_ERROR: return "error";
    case LEVEL_WARNING: return "warn";
    case LEVEL_INFO: return "info";
    case LEVEL_DEBUG: return "debug";
    }
    return "error";
}

/* ---- writing ------------------------------------------------------------------------------ */

struct entry {
    enum say_level level;
    struct slice component;
    struct slice text;
    uint32_t suppressed; /* lines like it that were left out before */
};

/* Lines begin with the component's name where it is not the engine. */
static void split_component(const char *line, struct entry *e)
{
    static const char *const components[] = {"kafka", "state", "reload"};
    e->component = SLICE_LIT("engine");
    e->text = slice_of(line);
    for (size_t i = 0; i < FYKE_ARRAY_LEN(components); i++) {
        size_t n = strlen(components[i]);
        if (strncmp(line, components[i], n) == 0 && line[n] == ':' && line[n + 1] == ' ') {
            e->component = slice_of(components[i]);
            e->text = slice_of(line + n + 2);
        }
    }
}

static void put_json(const struct log *l, const struct entry *e, const char *name,
                     struct slice value, struct buf *out)
{
    char time[ETIME_TEXT_MAX];
    struct json_out j = json_out_to(out);
    struct etime now = l->clock.wall(l->clock.ctx);
    etime_format((struct etime){now.ns - now.ns % NS_PER_MS}, time);
    json_object_begin(&j);
    json_member_string(&j, "time", slice_of(time));
    json_member_string(&j, "level", slice_of(log_level_name(e->level)));
    json_member_string(&j, "component", e->component);
    json_member_string(&j, "message", e->text);
    if (e->suppressed) {
        json_member_int(&j, "suppressed", e->suppressed);
    }
    if (name) {
        json_key(&j, slice_of(name));
        json_raw(&j, value);
    }
    json_object_end(&j);
    json_line_end(&j);
}

/* A terminal must not obey what a line carries along. */
static void put_plain(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_put_byte(out, c < 0x20 && c != '\t' ? '?' : c);
    }
}

/* Components that need no name in front of their text. */
static bool has_plain_lines(struct slice component)
{
    return slice_eq_str(component, "engine") || slice_eq_str(component, "run") ||
           slice_eq_str(component, "life");
}

static void put_text(const struct log *l, const struct entry *e, struct slice value,
                     struct buf *out)
{
    if (l->prefixed) {
        buf_printf(out, "<%d>", (int)e->level);
    }
    buf_puts(out, "fyke: ");
    if (!has_plain_lines(e->component)) {
        buf_printf(out, "%.*s: ", SLICE_ARG(e->component));
    }
    put_plain(e->text, out);
    if (e->suppressed) {
        buf_printf(out, " (and %u more like it)", e->suppressed);
    }
    if (value.len > 0) {
        buf_puts(out, " ");
        buf_put_slice(out, value);
    }
    buf_puts(out, "\n");
}

static void write_entry(const struct log *l, const struct entry *e, const char *name,
                        struct slice value)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    if (l->json) {
        put_json(l, e, name, value, &out);
    } else {
        put_text(l, e, value, &out);
    }
    fwrite(out.ptr, 1, out.len, l->to);
    fflush(l->to);
}

void log_late_line(const struct log *l, struct buf *out, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct entry e = {.level = LEVEL_ERROR, .component = SLICE_LIT("life"), .text = slice_of(text)};
    l->json ? put_json(l, &e, NULL, (struct slice){0}, out)
            : put_text(l, &e, (struct slice){0}, out);
}

int log_late_time(const struct log *l)
{
    return l->json ? (int)sizeof("{\"time\":\"") - 1 : -1;
}

/* ---- repetition --------------------------------------------------------------------------- */

static uint64_t kind_of(const struct entry *e)
{
    char text[512];
    size_t n = 0;
    for (size_t i = 0; i < e->text.len && n < sizeof(text); i++) {
        bool digit = isdigit((unsigned char)e->text.ptr[i]) != 0;
        if (!digit || n == 0 || text[n - 1] != '#') {
            text[n++] = digit ? '#' : e->text.ptr[i];
        }
    }
    return hash64(slice_from(text, n)) | 1;
}

static void tell_suppressed(const struct log *l, struct log_kind *k)
{
    if (k->suppressed > 0) {
        struct entry e = {.level = k->level,
                          .component = k->component,
                          .text = slice_of(k->newest),
                          .suppressed = k->suppressed - 1};
        write_entry(l, &e, NULL, (struct slice){0});
    }
    k->passed = 0;
    k->suppressed = 0;
}

static bool is_over(const struct log_kind *k, struct ptime now)
{
    return now.ns - k->since.ns >= LOG_WINDOW.ns;
}

/* Its place, or that of the kind that has been silent for longest. */
static struct log_kind *find_kind(struct log *l, uint64_t hash, struct ptime now)
{
    struct log_kind *oldest = &l->kinds[0];
    for (size_t i = 0; i < LOG_KINDS; i++) {
        struct log_kind *k = &l->kinds[i];
        if (k->hash == hash) {
            return k;
        }
        if (oldest->hash && (!k->hash || k->since.ns < oldest->since.ns)) {
            oldest = k;
        }
    }
    tell_suppressed(l, oldest);
    *oldest = (struct log_kind){.hash = hash, .since = now};
    return oldest;
}

/* May it pass? Details are exempt: who asks for them wants all. */
static bool passes(struct log *l, const struct entry *e)
{
    if (e->level == LEVEL_DEBUG) {
        return true;
    }
    struct ptime now = l->clock.monotonic(l->clock.ctx);
    struct log_kind *k = find_kind(l, kind_of(e), now);
    if (is_over(k, now)) {
        tell_suppressed(l, k);
        k->since = now;
    }
    if (k->passed < LOG_BURST) {
        k->passed++;
        return true;
    }
    k->suppressed++;
    k->level = e->level;
    k->component = e->component;
    snprintf(k->newest, sizeof(k->newest), "%.*s", SLICE_ARG(e->text));
    return false;
}

static void say(struct log *l, const struct entry *e)
{
    if (e->level > l->least) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (passes(l, e)) {
        write_entry(l, e, NULL, (struct slice){0});
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- public ------------------------------------------------------------------------------- */

void log_line(void *ctx, const char *line)
{
    struct entry e = {0};
    split_component(say_split(line, &e.level), &e);
    say(ctx, &e);
}

void log_say(struct log *l, enum say_level level, const char *component, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct entry e = {.level = level, .component = slice_of(component), .text = slice_of(text)};
    say(l, &e);
}

void log_value(struct log *l, const char *component, const char *message, const char *name,
               struct slice json)
{
    struct entry e = {
        .level = LEVEL_INFO, .component = slice_of(component), .text = slice_of(message)};
    pthread_mutex_lock(&l->lock);
    write_entry(l, &e, name, json);
    pthread_mutex_unlock(&l->lock);
}

static void tell_kinds(struct log *l, bool all)
{
    pthread_mutex_lock(&l->lock);
    struct ptime now = l->clock.monotonic(l->clock.ctx);
    for (size_t i = 0; i < LOG_KINDS; i++) {
        struct log_kind *k = &l->kinds[i];
        if (k->hash && k->suppressed > 0 && (all || is_over(k, now))) {
            tell_suppressed(l, k);
            k->since = now;
        }
    }
    pthread_mutex_unlock(&l->lock);
}

void log_tick(struct log *l)
{
    tell_kinds(l, false);
}

void log_release(struct log *l)
{
    tell_kinds(l, true);
    pthread_mutex_destroy(&l->lock);
}
