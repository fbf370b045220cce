#define PCRE2_CODE_UNIT_WIDTH 8
#include "nfa/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

struct regex {
    struct slice pattern;
    const pcre2_code *code; /* in the same arena */
};

struct regex_scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static void *arena_malloc(PCRE2_SIZE bytes, void *arena)
{
    return arena_alloc(arena, bytes);
}

static void arena_free(void *ptr, void *arena)
{
    (void)ptr;
    (void)arena;
}

static pcre2_code *compile_in_arena(struct slice pattern, struct arena *arena, int *code,
                                    PCRE2_SIZE *at)
{
    pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_free, arena);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    pcre2_set_max_pattern_length(context, REGEX_MAX_PATTERN);
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    return pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.ptr : ""), pattern.len, options, code,
                         at, context);
}

const struct regex *regex_compile(struct slice pattern, struct arena *arena,
                                  char error[REGEX_ERROR_MAX], size_t *error_at)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    struct regex *re = ARENA_NEW(arena, struct regex);
    re->pattern = arena_copy(arena, pattern);
    re->code = compile_in_arena(re->pattern, arena, &code, &at);
    if (re->code) {
        return re;
    }
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)error, REGEX_ERROR_MAX) < 0) {
        snprintf(error, REGEX_ERROR_MAX, "bad regular expression");
    }
    *error_at = at <= pattern.len ? at : pattern.len;
    return NULL;
}

struct slice regex_pattern(const struct regex *re)
{
    return re->pattern;
}

static struct regex_scratch *scratch_new(void)
{
    struct regex_scratch *s = xcalloc(1, sizeof(*s));
    s->data = pcre2_match_data_create(1, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->data || !s->context) {
        xalloc_die(sizeof(*s));
    }
    pcre2_set_depth_limit(s->context, REGEX_DEPTH_LIMIT);
    pcre2_set_heap_limit(s->context, REGEX_HEAP_LIMIT_KIB);
    return s;
}

/* PCRE2 counts its steps anew at each start in the text, so the allowance shrinks with length. */
static uint32_t step_limit(size_t text_bytes)
{
    uint64_t limit = REGEX_MAX_STEPS / ((uint64_t)text_bytes + 1);
    if (limit > REGEX_MAX_STEPS_PER_START) {
        limit = REGEX_MAX_STEPS_PER_START;
    }
    return limit < REGEX_MIN_STEPS_PER_START ? REGEX_MIN_STEPS_PER_START : (uint32_t)limit;
}

enum regex_result regex_search(const struct regex *re, struct slice text,
                               struct regex_scratch **scratch)
{
    if (!*scratch) {
        *scratch = scratch_new();
    }
    pcre2_set_match_limit((*scratch)->context, step_limit(text.len));
    int rc = pcre2_match(re->code, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0, 0,
                         (*scratch)->data, (*scratch)->context);
    if (rc >= 0) {
        return REGEX_YES;
    }
    return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMIT;
}

void regex_scratch_free(struct regex_scratch *scratch)
{
    if (scratch) {
        pcre2_match_data_free(scratch->data);
        pcre2_match_context_free(scratch->context);
        free(scratch);
    }
}
