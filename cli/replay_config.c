#include "cli/replay_config.h"

#include <unistd.h>

/* What a run does with these a replay does not. Anything else either holds for both or has no say in what rules find:
 * where alerts go, state, commits, instances, logs. */
static const struct {
    enum setting_id id;
    const char *instead;
} foreign[] = {
    {SET_START, "--from and --to say what is read"},
    {SET_WATERMARK_END, "deadlines behind the end of the data stay open"},
    {SET_FLUSH, "deadlines behind the end of the data stay open"},
    {SET_EVIDENCE_FIELDS, "lines of --matches show no fields of events"},
};

/* As if it were not there. */
static bool says_nothing(const struct settings *s, enum setting_id id)
{
    return !settings_is_set(s, id) || settings_from(s, id) == FROM_DEFAULT ||
           (id == SET_START && settings_word(s, id) == 0) || (id == SET_FLUSH && !settings_flag(s, id));
}

static void tell_foreign(const struct settings *s)
{
    for (size_t i = 0; i < FYKE_ARRAY_LEN(foreign); i++) {
        if (!says_nothing(s, foreign[i].id)) {
            fprintf(stderr, "fyke: the setting %s is not for a replay: %s\n", setting_at(foreign[i].id)->name,
                    foreign[i].instead);
        }
    }
}

int replay_config_take(const struct cli_verb *v, const char *path, struct replay_args *a)
{
    struct settings *s = &a->settings;
    settings_read_environment(s, (const char *const *)environ);
    settings_read_file(s, path);
    if (cli_tell_problems(v, s) != CLI_OK) {
        return CLI_USAGE;
    }
    tell_foreign(s);
    cli_fill_options(s, &a->config.options);
    if (!settings_is_set(s, SET_MEMORY) || settings_from(s, SET_MEMORY) == FROM_DEFAULT) {
        a->config.options.memory_bytes = REPLAY_MEMORY_BYTES;
    }
    a->config.kcat = settings_word(s, SET_INPUT_FORMAT) == 1;
    a->color = cli_color_of(s);
    a->allow_empty = settings_flag(s, SET_ALLOW_EMPTY);
    cli_add_kafka_settings(s, &a->properties);
    return CLI_OK;
}

static void complete(const struct settings *s, enum setting_id id, struct cli_list *to)
{
    for (size_t i = 0, n = to->n > 0 ? 0 : settings_count(s, id); i < n; i++) {
        cli_list_add(to, settings_item(s, id, i));
    }
}

void replay_config_complete(struct replay_args *a)
{
    if (!a->is_diff) {
        complete(&a->settings, SET_RULES, &a->rules);
    }
    complete(&a->settings, SET_INPUT, &a->inputs);
    complete(&a->settings, SET_GEOIP, &a->geoip);
}
