#include "connectors/record_lines.h"

#include "connectors/file_source.h"

enum err record_lines_open(struct record_lines *r, const char *path,
                           enum record_lines_format format, struct error *err)
{
    struct file_bytes in;
    *r = (struct record_lines){.format = format, .path = path};
    FYKE_TRY(file_bytes_open(&in, path, err));
    lines_init(&r->lines, in, FILE_MAX_ENVELOPE_BYTES);
    envelope_init(&r->envelope);
    return ERR_OK;
}

void record_lines_close(struct record_lines *r)
{
    lines_close(&r->lines);
    envelope_release(&r->envelope);
    arena_release(&r->arena);
}

static void payload_record(struct slice text, struct record *ret)
{
    ret->has_value = true;
    ret->value = text;
}

static void envelope_record(struct record_lines *r, struct slice text, struct record *ret,
                            struct slice *topic)
{
    const char *why =
        envelope_place(&r->envelope, text, topic, &ret->partition, &ret->offset);
    if (!why) {
        *topic = arena_copy(&r->arena, *topic);
        why = envelope_content(&r->envelope, &r->arena, ret);
    }
    if (why && r->format == RECORD_LINES_ANY) {
        *topic = (struct slice){0};
        payload_record(text, ret);
        return;
    }
    ret->broken = why;
    ret->value = why ? text : ret->value;
}

static bool is_empty(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ' ' && text.ptr[i] != '\t' && text.ptr[i] != '\r') {
            return false;
        }
    }
    return true;
}

static void make_record(struct record_lines *r, const struct line *line, struct record *ret,
                        struct slice *topic)
{
    *ret = (struct record){.offset = (int64_t)line->number - 1,
                           .origin = r->path,
                           .line = line->number};
    *topic = (struct slice){0};
    if (line->too_long) {
        ret->broken = "the line is too long";
    } else if (r->format == RECORD_LINES_PAYLOAD) {
        payload_record(line->text, ret);
    } else {
        envelope_record(r, line->text, ret, topic);
    }
}

enum err record_lines_next(struct record_lines *r, struct record *ret, struct slice *topic,
                           bool *ret_end, struct error *err)
{
    struct line line;
    *ret_end = false;
    arena_reset(&r->arena);
    for (;;) {
        switch (lines_next(&r->lines, &line)) {
        case LINES_LINE:
            if (!is_empty(line.text)) {
                make_record(r, &line, ret, topic);
                return ERR_OK;
            }
            break;
        case LINES_NEED: FYKE_TRY(lines_fill(&r->lines, err)); break;
        case LINES_END: *ret_end = true; return ERR_OK;
        }
    }
}
