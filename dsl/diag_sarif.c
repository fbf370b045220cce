#include "dsl/diag_sarif.h"

#include <assert.h>
#include <string.h>

void sarif_begin(struct sarif *s, struct buf *out)
{
    *s = (struct sarif){.json = json_out_to(out)};
    struct json_out *j = &s->json;
    json_object_begin(j);
    json_member_string(j, "$schema", SLICE_LIT("https://json.schemastore.org/sarif-2.1.0.json"));
    json_member_string(j, "version", SLICE_LIT("2.1.0"));
    json_key(j, SLICE_LIT("runs"));
    json_array_begin(j);
    json_object_begin(j);
    json_member_string(j, "columnKind", SLICE_LIT("unicodeCodePoints"));
    json_key(j, SLICE_LIT("results"));
    json_array_begin(j);
}

static void note_code(struct sarif *s, const char *code)
{
    uint32_t n;
    const struct diag_code *codes = diag_codes(&n);
    const struct diag_code *c = diag_code_find(code);
    assert(c && n <= SARIF_MAX_CODES);
    s->seen[c - codes] = true;
}

/* A path as a relative reference: a first part with a colon would be a scheme, so it is escaped. */
static void put_uri(struct buf *out, const char *path)
{
    for (const char *c = path; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-._~/", *c);
        if (plain) {
            buf_put(out, c, 1);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

static void put_location(struct json_out *j, const char *path, const struct rule_file *src,
                         struct span span)
{
    FYKE_CLEANUP(buf_release) struct buf uri = BUF_INIT;
    struct source_pos from = source_position(src, span.start);
    struct source_pos to = source_position(src, span.end);
    put_uri(&uri, path);
    json_object_begin(j);
    json_key(j, SLICE_LIT("physicalLocation"));
    json_object_begin(j);
    json_key(j, SLICE_LIT("artifactLocation"));
    json_object_begin(j);
    json_member_string(j, "uri", buf_slice(&uri));
    json_object_end(j);
    json_key(j, SLICE_LIT("region"));
    json_object_begin(j);
    json_member_int(j, "startLine", from.line);
    json_member_int(j, "startColumn", from.col);
    json_member_int(j, "endLine", to.line);
    json_member_int(j, "endColumn", to.col);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void put_message(struct json_out *j, const struct diag *d)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    buf_puts(&text, d->message);
    if (d->help) {
        buf_printf(&text, "\nhelp: %s", d->help);
    }
    json_key(j, SLICE_LIT("message"));
    json_object_begin(j);
    json_member_string(j, "text", buf_slice(&text));
    json_object_end(j);
}

void sarif_result(struct sarif *s, const struct sources *set, const struct diag *d,
                  const char *named)
{
    static const char *const levels[] = {"error", "warning", "note"};
    struct json_out *j = &s->json;
    const struct rule_file *src = sources_get(set, d->span.file);
    note_code(s, d->code);
    json_object_begin(j);
    json_member_string(j, "ruleId", slice_of(d->code));
    json_member_string(j, "level", slice_of(levels[d->severity]));
    put_message(j, d);
    json_key(j, SLICE_LIT("locations"));
    json_array_begin(j);
    if (src) {
        put_location(j, named, src, d->span);
    }
    json_array_end(j);
    json_object_end(j);
}

static void put_rules(struct sarif *s)
{
    struct json_out *j = &s->json;
    uint32_t n;
    const struct diag_code *codes = diag_codes(&n);
    json_array_begin(j);
    for (uint32_t i = 0; i < n && i < SARIF_MAX_CODES; i++) {
        if (!s->seen[i]) {
            continue;
        }
        json_object_begin(j);
        json_member_string(j, "id", slice_of(codes[i].code));
        json_key(j, SLICE_LIT("shortDescription"));
        json_object_begin(j);
        json_member_string(j, "text", slice_of(codes[i].title));
        json_object_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

void sarif_end(struct sarif *s, const char *version)
{
    struct json_out *j = &s->json;
    json_array_end(j);
    json_key(j, SLICE_LIT("tool"));
    json_object_begin(j);
    json_key(j, SLICE_LIT("driver"));
    json_object_begin(j);
    json_member_string(j, "name", SLICE_LIT("fyke"));
    json_member_string(j, "version", slice_of(version));
    json_key(j, SLICE_LIT("rules"));
    put_rules(s);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
    json_array_end(j);
    json_object_end(j);
    json_line_end(j);
}
