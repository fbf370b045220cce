/* Rules as a git revision has them, read with the program git: nothing is checked out. */
#ifndef FYKE_LIB_GIT_RULES_H
#define FYKE_LIB_GIT_RULES_H

#include "lib/rules.h"

/* "REV:PATH" or "REV": then `otherwise` is the path, "." if NULL. A directory stands for the rule files
 * in it and below, as on disk; a file for itself. What they import and the lists, lookups and schemas
 * that they name come from the revision, too. In messages a file is called "REV:/PATH".
 * On FYKE_USAGE and FYKE_IO fyke_last_error() says why: no such revision, nothing of that path in it, no
 * repository, no git. */
enum fyke_result git_rules_compile(const char *spec, const char *otherwise,
                                   const struct rules_report *report, struct fyke_rules **ret);

#endif
