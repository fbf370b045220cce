#include "cli/junit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* XML 1.0 has no place for most control characters, escaped or not. */
static void put_xml(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len;) {
        uint32_t cp;
        size_t n = utf8_decode(s, i, &cp);
        if (cp == '<') {
            buf_puts(out, "&lt;");
        } else if (cp == '>') {
            buf_puts(out, "&gt;");
        } else if (cp == '&') {
            buf_puts(out, "&amp;");
        } else if (cp == '"') {
            buf_puts(out, "&quot;");
        } else if (cp == UTF8_BAD || (cp < 0x20 && cp != '\n') || cp == 0xfffe || cp == 0xffff) {
            buf_puts(out, "?");
        } else {
            buf_put(out, s.ptr + i, n);
        }
        i += n;
    }
}

void junit_add(struct junit *j, struct slice rule, struct slice title, bool ok,
               struct slice details)
{
    struct buf *out = &j->cases;
    j->tests++;
    j->failures += !ok;
    buf_puts(out, "    <testcase classname=\"");
    put_xml(out, rule);
    buf_puts(out, "\" name=\"");
    put_xml(out, title);
    if (ok) {
        buf_puts(out, "\"/>\n");
        return;
    }
    buf_puts(out, "\">\n      <failure>\n");
    put_xml(out, details);
    buf_puts(out, "      </failure>\n    </testcase>\n");
}

bool junit_write(struct junit *j, const char *path)
{
    FILE *f = fopen(path, "we");
    bool ok = f && fprintf(f,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                           "  <testsuite name=\"fyke\" tests=\"%u\" failures=\"%u\">\n%s"
                           "  </testsuite>\n</testsuites>\n",
                           j->tests, j->failures, buf_cstr(&j->cases)) > 0;
    ok = f && fclose(f) == 0 && ok;
    if (!ok) {
        fprintf(stderr, "fyke: cannot write %s: %s\n", path, strerror(errno));
    }
    return ok;
}

void junit_release(struct junit *j)
{
    buf_release(&j->cases);
}
