/* Fault points: where a test lets the process die. A run that is given no fault pays one test.
 * `want` is "name" or "name:n": SIGKILL at the n-th time that the point is reached. */
#ifndef FYKE_BASE_FAULT_H
#define FYKE_BASE_FAULT_H

#include <stdint.h>

struct fault {
    const char *want; /* NULL: none */
    uint64_t seen;
};

/* `f` may be NULL. */
void fault_point(struct fault *f, const char *name);

#endif
