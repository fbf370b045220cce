/* Records as lines of envelopes: the fields that the rules declare, hidden ones as others.
 *
 * Fields that no rule declares are left out, so nothing leaves that nobody looked at. Values stand under
 * the whole path of the field, which is looked for before its parts are. */
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/xalloc.h"
#include "lib/capture_parts.h"

/* ---- which fields --------------------------------------------------------------------------- */

/* "user" of any event, or "Login.user" of one. */
static bool is_named(const struct schema_decl *d, const struct schema_field *f, const char *name)
{
    size_t n = d->name.len;
    return slice_eq_str(f->name, name) ||
           (strncmp(name, d->name.ptr, n) == 0 && name[n] == '.' &&
            slice_eq_str(f->name, name + n + 1));
}

static enum err check_hideable(const struct schema_field *f, const char *name, struct error *err)
{
    if (f->origin == ORIGIN_COMPUTED) {
        return error_set(err, ERR_USAGE, "field '%s' is computed: hide what it is computed of", name);
    }
    if (!pseudonym_type(f->type)) {
        return error_set(err, ERR_USAGE, "field '%s' is of type %s: texts, whole numbers and addresses can "
                         "be hidden; times, amounts and the like decide", name, type_name(f->type));
    }
    return ERR_OK;
}

static bool is_read(const struct capture *c, const struct schema_decl *d)
{
    for (size_t i = 0; i < c->n_taken; i++) {
        for (const struct why_event *e = c->taken[i]->events; e; e = e->next) {
            if (e->event->decl == d->index) {
                return true;
            }
        }
    }
    return false;
}

/* What one declaration hides, no other that reads the topic shows. */
static void hide_in_topic(struct capture *c, const struct schema_decl *from, uint32_t slot)
{
    const struct schema_field *hidden = &from->fields[slot];
    for (uint32_t d = 0; d < c->rs->n_decls; d++) {
        const struct schema_decl *decl = &c->rs->decls[d];
        for (uint32_t i = 0; decl->n_topics > 0 && i < decl->n_fields; i++) {
            const struct schema_field *f = &decl->fields[i];
            if (f->origin == hidden->origin && pseudonym_type(f->type) &&
                slice_eq(f->path_text, hidden->path_text) && slice_eq(f->header, hidden->header)) {
                c->kinds[d][i] = c->kinds[from->index][slot];
            }
        }
    }
}

enum err capture_find_hidden(struct capture *c, struct error *err)
{
    const struct ruleset *rs = c->rs;
    struct arena *arena = &c->result->arena;
    c->kinds = ARENA_ARRAY(arena, struct slice *, rs->n_decls + 1u);
    c->table_kinds = ARENA_ARRAY(arena, struct slice, rs->n_tables + 1u);
    for (uint32_t d = 0; d < rs->n_decls; d++) {
        c->kinds[d] = ARENA_ARRAY(arena, struct slice, rs->decls[d].n_fields + 1u);
    }
    for (size_t h = 0; h < c->config->n_hidden; h++) {
        const struct capture_hidden *hidden = &c->config->hidden[h];
        bool found = false;
        for (uint32_t d = 0; d < rs->n_decls; d++) {
            const struct schema_decl *decl = &rs->decls[d];
            for (uint32_t i = 0; i < decl->n_fields; i++) {
                if (decl->n_topics > 0 && is_named(decl, &decl->fields[i], hidden->field)) {
                    FYKE_TRY(check_hideable(&decl->fields[i], hidden->field, err));
                    c->kinds[d][i] = slice_of(hidden->kind ? hidden->kind : CAPTURE_DEFAULT_KIND);
                    hide_in_topic(c, decl, i);
                    found = true;
                }
            }
        }
        found = capture_hide_lookup(c, hidden) || found;
        if (!found) {
            return error_set(err, ERR_USAGE, "no event has a field '%s', and no lookup from a topic is called so", hidden->field);
        }
    }
    return ERR_OK;
}

static void list_what_stays(struct capture *c)
{
    FYKE_CLEANUP(buf_release) struct buf list = BUF_INIT;
    for (uint32_t d = 0; d < c->rs->n_decls; d++) {
        const struct schema_decl *decl = &c->rs->decls[d];
        for (uint32_t i = 0; is_read(c, decl) && i < decl->n_fields; i++) {
            if (c->kinds[d][i].len == 0 && decl->fields[i].origin != ORIGIN_COMPUTED) {
                buf_printf(&list, "%s%.*s.%.*s", list.len ? ", " : "", SLICE_ARG(decl->name),
                           SLICE_ARG(decl->fields[i].name));
            }
        }
    }
    capture_list_lookups(c, &list);
    c->result->stays = arena_copy(&c->result->arena, buf_slice(&list));
}

/* ---- values ---------------------------------------------------------------------------------- */

static void collect(struct capture *c)
{
    for (size_t i = 0; i < c->n_taken; i++) {
        for (const struct why_event *e = c->taken[i]->events; e; e = e->next) {
            const struct slice *kinds = c->kinds[e->event->decl];
            for (uint32_t k = 0; k < c->rs->decls[e->event->decl].n_fields; k++) {
                if (kinds[k].len > 0) {
                    pseudonyms_add(&c->pseudonyms, kinds[k], e->event->values[k]);
                }
            }
        }
    }
}

static struct value shown(const struct capture *c, const struct event *e, uint32_t slot,
                          struct arena *arena)
{
    struct slice kind = c->kinds[e->decl][slot];
    return kind.len > 0 ? pseudonym_of(&c->pseudonyms, kind, e->values[slot], arena)
                        : e->values[slot];
}

/* A number of the unit, exact. */
static void put_time(struct value v, enum time_unit unit, struct buf *out)
{
    static const unsigned scales[] = {[UNIT_S] = 9, [UNIT_MS] = 6, [UNIT_US] = 3, [UNIT_NS] = 0};
    struct decimal d;
    char text[DECIMAL_TEXT_MAX];
    if (unit == UNIT_TEXT || !decimal_make(v.u.i, scales[unit], &d)) {
        value_to_json(v, out);
        return;
    }
    buf_put(out, text, decimal_format(d, text));
}

static void put_value(const struct schema_field *f, struct value v, struct buf *out)
{
    if (v.kind == VAL_LIST) {
        buf_puts(out, "[");
        for (uint32_t i = 0; i < v.len; i++) {
            buf_puts(out, i > 0 ? "," : "");
            put_value(f, v.u.items[i], out);
        }
        buf_puts(out, "]");
    } else if (v.kind == VAL_TIMESTAMP) {
        put_time(v, f->unit, out);
    } else {
        value_to_json(v, out);
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

struct line {
    struct json_out json;
    const struct capture *c;
    struct arena *arena;
    struct buf text;
    const struct slice **paths; /* that stand already: declarations of one topic share fields */
    size_t n_paths, cap_paths;
};

static bool stands_already(struct line *l, const struct slice *path)
{
    for (size_t i = 0; i < l->n_paths; i++) {
        if (slice_eq(*l->paths[i], *path)) {
            return true;
        }
    }
    VEC_PUSH(l->paths, l->n_paths, l->cap_paths) = path;
    return false;
}

static void put_payload(struct line *l, const struct event *e)
{
    const struct schema_decl *d = &l->c->rs->decls[e->decl];
    for (uint32_t i = 0; i < d->n_fields; i++) {
        const struct schema_field *f = &d->fields[i];
        struct value v = shown(l->c, e, i, l->arena);
        if (f->origin != ORIGIN_PAYLOAD || value_is_missing(v) || stands_already(l, &f->path_text)) {
            continue;
        }
        buf_clear(&l->text);
        put_value(f, v, &l->text);
        json_key(&l->json, f->path_text);
        json_raw(&l->json, buf_slice(&l->text));
    }
}

/* What does not come from the payload: the record's key, time, headers. False: nothing. */
static bool put_rest(struct line *l, const struct event *e, enum field_origin origin)
{
    const struct schema_decl *d = &l->c->rs->decls[e->decl];
    bool any = false;
    for (uint32_t i = 0; i < d->n_fields; i++) {
        const struct schema_field *f = &d->fields[i];
        struct value v = shown(l->c, e, i, l->arena);
        if (f->origin != origin || value_is_missing(v)) {
            continue;
        }
        buf_clear(&l->text);
        value_to_text(v, &l->text);
        if (origin == ORIGIN_HEADER) {
            json_text(&l->json, f->header);
            json_text(&l->json, buf_slice(&l->text));
            any = true;
        } else if (origin == ORIGIN_KEY) {
            json_member_string(&l->json, "key", buf_slice(&l->text));
            return true;
        } else {
            json_member_string(&l->json, "tstype", SLICE_LIT("create"));
            json_member_int(&l->json, "ts", v.u.i / NS_PER_MS);
            return true;
        }
    }
    return any;
}

/* Of the first event that has it: they are of one record. */
static void put_once(struct line *l, const struct why_record *r, enum field_origin origin)
{
    const struct why_event *e = r->events;
    while (e && !put_rest(l, e->event, origin)) {
        e = e->next;
    }
}

static bool reads_headers(const struct line *l, const struct why_record *r)
{
    for (const struct why_event *e = r->events; e; e = e->next) {
        const struct schema_decl *d = &l->c->rs->decls[e->event->decl];
        for (uint32_t i = 0; i < d->n_fields; i++) {
            if (d->fields[i].origin == ORIGIN_HEADER) {
                return true;
            }
        }
    }
    return false;
}

static void put_record(struct line *l, const struct why_record *r, uint64_t number)
{
    l->n_paths = 0;
    json_object_begin(&l->json);
    json_member_string(&l->json, "topic", l->c->rs->topics[r->record.topic].name);
    json_member_int(&l->json, "partition", 0);
    json_member_uint(&l->json, "offset", number);
    put_once(l, r, ORIGIN_TIMESTAMP);
    put_once(l, r, ORIGIN_KEY);
    if (reads_headers(l, r)) {
        json_key(&l->json, SLICE_LIT("headers"));
        json_array_begin(&l->json);
        for (const struct why_event *e = r->events; e; e = e->next) {
            (void)put_rest(l, e->event, ORIGIN_HEADER);
        }
        json_array_end(&l->json);
    }
    json_key(&l->json, SLICE_LIT("payload"));
    json_object_begin(&l->json);
    for (const struct why_event *e = r->events; e; e = e->next) {
        put_payload(l, e->event);
    }
    json_object_end(&l->json);
    json_object_end(&l->json);
    json_line_end(&l->json);
}

enum err capture_write_fixture(struct capture *c, struct error *err)
{
    struct arena scratch;
    struct line l = {.json = json_out_to(&c->fixture), .c = c, .arena = &scratch};
    arena_init(&scratch);
    collect(c);
    enum err rc = capture_hide_given(c, err);
    rc = rc == ERR_OK ? capture_hide_tables(c, err) : rc;
    rc = rc == ERR_OK ? pseudonyms_seal(&c->pseudonyms, err) : rc;
    for (size_t i = 0; rc == ERR_OK && i < c->n_taken; i++) {
        put_record(&l, c->taken[i], i);
        arena_reset(&scratch);
    }
    c->result->pseudonyms = c->pseudonyms.n;
    list_what_stays(c);
    buf_release(&l.text);
    free(l.paths);
    arena_release(&scratch);
    return rc;
}
