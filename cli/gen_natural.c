/* Ordinary life: sessions by local time, purchases, orders, flights. Built so that it seldom looks
 * like fraud, yet not never: somebody leaves a basket, somebody travels with a proxy. */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "cli/gen_emit.h"
#include "cli/gen_scene.h"

/* Chances of a session by local hour, weekday and weekend. */
static const unsigned char rhythm[2][24] = {
    {2, 1, 1, 1, 1, 3, 9, 20, 30, 28, 24, 24, 30, 26, 22, 22, 24, 28, 32, 34, 32, 26, 14, 6},
    {6, 4, 2, 1, 1, 1, 3, 7, 14, 24, 32, 36, 36, 34, 32, 30, 28, 28, 30, 32, 32, 28, 18, 10}};

#define SESSION_GAP (25 * GEN_MINUTE) /* two places of one day are minutes apart, not seconds */
#define SESSIONS_PER_DAY 6

struct trip {
    bool on;
    struct gen_place place;
    struct gen_quiet_time away; /* from leaving home to being home again, flights included */
    struct gen_quiet_time there;
};

struct life {
    struct gen_scene *scene;
    struct gen_user user;
    struct rng rng;
    struct trip trip;
    struct gen_quiet_time quiet;
    int64_t now_ms; /* of the session at hand */
    struct gen_place place;
    char ip[20];
    const char *device;
};

static bool is_weekend(int64_t local_ms)
{
    int64_t day = local_ms / GEN_DAY;
    int64_t weekday = (day + 3) % 7; /* 0 = Monday; day 0, in 1970, was a Thursday */
    return weekday >= 5;
}

static int64_t draw_time(struct life *l, int64_t local_midnight_ms)
{
    const unsigned char *hours = rhythm[is_weekend(local_midnight_ms)];
    unsigned total = 0;
    for (size_t h = 0; h < 24; h++) {
        total += hours[h];
    }
    uint64_t at = rng_below(&l->rng, total);
    int64_t hour = 0;
    while (at >= hours[hour]) {
        at -= hours[hour++];
    }
    return local_midnight_ms + hour * GEN_HOUR + rng_range(&l->rng, 0, GEN_HOUR - 1) -
           l->user.home.city->utc_hours * GEN_HOUR;
}

/* One in thirty flies somewhere and back, slower than an airliner with its airports. */
static void plan_trip(struct life *l)
{
    struct gen_scene *s = l->scene;
    if (l->user.index < s->n_quiet || s->days < 2 || !gen_chance(&l->rng, 33)) {
        return;
    }
    const struct gen_city *city = &gen_cities[rng_below(&l->rng, GEN_CITIES)];
    l->trip.place = gen_place_near(&l->rng, city, 50000);
    int64_t km = (int64_t)gen_distance_km(&l->user.home, &l->trip.place);
    int64_t flight = 90 * GEN_MINUTE + km * GEN_HOUR / 750;
    int64_t leave = rng_range(&l->rng, s->start_ms, s->end_ms - GEN_DAY);
    int64_t stay = rng_range(&l->rng, 8 * GEN_HOUR, 40 * GEN_HOUR);
    l->trip.there = (struct gen_quiet_time){leave + flight, leave + flight + stay};
    l->trip.away = (struct gen_quiet_time){leave, leave + 2 * flight + stay};
    l->trip.on = true;
}

static bool within(int64_t t, const struct gen_quiet_time *q)
{
    return t >= q->from_ms && t <= q->to_ms;
}

/* Sets place, address and device of the session; false: the user is in the air, asleep for an
 * episode's sake, or outside the days asked for. A session lasts less than its gap. */
static bool settle(struct life *l, int64_t at_ms)
{
    const struct gen_scene *s = l->scene;
    struct gen_quiet_time margin = {at_ms - GEN_HOUR, at_ms + GEN_HOUR};
    if (at_ms < s->start_ms || at_ms >= s->end_ms || within(at_ms, &l->quiet)) {
        return false;
    }
    bool away = l->trip.on && margin.to_ms >= l->trip.away.from_ms && at_ms <= l->trip.away.to_ms;
    if (away && !(within(at_ms, &l->trip.there) && within(margin.to_ms, &l->trip.there))) {
        return false;
    }
    l->now_ms = at_ms;
    l->device = l->user.devices[rng_below(&l->rng, l->user.n_devices)];
    int64_t local = at_ms + l->user.home.city->utc_hours * GEN_HOUR;
    int64_t hour = local % GEN_DAY / GEN_HOUR;
    bool office = !away && l->user.works_in_office && !is_weekend(local) && hour >= 9 && hour < 17;
    l->place = away ? l->trip.place : office ? l->user.office : l->user.home;
    if (office) {
        memcpy(l->ip, l->user.ip_office, sizeof(l->ip));
    } else {
        gen_user_ip(&l->user, l->place.city, away || gen_chance(&l->rng, 300), l->ip);
    }
    return true;
}

static void login(struct life *l, bool success, const struct gen_place *place)
{
    gen_put_login(l->scene->log, &(struct gen_login){.at_ms = l->now_ms,
                                                     .user = l->user.id,
                                                     .ip = l->ip,
                                                     .device = l->device,
                                                     .place = place,
                                                     .success = success});
}

/* Typing errors, then usually the right password. Returns whether the user got in. */
static bool log_in(struct life *l)
{
    const struct gen_place *place = gen_chance(&l->rng, 8) ? NULL : &l->place;
    unsigned errors = 0;
    if (gen_chance(&l->rng, 80)) {
        errors = gen_chance(&l->rng, 700) ? 1 : gen_chance(&l->rng, 700) ? 2 : 4;
    }
    /* The forgetful traveller: locked out of the hotel's network, in through a proxy at home. */
    bool proxy = l->place.city == l->trip.place.city && l->trip.on && gen_chance(&l->rng, 2);
    errors = proxy ? 3 : errors;
    for (unsigned i = 0; i < errors; i++) {
        login(l, false, place);
        l->now_ms += rng_range(&l->rng, 4 * GEN_SECOND, 35 * GEN_SECOND);
    }
    if (errors == 4 && gen_chance(&l->rng, 500)) {
        return false;
    }
    login(l, true, proxy ? &l->user.home : place);
    return true;
}

static void account(struct life *l, const char *action, int64_t cents, bool new_device)
{
    bool payee = cents != 0 || strcmp(action, "payee_added") == 0;
    l->now_ms += rng_range(&l->rng, 8 * GEN_SECOND, 90 * GEN_SECOND);
    gen_put_account(l->scene->log, &(struct gen_account){.at_ms = l->now_ms,
                                                         .user = l->user.id,
                                                         .action = action,
                                                         .device = l->device,
                                                         .ip = l->ip,
                                                         .payee = payee ? "acc-known" : NULL,
                                                         .cents = cents,
                                                         .new_device = new_device});
}

/* Whoever resets a password or adds a payee is asked for the second factor. */
static void bank(struct life *l)
{
    bool reset = gen_chance(&l->rng, 40);
    bool new_device = gen_chance(&l->rng, 25);
    if (reset) {
        account(l, "password_reset", 0, false);
        account(l, "mfa_ok", 0, false);
    }
    account(l, "login", 0, new_device);
    if (new_device && !reset) {
        account(l, "mfa_ok", 0, false);
    }
    if (gen_chance(&l->rng, 120)) {
        account(l, "payee_added", 0, false);
        account(l, "mfa_ok", 0, false);
    }
    if (gen_chance(&l->rng, 600)) {
        account(l, "transfer", rng_range(&l->rng, 1000, gen_chance(&l->rng, 100) ? 300000 : 60000),
                false);
    }
}

static void pay(struct life *l, const struct gen_merchant *m, int64_t cents, bool declined)
{
    gen_put_payment(l->scene->log, &(struct gen_payment){
                                       .at_ms = l->now_ms,
                                       .card = l->user.cards[rng_below(&l->rng, l->user.n_cards)],
                                       .user = l->user.id,
                                       .cents = cents,
                                       .merchant = m,
                                       .country = l->place.city->country,
                                       .declined = declined});
}

/* Most purchases are small for their shop: the least of two draws. */
static int64_t price(struct life *l, const struct gen_merchant *m)
{
    int64_t a = rng_range(&l->rng, m->min_cents, m->max_cents);
    int64_t b = rng_range(&l->rng, m->min_cents, m->max_cents);
    return a < b ? a : b;
}

static void order(struct life *l)
{
    static const char *const methods[] = {"card", "transfer", "wallet"};
    const struct gen_merchant *m = gen_merchant_pick(&l->rng, true);
    char id[24];
    gen_scene_order_id(l->scene, id);
    l->now_ms += rng_range(&l->rng, 30 * GEN_SECOND, 6 * GEN_MINUTE);
    int64_t cents = price(l, m);
    gen_put_order(l->scene->log, l->now_ms, id, l->user.id, cents);
    if (rng_below(&l->rng, 5000) == 0) {
        return;
    }
    bool slow = gen_chance(&l->rng, 30);
    l->now_ms += slow ? rng_range(&l->rng, 6 * GEN_MINUTE, 9 * GEN_MINUTE + 50 * GEN_SECOND)
                      : rng_range(&l->rng, 8 * GEN_SECOND, 3 * GEN_MINUTE);
    const char *method = methods[rng_below(&l->rng, FYKE_ARRAY_LEN(methods))];
    gen_put_paid(l->scene->log, l->now_ms, id, method);
    if (method[0] == 'c') {
        pay(l, m, cents, false);
    }
}

static void shop(struct life *l)
{
    const struct gen_merchant *m = gen_merchant_pick(&l->rng, false);
    /* A machine that takes one coin's worth at a time. */
    int64_t n = strcmp(m->category, "vending") == 0 ? rng_range(&l->rng, 1, 4) : 1;
    for (int64_t i = 0; i < n; i++) {
        int64_t cents = price(l, m);
        if (gen_chance(&l->rng, 25)) {
            pay(l, m, cents, true);
            l->now_ms += rng_range(&l->rng, 10 * GEN_SECOND, 40 * GEN_SECOND);
        }
        pay(l, m, gen_chance(&l->rng, 4) ? -cents : cents, false);
        l->now_ms += rng_range(&l->rng, 20 * GEN_SECOND, 90 * GEN_SECOND);
    }
}

static void session(struct life *l)
{
    if (gen_chance(&l->rng, 480)) {
        shop(l);
        return;
    }
    if (!log_in(l)) {
        return;
    }
    if (gen_chance(&l->rng, 300)) {
        order(l);
    } else if (gen_chance(&l->rng, 160)) {
        bank(l);
    }
}

static int time_cmp(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void live_day(struct life *l, int day, int64_t *last_ms)
{
    int64_t times[SESSIONS_PER_DAY];
    size_t n = (size_t)rng_below(&l->rng, SESSIONS_PER_DAY + 1);
    int64_t midnight = l->scene->start_ms / GEN_DAY * GEN_DAY + day * GEN_DAY;
    for (size_t i = 0; i < n; i++) {
        times[i] = draw_time(l, midnight);
    }
    qsort(times, n, sizeof(times[0]), time_cmp);
    for (size_t i = 0; i < n; i++) {
        if (times[i] >= *last_ms + SESSION_GAP && settle(l, times[i])) {
            *last_ms = times[i];
            session(l);
        }
    }
}

static void live(struct gen_scene *s, uint64_t index)
{
    struct life l = {.scene = s, .quiet = {INT64_MAX, INT64_MIN}};
    gen_user_make(s->seed, index, &l.user);
    l.rng = gen_stream(s->seed, "life", index);
    if (index < s->n_quiet) {
        l.quiet = s->quiet[index];
    }
    plan_trip(&l);
    int64_t last_ms = s->start_ms - GEN_DAY;
    for (int day = 0; day <= s->days; day++) {
        live_day(&l, day, &last_ms);
    }
}

/* One paid order at the very end: the watermark of the topic passes every planted deadline. */
static void last_order(struct gen_scene *s)
{
    char id[24];
    struct gen_user u;
    gen_user_make(s->seed, s->n_quiet, &u);
    gen_scene_order_id(s, id);
    gen_put_order(s->log, s->end_ms - GEN_MINUTE, id, u.id, 1999);
    gen_put_paid(s->log, s->end_ms - GEN_SECOND, id, "card");
}

void gen_natural(struct gen_scene *s)
{
    last_order(s);
    for (uint64_t index = 0; s->log->n_events < s->events; index++) {
        live(s, index);
    }
}
