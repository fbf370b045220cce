#include "lib/rule_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "dsl/load_walk.h"

#define POLL_MS 1000   /* between two looks without notes */
#define ANYWAY_MS 5000 /* … with them: they do not reach what a link in the middle of a path leads to */
#define STEP_MS 50     /* how soon the thread ends */
/* Whoever writes is let through: looked at when so long nothing more came, and after so long at the latest. */
#define QUIET_MS 200
#define UNREST_MS 2000
/* Files whose times are that much older than the look at them cannot have changed since without it showing. */
#define OLD_S 2
#define MAX_FILES 100000
#define NOTES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB)

struct rule_watch {
    const char *const *paths;
    size_t n_paths;
    int notes; /* inotify; -1: none */
    pthread_t thread;
    pthread_mutex_t lock; /* of `named` and `offered` */
    char **named;         /* files that the rules name: imports, lists, schemas; owned */
    size_t n_named, cap_named;
    struct file_marks offered; /* of the newest set that was tried; … */
    bool has_offered;
    struct file_marks tried; /* … once the thread has taken it over */
    struct hash128 seen;
    struct hash128 marks; /* of the files at the last look: sizes, times, numbers */
    bool old;             /* they were old then: the same marks are the same contents */
    atomic_bool changed, quit, noted;
};

/* ---- contents --------------------------------------------------------------------------------- */

static const struct rule_file *file_of(const struct fyke_rules *rules, const char *path)
{
    const struct sources *set = &rules->compilation->sources;
    for (uint32_t i = 0; i < set->n; i++) {
        if (strcmp(sources_get(set, i)->path, path) == 0) {
            return sources_get(set, i);
        }
    }
    return NULL;
}

/* As it is, or as it was read for `rules`. */
static void put_content(struct hasher *h, const char *path, const struct fyke_rules *rules,
                        struct buf *scratch)
{
    const struct rule_file *f = rules ? file_of(rules, path) : NULL;
    bool there = rules ? f != NULL : file_read_now(path, scratch);
    hasher_put_part(h, slice_of(path));
    hasher_put_part(h, there ? SLICE_LIT("+") : SLICE_LIT("-"));
    if (there) {
        hasher_put_part(h, f ? f->text : buf_slice(scratch));
    }
}

static void add_named(struct rule_watch *w, struct walk_list *list)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n_named; i++) {
        walk_add(list, arena_copy(list->arena, slice_of(w->named[i])), SLICE_LIT(""));
    }
    pthread_mutex_unlock(&w->lock);
}

static void watch_directory(const struct rule_watch *w, struct slice path)
{
    char dir[4096];
    snprintf(dir, sizeof(dir), "%.*s", SLICE_ARG(path));
    char *slash = strrchr(dir, '/');
    if (slash == NULL) {
        snprintf(dir, sizeof(dir), ".");
    } else {
        slash[slash == dir] = '\0';
    }
    (void)inotify_add_watch(w->notes, dir, NOTES | IN_ONLYDIR); /* the same one again changes nothing */
}

static void watch_all(const struct rule_watch *w, const struct walk_list *list)
{
    for (size_t i = 0; w->notes >= 0 && i < w->n_paths; i++) {
        (void)inotify_add_watch(w->notes, w->paths[i], NOTES | IN_ONLYDIR);
        watch_directory(w, slice_of(w->paths[i]));
    }
    for (size_t i = 0; w->notes >= 0 && i < list->n; i++) {
        watch_directory(w, list->items[i].path);
    }
}

/* False: not everything could be listed, so the list does not tell whether something has changed. */
static bool list_files(struct rule_watch *w, struct walk_list *list, struct hasher *h)
{
    struct error err = ERROR_INIT;
    size_t n = 0;
    bool whole = true;
    for (size_t i = 0; i < w->n_paths; i++) {
        if (walk_path(list, slice_of(w->paths[i]), &err) != ERR_OK) {
            hasher_put_part(h, slice_of(w->paths[i])); /* gone; its files are gone from the list */
            whole = false;
        }
    }
    add_named(w, list);
    walk_sort(list);
    for (size_t i = 0; i < list->n && n < MAX_FILES; i++) {
        if (n == 0 || !slice_eq(list->items[i].path, list->items[n - 1].path)) {
            list->items[n++] = list->items[i];
        }
    }
    list->n = n;
    return whole;
}

static const char *path_at(const struct walk_list *list, size_t i)
{
    return arena_strndup(list->arena, list->items[i].path.ptr, list->items[i].path.len);
}

/* Reading all of large lists every second would be noticed. */
static struct hash128 marks_of(const struct walk_list *list, bool *ret_old)
{
    struct hasher h;
    time_t now = time(NULL);
    hasher_init(&h);
    *ret_old = true;
    for (size_t i = 0; i < list->n; i++) {
        struct stat st;
        bool there = stat(path_at(list, i), &st) == 0;
        hasher_put_part(&h, list->items[i].path);
        hasher_put_part(&h, there ? SLICE_LIT("+") : SLICE_LIT("-"));
        if (there) {
            const uint64_t mark[] = {(uint64_t)st.st_dev, (uint64_t)st.st_ino, (uint64_t)st.st_size,
                                     (uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec,
                                     (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec};
            hasher_put_part(&h, slice_from((const char *)mark, sizeof(mark)));
            *ret_old = *ret_old && st.st_ctim.tv_sec + OLD_S < now && st.st_mtim.tv_sec + OLD_S < now;
        }
    }
    return hasher_hash128(&h);
}

static struct hash128 contents_of(const struct walk_list *list, const struct fyke_rules *rules,
                                  struct hasher *h)
{
    FYKE_CLEANUP(buf_release) struct buf scratch = BUF_INIT;
    for (size_t i = 0; i < list->n; i++) {
        put_content(h, path_at(list, i), rules, &scratch);
    }
    return hasher_hash128(h);
}

/* ---- what was only tried ------------------------------------------------------------------ */

static void take_offered(struct rule_watch *w)
{
    pthread_mutex_lock(&w->lock);
    if (w->has_offered) {
        file_marks_release(&w->tried);
        w->tried = w->offered;
        w->offered = (struct file_marks){0};
        w->has_offered = false;
    }
    pthread_mutex_unlock(&w->lock);
}

static int by_path(const void *path, const void *item)
{
    return slice_cmp(*(const struct slice *)path, ((const struct walk_item *)item)->path);
}

static bool is_listed(const struct walk_list *list, const char *path)
{
    struct slice s = slice_of(path);
    return list->n > 0 && bsearch(&s, list->items, list->n, sizeof(*list->items), by_path) != NULL;
}

/* Has one of the files changed that are not in the list anyway? */
static bool tried_changed(struct rule_watch *w, const struct walk_list *list)
{
    bool changed = false;
    for (size_t i = 0; i < w->tried.n; i++) {
        struct file_mark *m = &w->tried.items[i];
        if (!is_listed(list, m->path)) {
            if (w->notes >= 0) {
                watch_directory(w, slice_of(m->path));
            }
            changed |= file_mark_renew(m);
        }
    }
    return changed;
}

/* ---- contents of all ---------------------------------------------------------------------- */

/* `rules`: as they were read; NULL: as the files are. */
static struct hash128 contents(struct rule_watch *w, const struct fyke_rules *rules)
{
    struct hasher h;
    struct arena arena = ARENA_INIT;
    struct walk_list list = {.arena = &arena};
    struct hash128 ret = w->seen;
    bool old;
    hasher_init(&h);
    bool whole = list_files(w, &list, &h);
    struct hash128 marks = marks_of(&list, &old);
    if (rules || !whole || !w->old || !hash128_eq(marks, w->marks)) {
        ret = contents_of(&list, rules, &h);
    }
    w->marks = marks;
    w->old = old && whole && !rules;
    watch_all(w, &list);
    if (!rules && tried_changed(w, &list)) {
        atomic_store(&w->changed, true);
    }
    walk_release(&list);
    arena_release(&arena);
    return ret;
}

/* ---- the thread ------------------------------------------------------------------------------- */

/* True: the kernel has notes. */
static bool wait_step(struct rule_watch *w)
{
    char events[4096];
    struct pollfd p = {.fd = w->notes, .events = POLLIN};
    bool noted = atomic_exchange(&w->noted, false);
    if (w->notes < 0) {
        nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL);
        return noted;
    }
    if (poll(&p, 1, STEP_MS) <= 0) {
        return noted;
    }
    while (read(w->notes, events, sizeof(events)) > 0) {
        noted = true;
    }
    nanosleep(&(struct timespec){.tv_nsec = STEP_MS * NS_PER_MS}, NULL); /* a step is a step */
    return noted;
}

static void look(struct rule_watch *w)
{
    take_offered(w);
    struct hash128 now = contents(w, NULL);
    if (!hash128_eq(now, w->seen)) {
        atomic_store(&w->changed, true);
    }
    w->seen = now;
}

static void *watch_files(void *ctx)
{
    struct rule_watch *w = ctx;
    int since_look = 0, unrest = 0, quiet = 0; /* ms; unrest: since the first note, 0: none */
    look(w);
    while (!atomic_load(&w->quit)) {
        bool noted = wait_step(w);
        since_look += STEP_MS;
        unrest += noted || unrest > 0 ? STEP_MS : 0;
        quiet = noted ? 0 : quiet + STEP_MS;
        if (since_look >= (w->notes < 0 ? POLL_MS : ANYWAY_MS) || unrest >= UNREST_MS ||
            (unrest > 0 && quiet >= QUIET_MS)) {
            look(w);
            since_look = unrest = 0;
        }
    }
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------- */

static void release(struct rule_watch *w)
{
    for (size_t i = 0; i < w->n_named; i++) {
        free(w->named[i]);
    }
    free(w->named);
    file_marks_release(&w->offered);
    file_marks_release(&w->tried);
    if (w->notes >= 0) {
        close(w->notes);
    }
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct rule_watch *rule_watch_new(const struct fyke_rules *rules, enum rule_watch_mode mode)
{
    struct rule_watch *w = xcalloc(1, sizeof(*w));
    w->paths = (const char *const *)rules->paths;
    w->n_paths = rules->n_paths;
    w->notes = mode == RULE_WATCH_FILES ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    pthread_mutex_init(&w->lock, NULL);
    rule_watch_follow(w, rules);
    w->seen = contents(w, rules->stored ? NULL : rules); /* stored: the files are known to be broken */
    w->old = false;
    if (pthread_create(&w->thread, NULL, watch_files, w) != 0) {
        release(w);
        return NULL;
    }
    return w;
}

void rule_watch_free(struct rule_watch *w)
{
    if (w == NULL) {
        return;
    }
    atomic_store(&w->quit, true);
    pthread_join(w->thread, NULL);
    release(w);
}

void rule_watch_follow(struct rule_watch *w, const struct fyke_rules *rules)
{
    const struct sources *set = &rules->compilation->sources;
    pthread_mutex_lock(&w->lock);
    while (w->n_named > 0) {
        free(w->named[--w->n_named]);
    }
    for (uint32_t i = 0; i < set->n; i++) {
        VEC_PUSH(w->named, w->n_named, w->cap_named) = xstrdup(sources_get(set, i)->path);
    }
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->noted, true);
}

void rule_watch_tried(struct rule_watch *w, struct file_marks *marks)
{
    pthread_mutex_lock(&w->lock);
    file_marks_release(&w->offered);
    w->offered = *marks;
    w->has_offered = true;
    pthread_mutex_unlock(&w->lock);
    *marks = (struct file_marks){0};
    atomic_store(&w->noted, true); /* soon: what has come since they were read must be seen */
}

bool rule_watch_changed(struct rule_watch *w)
{
    return atomic_exchange(&w->changed, false);
}
