/* fyke infer: an event declaration from a sample. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/log.h"
#include "dsl/fmt.h"
#include "dsl/parse.h"
#include "lib/infer_read.h"

struct infer_args {
    struct infer_input input;
    struct infer_names names;
    struct cli_list properties;
    struct buf stem; /* topic of a file without --topic */
};

/* The name of a file without folders and endings. */
static struct slice stem_of(const char *path, struct buf *out)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t n = strcspn(name, ".");
    buf_put(out, name, strcmp(path, "-") == 0 ? 0 : n);
    if (out->len == 0) {
        buf_puts(out, "events");
    }
    return buf_slice(out);
}

/* Envelopes say it themselves. */
static void name_topic(struct infer_args *a)
{
    const char *topic = infer_kafka_topic(a->input.input);
    if (topic) {
        a->input.topic = slice_of(topic);
    } else if (a->input.topic.len == 0 && !a->input.kcat) {
        a->input.topic = stem_of(a->input.input, &a->stem);
    }
    a->names.source = a->input.input;
}

static int parse_args(const struct cli_verb *v, int argc, char **argv, struct infer_args *a)
{
    enum { OPT_FORMAT = 256, OPT_LIMIT };
    static const struct option options[] = {
        {"topic", required_argument, NULL, 't'},
        {"event", required_argument, NULL, 'e'},
        {"input-format", required_argument, NULL, OPT_FORMAT},
        {"limit", required_argument, NULL, OPT_LIMIT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;
    bool ok = true;
    opterr = 0;
    while (ok && (opt = getopt_long(argc, argv, ":ht:e:X:", options, NULL)) != -1) {
        switch (opt) {
        case 'h': return cli_print_usage(v);
        case 't': a->input.topic = slice_of(optarg); break;
        case 'e': a->names.event = slice_of(optarg); break;
        case 'X': cli_list_add(&a->properties, optarg); break;
        case OPT_LIMIT:
            ok = cli_parse_number(v, "--limit", optarg, 1, UINT64_MAX, &a->input.limit);
            break;
        case OPT_FORMAT:
            a->input.kcat = strcmp(optarg, "kcat") == 0;
            if (!a->input.kcat && strcmp(optarg, "payload") != 0) {
                return cli_usage_error(v, "--input-format is payload or kcat, not '%s'", optarg);
            }
            break;
        default: return cli_bad_option(v, opt, argv);
        }
    }
    if (ok && argc - optind != 1) {
        return cli_usage_error(v, "one sample: a file, - or kafka:TOPIC");
    }
    if (ok && a->names.event.ptr && !infer_can_name(a->names.event)) {
        return cli_usage_error(v, "no event can have this name: --event");
    }
    if (!ok) {
        return CLI_USAGE;
    }
    a->input.input = argv[optind];
    name_topic(a);
    return -1;
}

/* As `fyke fmt` writes it. */
static void put_formatted(struct slice text, struct buf *out)
{
    struct arena arena = ARENA_INIT;
    struct sources set;
    struct diags diags;
    sources_init(&set, &arena);
    diags_init(&diags, &arena);
    const struct rule_file *src = sources_add(&set, "<guess>", text);
    if (!dsl_fmt(dsl_parse(src, &arena, &diags), &arena, out)) {
        buf_clear(out);
        buf_put_slice(out, text);
    }
    arena_release(&arena);
}

static bool guess(const struct infer *in, struct infer_args *a, struct buf *text)
{
    a->names.topic = in->topic;
    return infer_text(in, &a->names, text);
}

static int infer(struct infer_args *a)
{
    struct infer in;
    struct error err = ERROR_INIT;
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf shown = BUF_INIT;
    infer_init(&in);
    int rc = CLI_IO;
    if (infer_read(&in, &a->input, &err) != ERR_OK) {
        fprintf(stderr, "fyke: %s\n", err.text);
        rc = err.code == ERR_USAGE ? CLI_USAGE : CLI_IO;
    } else if (!guess(&in, a, &text)) {
        fprintf(stderr, "fyke: %s: no record is a JSON object\n", a->input.input);
    } else {
        put_formatted(buf_slice(&text), &shown);
        rc = cli_put(buf_slice(&shown));
    }
    infer_release(&in);
    return rc;
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct infer_args a = {.input.limit = 1000000};
    int rc = parse_args(verb, argc, argv, &a);
    if (rc < 0) {
        a.input.kafka = (struct kafka_config){.properties = a.properties.items,
                                              .n_properties = a.properties.n,
                                              .app = "fyke-infer"};
        rc = infer(&a);
    }
    cli_list_release(&a.properties);
    buf_release(&a.stem);
    return rc;
}

const struct cli_verb verb_infer = {
    "infer",
    "write an event declaration from a sample",
    "usage: fyke infer [-t TOPIC] [-e NAME] FILE|-\n"
    "       fyke infer [-e NAME] [-X bootstrap.servers=HOST:PORT] kafka:TOPIC\n"
    "\n"
    "Reads records and writes a rule file that fits them: fields with their types, what may be the\n"
    "event time and the key, how far out of order records came, and a first rule. What each guess\n"
    "rests on stands beside it. A topic is read from its beginning; nothing is joined or committed.\n"
    "\n"
    "  -t, --topic TOPIC        the topic of a file; else it is named after the file; of\n"
    "                           envelopes the one that they name\n"
    "  -e, --event NAME         the event's name; else it is made of the topic's\n"
    "      --input-format F     payload (one JSON object per line) or kcat (envelopes)\n"
    "      --limit N            records to read (default 1000000)\n"
    "  -X KEY=VALUE             a property of the Kafka client\n",
    run,
};
