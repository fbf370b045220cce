#include "cli/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/value_text.h"
#include "dsl/suggest.h"

void settings_init(struct settings *s, const char *verb)
{
    *s = (struct settings){.verb = verb};
    arena_init(&s->arena);
}

void settings_release(struct settings *s)
{
    for (int i = 0; i < SET_COUNT; i++) {
        free(s->values[i].items);
    }
    free(s->kafka);
    buf_release(&s->problems);
    arena_release(&s->arena);
}

/* ---- problems ----------------------------------------------------------------------------- */

static void begin_problem(struct settings *s, const struct setting_origin *o)
{
    if (o->from == FROM_FILE) {
        buf_printf(&s->problems, "%s:%u:%u: error: ", o->name, o->line, o->col);
    } else {
        buf_printf(&s->problems, "fyke %s: ", s->verb);
    }
    s->n_problems++;
    s->wrong_usage |= o->from == FROM_FLAG;
}

void settings_problem(struct settings *s, const struct setting_origin *o, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    begin_problem(s, o);
    buf_printf(&s->problems, "%s\n", text);
}

/* As it stands where it was written. */
static void name_at(const struct setting *d, const struct setting_origin *o, struct buf *out)
{
    if (o->from == FROM_ENVIRONMENT) {
        setting_variable(d, out);
    } else if (o->from == FROM_FLAG && d->letter) {
        buf_printf(out, "-%c", d->letter);
    } else {
        buf_printf(out, "%s%s", o->from == FROM_FLAG ? "--" : "", d->name);
    }
}

void settings_unknown(struct settings *s, const struct setting_origin *o, const char *what,
                      struct slice name)
{
    static const unsigned bars[] = {
        [FROM_FILE] = NOT_IN_FILE, [FROM_ENVIRONMENT] = NOT_IN_ENVIRONMENT, [FROM_FLAG] = 0};
    struct suggest near = suggest_for(name);
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        if (!(d->without & (bars[o->from] | NOT_SHOWN))) {
            suggest_try(&near, slice_of(d->name));
        }
    }
    const char *dashes = o->from == FROM_FLAG ? "--" : "";
    const char *quote = o->from == FROM_FLAG ? "" : "'";
    if (near.best.ptr) {
        settings_problem(s, o, "unknown %s %s%s%.*s%s; did you mean %s%s%.*s%s?", what, quote,
                         dashes, SLICE_ARG(name), quote, quote, dashes, SLICE_ARG(near.best),
                         quote);
    } else {
        settings_problem(s, o, "unknown %s %s%s%.*s%s", what, quote, dashes, SLICE_ARG(name),
                         quote);
    }
}

/* ---- one value ---------------------------------------------------------------------------- */

/* "a|b|c" as "a, b or c". */
static void put_words(const char *words, struct buf *out)
{
    while (*words) {
        size_t n = strcspn(words, "|");
        buf_put(out, words, n);
        words += n + (words[n] == '|');
        if (*words) {
            buf_puts(out, strchr(words, '|') ? ", " : " or ");
        }
    }
}

static int word_of(const char *words, const char *text)
{
    for (int i = 0; words && *words; i++) {
        size_t n = strcspn(words, "|");
        if (strlen(text) == n && memcmp(words, text, n) == 0) {
            return i;
        }
        words += n + (words[n] == '|');
    }
    return -1;
}

static bool parse_flag(const char *text, bool *ret)
{
    *ret = !text || strcmp(text, "true") == 0;
    return *ret || strcmp(text, "false") == 0;
}

static bool parse_value(const struct setting *d, const char *text, struct setting_value *v)
{
    v->word = word_of(d->words, text ? text : "");
    switch (d->kind) {
    case SETTING_FLAG: return parse_flag(text, &v->u.flag);
    case SETTING_TEXT: return *text != '\0';
    case SETTING_NUMBER: return value_text_number(text, d->min, d->max, &v->u.number);
    case SETTING_BYTES: return value_text_bytes(text, &v->u.number);
    case SETTING_DURATION: return value_text_duration(text, &v->u.ns);
    case SETTING_TIME: return v->word >= 0 || value_text_time(text, &v->u.ns);
    case SETTING_CHOICE: return v->word >= 0;
    }
    return false;
}

/* What it takes: "a size such as 512MiB". */
static void put_wanted(const struct setting *d, struct buf *out)
{
    switch (d->kind) {
    case SETTING_FLAG: buf_puts(out, "true or false"); break;
    case SETTING_TEXT: buf_puts(out, "a text that is not empty"); break;
    case SETTING_NUMBER:
        buf_printf(out, "a number from %llu to %llu", (unsigned long long)d->min,
                   (unsigned long long)d->max);
        break;
    case SETTING_BYTES: buf_puts(out, "a size such as 512MiB"); break;
    case SETTING_DURATION: buf_puts(out, "a time such as 500ms or 5s"); break;
    case SETTING_TIME:
        put_words(d->words, out);
        buf_puts(out, " or a time such as 2026-01-05T10:00:00Z");
        break;
    case SETTING_CHOICE: put_words(d->words, out); break;
    }
}

static void wrong_value(struct settings *s, const struct setting *d, const char *text,
                        const struct setting_origin *o)
{
    FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf wanted = BUF_INIT;
    name_at(d, o, &name);
    put_wanted(d, &wanted);
    settings_problem(s, o, "%s takes %s, not '%s'", buf_cstr(&name), buf_cstr(&wanted), text);
}

/* The last flag of several counts, as everywhere; in a file two of them are a slip. */
static bool is_repeated(struct settings *s, enum setting_id id, const struct setting_origin *o)
{
    const struct setting_values *v = &s->values[id];
    if (setting_at(id)->repeatable || o->from != FROM_FILE || v->n == 0 ||
        v->items[0].origin.from != FROM_FILE) {
        return false;
    }
    settings_problem(s, o, "'%s' stands in line %u already", setting_at(id)->name,
                     v->items[0].origin.line);
    return true;
}

void settings_set(struct settings *s, enum setting_id id, const char *text,
                  struct setting_origin origin)
{
    const struct setting *d = setting_at(id);
    struct setting_values *v = &s->values[id];
    struct setting_value value = {.origin = origin};
    if (!parse_value(d, text, &value)) {
        wrong_value(s, d, text, &origin);
        return;
    }
    if (is_repeated(s, id, &origin) || (v->n > 0 && v->items[0].origin.from > origin.from)) {
        return;
    }
    if (v->n > 0 && (v->items[0].origin.from < origin.from || !d->repeatable)) {
        v->n = 0;
    }
    value.text = text ? arena_strndup(&s->arena, text, strlen(text)) : "true";
    VEC_PUSH(v->items, v->n, v->cap) = value;
}

/* Without the group they would do nothing, and several processes would shut each other out. */
void settings_check_together(struct settings *s)
{
    static const enum setting_id of_group[] = {SET_INSTANCE_ID, SET_STANDBY, SET_GROUP_RULES};
    bool in_group = settings_is_set(s, SET_INSTANCES) && settings_word(s, SET_INSTANCES) == 1;
    for (size_t i = 0; !in_group && i < FYKE_ARRAY_LEN(of_group); i++) {
        FYKE_CLEANUP(buf_release) struct buf name = BUF_INIT;
        if (settings_is_set(s, of_group[i])) {
            const struct setting_origin *o = &s->values[of_group[i]].items[0].origin;
            name_at(setting_at(of_group[i]), o, &name);
            settings_problem(s, o, "%s is for several instances: add --instances group, or leave it out",
                             buf_cstr(&name));
        }
    }
}

/* ---- values in force ---------------------------------------------------------------------- */

static struct setting_value value_of(const struct settings *s, enum setting_id id)
{
    const struct setting *d = setting_at(id);
    struct setting_value v = {.word = -1};
    if (s->values[id].n > 0) {
        return s->values[id].items[0];
    }
    if (d->fallback && parse_value(d, d->fallback, &v)) {
        v.text = d->fallback;
    }
    return v;
}

bool settings_is_set(const struct settings *s, enum setting_id id)
{
    return s->values[id].n > 0;
}

enum setting_from settings_from(const struct settings *s, enum setting_id id)
{
    return value_of(s, id).origin.from;
}

const char *settings_text(const struct settings *s, enum setting_id id)
{
    return value_of(s, id).text;
}

bool settings_flag(const struct settings *s, enum setting_id id)
{
    return value_of(s, id).u.flag;
}

uint64_t settings_number(const struct settings *s, enum setting_id id)
{
    return value_of(s, id).u.number;
}

int64_t settings_ns(const struct settings *s, enum setting_id id)
{
    return value_of(s, id).u.ns;
}

int settings_word(const struct settings *s, enum setting_id id)
{
    return value_of(s, id).word;
}

size_t settings_count(const struct settings *s, enum setting_id id)
{
    return s->values[id].n;
}

const char *settings_item(const struct settings *s, enum setting_id id, size_t i)
{
    return s->values[id].items[i].text;
}

/* ---- names -------------------------------------------------------------------------------- */

enum setting_id setting_find(struct slice name)
{
    for (int i = 0; i < SET_COUNT; i++) {
        if (slice_eq_str(name, setting_at((enum setting_id)i)->name)) {
            return (enum setting_id)i;
        }
    }
    return SET_COUNT;
}

void setting_variable(const struct setting *d, struct buf *out)
{
    buf_puts(out, "FYKE_");
    for (const char *c = d->name; *c; c++) {
        buf_put_byte(out, (uint8_t)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 32 : *c));
    }
}
