/* Episodes of takeover and unpaid_order. */
#include <stdio.h>

#include "cli/gen_emit.h"
#include "cli/gen_scene.h"

#define ACCOUNT_MARGIN (2 * GEN_HOUR)

/* ---- takeover: reset, new device, payee from it, transfer above 1,000.00, all in one hour ---- */

enum takeover_kind {
    TAKE_PLAIN,
    TAKE_BORDER,
    TAKE_TWO_DEVICES,
    TAKE_ATTACKS,
    TAKE_MFA = TAKE_ATTACKS,
    TAKE_SMALL,
    TAKE_OTHER_DEVICE,
    TAKE_LATE,
    TAKE_PAYEE_FIRST,
    TAKE_NO_RESET,
    TAKE_KINDS
};

static const char *const takeover_notes[TAKE_KINDS] = {
    [TAKE_PLAIN] = "the whole chain",
    [TAKE_BORDER] = "second factor before the reset, transfer of 1,000.01 after exactly one hour",
    [TAKE_TWO_DEVICES] = "a second new device logs in between",
    [TAKE_MFA] = "the second factor is passed in between",
    [TAKE_SMALL] = "a transfer of exactly 1,000.00",
    [TAKE_OTHER_DEVICE] = "the payee is added from another device",
    [TAKE_LATE] = "the transfer comes just after one hour",
    [TAKE_PAYEE_FIRST] = "the payee was added before the new device logged in",
    [TAKE_NO_RESET] = "a new telephone, but no reset",
};

struct takeover {
    struct gen_user user;
    struct gen_ring ring;
    int64_t at_ms;
    char payee[24];
};

static void act(struct gen_scene *s, const struct takeover *t, int64_t after_ms, const char *action,
                const char *device, int64_t cents)
{
    bool money = cents > 0;
    bool payee = money || action[0] == 'p';
    gen_put_account(s->log, &(struct gen_account){.at_ms = t->at_ms + after_ms,
                                                  .user = t->user.id,
                                                  .action = action,
                                                  .device = device,
                                                  .ip = t->ring.ip,
                                                  .payee = payee ? t->payee : NULL,
                                                  .cents = cents,
                                                  .new_device = device != t->user.devices[0]});
}

static void takeover_play(struct gen_scene *s, const struct takeover *t, enum takeover_kind kind)
{
    const char *own = t->user.devices[0];
    const char *new = t->ring.device;
    int64_t step = rng_range(&s->rng, 40 * GEN_SECOND, 15 * GEN_MINUTE);
    int64_t transfer_at = 3 * step;
    int64_t cents = rng_range(&s->rng, 120000, 950000);
    if (kind == TAKE_BORDER) {
        act(s, t, -2 * GEN_MINUTE, "mfa_ok", own, 0);
        transfer_at = GEN_HOUR;
        cents = 100001;
    } else if (kind == TAKE_LATE) {
        transfer_at = GEN_HOUR + 1;
    } else if (kind == TAKE_SMALL) {
        cents = 100000;
    }
    if (kind != TAKE_NO_RESET) {
        act(s, t, 0, "password_reset", new, 0);
    }
    if (kind == TAKE_PAYEE_FIRST) {
        act(s, t, step / 2, "payee_added", new, 0);
    }
    act(s, t, step, "login", new, 0);
    if (kind == TAKE_TWO_DEVICES) {
        act(s, t, step + step / 3, "login", "dev-emulator", 0);
    } else if (kind == TAKE_MFA) {
        act(s, t, rng_range(&s->rng, 1, 3 * step - 1), "mfa_ok", own, 0);
    }
    if (kind != TAKE_PAYEE_FIRST) {
        act(s, t, 2 * step, "payee_added", kind == TAKE_OTHER_DEVICE ? own : new, 0);
    }
    act(s, t, transfer_at, "transfer", new, cents);
}

static void takeover_episode(struct gen_scene *s, enum takeover_kind kind)
{
    struct takeover t;
    t.at_ms = gen_scene_cast(s, GEN_HOUR + 1, ACCOUNT_MARGIN, &t.user);
    gen_scene_ring(s, &t.ring);
    snprintf(t.payee, sizeof(t.payee), "acc-%06u", (unsigned)rng_below(&s->rng, 1000000));
    gen_episode_begin(s->log, "takeover", t.user.id, kind < TAKE_ATTACKS, takeover_notes[kind]);
    takeover_play(s, &t, kind);
    gen_episode_end(s->log);
}

void gen_plant_takeover(struct gen_scene *s)
{
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        takeover_episode(s, (enum takeover_kind)(i % TAKE_ATTACKS));
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < TAKE_KINDS - TAKE_ATTACKS; i++) {
        takeover_episode(s, (enum takeover_kind)(TAKE_ATTACKS + i % (TAKE_KINDS - TAKE_ATTACKS)));
    }
}

/* ---- unpaid_order: no Paid within 10 minutes ---- */

struct unpaid_kind {
    const char *note;
    bool attack;
    int64_t paid_from; /* after the order; 0: never */
    int64_t paid_to;
    bool paid_twice;
};

static const struct unpaid_kind unpaid_kinds[] = {
    {"never paid", true, 0, 0, false},
    {"paid just after 10 minutes", true, 10 * GEN_MINUTE + 1, 10 * GEN_MINUTE + 5 * GEN_SECOND,
     false},
    {"paid half an hour later", true, 25 * GEN_MINUTE, 35 * GEN_MINUTE, false},
    {"paid after exactly 10 minutes", false, 10 * GEN_MINUTE, 10 * GEN_MINUTE, false},
    {"paid in the last seconds", false, 10 * GEN_MINUTE - 8 * GEN_SECOND, 10 * GEN_MINUTE - 1,
     false},
    {"paid twice", false, GEN_MINUTE, 9 * GEN_MINUTE, true},
};
#define UNPAID_ATTACKS 3
#define UNPAID_DECOYS 3

static void unpaid_episode(struct gen_scene *s, const struct unpaid_kind *k)
{
    struct gen_user u;
    char id[24];
    int64_t at = gen_scene_cast(s, 35 * GEN_MINUTE, 0, &u);
    gen_scene_order_id(s, id);
    gen_episode_begin(s->log, "unpaid_order", id, k->attack, k->note);
    gen_put_order(s->log, at, id, u.id, rng_range(&s->rng, 900, 60000));
    if (k->paid_from > 0) {
        int64_t paid = at + rng_range(&s->rng, k->paid_from, k->paid_to);
        gen_put_paid(s->log, paid, id, "card");
        if (k->paid_twice) {
            gen_put_paid(s->log, paid + 2 * GEN_SECOND, id, "card");
        }
    }
    gen_episode_end(s->log);
}

void gen_plant_unpaid(struct gen_scene *s)
{
    for (size_t i = 0; i < gen_scene_attacks(s); i++) {
        unpaid_episode(s, &unpaid_kinds[i % UNPAID_ATTACKS]);
    }
    for (size_t i = 0; i < gen_scene_attacks(s) || i < UNPAID_DECOYS; i++) {
        unpaid_episode(s, &unpaid_kinds[UNPAID_ATTACKS + i % UNPAID_DECOYS]);
    }
}
