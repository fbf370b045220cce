#include "lib/replay_labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define MAX_DEPTH 128

/* ---- places --------------------------------------------------------------------------------- */

static struct slice place_of(struct replay_labels *l, struct coord at)
{
    buf_clear(&l->place);
    buf_put_u32be(&l->place, at.topic);
    buf_put_u32be(&l->place, (uint32_t)at.partition);
    buf_put_u64be(&l->place, (uint64_t)at.offset);
    return buf_slice(&l->place);
}

static struct replay_label *label_at(struct replay_labels *l, struct coord at)
{
    uintptr_t index = (uintptr_t)map_get(&l->by_place, place_of(l, at));
    return index ? &l->items[index - 1] : NULL;
}

struct replay_label *replay_labels_add(struct replay_labels *l, struct coord at, uint32_t episode)
{
    struct replay_label *known = label_at(l, at);
    if (known) {
        known->episode = known->episode == REPLAY_NO_EPISODE ? episode : known->episode;
        return known;
    }
    if (l->n >= REPLAY_MAX_LABELS) {
        return NULL;
    }
    VEC_PUSH(l->items, l->n, l->cap) =
        (struct replay_label){.at = at, .episode = episode, .found_at = ETIME_MAX};
    map_add(&l->by_place, place_of(l, at), (void *)(uintptr_t)l->n);
    return &l->items[l->n - 1];
}

uint32_t replay_labels_topic(const struct replay_labels *l, struct slice name)
{
    for (uint32_t i = 0; i < l->rs->n_topics; i++) {
        if (slice_eq(l->rs->topics[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* ---- fields of records ---------------------------------------------------------------------- */

/* "a.b": nested. The names are borrowed from the options. */
static uint32_t add_path(struct replay_labels *l, struct slice path)
{
    uint32_t node = 0;
    while (path.len > 0) {
        const char *dot = memchr(path.ptr, '.', path.len);
        size_t len = dot ? (size_t)(dot - path.ptr) : path.len;
        node = json_paths_add(&l->paths, node, slice_from(path.ptr, len));
        len += dot != NULL;
        path = slice_from(path.ptr + len, path.len - len);
    }
    return node;
}

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && s.ptr[0] == ' ') {
        s = slice_from(s.ptr + 1, s.len - 1);
    }
    while (s.len > 0 && s.ptr[s.len - 1] == ' ') {
        s.len--;
    }
    return s;
}

/* "FIELD", "FIELD = VALUE", "FIELD != VALUE" */
static enum err read_test(struct replay_labels *l, const char *text, struct error *err)
{
    const char *equal = strchr(text, '=');
    struct slice name = slice_of(text);
    l->test_bare = equal == NULL;
    l->test_equal = true;
    if (equal) {
        l->test_equal = equal == text || equal[-1] != '!';
        name.len = (size_t)(equal - text) - !l->test_equal;
        l->test_value = trimmed(slice_of(equal + 1 + (equal[1] == '=')));
    }
    name = trimmed(name);
    if (name.len == 0 || (equal && l->test_value.len == 0)) {
        return error_set(err, ERR_USAGE, "a label test is FIELD, FIELD = VALUE or FIELD != VALUE, "
                         "not '%s'", text);
    }
    l->test_node = add_path(l, name);
    return ERR_OK;
}

static bool is_bare_truth(struct json_span s)
{
    switch ((enum json_kind)s.kind) {
    case JSON_NONE:
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_INT:
    case JSON_REAL: {
        struct decimal d;
        return !decimal_parse(slice_from(s.ptr, s.len), &d) || decimal_sign(d) != 0;
    }
    case JSON_STRING: return s.len > 0;
    case JSON_TRUE:
    case JSON_OBJECT:
    case JSON_ARRAY: return true;
    }
    return true;
}

/* Numbers by value, texts by content, everything else by spelling. A missing field passes no test. */
static bool passes_test(struct replay_labels *l)
{
    struct json_span s = l->found[l->test_node];
    struct decimal a, b;
    if (l->test_bare || s.kind == JSON_NONE) {
        return is_bare_truth(s);
    }
    bool equal;
    if (s.kind == JSON_STRING) {
        equal = json_string_equals(s, l->test_value);
    } else if ((s.kind == JSON_INT || s.kind == JSON_REAL) && decimal_parse(l->test_value, &a)) {
        equal = decimal_parse(slice_from(s.ptr, s.len), &b) && decimal_eq(a, b);
    } else {
        equal = slice_eq(slice_from(s.ptr, s.len), l->test_value);
    }
    return equal == l->test_equal;
}

static bool scan_record(struct replay_labels *l, const struct record *r)
{
    static const char zeros[JSON_PAD_BYTES];
    if (!r || !r->has_value || r->in_format) {
        return false;
    }
    buf_clear(&l->text);
    buf_put_slice(&l->text, r->value);
    buf_put(&l->text, zeros, sizeof(zeros));
    return json_scan_run(&l->scan, l->text.ptr, r->value.len, &l->paths, l->found);
}

static struct slice key_of(struct replay_labels *l)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    json_view_text(l->found[l->key_node], &text);
    return arena_copy(&l->arena, buf_slice(&text));
}

static void take_fields(struct replay_labels *l, struct replay_label *label)
{
    if (l->key_node != JSON_NO_NODE) {
        label->key = key_of(l);
    }
    if (l->amount_node != JSON_NO_NODE) {
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        json_view_text(l->found[l->amount_node], &text);
        if (!decimal_parse(buf_slice(&text), &label->amount)) {
            label->amount = DECIMAL_ZERO;
        }
    }
}

/* ---- events and alerts ---------------------------------------------------------------------- */

void replay_labels_event(struct replay_labels *l, enum event_fate fate, bool in_range,
                         const struct event *e, const struct record *r)
{
    if (!l->options) {
        return;
    }
    bool tested = l->test_node != JSON_NO_NODE;
    struct replay_label *label = label_at(l, e->at);
    if (!label && !tested) {
        return;
    }
    bool scanned = l->paths.n > 1 && scan_record(l, r);
    if (tested && scanned && passes_test(l)) {
        label = replay_labels_add(l, e->at, REPLAY_NO_EPISODE);
    }
    if (!label) {
        return;
    }
    label->seen = true;
    label->time = e->time;
    label->in_range = in_range;
    label->late = fate == FATE_LATE;
    if (scanned) {
        take_fields(l, label);
    }
}

static int64_t number_of(struct json_span s)
{
    return s.kind == JSON_INT ? strtoll(s.ptr, NULL, 10) : -1; /* a delimiter follows in the text */
}

void replay_labels_found(struct replay_label *label, uint32_t rule, struct etime at)
{
    if (etime_lt(at, label->found_at)) {
        label->found_at = at;
    }
    for (size_t i = 0; i < label->n_rules; i++) {
        if (label->rules[i] == rule) {
            return;
        }
    }
    VEC_PUSH(label->rules, label->n_rules, label->cap_rules) = rule;
}

struct replay_label *replay_labels_of(struct replay_labels *l, struct json_span entry)
{
    buf_clear(&l->text);
    json_view_text(json_view_get(entry, "topic"), &l->text);
    struct coord at = {replay_labels_topic(l, buf_slice(&l->text)),
                       (int32_t)number_of(json_view_get(entry, "partition")),
                       number_of(json_view_get(entry, "offset"))};
    return at.topic != UINT32_MAX ? label_at(l, at) : NULL;
}

bool replay_labels_alert(struct replay_labels *l, uint32_t rule, struct etime detected,
                         struct json_span evidence)
{
    bool is_true = false;
    struct json_span entry;
    if (!l->options || evidence.kind != JSON_ARRAY) {
        return false;
    }
    struct json_walk w = json_walk_into(evidence);
    while (json_walk_item(&w, &entry)) {
        struct replay_label *label = replay_labels_of(l, entry);
        if (label) {
            replay_labels_found(label, rule, detected);
            is_true = true;
        }
    }
    return is_true;
}

/* ---- life ----------------------------------------------------------------------------------- */

enum err replay_labels_open(struct replay_labels *l, const struct replay_label_options *o,
                            const struct ruleset *rs, struct error *err)
{
    *l = (struct replay_labels){.rs = rs, .options = o};
    l->test_node = l->key_node = l->amount_node = JSON_NO_NODE;
    map_init(&l->by_place, MAP_COPY_KEYS);
    json_paths_init(&l->paths);
    json_scan_init(&l->scan, MAX_DEPTH);
    if (!o) {
        return ERR_OK;
    }
    if (o->test) {
        FYKE_TRY(read_test(l, o->test, err));
    }
    if (o->key) {
        l->key_node = add_path(l, slice_of(o->key));
    }
    if (o->amount) {
        l->amount_node = add_path(l, slice_of(o->amount));
    }
    json_paths_seal(&l->paths);
    l->found = xcalloc(l->paths.n + 1, sizeof(*l->found));
    return o->file ? replay_labels_read(l, o->file, err) : ERR_OK;
}

void replay_labels_release(struct replay_labels *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].rules);
    }
    free(l->items);
    free(l->found);
    label_chain_free(l->chain);
    map_release(&l->by_place);
    json_scan_release(&l->scan);
    json_paths_release(&l->paths);
    buf_release(&l->text);
    buf_release(&l->place);
    arena_release(&l->arena);
    *l = (struct replay_labels){0};
}
