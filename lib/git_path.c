#include "lib/git_path.h"

#include <string.h>
#include <sys/stat.h>

#include "lib/child_program.h"

/* A colon in braces is part of the revision: "main@{10:00}". */
const char *git_path_colon(const char *spec)
{
    int depth = 0;
    for (const char *p = spec; *p; p++) {
        depth += (*p == '{') - (*p == '}');
        if (*p == ':' && depth == 0) {
            return p;
        }
    }
    return NULL;
}

const char *git_prefix_of(const char *dir, struct arena *a)
{
    const char *argv[] = {"git", "-C", dir, "rev-parse", "--show-prefix", NULL};
    struct error unused = ERROR_INIT;
    struct child_result r;
    const char *ret = NULL;
    if (child_program_run(argv, (struct slice){0}, &r, &unused) != ERR_OK) {
        return NULL;
    }
    if (!r.missing && r.exit == 0 && r.out.len > 0) {
        ret = arena_strndup(a, r.out.ptr, r.out.len - 1); /* without the end of the line */
    }
    child_result_release(&r);
    return ret;
}

const char *git_path_join(const char *prefix, const char *path, struct arena *a)
{
    const char *whole = arena_printf(a, "%s%s", prefix, path);
    char *out = ARENA_ARRAY(a, char, strlen(whole) + 2);
    size_t n = 0;
    for (const char *at = whole; *at;) {
        size_t len = strcspn(at, "/");
        if (len == 2 && memcmp(at, "..", 2) == 0) {
            if (n == 0) {
                return NULL;
            }
            for (n--; n > 0 && out[n - 1] != '/'; n--) {
            }
        } else if (len > 0 && !(len == 1 && *at == '.')) {
            memcpy(out + n, at, len);
            n += len;
            out[n++] = '/';
        }
        at += len + (at[len] == '/');
    }
    out[n > 0 ? n - 1 : 0] = '\0';
    return out;
}

const char *git_path_of(const char *path, struct arena *a)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    const char *colon = git_path_colon(path);
    if (stat(path, &st) != 0) {
        return colon ? colon + 1 + strspn(colon + 1, "/") : NULL;
    }
    const char *dir = slash ? arena_strndup(a, path, (size_t)(slash - path) + (slash == path)) : ".";
    const char *prefix = git_prefix_of(dir, a);
    return prefix ? arena_printf(a, "%s%s", prefix, slash ? slash + 1 : path) : NULL;
}

const char *git_name_of(struct git_names *n, const char *path)
{
    if (!n->last || strcmp(n->last, path) != 0) {
        const char *named = git_path_of(path, &n->arena);
        n->last = arena_strndup(&n->arena, path, strlen(path));
        n->named = named ? named : n->last;
    }
    return n->named;
}

void git_names_release(struct git_names *n)
{
    arena_release(&n->arena);
    *n = (struct git_names){0};
}
