#include "dsl/load_walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/xalloc.h"

#define WALK_MAX_DEPTH 32

void walk_add(struct walk_list *list, struct slice path, struct slice root)
{
    VEC_PUSH(list->items, list->n, list->cap) = (struct walk_item){path, root};
}

void walk_release(struct walk_list *list)
{
    free(list->items);
    list->items = NULL;
    list->n = list->cap = 0;
}

static int by_path(const void *a, const void *b)
{
    const struct walk_item *x = a;
    const struct walk_item *y = b;
    return slice_cmp(x->path, y->path);
}

void walk_sort(struct walk_list *list)
{
    if (list->n) {
        qsort(list->items, list->n, sizeof(*list->items), by_path);
    }
}

static bool is_rule_file(const char *name)
{
    size_t n = strlen(name);
    return n > 6 && strcmp(name + n - 6, ".rules") == 0;
}

/* The directories on the way down: one that stands there already is entered through a link. */
struct way {
    const struct way *up;
    dev_t device;
    ino_t inode;
    unsigned depth;
};

static enum err walk_directory(struct walk_list *list, struct slice dir, struct slice root,
                               const struct way *way, struct error *err);

static bool is_on_way(const struct way *way, const struct stat *st)
{
    while (way && (way->device != st->st_dev || way->inode != st->st_ino)) {
        way = way->up;
    }
    return way != NULL;
}

static enum err walk_entry(struct walk_list *list, struct slice dir, struct slice root,
                           const char *name, const struct way *way, struct error *err)
{
    bool here = slice_eq_str(dir, ".");
    const char *sep = here || dir.ptr[dir.len - 1] == '/' ? "" : "/";
    char *path = arena_printf(list->arena, "%.*s%s%s", here ? 0 : (int)dir.len, dir.ptr, sep, name);
    struct stat st;
    if (stat(path, &st) != 0) {
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        struct way down = {way, st.st_dev, st.st_ino, way->depth + 1};
        return is_on_way(way, &st) ? ERR_OK
                                   : walk_directory(list, slice_of(path), root, &down, err);
    }
    if (S_ISREG(st.st_mode) && is_rule_file(name)) {
        walk_add(list, slice_of(path), root);
    }
    return ERR_OK;
}

static enum err walk_directory(struct walk_list *list, struct slice dir, struct slice root,
                               const struct way *way, struct error *err)
{
    if (way->depth > WALK_MAX_DEPTH) {
        return error_set(err, ERR_LIMIT, "%.*s: directories are nested too deeply",
                         SLICE_ARG(dir));
    }
    const char *name = arena_strndup(list->arena, dir.ptr, dir.len);
    DIR *d = opendir(name);
    if (!d) {
        return error_set(err, ERR_IO, "%s: %s", name, strerror(errno));
    }
    enum err rc = ERR_OK;
    const struct dirent *e;
    while (rc == ERR_OK && (e = readdir(d)) != NULL) {
        if (e->d_name[0] != '.') {
            rc = walk_entry(list, dir, root, e->d_name, way, err);
        }
    }
    closedir(d);
    return rc;
}

enum err walk_path(struct walk_list *list, struct slice path, struct error *err)
{
    const char *name = arena_strndup(list->arena, path.ptr, path.len);
    struct stat st;
    if (stat(name, &st) != 0) {
        return error_set(err, ERR_USAGE, "%s: %s", name, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        struct slice root = slice_eq_str(path, ".") ? SLICE_LIT("") : path;
        struct way top = {NULL, st.st_dev, st.st_ino, 0};
        return walk_directory(list, path, root, &top, err);
    }
    size_t n = path.len;
    while (n > 0 && path.ptr[n - 1] != '/') {
        n--;
    }
    walk_add(list, path, slice_from(path.ptr, n > 1 ? n - 1 : n));
    return ERR_OK;
}
