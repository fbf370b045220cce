/* Where files stand in their repository of git. */
#ifndef FYKE_LIB_GIT_PATH_H
#define FYKE_LIB_GIT_PATH_H

#include "base/arena.h"

/* From the top of the repository that the directory `dir` lies in: "" or "rules/"; NULL: there is no repository, or
 * no git. */
const char *git_prefix_of(const char *dir, struct arena *a);
/* The same of a file: "rules/pay.rules". Or of a file of a revision, as rules name it: "HEAD~1:rules/pay.rules".
 * NULL: it cannot be told. */
const char *git_path_of(const char *path, struct arena *a);
/* Names for annotations: as the repository has them, wherever they are asked for. One file after the other, so git
 * is asked once for each. */
struct git_names {
    struct arena arena;
    const char *last, *named;
};
/* The path itself where it cannot be told; valid until `n` is released. */
const char *git_name_of(struct git_names *n, const char *path);
void git_names_release(struct git_names *n);
/* "a/./b/../c" is "a/c"; NULL: it leads out of the top. */
const char *git_path_join(const char *prefix, const char *path, struct arena *a);
/* Behind the revision: of "REV:PATH" the colon; NULL: there is none. */
const char *git_path_colon(const char *spec);

#endif
