#include "base/fault.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef FYKE_FAULT_POINTS

void fault_point(struct fault *f, const char *name)
{
    if (f == NULL || f->want == NULL) {
        return;
    }
    size_t n = strlen(name);
    const char *want = f->want;
    if (strncmp(want, name, n) != 0 || (want[n] != '\0' && want[n] != ':')) {
        return;
    }
    char *end = NULL;
    unsigned long long nth = want[n] == ':' ? strtoull(want + n + 1, &end, 10) : 1;
    uint64_t seen = __atomic_add_fetch(&f->seen, 1, __ATOMIC_RELAXED); /* any thread may come by */
    if (end != NULL && strcmp(end, ":stop") == 0) {
        if (seen == nth) {
            kill(getpid(), SIGSTOP);
        }
    } else if (seen >= nth) {
        kill(getpid(), SIGKILL);
    }
}

#endif
