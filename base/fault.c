#include "base/fault.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    unsigned long long nth = want[n] == ':' ? strtoull(want + n + 1, NULL, 10) : 1;
    if (__atomic_add_fetch(&f->seen, 1, __ATOMIC_RELAXED) >= nth) { /* any thread may come by */
        kill(getpid(), SIGKILL);
    }
}
