/* The rule files under the paths of the input. */
#ifndef FYKE_DSL_LOAD_WALK_H
#define FYKE_DSL_LOAD_WALK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct walk_item {
    struct slice path; /* normalised */
    struct slice root; /* the directory it was found in; imports stay inside */
};

struct walk_list {
    struct arena *arena;
    struct walk_item *items;
    size_t n, cap;
};

void walk_add(struct walk_list *list, struct slice path, struct slice root);
/* A file, or a directory whose *.rules files are added, subdirectories too. */
enum err walk_path(struct walk_list *list, struct slice path, struct error *err) FYKE_MUST_USE;
/* Byte order of the paths. */
void walk_sort(struct walk_list *list);
void walk_release(struct walk_list *list);

#endif
