#include "cli/signals.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

/* Signal handlers have nothing but process-wide memory. */
static struct signal_counts seen;
static struct {
    timer_t timer;
    bool armed; /* the timer exists */
    struct itimerspec grace;
    char *late;
    size_t late_len;
    int time_at;
} ending;

const struct signal_counts *signals_seen(void)
{
    return &seen;
}

static void begin_to_end(void)
{
    if (++seen.stop > 1) {
        _exit(CLI_INTERRUPTED);
    }
    if (ending.armed) {
        timer_settime(ending.timer, 0, &ending.grace, NULL);
    }
}

static void on_stop(int number)
{
    (void)number;
    begin_to_end();
}

/* A hang-up comes from the kernel when the terminal is gone, and from people who want a reload. */
static void on_hangup(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code == SI_KERNEL) {
        begin_to_end();
    } else {
        seen.reload++;
    }
}

static void on_report(int number)
{
    (void)number;
    seen.report++;
}

static void put_digits(char *at, int64_t n, int digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + n % 10);
        n /= 10;
    }
}

/* By hand: no function of the C library that formats may be called from a handler. */
static void put_time(char *at)
{
    struct timespec t;
    int64_t year;
    unsigned month, day;
    clock_gettime(CLOCK_REALTIME, &t);
    civil_from_days(t.tv_sec / 86400, &year, &month, &day);
    put_digits(at, year, 4);
    put_digits(at + 5, month, 2);
    put_digits(at + 8, day, 2);
    put_digits(at + 11, t.tv_sec / 3600 % 24, 2);
    put_digits(at + 14, t.tv_sec / 60 % 60, 2);
    put_digits(at + 17, t.tv_sec % 60, 2);
    put_digits(at + 20, t.tv_nsec / 1000000, 3);
}

/* What blocks may block for good: a disk that hangs, a pipe that nobody reads. */
static void on_late(int number)
{
    (void)number;
    if (ending.time_at >= 0) {
        put_time(ending.late + ending.time_at);
    }
    (void)!write(STDERR_FILENO, ending.late, ending.late_len);
    _exit(CLI_IO);
}

static void make_timer(struct duration grace)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    ending.grace.it_value.tv_sec = (time_t)(grace.ns / NS_PER_S);
    ending.grace.it_value.tv_nsec = (long)(grace.ns % NS_PER_S);
    ending.armed = timer_create(CLOCK_MONOTONIC, &event, &ending.timer) == 0;
}

static void held(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

void signals_hold(void)
{
    sigset_t set;
    held(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void signals_catch(struct duration grace, char *late, int time_at)
{
    sigset_t set;
    struct sigaction stop = {.sa_handler = on_stop};
    struct sigaction hangup = {.sa_sigaction = on_hangup, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction report = {.sa_handler = on_report, .sa_flags = SA_RESTART};
    struct sigaction too_late = {.sa_handler = on_late};
    ending.late = late;
    ending.late_len = strlen(late);
    ending.time_at = time_at;
    make_timer(grace);
    sigaction(SIGALRM, &too_late, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGHUP, &hangup, NULL);
    sigaction(SIGUSR1, &report, NULL);
    held(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_release(void)
{
    if (ending.armed) {
        timer_delete(ending.timer);
        ending.armed = false;
    }
}
