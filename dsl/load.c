#include "dsl/load.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "dsl/load_walk.h"
#include "dsl/parse.h"

/* Importers above a file. */
#define MAX_IMPORTS 64

enum file_state { FILE_LOADING, FILE_DONE };

/* One file of the set, by its normalised path. */
struct loaded {
    struct slice path;
    struct slice root; /* directory that imports may not leave; "" = the working directory */
    enum file_state state;
    const struct ast_file *ast;
    struct loaded *importer; /* while loading: who asked for it */
    uint32_t depth;          /* importers above it */
};

struct loader {
    struct compilation *c;
    const struct compile_input *input;
    struct decl_list *decls;
    struct checker report; /* only for its diagnostics */
    struct map files;      /* normalised path → struct loaded */
    struct map memory;     /* normalised path → const struct compile_source */
    struct map real;       /* path without links → struct loaded, of files on disk */
};

bool load_normalise(struct arena *arena, struct slice path, struct slice *ret)
{
    struct buf out = BUF_INIT;
    bool absolute = path.len && path.ptr[0] == '/';
    bool inside = true;
    size_t at = 0;
    while (at < path.len) {
        size_t end = at;
        while (end < path.len && path.ptr[end] != '/') {
            end++;
        }
        struct slice part = slice_from(path.ptr + at, end - at);
        at = end + 1;
        if (part.len == 0 || slice_eq_str(part, ".")) {
            continue;
        }
        if (!slice_eq_str(part, "..")) {
            buf_printf(&out, "%s%.*s", out.len || absolute ? "/" : "", SLICE_ARG(part));
            continue;
        }
        struct slice sofar = buf_slice(&out);
        size_t cut = sofar.len;
        while (cut > 0 && sofar.ptr[cut - 1] != '/') {
            cut--;
        }
        bool climbs = sofar.len == 0 || slice_eq_str(slice_from(sofar.ptr + cut, sofar.len - cut),
                                                     "..");
        if (climbs && !absolute) {
            inside = false;
            buf_printf(&out, "%s..", out.len ? "/" : "");
        } else if (!climbs) {
            out.len = cut ? cut - 1 : 0;
        }
    }
    *ret = arena_copy(arena, buf_slice(&out));
    buf_release(&out);
    return inside;
}

static struct slice directory_of(struct slice path)
{
    size_t n = path.len;
    while (n > 0 && path.ptr[n - 1] != '/') {
        n--;
    }
    return slice_from(path.ptr, n > 1 ? n - 1 : n);
}

static bool lies_in(struct slice path, struct slice root)
{
    if (root.len == 0) {
        return !(path.len && path.ptr[0] == '/') && !slice_starts_with(path, SLICE_LIT("../")) &&
               !slice_eq_str(path, "..");
    }
    if (slice_eq_str(root, "/")) {
        return true;
    }
    return path.len > root.len && slice_starts_with(path, root) && path.ptr[root.len] == '/';
}

/* ---- texts --------------------------------------------------------------------------------- */

static const struct compile_source *find_source(struct compilation *c,
                                                const struct compile_source *sources, uint32_t n,
                                                struct slice path)
{
    for (uint32_t i = 0; i < n; i++) {
        struct slice name;
        load_normalise(&c->arena, slice_of(sources[i].path), &name);
        if (slice_eq(name, path)) {
            return &sources[i];
        }
    }
    return NULL;
}

static bool is_in_memory(const struct loader *l, struct slice path)
{
    return map_find(&l->memory, path) != NULL;
}

/* Without links; NUL-terminated; empty if there is none. */
static struct slice real_path(struct loader *l, struct slice path)
{
    char *real = realpath(arena_strndup(&l->c->arena, path.ptr, path.len), NULL);
    struct slice kept = {0};
    if (real) {
        kept = slice_of(arena_strndup(&l->c->arena, real, strlen(real)));
        free(real);
    }
    return kept;
}

/* The file by its path, or by another path that leads to it. */
static struct loaded *find_loaded(struct loader *l, struct slice path)
{
    struct loaded *f = map_get(&l->files, path);
    if (f || is_in_memory(l, path)) {
        return f;
    }
    struct slice real = real_path(l, path);
    return real.len ? map_get(&l->real, real) : NULL;
}

static enum err read_source(struct loader *l, struct slice path, struct rule_file **ret,
                            struct error *err)
{
    const struct compile_source *memory = map_get(&l->memory, path);
    if (memory) {
        *ret = sources_add(&l->c->sources, memory->path, memory->text);
        return ERR_OK;
    }
    if (l->input->n_paths == 0) {
        return error_set(err, ERR_USAGE, "there is no file %.*s", SLICE_ARG(path));
    }
    const char *name = arena_strndup(&l->c->arena, path.ptr, path.len);
    return sources_read(&l->c->sources, name, ret, err);
}

static struct rule_file *data_read_before(const struct sources *set, struct slice path)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->items[i]->is_data && slice_eq_str(path, set->items[i]->path)) {
            return set->items[i];
        }
    }
    return NULL;
}

enum err load_data(struct compilation *c, const struct compile_input *input, struct slice path,
                   const struct rule_file **ret, struct error *err)
{
    const char *name = arena_strndup(&c->arena, path.ptr, path.len);
    struct rule_file *src = data_read_before(&c->sources, path);
    const struct compile_source *memory =
        src ? NULL : find_source(c, input->data, input->n_data, path);
    if (memory) {
        src = sources_add_data(&c->sources, name, memory->text);
    }
    if (!src && input->n_paths == 0) {
        return error_set(err, ERR_USAGE, "there is no file %s", name);
    }
    if (!src) {
        FYKE_TRY(sources_read_data(&c->sources, name, &src, err));
    }
    *ret = src;
    return src->too_large ? error_set(err, ERR_LIMIT, "%s is larger than %u MiB", name,
                                      SOURCE_MAX_DATA_BYTES >> 20)
                          : ERR_OK;
}

bool load_relative(struct arena *arena, const struct rule_file *from, struct slice text,
                   struct slice *ret)
{
    struct slice path;
    if (text.len == 0 || text.ptr[0] == '/') {
        return false;
    }
    load_normalise(arena, slice_of(from->path), &path);
    struct slice dir = directory_of(path);
    char *joined = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(dir),
                                dir.len && dir.ptr[dir.len - 1] != '/' ? "/" : "",
                                SLICE_ARG(text));
    load_normalise(arena, slice_of(joined), ret);
    return lies_in(*ret, from->root);
}

/* ---- imports ------------------------------------------------------------------------------- */

static void expand(struct loader *l, struct loaded *f);
static enum err load_one(struct loader *l, struct slice path, struct slice root,
                         struct loaded *importer, struct loaded **ret, struct error *err);

static void report_cycle(struct loader *l, const struct loaded *from, const struct loaded *again,
                         struct span span)
{
    struct buf chain = BUF_INIT;
    const struct loaded *path[64];
    uint32_t n = 0;
    for (const struct loaded *f = from; f && n < FYKE_ARRAY_LEN(path); f = f->importer) {
        path[n++] = f;
        if (f == again) {
            break;
        }
    }
    for (; n > 0; n--) {
        buf_printf(&chain, "%.*s imports ", SLICE_ARG(path[n - 1]->path));
    }
    buf_put_slice(&chain, again->path);
    check_error(&l->report, "E0311", span, "imports run in a circle: %s", buf_cstr(&chain));
    buf_release(&chain);
}

static bool import_path(struct loader *l, const struct loaded *from, const struct ast_literal *lit,
                        struct slice *ret)
{
    struct slice text = lit->string;
    if (text.len == 0 || text.ptr[0] == '/') {
        struct diag *d = check_error(&l->report, "E0310", lit->span,
                                     "an import names a file relative to this one");
        check_help(&l->report, d, "for example `import \"common.rules\"`");
        return false;
    }
    if (!load_relative(&l->c->arena, from->ast->source, text, ret)) {
        struct diag *d = check_error(&l->report, "E0310", lit->span,
                                     "the import leads out of the rules directory");
        check_help(&l->report, d, "put shared files into it, or compile the directory above");
        return false;
    }
    return true;
}

/* What an import names on disk must be a file inside the root also when links are followed. */
static bool is_importable(struct loader *l, const struct loaded *from, struct slice path,
                          const struct ast_literal *lit)
{
    struct slice file = real_path(l, path);
    struct slice root = real_path(l, from->root.len ? from->root : SLICE_LIT("."));
    struct stat st;
    if (is_in_memory(l, path) || file.len == 0 || root.len == 0) {
        return true; /* reading it will say what is wrong */
    }
    if (!lies_in(file, root)) {
        struct diag *d = check_error(&l->report, "E0310", lit->span,
                                     "the import is a link that leads out of the rules directory");
        check_help(&l->report, d, "copy the file into it");
        return false;
    }
    if (stat(file.ptr, &st) != 0 || !S_ISREG(st.st_mode)) {
        check_error(&l->report, "E0310", lit->span, "the import is no file");
        return false;
    }
    return true;
}

static void expand_import(struct loader *l, struct loaded *from, const struct ast_literal *lit)
{
    struct slice path;
    struct error err = ERROR_INIT;
    struct loaded *f = NULL;
    if (!import_path(l, from, lit, &path) || !is_importable(l, from, path, lit)) {
        return;
    }
    if (from->depth == MAX_IMPORTS) {
        check_error(&l->report, "E0310", lit->span, "imports stand more than %d deep", MAX_IMPORTS);
        return;
    }
    f = find_loaded(l, path);
    if (f && f->state == FILE_LOADING) {
        report_cycle(l, from, f, lit->span);
        return;
    }
    if (!f && load_one(l, path, from->root, from, &f, &err) != ERR_OK) {
        check_error(&l->report, "E0310", lit->span, "the import cannot be read: %s", err.text);
    }
}

static void expand(struct loader *l, struct loaded *f)
{
    for (const struct ast_decl *d = f->ast->first; d; d = d->next) {
        if (d->kind == AST_DECL_IMPORT) {
            expand_import(l, f, d->import);
        } else if (d->kind != AST_DECL_ERROR) {
            VEC_PUSH(l->decls->items, l->decls->n, l->decls->cap) = d;
        }
    }
}

static enum err load_one(struct loader *l, struct slice path, struct slice root,
                         struct loaded *importer, struct loaded **ret, struct error *err)
{
    struct rule_file *src = NULL;
    FYKE_TRY(read_source(l, path, &src, err));
    src->root = root;
    src->imported = importer != NULL;
    struct loaded *f = ARENA_NEW(&l->c->arena, struct loaded);
    f->path = path;
    f->root = root;
    f->importer = importer;
    f->depth = importer ? importer->depth + 1 : 0;
    map_set(&l->files, path, f);
    struct slice real = is_in_memory(l, path) ? (struct slice){0} : real_path(l, path);
    if (real.len) {
        map_set(&l->real, real, f);
    }
    struct ast_file *ast = dsl_parse(src, &l->c->arena, &l->c->diags);
    f->ast = ast;
    uint32_t n = l->c->n_files;
    if ((n & (n + 1)) == 0) { /* grown at 0, 1, 3, 7, …: capacity is the next power of two */
        const struct ast_file **grown =
            ARENA_ARRAY(&l->c->arena, const struct ast_file *, 2 * (size_t)n + 2);
        if (n) {
            memcpy(grown, l->c->files, n * sizeof(*grown));
        }
        l->c->files = grown;
    }
    l->c->files[l->c->n_files++] = ast;
    expand(l, f);
    f->state = FILE_DONE;
    *ret = f;
    return ERR_OK;
}

/* ---- the input ----------------------------------------------------------------------------- */

static enum err load_all(struct loader *l, struct walk_list *list, struct error *err)
{
    walk_sort(list);
    for (size_t i = 0; i < list->n; i++) {
        struct loaded *f = find_loaded(l, list->items[i].path);
        if (!f) {
            FYKE_TRY(load_one(l, list->items[i].path, list->items[i].root, NULL, &f, err));
        }
    }
    return ERR_OK;
}

/* Of several texts under one path the first counts. */
static void index_memory(struct loader *l)
{
    map_init(&l->memory, MAP_BORROW_KEYS);
    for (uint32_t i = 0; i < l->input->n_sources; i++) {
        struct slice path;
        load_normalise(&l->c->arena, slice_of(l->input->sources[i].path), &path);
        map_add(&l->memory, path, (void *)(uintptr_t)&l->input->sources[i]);
    }
}

static void add_memory(struct loader *l, struct walk_list *list)
{
    for (uint32_t i = 0; i < l->input->n_sources && !l->input->sources_on_demand; i++) {
        struct slice path;
        const struct compile_place *place = l->input->places ? &l->input->places[i] : NULL;
        load_normalise(&l->c->arena, slice_of(l->input->sources[i].path), &path);
        if (!place || !place->imported) {
            walk_add(list, path,
                     place ? arena_copy(&l->c->arena, place->root) : directory_of(path));
        }
    }
}

enum err load_files(struct compilation *c, const struct compile_input *input,
                    struct decl_list *decls, struct error *err)
{
    struct loader l = {.c = c, .input = input, .decls = decls};
    struct walk_list list = {.arena = &c->arena};
    enum err rc = ERR_OK;
    l.report.arena = &c->arena;
    l.report.diags = &c->diags;
    map_init(&l.files, MAP_BORROW_KEYS);
    map_init(&l.real, MAP_BORROW_KEYS);
    index_memory(&l);
    map_init(&l.report.reported, MAP_COPY_KEYS);
    for (uint32_t i = 0; i < input->n_paths && rc == ERR_OK; i++) {
        struct slice path;
        load_normalise(&c->arena, slice_of(input->paths[i]), &path);
        if (path.len == 0) {
            path = SLICE_LIT(".");
        }
        if (is_in_memory(&l, path)) {
            walk_add(&list, path, directory_of(path));
        } else {
            rc = walk_path(&list, path, err);
        }
    }
    add_memory(&l, &list);
    if (rc == ERR_OK) {
        rc = load_all(&l, &list, err);
    }
    walk_release(&list);
    map_release(&l.files);
    map_release(&l.real);
    map_release(&l.memory);
    map_release(&l.report.reported);
    return rc;
}
