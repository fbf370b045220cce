/* Results of tests as JUnit XML, for continuous integration. */
#ifndef FYKE_CLI_JUNIT_H
#define FYKE_CLI_JUNIT_H

#include <stdbool.h>

#include "base/buf.h"

struct junit {
    struct buf cases;
    unsigned tests, failures;
};

/* `details`: what a failed test has to say. */
void junit_add(struct junit *j, struct slice rule, struct slice title, bool ok,
               struct slice details);
/* False after an error on stderr. */
bool junit_write(struct junit *j, const char *path);
void junit_release(struct junit *j);

#endif
