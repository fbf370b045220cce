/* Events from memory, alerts through a function: libfyke inside another program.
 *
 *   make && ./embed          needs an installed libfyke (pkg-config fyke) */
#include <fyke/fyke.h>
#include <stdio.h>
#include <string.h>

static const char rules_text[] =
    "language 1\n"
    "event Login from topic \"logins\" {\n"
    "  user : string key   at : timestamp event time   ok : bool\n"
    "}\n"
    "rule guessing {\n"
    "  for each user within 1 minute\n"
    "  when 3 Login as bad where ok = false then Login as good where ok = true\n"
    "  emit alert { tries = count(bad) }\n"
    "}\n";

static const char *const logins[] = {
    "{\"user\":\"ann\",\"at\":\"2026-01-05T10:00:00Z\",\"ok\":false}",
    "{\"user\":\"bob\",\"at\":\"2026-01-05T10:00:05Z\",\"ok\":true}",
    "{\"user\":\"ann\",\"at\":\"2026-01-05T10:00:10Z\",\"ok\":false}",
    "{\"user\":\"ann\",\"at\":\"2026-01-05T10:00:20Z\",\"ok\":false}",
    "{\"user\":\"ann\",\"at\":\"2026-01-05T10:00:30Z\",\"ok\":true}",
};

static void on_diagnostic(void *ctx, const struct fyke_diagnostic *d)
{
    (void)ctx;
    fputs(d->rendered, stderr);
}

static bool on_alert(void *ctx, const struct fyke_alert *a)
{
    int *alerts = ctx;
    ++*alerts;
    printf("%s fired for %s\n%s\n", a->rule, a->key ? a->key : "everybody", a->json);
    return true;
}

static enum fyke_result push_logins(struct fyke_engine *e)
{
    enum fyke_result rc = FYKE_OK;
    for (size_t i = 0; rc == FYKE_OK && i < sizeof(logins) / sizeof(logins[0]); i++) {
        struct fyke_record r = {.size = sizeof(r),
                                .topic = "logins",
                                .offset = (int64_t)i,
                                .value = logins[i],
                                .value_len = strlen(logins[i])};
        rc = fyke_engine_push(e, &r);
    }
    return rc == FYKE_OK ? fyke_engine_finish(e, INT64_MAX) : rc;
}

int main(void)
{
    struct fyke_rules *rules;
    struct fyke_engine *engine;
    struct fyke_options options;
    int alerts = 0;
    enum fyke_result rc = fyke_rules_compile_text("guessing.rules", rules_text, strlen(rules_text),
                                                  on_diagnostic, NULL, &rules);
    if (rc == FYKE_OK) {
        fyke_options_init(&options);
        rc = fyke_engine_open(rules, &options, on_alert, &alerts, &engine);
        if (rc == FYKE_OK) {
            rc = push_logins(engine);
            fyke_engine_close(engine);
        }
        fyke_rules_free(rules);
    }
    if (rc != FYKE_OK) {
        fprintf(stderr, "%s\n", fyke_last_error());
    }
    return rc == FYKE_OK && alerts == 1 ? 0 : 1;
}
