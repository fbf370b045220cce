#include "lib/git_rules.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "lib/child_program.h"
#include "lib/git_path.h"
#include "lib/last_error.h"

/* A file of the revision. */
struct git_file {
    const char *name;   /* within the directory */
    const char *object; /* id, in hex */
    bool is_rules;      /* *.rules */
    bool wanted;
    struct slice text;
};

struct git_tree {
    struct arena arena;
    const char *spec;
    const char *rev;
    const char *at;     /* directory that git runs in */
    const char *object; /* "REV:PATH", as git knows it */
    const char *shown;  /* PATH for messages, without "/" at its ends */
    const char *only;   /* the one file that is meant; NULL: all rule files */
    struct git_file *files;
    size_t n, cap;
    struct buf texts; /* what the files' texts point into */
    struct buf data;
};

/* ---- what is meant -------------------------------------------------------------------------- */

/* Without "./", "../" and "/" in front and "/" behind. */
static const char *shown_path(struct arena *a, const char *path)
{
    while (*path == '/' || strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0) {
        path += *path == '/' ? 1 : strchr(path, '/') - path + 1;
    }
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/') {
        n--;
    }
    bool none = n == 0 || (n == 1 && path[0] == '.') || (n == 2 && memcmp(path, "..", 2) == 0);
    return arena_strndup(a, path, none ? 0 : n);
}

/* A path from here, as from the top of the repository; without git as it is written. */
static const char *path_in_repository(struct git_tree *t, const char *path)
{
    struct stat st;
    bool is_there = stat(path, &st) == 0;
    const char *prefix = git_prefix_of(is_there ? path : ".", &t->arena);
    const char *joined = prefix ? git_path_join(prefix, is_there ? "" : path, &t->arena) : NULL;
    return joined ? joined : shown_path(&t->arena, path);
}

static const char *parent_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_strndup(a, path, (size_t)(slash - path) + (slash == path)) : ".";
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A path of the working tree, as it was in the revision. */
static void mean_working_path(struct git_tree *t, const char *path)
{
    struct stat st;
    bool is_file = stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
    t->at = is_file ? parent_of(&t->arena, path) : path;
    t->only = is_file ? base_of(path) : NULL;
    t->object = arena_printf(&t->arena, "%s:./", t->rev);
    t->shown = path_in_repository(t, t->at);
}

static enum err git(const struct git_tree *t, const char *const *args, struct slice input,
                    struct child_result *ret, struct error *err)
{
    const char *argv[12] = {"git", "-C", t->at, "--no-pager"};
    size_t n = 4;
    while (*args) {
        argv[n++] = *args++;
    }
    FYKE_TRY(child_program_run(argv, input, ret, err));
    if (ret->missing) {
        return error_set(err, ERR_USAGE, "'%s' is no file or directory, and to look for it as a "
                         "revision the program git is needed", t->spec);
    }
    return ERR_OK;
}

/* "REV:PATH" as git reads it: from the top of the repository, "./PATH" from here. */
static enum err mean_git_path(struct git_tree *t, const char *path, struct error *err)
{
    struct child_result r;
    t->at = ".";
    t->object = arena_printf(&t->arena, "%s:%s", t->rev, path);
    enum err rc = git(t, (const char *const[]){"cat-file", "-t", t->object, NULL},
                      (struct slice){0}, &r, err);
    if (rc == ERR_OK && r.exit != 0) {
        rc = error_set(err, ERR_USAGE, "revision %s has no %s", t->rev, path);
    } else if (rc == ERR_OK && strncmp(buf_cstr(&r.out), "blob", 4) == 0) {
        const char *above = strchr(path, '/') ? parent_of(&t->arena, path) : "";
        t->only = base_of(path);
        t->object = arena_printf(&t->arena, "%s:%s", t->rev, above);
        path = above;
    }
    bool from_here = strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0;
    t->shown = from_here ? path_in_repository(t, path) : shown_path(&t->arena, path);
    child_result_release(&r);
    return rc;
}

static enum err check_revision(const struct git_tree *t, struct error *err)
{
    struct child_result r;
    const char *commit = arena_printf((struct arena *)(uintptr_t)&t->arena, "%s^{commit}", t->rev);
    enum err rc = git(t, (const char *const[]){"rev-parse", "--verify", "--quiet", commit, NULL},
                      (struct slice){0}, &r, err);
    if (rc == ERR_OK && r.exit == 128) {
        rc = error_set(err, ERR_USAGE, "'%s' is no file or directory, and not a revision: git says "
                       "\"%s\"", t->spec, buf_cstr(&r.complaint));
    } else if (rc == ERR_OK && r.exit != 0) {
        rc = error_set(err, ERR_USAGE, "'%s' is no file or directory, and git knows no revision '%s'",
                       t->spec, t->rev);
    }
    child_result_release(&r);
    return rc;
}

static enum err mean(struct git_tree *t, const char *otherwise, struct error *err)
{
    const char *colon = git_path_colon(t->spec);
    t->rev = arena_strndup(&t->arena, t->spec, colon ? (size_t)(colon - t->spec) : strlen(t->spec));
    if (t->rev[0] == '\0' || t->rev[0] == '-') {
        return error_set(err, ERR_USAGE, "'%s' is no file or directory, and no revision", t->spec);
    }
    if (!colon) {
        mean_working_path(t, otherwise ? otherwise : ".");
        return check_revision(t, err);
    }
    t->at = ".";
    FYKE_TRY(check_revision(t, err));
    return mean_git_path(t, colon + 1, err);
}

/* ---- what is there -------------------------------------------------------------------------- */

/* As on disk: what begins with a dot is left out. */
static bool is_hidden(const char *name)
{
    return name[0] == '.' || strstr(name, "/.") != NULL;
}

/* "100644 blob ID SIZE\tNAME": regular files alone. */
static void add_file(struct git_tree *t, const char *entry)
{
    const char *name = strchr(entry, '\t');
    if (!name || strncmp(entry, "100", 3) != 0 || is_hidden(name + 1)) {
        return;
    }
    const char *id = entry + strlen("100644 blob ");
    size_t len = strlen(name + 1);
    VEC_PUSH(t->files, t->n, t->cap) = (struct git_file){
        .name = arena_strndup(&t->arena, name + 1, len),
        .object = arena_strndup(&t->arena, id, strcspn(id, " ")),
        .is_rules = len > 6 && strcmp(name + 1 + len - 6, ".rules") == 0,
    };
}

static enum err list_files(struct git_tree *t, struct error *err)
{
    struct child_result r;
    enum err rc = git(t, (const char *const[]){"ls-tree", "-r", "-z", "-l", "--full-tree", t->object,
                                              NULL},
                      (struct slice){0}, &r, err);
    bool found = false;
    for (size_t at = 0; rc == ERR_OK && at < r.out.len; at += strlen(r.out.ptr + at) + 1) {
        add_file(t, r.out.ptr + at); /* each ends with NUL */
    }
    for (size_t i = 0; i < t->n; i++) {
        found |= t->only ? strcmp(t->files[i].name, t->only) == 0 : t->files[i].is_rules;
    }
    if (rc == ERR_OK && (r.exit != 0 || !found)) {
        rc = error_set(err, ERR_USAGE, "revision %s has no %s%s%s%s", t->rev,
                       t->only || r.exit != 0 ? "" : "rules in ",
                       t->shown[0] ? t->shown : t->only ? "" : ".",
                       t->only && t->shown[0] ? "/" : "", t->only ? t->only : "");
    }
    child_result_release(&r);
    return rc;
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* Behind "ID blob SIZE\n" stands the content, then a line feed. */
static enum err take_texts(struct git_tree *t, const struct buf *all, struct error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct git_file *f = &t->files[i];
        if (!f->wanted || f->text.ptr) {
            continue;
        }
        size_t head = strlen(f->object) + strlen(" blob ");
        char *end;
        unsigned long long size = at + head < all->len ? strtoull(all->ptr + at + head, &end, 10) : 0;
        if (at + head >= all->len || *end != '\n' ||
            size >= all->len - (size_t)(end - all->ptr)) {
            return error_set(err, ERR_IO, "git did not hand over %s of revision %s", f->name, t->rev);
        }
        f->text = slice_from(end + 1, (size_t)size);
        at = (size_t)(end + 1 - all->ptr) + (size_t)size + 1;
    }
    return ERR_OK;
}

/* Those that are wanted and not there yet; *kept holds them. */
static enum err read_texts(struct git_tree *t, struct buf *kept, struct error *err)
{
    FYKE_CLEANUP(buf_release) struct buf ids = BUF_INIT;
    struct child_result r;
    for (size_t i = 0; i < t->n; i++) {
        if (t->files[i].wanted && !t->files[i].text.ptr) {
            buf_printf(&ids, "%s\n", t->files[i].object);
        }
    }
    if (ids.len == 0) {
        return ERR_OK;
    }
    enum err rc = git(t, (const char *const[]){"cat-file", "--batch", NULL}, buf_slice(&ids), &r, err);
    if (rc == ERR_OK) {
        buf_put_byte(&r.out, 0); /* numbers are read up to what is no digit */
        *kept = r.out;
        r.out = (struct buf){0};
        rc = take_texts(t, kept, err);
    }
    child_result_release(&r);
    return rc;
}

static bool is_named(const struct git_tree *t, const char *name)
{
    const char *base = base_of(name);
    for (size_t i = 0; i < t->n; i++) {
        struct slice text = t->files[i].text;
        if (text.len > 0 && memmem(text.ptr, text.len, base, strlen(base))) {
            return true;
        }
    }
    return false;
}

/* Rule files first; then whatever file is named in one of them, since rules lie beside data that is
 * none of their business. */
static enum err read_all(struct git_tree *t, struct error *err)
{
    for (size_t i = 0; i < t->n; i++) {
        struct git_file *f = &t->files[i];
        f->wanted = f->is_rules || (t->only && strcmp(f->name, t->only) == 0);
    }
    FYKE_TRY(read_texts(t, &t->texts, err));
    for (size_t i = 0; i < t->n; i++) {
        t->files[i].wanted |= is_named(t, t->files[i].name);
    }
    return read_texts(t, &t->data, err);
}

/* ---- compiling ------------------------------------------------------------------------------ */

static enum fyke_result compile(struct git_tree *t, const struct rules_report *report,
                                struct fyke_rules **ret)
{
    struct compile_source *texts = ARENA_ARRAY(&t->arena, struct compile_source, t->n + 1);
    struct compile_place *places = ARENA_ARRAY(&t->arena, struct compile_place, t->n + 1);
    const char *root = arena_printf(&t->arena, "%s:%s%s", t->rev, t->shown[0] ? "/" : "", t->shown);
    uint32_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct git_file *f = &t->files[i];
        if (f->wanted) {
            bool meant = t->only ? strcmp(f->name, t->only) == 0 : f->is_rules;
            places[n] = (struct compile_place){slice_of(root), !meant};
            texts[n++] = (struct compile_source){arena_printf(&t->arena, "%s/%s", root, f->name),
                                                 f->text};
        }
    }
    struct compile_input input = {.sources = texts,
                                  .n_sources = n,
                                  .places = places,
                                  .data = texts,
                                  .n_data = n};
    return rules_compile(&input, report, ret);
}

enum fyke_result git_rules_compile(const char *spec, const char *otherwise,
                                   const struct rules_report *report, struct fyke_rules **ret)
{
    struct error err = ERROR_INIT;
    struct git_tree t = {.spec = spec};
    enum fyke_result done;
    *ret = NULL;
    arena_init(&t.arena);
    enum err rc = mean(&t, otherwise, &err);
    rc = rc == ERR_OK ? list_files(&t, &err) : rc;
    rc = rc == ERR_OK ? read_all(&t, &err) : rc;
    done = rc == ERR_OK ? compile(&t, report, ret) : last_error_set(&err);
    buf_release(&t.texts);
    buf_release(&t.data);
    free(t.files);
    arena_release(&t.arena);
    return done;
}
