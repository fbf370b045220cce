/* Episodes of examples/fraud/rules/cards.rules. Each is written as a list of payments. */
#include "cli/gen_emit.h"
#include "cli/gen_scene.h"

#define CARD_MARGIN (2 * GEN_HOUR)
#define MAX_PAYMENTS 12

struct script {
    int64_t at_ms[MAX_PAYMENTS]; /* from the start of the episode */
    int64_t cents[MAX_PAYMENTS];
    bool declined[MAX_PAYMENTS];
    unsigned card[MAX_PAYMENTS];
    unsigned n;
};

static void pay(struct script *c, int64_t at_ms, int64_t cents, bool declined)
{
    c->at_ms[c->n] = at_ms;
    c->cents[c->n] = cents;
    c->declined[c->n] = declined;
    c->card[c->n++] = 0;
}

static void play(struct gen_scene *s, const char *rule, bool attack, const char *note,
                 const struct script *c)
{
    struct gen_user u;
    int64_t at = gen_scene_cast(s, c->at_ms[c->n - 1], CARD_MARGIN, &u);
    const struct gen_city *city = &gen_cities[14 + rng_below(&s->rng, GEN_CITIES - 14)];
    gen_episode_begin(s->log, rule, u.cards[0], attack, note);
    for (unsigned i = 0; i < c->n; i++) {
        gen_put_payment(s->log, &(struct gen_payment){.at_ms = at + c->at_ms[i],
                                                      .card = u.cards[c->card[i]],
                                                      .user = u.id,
                                                      .cents = c->cents[i],
                                                      .declined = c->declined[i],
                                                      .merchant = gen_merchant_pick(&s->rng, true),
                                                      .country = city->country});
    }
    gen_episode_end(s->log);
}

/* ---- card_testing: 5 probes below 5.00 in 10 minutes, then more than 150.00 and 50 probes ---- */

enum testing_kind {
    TEST_PLAIN,
    TEST_BORDER,
    TEST_STALE_PROBES,
    TEST_ATTACKS,
    TEST_FOUR = TEST_ATTACKS,
    TEST_FIFTH_LATE,
    TEST_RATIO,
    TEST_SMALL,
    TEST_BIG_LATE,
    TEST_OTHER_CARD,
    TEST_KINDS
};

static const struct {
    const char *note;
    unsigned probes;
    int64_t max_cents; /* of one probe; the last probe has it */
} testing[TEST_KINDS] = {
    [TEST_PLAIN] = {"probes, then the cash-out", 0, 260},
    [TEST_BORDER] = {"probes in exactly 10 minutes, 150.01 after exactly one hour", 5, 300},
    [TEST_STALE_PROBES] = {"two old probes, then a burst", 5, 199},
    [TEST_FOUR] = {"four probes", 4, 199},
    [TEST_FIFTH_LATE] = {"the fifth probe just after 10 minutes", 5, 199},
    [TEST_RATIO] = {"the big payment is exactly 50 times the largest probe", 5, 480},
    [TEST_SMALL] = {"the big payment is exactly 150.00", 5, 199},
    [TEST_BIG_LATE] = {"the big payment just after one hour", 5, 199},
    [TEST_OTHER_CARD] = {"the big payment is made with another card", 5, 199},
};

static int64_t testing_probes(struct gen_scene *s, enum testing_kind kind, struct script *c)
{
    unsigned n = testing[kind].probes;
    n = n ? n : 5 + (unsigned)rng_below(&s->rng, 4);
    int64_t span = rng_range(&s->rng, 40 * GEN_SECOND, 9 * GEN_MINUTE);
    span = kind == TEST_BORDER ? 10 * GEN_MINUTE : span;
    span = kind == TEST_FIFTH_LATE ? 10 * GEN_MINUTE + 1 : span;
    int64_t start = 0;
    if (kind == TEST_STALE_PROBES) {
        pay(c, 0, 100, true);
        pay(c, 2 * GEN_MINUTE, 150, false);
        start = 25 * GEN_MINUTE;
    }
    for (unsigned i = 0; i < n; i++) {
        int64_t cents = rng_range(&s->rng, 50, testing[kind].max_cents);
        cents = i + 1 == n ? testing[kind].max_cents : cents;
        pay(c, start + span * i / (n - 1), cents, gen_chance(&s->rng, 500));
    }
    return start + span;
}

static void testing_episode(struct gen_scene *s, enum testing_kind kind)
{
    struct script c = {0};
    int64_t after = testing_probes(s, kind, &c);
    int64_t big_at = after + rng_range(&s->rng, GEN_MINUTE, 20 * GEN_MINUTE);
    int64_t big = rng_range(&s->rng, 30000, 90000);
    if (kind == TEST_BORDER) {
        big_at = GEN_HOUR;
        big = 15001;
    } else if (kind == TEST_BIG_LATE) {
        big_at = GEN_HOUR + 1;
    } else if (kind == TEST_RATIO) {
        big = 24000;
    } else if (kind == TEST_SMALL) {
        big = 15000;
    }
    pay(&c, big_at, big, false);
    c.card[c.n - 1] = kind == TEST_OTHER_CARD ? 1 : 0;
    play(s, "card_testing", kind < TEST_ATTACKS, testing[kind].note, &c);
}

void gen_plant_card_testing(struct gen_scene *s)
{
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        testing_episode(s, (enum testing_kind)(i % TEST_ATTACKS));
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < TEST_KINDS - TEST_ATTACKS; i++) {
        testing_episode(s, (enum testing_kind)(TEST_ATTACKS + i % (TEST_KINDS - TEST_ATTACKS)));
    }
}

/* ---- velocity: 3 or more approved payments of more than 3,000.00 in one hour ---- */

enum velocity_kind {
    SPEND_PLAIN,
    SPEND_BORDER,
    SPEND_DECLINED_TOO,
    SPEND_ATTACKS,
    SPEND_EXACT = SPEND_ATTACKS,
    SPEND_TWO,
    SPEND_LATE,
    SPEND_DECLINED,
    SPEND_REFUND,
    SPEND_KINDS
};

static const char *const velocity_notes[SPEND_KINDS] = {
    [SPEND_PLAIN] = "a shopping spree",
    [SPEND_BORDER] = "3,000.01 in exactly one hour",
    [SPEND_DECLINED_TOO] = "a spree with declined payments in between",
    [SPEND_EXACT] = "exactly 3,000.00",
    [SPEND_TWO] = "two payments of 2,500.00",
    [SPEND_LATE] = "the third payment just after one hour",
    [SPEND_DECLINED] = "over the limit only with a declined payment",
    [SPEND_REFUND] = "a refund does not make the third payment",
};

static void velocity_spree(struct gen_scene *s, struct script *c, bool with_declined)
{
    int64_t n = rng_range(&s->rng, 4, 6);
    int64_t step = rng_range(&s->rng, 2 * GEN_MINUTE, 9 * GEN_MINUTE);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i * step;
        if (with_declined && i > 0) {
            pay(c, at - 20 * GEN_SECOND, rng_range(&s->rng, 90000, 200000), true);
        }
        pay(c, at, rng_range(&s->rng, 76000, 91000), false);
    }
}

/* Three payments at 0, in between and at `last_ms`. */
static void velocity_three(struct script *c, const int64_t cents[3], int64_t last_ms)
{
    pay(c, 0, cents[0], false);
    pay(c, 20 * GEN_MINUTE, cents[1], false);
    pay(c, last_ms, cents[2], false);
}

static void velocity_episode(struct gen_scene *s, enum velocity_kind kind)
{
    struct script c = {0};
    switch (kind) {
    case SPEND_PLAIN: velocity_spree(s, &c, false); break;
    case SPEND_DECLINED_TOO: velocity_spree(s, &c, true); break;
    case SPEND_BORDER: velocity_three(&c, (int64_t[]){150000, 149999, 2}, GEN_HOUR); break;
    case SPEND_EXACT:
        velocity_three(&c, (int64_t[]){100000, 150000, 50000}, 40 * GEN_MINUTE);
        break;
    case SPEND_LATE: velocity_three(&c, (int64_t[]){120000, 120000, 120000}, GEN_HOUR + 1); break;
    case SPEND_TWO:
        pay(&c, 0, 250000, false);
        pay(&c, rng_range(&s->rng, GEN_MINUTE, 50 * GEN_MINUTE), 250000, false);
        break;
    case SPEND_DECLINED:
        velocity_three(&c, (int64_t[]){90000, 90000, 110000}, 30 * GEN_MINUTE);
        pay(&c, 35 * GEN_MINUTE, 80000, true);
        break;
    case SPEND_REFUND:
        pay(&c, 0, 180000, false);
        pay(&c, 10 * GEN_MINUTE, 170000, false);
        pay(&c, 25 * GEN_MINUTE, -2000, false);
        break;
    case SPEND_KINDS: break;
    }
    play(s, "velocity", kind < SPEND_ATTACKS, velocity_notes[kind], &c);
}

void gen_plant_velocity(struct gen_scene *s)
{
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        velocity_episode(s, (enum velocity_kind)(i % SPEND_ATTACKS));
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < SPEND_KINDS - SPEND_ATTACKS; i++) {
        velocity_episode(s,
                         (enum velocity_kind)(SPEND_ATTACKS + i % (SPEND_KINDS - SPEND_ATTACKS)));
    }
}
