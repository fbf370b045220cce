/* Tells when the files that rules are read from have other contents (docs/reload.md).
 *
 * A thread compares the contents of all of them: the rule files under the paths, whatever these import, lists,
 * lookups and schemas. Contents decide, not times or names of links, so links that are swapped, files that
 * are replaced and directories that come anew are all the same to it. It looks now and then; the kernel's
 * notes about the directories only make it look sooner, and it can do without.
 *
 * Thread rule: all calls from one thread. */
#ifndef FYKE_LIB_RULE_WATCH_H
#define FYKE_LIB_RULE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/file_marks.h"
#include "lib/rules.h"

enum rule_watch_mode {
    RULE_WATCH_FILES, /* with the kernel's notes */
    RULE_WATCH_POLL,  /* without: file systems over a network */
};

struct rule_watch;

/* `rules` were read from their paths, which are borrowed; what has changed since then has changed. NULL: no
 * thread. */
struct rule_watch *rule_watch_new(const struct fyke_rules *rules, enum rule_watch_mode mode);
void rule_watch_free(struct rule_watch *w);

/* These are read now: the other files that they name are watched too. */
void rule_watch_follow(struct rule_watch *w, const struct fyke_rules *rules);
/* These were read or looked for, whatever became of the set: those that the set in force does not name are
 * watched until the next one is tried. Taken over. */
void rule_watch_tried(struct rule_watch *w, struct file_marks *marks);
/* Something has changed since the last time this was asked. */
bool rule_watch_changed(struct rule_watch *w);

#endif
