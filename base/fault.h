/* Fault points: where a test lets the process die. A run that is given no fault pays one test; a build without
 * FYKE_FAULT_POINTS has none, not even their names.
 * `want` is "name" or "name:n": SIGKILL at the n-th time that the point is reached; "name:n:stop":
 * SIGSTOP, and the process goes on from there when somebody wakes it up. */
#ifndef FYKE_BASE_FAULT_H
#define FYKE_BASE_FAULT_H

#include <stdint.h>

struct fault {
    const char *want; /* NULL: none */
    uint64_t seen;
};

/* `f` may be NULL. */
#ifdef FYKE_FAULT_POINTS
void fault_point(struct fault *f, const char *name);
#else
#define fault_point(f, name) ((void)(f), (void)sizeof(name)) /* uses what it is given, evaluates no name */
#endif

#endif
