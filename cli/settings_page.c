/* docs/configuration.md, written by `fyke list props --format markdown`. */
#include "cli/settings.h"

static const char before[] =
    "# Configuration\n"
    "\n"
    "Every setting of `fyke run` can stand on the command line, in the environment and in a file.\n"
    "The stronger place wins: **flags, then environment, then file**, then the default. Something\n"
    "repeatable adds up within one place; a stronger place replaces all of it.\n"
    "\n"
    "Written by `fyke list props --format markdown`; `fyke list props` shows it in short.\n"
    "\n"
    "```sh\n"
    "fyke run -c /etc/fyke/fyke.conf\n"
    "fyke run -c fyke.conf --show-config      # what is in force, and from where\n"
    "fyke check -c fyke.conf                  # the file, and the rules that it names\n"
    "fyke test -c fyke.conf                   # the tests of these rules\n"
    "```\n"
    "\n"
    "## The file\n"
    "\n"
    "```ini\n"
    "# fyke.conf\n"
    "rules = /etc/fyke/rules\n"
    "input = kafka\n"
    "output = kafka:alerts\n"
    "state = /var/lib/fyke\n"
    "app = fraud              # a comment may follow a blank\n"
    "memory = 2GiB\n"
    "\n"
    "kafka.bootstrap.servers = broker-1:9092,broker-2:9092\n"
    "kafka.security.protocol = SASL_SSL\n"
    "kafka.sasl.mechanisms = PLAIN\n"
    "kafka.sasl.username = fyke\n"
    "kafka.sasl.password.file = /run/secrets/kafka-password\n"
    "```\n"
    "\n"
    "Lines `name = value`, with the names of the long flags. A flag without a value is `true` or\n"
    "`false` (`once = true`; on the command line `--once=false` takes it back). Paths are as on "
    "the\n"
    "command line: relative to the working directory. `#` begins a comment at the beginning of a\n"
    "line or behind a blank. A value with blanks at its ends, or with ` #` inside, stands in "
    "double\n"
    "quotes, with `\\\"`, `\\\\` and `\\n` for what cannot stand there itself.\n"
    "\n"
    "An unknown name, a wrong value, a name that stands twice: each is shown with file, line and\n"
    "column, the nearest known name is suggested, and nothing runs (exit 2).\n"
    "\n"
    "## The environment\n"
    "\n"
    "`FYKE_` and the name in capitals, `-` as `_`: `FYKE_COMMIT_EVERY=500ms`. Of something\n"
    "repeatable one value. Properties of librdkafka: `FYKE_KAFKA_` and the key, `.` as `_`:\n"
    "`FYKE_KAFKA_BOOTSTRAP_SERVERS`. An empty variable is none. One that is unknown and differs\n"
    "from a known one by at most two letters is an error; others are not ours (an orchestrator\n"
    "makes `FYKE_PORT` of a service called fyke).\n"
    "\n"
    "## Properties of librdkafka\n"
    "\n"
    "`kafka.KEY = VALUE` in the file, `FYKE_KAFKA_KEY`, `-X KEY=VALUE`: each key by itself takes "
    "the\n"
    "stronger place. Key and value are checked by the library that is linked. Which defaults "
    "differ\n"
    "from its own and which properties cannot be changed: [kafka.md](kafka.md).\n"
    "\n"
    "`KEY.file` names a file that holds the value, without the line end at its end: for\n"
    "`sasl.username`, `sasl.password`, `ssl.key.password`, `ssl.key.pem`, `ssl.certificate.pem`,\n"
    "`ssl.ca.pem`, `ssl.keystore.password`, `sasl.oauthbearer.client.id`, `.client.secret` and\n"
    "`.config`. That is the place for what an orchestrator or systemd puts there\n"
    "(`FYKE_KAFKA_SASL_PASSWORD_FILE=%d/kafka-password` in a unit). On the command line a "
    "password\n"
    "is seen by everyone who may list processes.\n"
    "\n"
    "Secrets are never shown, neither by `--show-config` nor in messages: passwords, keys, "
    "tokens,\n"
    "whatever `sasl.oauthbearer.` holds, and everything that came from a `.file`.\n"
    "\n"
    "## Settings\n";

static void put_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        buf_printf(out, "%s%c", *text == '|' || *text == '*' ? "\\" : "", *text);
    }
}

static void put_default(const struct setting *d, struct buf *out)
{
    if (d->fallback) {
        buf_printf(out, "`%s`", d->fallback);
    } else if (d->kind == SETTING_FLAG && !(d->without & NOT_IN_FILE)) {
        buf_puts(out, "`false`");
    }
}

static void put_row(const struct setting *d, struct buf *out)
{
    buf_printf(out, "| `%s%s` | ", d->without & NOT_IN_FILE ? "--" : "", d->name);
    if (d->letter) {
        buf_printf(out, "`-%c`", d->letter);
    }
    buf_puts(out, " | ");
    if (!(d->without & NOT_IN_ENVIRONMENT)) {
        buf_puts(out, "`");
        setting_variable(d, out);
        buf_puts(out, "`");
    }
    buf_puts(out, " | ");
    put_default(d, out);
    buf_puts(out, " | ");
    put_cell(d->help, out);
    buf_puts(out, " |\n");
}

void settings_page(struct buf *out)
{
    buf_puts(out, before);
    for (int i = 0; i < SET_COUNT; i++) {
        const struct setting *d = setting_at((enum setting_id)i);
        if (d->without & NOT_SHOWN) {
            continue;
        }
        if (d->group) {
            buf_printf(out,
                       "\n### %s\n\n| setting | flag | environment | default | meaning |\n"
                       "|---|---|---|---|---|\n",
                       d->group);
        }
        put_row(d, out);
    }
    buf_puts(out, "\nA setting shown with `--` has no place in the file.\n");
}
