#include "dsl/syntax_slip.h"

#include <string.h>

#include "base/attr.h"

/* Where the parser stood. */
enum place {
    AT_DECL,    /* a declaration begins */
    AT_HEAD,    /* `when` has not come yet */
    AT_STEP,    /* a step begins */
    AFTER_STEP, /* a step may end */
    AFTER_TERM, /* inside a condition, behind an operand */
    AT_TERM,    /* an operand begins */
    AT_STMT,    /* a statement of a test begins */
    AT_EXPECT,  /* behind `expect` */
    AFTER_IS,   /* behind `is` */
    N_PLACES
};

struct slip {
    enum place place;
    const char *words; /* lower case, a blank before and behind each */
    const char *help;
};

#define A_RULE "write `rule NAME { for each KEY  when PATTERN  emit alert { … } }`"
#define TOTAL                                                                                      \
    "total window: `for each KEY within 5m` before `when`; limit between two steps: "              \
    "`then within 5m B`"
#define OUTPUT "write `emit alert { … }` or `emit event Name { … }`"
#define CONDITION "conditions stand behind `where`: `A where x = 1`"

static const struct slip here[] = {
    {AT_DECL, " select sequence sample pattern title logsource detection alert when with on every ",
     A_RULE},
    {AT_DECL, " create type schema stream table struct class record source topic ",
     "write `event NAME from topic \"…\" { field : type }`"},
    {AT_DECL, " var val def define set static ", "write `const NAME = VALUE`"},
    {AT_DECL, " include use require load using ", "write `import \"file.rules\"`"},
    {AT_DECL, " and or , ",
     "conditions stand behind `where`: `let F = A where x = 1`; several sources: "
     "`any of (A, B)`"},
    {AT_DECL, " out idle watermark ", "write it inside the braces of the event"},
    {AT_HEAD, " by group partition keyed keyby per foreach partitionby groupby ",
     "write `for each KEY`"},
    {AT_HEAD, " timeframe window maxspan timespan span ", "write `for each KEY within 5m`"},
    {AT_HEAD, " condition detection pattern match match_recognize if select from sequence every ",
     "write `when PATTERN`"},
    {AT_HEAD, " level priority risk ", "write `severity high`"},
    {AT_HEAD, " author ", "write `owner \"…\"`"},
    {AT_HEAD, " id name uuid ", "a rule is known by its name; a text for people: `title \"…\"`"},
    {AT_STEP, " [ ", "a step stands without brackets: `A where x = 1`"},
    {AT_STEP, " not ! ", "an absence is written `no B`: `A then no B then C`"},
    {AT_STEP, " more greater over ", "more than 3: write `4 or more A`"},
    {AT_STEP, " between ", "write `3 to 5 A`"},
    {AFTER_STEP, " followedby followed precedes leadsto before ", "write `A then B`"},
    {AFTER_STEP, " next ", "write `A then next B`"},
    {AFTER_STEP, " maxspan timeframe window during over in ", TOTAL},
    {AFTER_STEP, " unless except but ", "write `without B` behind the pattern, or `then no B`"},
    {AFTER_STEP, " if with [ ", CONDITION},
    {AFTER_STEP, " consecutive consecutively strict contiguous ", "write `3 A in a row`"},
    {AFTER_STEP, " times { ", "write `3 A`, `2 to 5 A` or `3 or more A`"},
    {AFTER_STEP, " + ", "write `1 or more A`"},
    {AFTER_STEP, " * ", "none or more: write `optional 1 or more A`"},
    {AFTER_STEP, " ? ", "write `optional A`"},
    {AFTER_STEP, " = : ", "a step's name stands behind it: `A as a`"},
    {AFTER_STEP, " . ", "steps are joined by `then`, conditions stand behind `where`"},
    {AFTER_STEP, " select return output do action insert alert raise print log trigger ", OUTPUT},
    {AFTER_STEP, " throttle suppress cooldown mute debounce ", "write `quiet for 30m`"},
    {AFTER_TERM, " equals equal eq ", "write `x = 1`"},
    {AFTER_TERM, " has includes icontains ",
     "write `x contains \"…\"`; `x contains ~ \"…\"` ignores case"},
    {AFTER_TERM, " startswith starts_with beginswith ", "write `x starts with \"…\"`"},
    {AFTER_TERM, " endswith ends_with ", "write `x ends with \"…\"`"},
    {AFTER_TERM, " greater more gt above ", "write `x > 1`"},
    {AFTER_TERM, " less fewer lt below ", "write `x < 1`"},
    {AFTER_TERM, " ilike ", "write `x ~ \"*a*\"`, which ignores case"},
    {AFTER_TERM, " rlike regexp regex similar ", "write `x matches r\"…\"`"},
    {AFTER_TERM, " : ", "write `x = \"…\"`; `x ~ \"*.exe\"` for wildcards"},
    {AFTER_TERM, " ? ", "write `if c then a else b`; an optional field: `x is present`"},
    {AFTER_TERM, " not ", "write `x != 1`"},
    {AT_TERM, " ~ ", "write `x matches r\"…\"`, or `x ~ \"*.exe\"` for wildcards"},
    {AT_TERM, " / ", "a regular expression is a string: `x matches r\"…\"`"},
    {AT_TERM, " { ", "a list has parentheses: `x in (1, 2)`"},
    {AT_STMT, " wait sleep advance after ", "write `at 5m EVENT { … }`, or `watermark 5m`"},
    {AT_STMT, " assert check ", "write `expect 1 match` or `expect no match`"},
    {AT_STMT, " send push input event ", "write `at 0s EVENT { … }`"},
    {AT_EXPECT, " none nothing zero false ", "write `expect no match`"},
    {AT_EXPECT, " alert alerts true fires event ", "write `expect 1 match`"},
    {AFTER_IS, " null none nil empty undefined ", "write `x is missing` or `x is present`"},
    {AFTER_IS, " true false ", "write `x = true`"},
};

/* By the word before a token that could begin a step. */
static const struct slip before[] = {
    {AFTER_STEP, " every ",
     "leave `every` out: each first event is tried; `after match` says more"},
    {AFTER_STEP, " eventually later afterwards ",
     "leave it out: other events may always come between `A then B`"},
    {AFTER_STEP, " never absent absence missing ", "an absence is written `then no B`"},
    {AFTER_STEP, " either oneof anyof one some ", "write `any of (A, B)`"},
    {AFTER_STEP, " allof both ", "write `all of (A, B)`"},
    {AFTER_STEP, " seq sequence pattern sample ", "write `A then B`; the key: `for each KEY`"},
    {AFTER_STEP, " count ", "write `3 or more A`"},
    {AFTER_STEP, " consecutive ", "write `3 A in a row`"},
};

static bool word_matches(const char *word, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (word[i] != (c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c)) {
            return false;
        }
    }
    return word[text.len] == ' ';
}

static bool has_word(const char *words, struct slice text)
{
    if (text.len == 0 || memchr(text.ptr, ' ', text.len)) {
        return false;
    }
    for (const char *at = words; *at; at++) {
        if (*at == ' ' && word_matches(at + 1, text)) {
            return true;
        }
    }
    return false;
}

static enum place place_of(const struct site *s)
{
    const bool *e = s->expected;
    bool step_ends = e[TK_THEN] && !e[TK_ASSUME];
    if (e[TK_MISSING] && e[TK_PRESENT]) {
        return AFTER_IS;
    }
    if (e[TK_IMPORT] && e[TK_PROFILE]) {
        return AT_DECL;
    }
    if (e[TK_AND] && e[TK_LIKE]) {
        return AFTER_TERM;
    }
    if (e[TK_STRING] && e[TK_LBRACKET] && e[TK_ID]) {
        return AT_TERM;
    }
    if (e[TK_ALL] && e[TK_INT] && e[TK_LPAREN]) {
        return AT_STEP;
    }
    if (e[TK_WHEN]) {
        return AT_HEAD;
    }
    if (e[TK_GIVEN] && e[TK_EXPECT]) {
        return AT_STMT;
    }
    if (e[TK_MATCHES] && e[TK_TIMEOUT]) {
        return AT_EXPECT;
    }
    return step_ends ? AFTER_STEP : N_PLACES;
}

static const char *find(const struct slip *table, size_t n, enum place place, struct slice text)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].place == place && has_word(table[i].words, text)) {
            return table[i].help;
        }
    }
    return NULL;
}

/* `A(x = 1)`, `count(*)`, `x = 1, y = 2`, `any (A, B)`, `all of them`, `A then B after 5m`. */
static const char *by_neighbours(const struct site *s, enum place place)
{
    const struct token *t = site_token(s, 0);
    const struct token *prev = site_token(s, -1);
    if (place == AFTER_STEP && t->kind == TK_LPAREN && prev->kind == TK_ID &&
        prev->end == t->start) {
        const char *known =
            find(before, FYKE_ARRAY_LEN(before), place, token_text(s->P->tokens, prev));
        return known ? known : CONDITION;
    }
    if (place == AT_TERM && t->kind == TK_STAR && prev->kind == TK_LPAREN) {
        return "write `count(x)` with the name of the step: `3 or more A as x`";
    }
    if (t->kind == TK_COMMA && s->expected[TK_AND]) {
        return "conditions are joined by `and`; a list has parentheses: `x in (1, 2)`";
    }
    bool choice = prev->kind == TK_ANY || prev->kind == TK_ALL || prev->kind == TK_OF;
    if (choice && (s->expected[TK_OF] || s->expected[TK_LPAREN])) {
        return "write `any of (A, B)` or `all of (A, B)`";
    }
    if (prev->kind == TK_AFTER && s->expected[TK_MATCH]) {
        return "a pause stands behind `then`: `A then after 5m B`";
    }
    if (place == N_PLACES && s->expected[TK_TO] &&
        slice_eq_str(token_text(s->P->tokens, t), "->")) {
        return "write `lookup NAME : string to string`";
    }
    return NULL;
}

const char *syntax_slip(const struct site *s)
{
    enum place place = place_of(s);
    struct slice text = token_text(s->P->tokens, site_token(s, 0));
    const char *help = by_neighbours(s, place);
    if (!help) {
        help = find(here, FYKE_ARRAY_LEN(here), place, text);
    }
    if (!help && s->at > s->first) {
        help = find(before, FYKE_ARRAY_LEN(before), place,
                    token_text(s->P->tokens, site_token(s, -1)));
    }
    return help;
}
