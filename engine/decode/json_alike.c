/* The scan of texts that look like those before. It goes from string to string: what stands between
 * two of them is compared with what stood there before. Everything a JSON text can have is walked
 * here, but nothing is explained: what is not right is left to json_scan_run(). */
#include "engine/decode/json_run.h"
#include "engine/decode/json_scan.h"
#include "engine/decode/json_shape.h"
#include "engine/decode/json_stops.h"

struct walk {
    const unsigned char *at;
    const uint64_t *stops; /* NULL: none */
    struct json_scan *s;
    struct json_shape *shape;
    struct json_link *last;
    uint32_t node;   /* of the value that comes; JSON_NO_NODE: nobody asks for it */
    uint32_t parent; /* the innermost container's */
    bool in_object;  /* it is an object */
    bool in_string;  /* the value's opening quote has been passed */
};

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Where the plain text from `p` on ends; `begin`: of what is scanned. */
static ALWAYS_INLINE const unsigned char *plain_end(const unsigned char *begin,
                                                    const uint64_t *stops, const unsigned char *p,
                                                    bool vectors)
{
    return vectors ? begin + json_stop_from(stops, (size_t)(p - begin))
                   : p + json_plain_run_portable(p);
}

static ALWAYS_INLINE bool link_matches(const struct json_link *l, uint32_t parent,
                                      const unsigned char *p, bool vectors)
{
    return vectors ? json_link_matches_sse2(l, parent, p)
                   : json_link_matches_portable(l, parent, p);
}

static ALWAYS_INLINE bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static ALWAYS_INLINE const unsigned char *skip_blanks(const unsigned char *p)
{
    while (is_blank(*p)) {
        p++;
    }
    return p;
}

/* A key that stands here for the first time, or that did not come here lately. */
static __attribute__((noinline)) bool search_key(struct walk *w)
{
    const unsigned char *begin = w->at, *key = begin + 1;
    if (*begin != '"') {
        return false;
    }
    struct json_scan *s = w->s;
    const unsigned char *p = key + json_plain_run_sse2(key);
    bool plain = *p == '"';
    s->escaped = false;
    p = plain ? p + 1 : json_scan_string_rest(s, p);
    if (p == NULL) {
        return false;
    }
    struct json_span name = {.ptr = (const char *)key, .len = (uint32_t)(p - key - 1),
                             .kind = JSON_STRING, .escaped = s->escaped};
    w->node = json_scan_member(s, name);
    p = skip_blanks(p);
    if (*p != ':') {
        return false;
    }
    p = skip_blanks(p + 1);
    w->in_string = *p == '"';
    w->at = p + w->in_string;
    size_t len = (size_t)(w->at - begin);
    if (plain && len <= JSON_LINK_BYTES) {
        w->last = json_shape_learn(w->shape, w->last, begin, len, w->parent, w->node, w->in_string);
    }
    return true;
}

static ALWAYS_INLINE void put_span(struct json_span *found, uint32_t node,
                                   const unsigned char *begin, const unsigned char *end,
                                   enum json_kind kind, bool escaped)
{
    if (node != JSON_NO_NODE) {
        found[node] = (struct json_span){.ptr = (const char *)begin, .len = (uint32_t)(end - begin),
                                         .kind = (uint8_t)kind, .escaped = escaped};
    }
}

/* `w->at` is behind the opening quote. */
static bool take_string(struct walk *w, bool vectors)
{
    const unsigned char *text = w->at;
    const unsigned char *end = plain_end(w->s->begin, w->stops, text, vectors);
    bool escaped = false;
    if (FYKE_LIKELY(*end == '"')) {
        w->at = end + 1;
    } else {
        w->s->escaped = false;
        w->at = json_scan_string_rest(w->s, end);
        if (w->at == NULL) {
            return false;
        }
        end = w->at - 1;
        escaped = w->s->escaped;
    }
    put_span(w->s->found, w->node, text, end, JSON_STRING, escaped);
    return true;
}

/* What is behind the number, truth value or null at `p`; NULL: it is none. */
static ALWAYS_INLINE const unsigned char *scalar_end(const unsigned char *p, bool vectors,
                                                     enum json_kind *kind)
{
    const unsigned char *end;
    bool real;
    switch (*p) {
    case 't': *kind = JSON_TRUE; return memcmp(p, "true", 4) == 0 ? p + 4 : NULL;
    case 'f': *kind = JSON_FALSE; return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
    case 'n': *kind = JSON_NULL; return memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
    default:
        end = vectors ? json_number_end_sse2(p, &real) : json_number_end_portable(p, &real);
        *kind = end && real ? JSON_REAL : JSON_INT;
        return end;
    }
}

static ALWAYS_INLINE bool take_scalar(struct walk *w, bool vectors)
{
    enum json_kind kind;
    const unsigned char *end = scalar_end(w->at, vectors, &kind);
    if (end == NULL) {
        return false;
    }
    put_span(w->s->found, w->node, w->at, end, kind, false);
    w->at = end;
    return true;
}

/* Where the string behind a link ends. Most are as long as those before: then the length comes from the link
 * and is only compared with the stops, so that what follows need not wait for them. */
static ALWAYS_INLINE const unsigned char *string_end(struct json_link *l,
                                                     const unsigned char *begin,
                                                     const uint64_t *stops,
                                                     const unsigned char *text)
{
    size_t at = (size_t)(text - begin);
    if (l->alike == JSON_ALIKE) {
        if (FYKE_LIKELY(json_stop_is(stops, at, l->text_len))) {
            return text + l->text_len;
        }
        l->alike = 0;
    }
    size_t len = json_stop_from(stops, at) - at;
    if (l->text_len == len) {
        l->alike++;
    } else {
        l->alike = 0;
        l->text_len = len <= JSON_STOP_SEEN ? (uint8_t)len : 0;
    }
    return text + len;
}

/* The link that stands at a key, of the two that stood there last; NULL: neither. */
static ALWAYS_INLINE struct json_link *link_at(const struct json_link *last, uint32_t parent,
                                               const unsigned char *at, bool vectors)
{
    struct json_link *l = last->next[0];
    if (FYKE_LIKELY(link_matches(l, parent, at, vectors))) {
        return l;
    }
    l = last->next[1];
    return link_matches(l, parent, at, vectors) ? l : NULL;
}

/* Keeps a value, unless its key came before. */
static ALWAYS_INLINE bool put_first(struct json_span *found, uint32_t node,
                                    const unsigned char *begin, const unsigned char *end,
                                    enum json_kind kind)
{
    if (node == JSON_NO_NODE) {
        return true;
    }
    if (FYKE_UNLIKELY(found[node].kind != JSON_NONE)) {
        return false;
    }
    put_span(found, node, begin, end, kind, false);
    return true;
}

/* The members of an object that come as they came before, with text without escapes or scalars for values:
 * all that most records are made of. What the loop goes by stands in no memory, so a step costs what it takes
 * to find the end of a value. True: it stopped behind a value; else before a key. */
static ALWAYS_INLINE bool take_members(struct walk *w, bool vectors)
{
    struct json_span *const found = w->s->found;
    const uint32_t parent = w->parent;
    const uint64_t *const stops = w->stops;
    const unsigned char *const begin = w->s->begin;
    const unsigned char *at = w->at;
    struct json_link *last = w->last, *l;
    bool behind_value = false;
    while ((l = link_at(last, parent, at, vectors)) != NULL) {
        const unsigned char *value = at + l->len, *end;
        if (l->opens_string) {
            end = vectors ? string_end(l, begin, stops, value)
                          : value + json_plain_run_portable(value);
            if (FYKE_UNLIKELY(*end != '"') ||
                !put_first(found, l->node, value, end, JSON_STRING)) {
                break;
            }
            end++;
        } else {
            enum json_kind kind;
            end = scalar_end(value, vectors, &kind);
            if (FYKE_UNLIKELY(end == NULL) || !put_first(found, l->node, value, end, kind)) {
                break;
            }
        }
        last = l;
        at = end + 1;
        if (FYKE_LIKELY(memcmp(end, ",\"", 2) == 0)) {
            continue;
        }
        if (*end != ',') {
            at = end;
            behind_value = true;
            break;
        }
        at = skip_blanks(at);
    }
    w->at = at;
    w->last = last;
    return behind_value;
}

static bool open_container(struct walk *w)
{
    struct json_scan *s = w->s;
    bool is_object = *w->at == '{';
    if (s->depth == s->max_depth) {
        return false;
    }
    if (w->node != JSON_NO_NODE) {
        s->found[w->node] = (struct json_span){
            .ptr = (const char *)w->at, .kind = is_object ? JSON_OBJECT : JSON_ARRAY};
    }
    s->frames[s->depth++] = (struct json_frame){w->node, is_object};
    w->parent = w->node;
    w->in_object = is_object;
    w->at++;
    return true;
}

/* The document. */
static ALWAYS_INLINE bool open_root(struct walk *w)
{
    struct json_scan *s = w->s;
    w->at = skip_blanks(w->at);
    if (*w->at != '{' || s->max_depth == 0) {
        return false;
    }
    s->found[0] = (struct json_span){.ptr = (const char *)w->at, .kind = JSON_OBJECT};
    s->frames[0] = (struct json_frame){0, true};
    s->depth = 1;
    w->parent = 0;
    w->in_object = true;
    w->at++;
    return true;
}

static ALWAYS_INLINE void close_root(struct walk *w)
{
    w->at++;
    w->s->found[0].len = (uint32_t)((const char *)w->at - w->s->found[0].ptr);
    w->s->depth = 0;
}

/* At a closing bracket, not the document's. */
static bool close_container(struct walk *w)
{
    struct json_scan *s = w->s;
    if (*w->at != (w->in_object ? '}' : ']')) {
        return false;
    }
    w->at++;
    if (w->parent != JSON_NO_NODE) {
        struct json_span *span = &s->found[w->parent];
        span->len = (uint32_t)((const char *)w->at - span->ptr);
    }
    s->depth--;
    w->parent = s->frames[s->depth - 1].node;
    w->in_object = s->frames[s->depth - 1].is_object;
    return true;
}

/* From the quote before a key to the value. */
static bool take_key(struct walk *w)
{
    struct json_link *l = link_at(w->last, w->parent, w->at, false);
    if (l == NULL) {
        return search_key(w);
    }
    w->last = l;
    w->at += l->len;
    w->node = l->node;
    w->in_string = l->opens_string;
    if (w->node != JSON_NO_NODE && w->s->found[w->node].kind != JSON_NONE) {
        json_scan_forget(w->s, w->node);
    }
    return true;
}

enum came { CAME_VALUE, CAME_OPENING, CAME_NOTHING };

static ALWAYS_INLINE enum came take_value(struct walk *w, bool vectors)
{
    if (w->in_object) {
        w->at = skip_blanks(w->at);
        if (take_members(w, vectors)) {
            return CAME_VALUE;
        }
        if (!take_key(w)) {
            return CAME_NOTHING;
        }
    } else {
        w->node = JSON_NO_NODE;
        w->in_string = false;
    }
    if (FYKE_LIKELY(w->in_string)) {
        return take_string(w, vectors) ? CAME_VALUE : CAME_NOTHING;
    }
    w->at = skip_blanks(w->at);
    switch (*w->at) {
    case '"': w->at++; return take_string(w, vectors) ? CAME_VALUE : CAME_NOTHING;
    case '{':
    case '[': return open_container(w) ? CAME_OPENING : CAME_NOTHING;
    default: return take_scalar(w, vectors) ? CAME_VALUE : CAME_NOTHING;
    }
}

enum comes { COMES_VALUE, COMES_END, COMES_NOTHING };

/* What comes behind a value or an opening bracket; closes what closes here. */
static ALWAYS_INLINE enum comes come_on(struct walk *w, enum came came)
{
    for (;;) {
        if (FYKE_LIKELY(*w->at == ',') && came == CAME_VALUE) {
            w->at++;
            return COMES_VALUE;
        }
        w->at = skip_blanks(w->at);
        if (*w->at == '}' && w->s->depth == 1) {
            close_root(w);
            return COMES_END;
        }
        if (*w->at == '}' || *w->at == ']') {
            if (!close_container(w)) {
                return COMES_NOTHING;
            }
            came = CAME_VALUE;
        } else if (came == CAME_OPENING) {
            return COMES_VALUE;
        } else if (*w->at != ',') {
            return COMES_NOTHING;
        }
    }
}

static ALWAYS_INLINE bool walk_document(struct walk *w, bool vectors)
{
    enum came came = CAME_OPENING;
    if (!open_root(w)) {
        return false;
    }
    for (;;) {
        enum comes comes = come_on(w, came);
        if (comes != COMES_VALUE) {
            return comes == COMES_END && skip_blanks(w->at) == w->s->end;
        }
        came = take_value(w, vectors);
        if (came == CAME_NOTHING) {
            return false;
        }
    }
}

/* Of its own, so that there is a loop with vectors and one without. */
static __attribute__((noinline)) bool walk_portable(struct walk *w)
{
    return walk_document(w, false);
}

bool json_scan_alike(struct json_scan *s, const char *text, size_t len,
                     const struct json_paths *paths, struct json_shape *shape,
                     const uint64_t *stops, struct json_span *found)
{
    json_scan_begin(s, text, len, paths, found);
    struct walk w = {.at = s->begin, .stops = stops, .s = s, .shape = shape,
                     .last = json_shape_start(shape)};
    return stops != NULL ? walk_document(&w, true) : walk_portable(&w);
}
