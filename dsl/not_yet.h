/* What the parser accepts and this version does not carry out: refused with E0490, one message
 * per construct, in one table that is meant to shrink. */
#ifndef FYKE_DSL_NOT_YET_H
#define FYKE_DSL_NOT_YET_H

enum not_yet {
    NOT_YET_RELOAD,
    NOT_YET_COUNT
};

const char *not_yet_message(enum not_yet what);
/* What to do meanwhile, or NULL. */
const char *not_yet_help(enum not_yet what);

#endif
