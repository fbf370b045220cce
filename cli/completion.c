#include "cli/completion.h"

#include <string.h>

static bool is_option_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* `word` and a blank, unless it is there. */
static void add_once(struct buf *out, const char *word, size_t n)
{
    for (size_t i = 0; i + n < out->len; i++) {
        if ((i == 0 || out->ptr[i - 1] == ' ') && out->ptr[i + n] == ' ' &&
            memcmp(out->ptr + i, word, n) == 0) {
            return;
        }
    }
    buf_put(out, word, n);
    buf_put_byte(out, ' ');
}

/* Options are what begins a line, or follows "-x, " there: prose may name those of other verbs. */
static void put_options(const struct cli_verb *verb, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    cli_usage_text(verb, &text);
    for (const char *line = buf_cstr(&text); *line; line += *line == '\n') {
        const char *p = line + strspn(line, " ");
        if (p != line && p[0] == '-' && is_letter(p[1])) {
            add_once(out, p, 2);
            p += p[2] == ',' ? 4 : 0;
        }
        size_t n = 2;
        if (p != line && strncmp(p, "--", 2) == 0) {
            while (is_option_char(p[n])) {
                n++;
            }
            add_once(out, p, n);
        }
        line += strcspn(line, "\n");
    }
    add_once(out, "--help", 6);
}

/* What follows the verb in its usage lines. Of "fyke list functions|codes PATH": functions and codes. */
static void usage_line_words(const char *p, struct buf *out)
{
    while (*p >= 'a' && *p <= 'z') {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
        add_once(out, p, n);
        p += n;
        if (*p != '|') {
            return;
        }
        p++;
    }
}

static void put_words(const struct cli_verb *verb, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
    FYKE_CLEANUP(buf_release) struct buf start = BUF_INIT;
    cli_usage_text(verb, &text);
    buf_printf(&start, "fyke %s ", verb->name);
    for (const char *p = buf_cstr(&text); (p = strstr(p, buf_cstr(&start))) != NULL;) {
        bool is_usage = p - text.ptr >= 7 && (strncmp(p - 7, "usage: ", 7) == 0 ||
                                              strncmp(p - 7, "       ", 7) == 0);
        p += start.len;
        if (is_usage) {
            usage_line_words(p, out);
        }
    }
}

/* Words and options of one verb, each once. */
static void put_offers(const struct cli_verb *verb, struct buf *out)
{
    FYKE_CLEANUP(buf_release) struct buf offers = BUF_INIT;
    put_words(verb, &offers);
    put_options(verb, &offers);
    buf_put_slice(out, buf_slice(&offers));
}

void completion_bash(struct buf *out)
{
    buf_puts(out, "# bash completion of fyke: source it, or put it where bash-completion looks.\n"
                  "_fyke() {\n"
                  "  local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
                  "  COMPREPLY=()\n"
                  "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
                  "    words=\"help version");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        buf_printf(out, " %s", (*v)->name);
    }
    buf_puts(out, "\"\n"
                  "  else\n"
                  "    case ${COMP_WORDS[1]} in\n");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        buf_printf(out, "    %s) words=\"", (*v)->name);
        put_offers(*v, out);
        buf_puts(out, "\" ;;\n");
    }
    buf_puts(out, "    esac\n"
                  "  fi\n"
                  "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                  "  if [[ $COMP_CWORD -gt 1 && $cur != -* ]]; then\n"
                  "    local files\n"
                  "    mapfile -t files < <(compgen -f -- \"$cur\")\n"
                  "    COMPREPLY+=(\"${files[@]}\")\n"
                  "  fi\n"
                  "}\n"
                  "complete -o filenames -F _fyke fyke\n");
}

/* A text between single quotes of a shell. */
static void put_quoted(struct buf *out, const char *text)
{
    buf_put_byte(out, '\'');
    for (; *text; text++) {
        buf_puts(out, *text == '\'' ? "'\\''" : (char[]){*text, 0});
    }
    buf_put_byte(out, '\'');
}

void completion_zsh(struct buf *out)
{
    buf_puts(out, "#compdef fyke\n"
                  "# zsh completion of fyke: as _fyke into a directory of $fpath.\n"
                  "_fyke() {\n"
                  "  local -a verbs words\n"
                  "  verbs=(");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        FYKE_CLEANUP(buf_release) struct buf both = BUF_INIT;
        buf_printf(&both, "%s:%s", (*v)->name, (*v)->summary);
        buf_puts(out, "\n    ");
        put_quoted(out, buf_cstr(&both));
    }
    buf_puts(out, "\n    'help:help on a verb or a code' 'version:print the version')\n"
                  "  if (( CURRENT == 2 )); then\n"
                  "    _describe verb verbs\n"
                  "    return\n"
                  "  fi\n"
                  "  case $words[2] in\n");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        buf_printf(out, "  %s) compadd -- ", (*v)->name);
        put_offers(*v, out);
        buf_puts(out, ";;\n");
    }
    buf_puts(out, "  esac\n"
                  "  _files\n"
                  "}\n"
                  "_fyke \"$@\"\n");
}

static void fish_words(struct buf *out, const char *verb, const struct buf *words)
{
    const char *p = words->ptr, *end = words->ptr + words->len;
    while (p < end) {
        size_t n = (size_t)((const char *)memchr(p, ' ', (size_t)(end - p)) - p);
        buf_printf(out, "complete -c fyke -n '__fish_seen_subcommand_from %s' ", verb);
        if (n > 2 && p[0] == '-') {
            buf_printf(out, "-l %.*s\n", (int)n - 2, p + 2);
        } else if (p[0] == '-') {
            buf_printf(out, "-s %.*s\n", (int)n - 1, p + 1);
        } else {
            buf_printf(out, "-a %.*s\n", (int)n, p);
        }
        p += n + 1;
    }
}

void completion_fish(struct buf *out)
{
    buf_puts(out, "# fish completion of fyke: as fyke.fish into a directory of "
                  "$fish_complete_path.\n");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        FYKE_CLEANUP(buf_release) struct buf words = BUF_INIT;
        buf_printf(out, "complete -c fyke -n __fish_use_subcommand -a %s -d ", (*v)->name);
        put_quoted(out, (*v)->summary);
        buf_put_byte(out, '\n');
        put_offers(*v, &words);
        fish_words(out, (*v)->name, &words);
    }
}

/* ---- manual page -------------------------------------------------------------------------- */

/* Lines as they stand; troff takes dots and quotes in front and backslashes for its own. */
static void put_verbatim(struct buf *out, const char *text)
{
    bool fresh = true;
    buf_puts(out, ".nf\n");
    for (; *text; text++) {
        if (fresh && (*text == '.' || *text == '\'')) {
            buf_puts(out, "\\&");
        }
        fresh = *text == '\n';
        buf_puts(out, *text == '\\' ? "\\e" : *text == '-' ? "\\-" : (char[]){*text, 0});
    }
    buf_puts(out, ".fi\n");
}

void completion_man(struct buf *out)
{
    buf_printf(out, ".TH FYKE 1 \"\" \"fyke %s\" \"User Commands\"\n", fyke_version());
    buf_puts(out, ".SH NAME\nfyke \\- finds patterns of events: rules in, events in, alerts out\n"
                  ".SH SYNOPSIS\n.B fyke\n.I VERB\n[options]\n.SH VERBS\n");
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        buf_printf(out, ".TP\n.B %s\n%s\n", (*v)->name, (*v)->summary);
    }
    for (const struct cli_verb *const *v = cli_verbs; *v; v++) {
        FYKE_CLEANUP(buf_release) struct buf text = BUF_INIT;
        buf_printf(out, ".SH FYKE %s\n", (*v)->name);
        cli_usage_text(*v, &text);
        put_verbatim(out, buf_cstr(&text));
    }
    buf_puts(out, ".SH EXIT STATUS\n0 fine, 1 findings, 2 wrong usage or a missing file, 3 warnings "
                  "with \\-\\-deny\\-warnings,\n4 input or output failed, 70 a fault of fyke, 130 "
                  "interrupted.\n");
}
