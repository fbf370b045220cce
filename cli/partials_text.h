/* What a running process says of a key, for people. */
#ifndef FYKE_CLI_PARTIALS_TEXT_H
#define FYKE_CLI_PARTIALS_TEXT_H

#include "lib/json_view.h"

struct partials_text {
    bool color;
    struct buf open; /* parts of the rule whose standing comes next */
    uint64_t n_open;
};

/* `rule` may be NULL. */
void partials_request(const char *rule, struct slice key, struct buf *out);
/* A line of the answer: parts come in front of the standing of their rule. */
void partials_text_line(struct partials_text *t, struct json_span root, struct buf *out);

#endif
