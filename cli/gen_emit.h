/* The messages of the five topics, as examples/fraud/rules/events.rules declares them. */
#ifndef FYKE_CLI_GEN_EMIT_H
#define FYKE_CLI_GEN_EMIT_H

#include "cli/gen_log.h"
#include "cli/gen_world.h"

struct gen_login {
    int64_t at_ms;
    const char *user;
    const char *ip;
    const char *device;
    const struct gen_place *place; /* NULL: the address could not be located */
    bool success;
};
void gen_put_login(struct gen_log *log, const struct gen_login *l);

struct gen_payment {
    int64_t at_ms;
    const char *card;
    const char *user;
    int64_t cents;
    const struct gen_merchant *merchant;
    const char *country;
    bool declined;
};
void gen_put_payment(struct gen_log *log, const struct gen_payment *p);

struct gen_account {
    int64_t at_ms;
    const char *user;
    const char *action;
    const char *device;
    const char *ip;
    const char *payee; /* may be NULL */
    int64_t cents;     /* 0: no amount */
    bool new_device;
};
void gen_put_account(struct gen_log *log, const struct gen_account *a);

void gen_put_order(struct gen_log *log, int64_t at_ms, const char *order_id, const char *user,
                   int64_t cents);
void gen_put_paid(struct gen_log *log, int64_t at_ms, const char *order_id, const char *method);
void gen_put_heartbeat(struct gen_log *log, int64_t at_ms, const char *host, const char *site,
                       uint64_t seq);

#endif
