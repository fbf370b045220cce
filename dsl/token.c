#include "dsl/token.h"

#include "base/attr.h"

static const struct dsl_word words[] = {
#define DSL_WORD(text, token, reserved) {text, TK_##token, reserved},
#include "dsl/words.def"
#undef DSL_WORD
};

const struct dsl_word *dsl_words(uint32_t *n)
{
    *n = FYKE_ARRAY_LEN(words);
    return words;
}

const struct dsl_word *dsl_word_find(struct slice text)
{
    size_t lo = 0;
    size_t hi = FYKE_ARRAY_LEN(words);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = slice_cmp(text, slice_of(words[mid].text));
        if (c == 0) {
            return &words[mid];
        }
        if (c < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

struct token_name {
    int kind;
    const char *display;
    const char *plain;
};

static const struct token_name names[] = {
    {TK_EOF, "end of file", "end of file"},
    {TK_ID, "a name", "a name"},
    {TK_INT, "a number", "a number"},
    {TK_DEC, "a decimal number", "a decimal number"},
    {TK_FLOAT, "a floating-point number", "a floating-point number"},
    {TK_PERCENT, "a percentage", "a percentage"},
    {TK_STRING, "a string", "a string"},
    {TK_DUR, "a duration", "a duration"},
    {TK_TSTAMP, "a timestamp", "a timestamp"},
    {TK_IP, "an address", "an address"},
    {TK_CIDR, "a network", "a network"},
    {TK_XN, "`x3`", "x3"},
    {TK_IN_A_ROW, "`in a row`", "in a row"},
    {TK_LBRACE, "`{`", "{"},
    {TK_RBRACE, "`}`", "}"},
    {TK_LPAREN, "`(`", "("},
    {TK_RPAREN, "`)`", ")"},
    {TK_LBRACKET, "`[`", "["},
    {TK_RBRACKET, "`]`", "]"},
    {TK_COMMA, "`,`", ","},
    {TK_COLON, "`:`", ":"},
    {TK_DOT, "`.`", "."},
    {TK_EQ, "`=`", "="},
    {TK_NE, "`!=`", "!="},
    {TK_LT, "`<`", "<"},
    {TK_LE, "`<=`", "<="},
    {TK_GT, "`>`", ">"},
    {TK_GE, "`>=`", ">="},
    {TK_PLUS, "`+`", "+"},
    {TK_MINUS, "`-`", "-"},
    {TK_STAR, "`*`", "*"},
    {TK_SLASH, "`/`", "/"},
    {TK_TILDE, "`~`", "~"},
#define DSL_WORD(text, token, reserved) {TK_##token, "`" text "`", text},
#include "dsl/words.def"
#undef DSL_WORD
};

static const struct token_name *name_of(int kind)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(names); i++) {
        if (names[i].kind == kind) {
            return &names[i];
        }
    }
    return &names[0];
}

const char *token_display(int kind)
{
    return name_of(kind)->display;
}

const char *token_plain(int kind)
{
    return name_of(kind)->plain;
}
