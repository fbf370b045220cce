#include "cli/gen_emit.h"

#include <stdio.h>

#include "base/clock.h"

static void member_time(struct json_out *j, const char *key, int64_t at_ms)
{
    char text[ETIME_TEXT_MAX];
    size_t len = etime_format((struct etime){at_ms * NS_PER_MS}, text);
    json_member_string(j, key, slice_from(text, len));
}

static void member_text(struct json_out *j, const char *key, const char *value)
{
    json_member_string(j, key, slice_of(value));
}

/* `value` over 10^digits, all digits written; the sign of small negative values is kept. */
static void member_fixed(struct json_out *j, const char *key, int64_t value, int digits)
{
    int64_t scale = digits == 2 ? 100 : 1000000;
    int64_t abs = value < 0 ? -value : value;
    char text[48];
    int len = snprintf(text, sizeof(text), "%s%lld.%0*lld", value < 0 ? "-" : "",
                       (long long)(abs / scale), digits, (long long)(abs % scale));
    json_key(j, slice_of(key));
    json_raw(j, slice_from(text, (size_t)len));
}

static void member_place(struct json_out *j, const struct gen_place *p)
{
    member_text(j, "country", p->city->country);
    member_text(j, "city", p->city->name);
    json_key(j, SLICE_LIT("place"));
    json_object_begin(j);
    member_fixed(j, "lat", p->lat_udeg, 6);
    member_fixed(j, "lon", p->lon_udeg, 6);
    json_object_end(j);
}

void gen_put_login(struct gen_log *log, const struct gen_login *l)
{
    struct json_out j = gen_event_begin(log, GEN_LOGINS, l->at_ms, l->user);
    member_time(&j, "@timestamp", l->at_ms);
    member_text(&j, "user", l->user);
    member_text(&j, "result", l->success ? "success" : "failure");
    member_text(&j, "ip", l->ip);
    if (l->place) {
        member_place(&j, l->place);
    }
    member_text(&j, "device", l->device);
    gen_event_end(log, &j);
}

void gen_put_payment(struct gen_log *log, const struct gen_payment *p)
{
    struct json_out j = gen_event_begin(log, GEN_PAYMENTS, p->at_ms, p->card);
    member_time(&j, "at", p->at_ms);
    member_text(&j, "card", p->card);
    member_text(&j, "user", p->user);
    member_fixed(&j, "amount", p->cents, 2);
    member_text(&j, "currency", "EUR");
    member_text(&j, "status", p->declined ? "declined" : "approved");
    json_key(&j, SLICE_LIT("merchant"));
    json_object_begin(&j);
    member_text(&j, "name", p->merchant->name);
    member_text(&j, "category", p->merchant->category);
    member_text(&j, "country", p->country);
    json_object_end(&j);
    gen_event_end(log, &j);
}

void gen_put_account(struct gen_log *log, const struct gen_account *a)
{
    struct json_out j = gen_event_begin(log, GEN_ACCOUNTS, a->at_ms, a->user);
    member_time(&j, "at", a->at_ms);
    member_text(&j, "user", a->user);
    member_text(&j, "action", a->action);
    member_text(&j, "device", a->device);
    json_member_bool(&j, "new_device", a->new_device);
    member_text(&j, "ip", a->ip);
    if (a->payee) {
        member_text(&j, "payee", a->payee);
    }
    if (a->cents != 0) {
        member_fixed(&j, "amount", a->cents, 2);
    }
    gen_event_end(log, &j);
}

void gen_put_order(struct gen_log *log, int64_t at_ms, const char *order_id, const char *user,
                   int64_t cents)
{
    struct json_out j = gen_event_begin(log, GEN_ORDERS, at_ms, order_id);
    member_time(&j, "at", at_ms);
    member_text(&j, "kind", "order");
    member_text(&j, "order_id", order_id);
    member_text(&j, "user", user);
    member_fixed(&j, "amount", cents, 2);
    gen_event_end(log, &j);
}

void gen_put_paid(struct gen_log *log, int64_t at_ms, const char *order_id, const char *method)
{
    struct json_out j = gen_event_begin(log, GEN_ORDERS, at_ms, order_id);
    member_time(&j, "at", at_ms);
    member_text(&j, "kind", "paid");
    member_text(&j, "order_id", order_id);
    member_text(&j, "method", method);
    gen_event_end(log, &j);
}

void gen_put_heartbeat(struct gen_log *log, int64_t at_ms, const char *host, const char *site,
                       uint64_t seq)
{
    struct json_out j = gen_event_begin(log, GEN_HEARTBEATS, at_ms, host);
    member_time(&j, "at", at_ms);
    member_text(&j, "host", host);
    member_text(&j, "site", site);
    json_member_int(&j, "seq", (int64_t)seq);
    gen_event_end(log, &j);
}
