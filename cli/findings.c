#include "cli/findings.h"

#include <stdio.h>

#include "base/json_out.h"
#include "cli/plain_text.h"
#include "dsl/diag_render.h"
#include "lib/git_path.h"

static void put_github(const struct fyke_diagnostic *d, struct buf *out)
{
    struct git_names names = {0};
    buf_puts(out, "::error file=");
    diag_put_github(out, git_name_of(&names, d->file), true);
    git_names_release(&names);
    buf_printf(out, ",line=%u,endLine=%u,col=%u,title=%s::", d->line, d->end_line, d->col, d->code);
    diag_put_github(out, d->message, false);
    if (d->suggestion) {
        buf_puts(out, "%0Ahelp: ");
        diag_put_github(out, d->suggestion, false);
    }
    buf_puts(out, "\n");
}

static void put_json(const struct fyke_diagnostic *d, struct buf *out)
{
    struct json_out j = json_out_to(out);
    json_object_begin(&j);
    json_member_string(&j, "file", slice_of(d->file));
    json_member_int(&j, "line", d->line);
    json_member_int(&j, "col", d->col);
    json_member_int(&j, "end_line", d->end_line);
    json_member_int(&j, "end_col", d->end_col);
    json_member_string(&j, "severity", SLICE_LIT("error"));
    json_member_string(&j, "code", slice_of(d->code));
    json_member_string(&j, "message", slice_of(d->message));
    json_key(&j, SLICE_LIT("suggestion"));
    if (d->suggestion) {
        json_text(&j, slice_of(d->suggestion));
    } else {
        json_nil(&j);
    }
    json_object_end(&j);
    json_line_end(&j);
}

static void put_tap(const struct fyke_diagnostic *d, struct buf *out)
{
    buf_puts(out, "# ");
    plain_put(out, slice_of(d->file));
    buf_printf(out, ":%u:%u: error[%s]: ", d->line, d->col, d->code);
    plain_put(out, slice_of(d->message));
    buf_puts(out, "\n");
}

void finding_put(enum cli_format format, const struct fyke_diagnostic *d)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    if (d->severity != FYKE_ERROR) {
        return;
    }
    if (format == FORMAT_GITHUB) {
        put_github(d, &out);
    } else if (format == FORMAT_JSON) {
        put_json(d, &out);
    } else if (format == FORMAT_TAP) {
        put_tap(d, &out);
    }
    fputs(buf_cstr(&out), stdout);
}

void finding_put_end(enum cli_format format, const char *why)
{
    FYKE_CLEANUP(buf_release) struct buf out = BUF_INIT;
    if (format == FORMAT_GITHUB) {
        buf_puts(&out, "::error::");
        diag_put_github(&out, why, false);
    } else if (format == FORMAT_JSON) {
        struct json_out j = json_out_to(&out);
        json_object_begin(&j);
        json_member_string(&j, "error", slice_of(why));
        json_object_end(&j);
    } else if (format == FORMAT_TAP) {
        buf_puts(&out, "Bail out! ");
        plain_put(&out, slice_of(why));
    }
    if (out.len > 0) {
        puts(buf_cstr(&out));
    }
}
