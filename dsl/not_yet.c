#include "dsl/not_yet.h"

#include <assert.h>

static const struct {
    const char *message;
    const char *help;
} table[NOT_YET_COUNT] = {
    [NOT_YET_RELOAD] = {"`reload` in a test is not supported by this version", 0},
};

const char *not_yet_message(enum not_yet what)
{
    assert(what < NOT_YET_COUNT);
    return table[what].message;
}

const char *not_yet_help(enum not_yet what)
{
    assert(what < NOT_YET_COUNT);
    return table[what].help;
}
