/* Messages as the JSON that the decoder reads:
 *   payload_tool avro SCHEMA | payload_tool protobuf DESCRIPTORS MESSAGE
 * One message per line of standard input, in hex; its JSON, "other message" or "invalid: REASON"
 * per line of standard output. Exit 1 with the reason when the schema is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode/payload_codec.h"
#include "engine/decode/payload_schema.h"

#define MAX_BYTES (8u << 20)

static void read_whole(FILE *in, struct buf *out)
{
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_put(out, chunk, n);
    }
}

static const struct payload_schema *read_schema(int argc, char **argv, struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct payload_problem problem = {0};
    bool avro = argc > 1 && strcmp(argv[1], "avro") == 0;
    FILE *in = argc > 2 ? fopen(argv[2], "rb") : NULL;
    if (!in || (!avro && argc < 4)) {
        fprintf(stderr, "usage: payload_tool avro SCHEMA | protobuf DESCRIPTORS MESSAGE\n");
        exit(2);
    }
    read_whole(in, &text);
    fclose(in);
    const struct payload_schema *s =
        payload_schema_parse(avro ? PAYLOAD_AVRO : PAYLOAD_PROTOBUF, buf_slice(&text),
                             avro ? (struct slice){0} : slice_of(argv[3]), arena, &problem);
    if (!s) {
        printf("%s\n", problem.text);
    }
    buf_release(&text);
    return s;
}

static void from_hex(const char *line, struct buf *out)
{
    unsigned byte;
    buf_clear(out);
    for (; sscanf(line, "%2x", &byte) == 1; line += 2) {
        buf_put_byte(out, (uint8_t)byte);
    }
}

/* The message lies in a block of exactly its size: the sanitizer sees every byte too many. */
static void print_message(struct payload_codec *c, const struct payload_schema *s,
                          const struct buf *bytes)
{
    size_t position = 0;
    char *exact = malloc(bytes->len ? bytes->len : 1);
    if (!exact) {
        exit(2);
    }
    if (bytes->len > 0) {
        memcpy(exact, bytes->ptr, bytes->len);
    }
    struct record r = {
        .has_value = true, .value = slice_from(exact, bytes->len), .in_format = true};
    switch (payload_to_json(c, s, &payload_want_all, &r, &position)) {
    case PAYLOAD_TEXT: printf("%.*s\n", SLICE_ARG(buf_slice(&c->text))); break;
    case PAYLOAD_OTHER_MESSAGE: printf("other message\n"); break;
    case PAYLOAD_INVALID: printf("invalid: %s\n", invalid_reason_name(c->reason)); break;
    }
    free(exact);
}

int main(int argc, char **argv)
{
    struct arena arena = ARENA_INIT;
    struct buf bytes = BUF_INIT;
    struct payload_codec codec;
    char *line = NULL;
    size_t cap = 0;
    const struct payload_schema *s = read_schema(argc, argv, &arena);
    payload_codec_init(&codec, MAX_BYTES, 128);
    while (s && getline(&line, &cap, stdin) > 0) {
        from_hex(line, &bytes);
        print_message(&codec, s, &bytes);
    }
    free(line);
    buf_release(&bytes);
    payload_codec_release(&codec);
    arena_release(&arena);
    return s ? 0 : 1;
}
