#include "cli/replay_pace.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* So soon it hears that it is to stop. */
#define NAP_NS (NS_PER_S / 10)
#define MAX_SPEED 1e12

bool replay_pace_parse(const char *text, double *ret)
{
    char *end;
    if (strcmp(text, "max") == 0) {
        *ret = 0;
        return true;
    }
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    *ret = strtod(text, &end);
    return strcmp(end, "x") == 0 && *ret > 0 && *ret <= MAX_SPEED;
}

int64_t replay_pace_left_ns(struct replay_pace *p, struct etime t, int64_t now_ns)
{
    if (!p->begun) {
        p->begun = true;
        p->first = t;
        p->begun_ns = now_ns;
    }
    double due_ns = (double)etime_diff(t, p->first).ns / p->speed;
    double left_ns = due_ns - (double)(now_ns - p->begun_ns);
    if (left_ns <= 0) {
        return 0;
    }
    return left_ns < (double)INT64_MAX / 2 ? (int64_t)left_ns : INT64_MAX / 2;
}

static int64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

void replay_pace_wait(void *ctx, struct etime t)
{
    struct replay_pace *p = ctx;
    int64_t left_ns;
    while (!*p->stop && (left_ns = replay_pace_left_ns(p, t, monotonic_ns())) > 0) {
        struct timespec nap = {.tv_nsec = left_ns < NAP_NS ? left_ns : NAP_NS};
        nanosleep(&nap, NULL);
    }
}
