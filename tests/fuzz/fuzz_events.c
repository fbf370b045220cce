/* Payloads through the whole library: one line is one record; alerts come out or not, nothing
 * breaks. A line that begins with `>` moves the clock instead. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fyke/fyke.h"

static const char rules_text[] =
    "language 1\n"
    "event A from topic \"a\" {\n"
    "  k : string key   at : timestamp in ms event time   n : int optional\n"
    "  d : decimal optional   ip : ip optional   place : geo optional   tags : list of string optional\n"
    "  kind : enum(\"x\", \"y\") optional   out of order by 1s\n"
    "}\n"
    "rule chain {\n"
    "  for each k within 1 minute\n"
    "  when 2 or more A as a where kind = \"x\" then no A where n = 7 then A as b where d > sum(a.d)\n"
    "  emit alert { total = sum(a.d)  n = b.n }\n"
    "}\n"
    "rule silence { for each k  when A as a then no A for 5s  quiet for 10s  emit alert { ip = a.ip } }\n"
    "rule travel {\n"
    "  for each k within 1 hour\n"
    "  when A as a then next A as b where speed_kmh(a.place, a.at, b.place, b.at) > 900\n"
    "  after match skip to next\n"
    "  emit alert { km = distance_km(a.place, b.place) }\n"
    "}\n";

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static bool on_alert(void *ctx, const struct fyke_alert *a)
{
    (void)ctx;
    must(a->json_len > 0 && a->json[0] == '{' && a->json[a->json_len - 1] == '}');
    return true;
}

static void push(struct fyke_engine *e, int64_t offset, const uint8_t *line, size_t len)
{
    struct fyke_record r = {.size = sizeof(r), .topic = "a", .offset = offset, .value = line,
                            .value_len = len};
    if (len > 0 && line[0] == '>') {
        must(fyke_engine_advance(e, (int64_t)len * INT64_C(1000000000)) == FYKE_OK);
        return;
    }
    must(fyke_engine_push(e, &r) == FYKE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fyke_rules *rules;
    struct fyke_engine *e;
    struct fyke_options o;
    int64_t offset = 0;
    must(fyke_rules_compile_text("fuzz", rules_text, strlen(rules_text), NULL, NULL, &rules) ==
         FYKE_OK);
    fyke_options_init(&o);
    must(fyke_engine_open(rules, &o, on_alert, NULL, &e) == FYKE_OK);
    while (size > 0) {
        const uint8_t *nl = memchr(data, '\n', size);
        size_t len = nl ? (size_t)(nl - data) : size;
        push(e, offset++, data, len);
        data += len + (nl != NULL);
        size -= len + (nl != NULL);
    }
    must(fyke_engine_finish(e, INT64_MAX) == FYKE_OK);
    fyke_engine_close(e);
    fyke_rules_free(rules);
    return 0;
}
