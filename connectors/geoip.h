/* MaxMind files (.mmdb) behind `geoip(ip)`, through libmaxminddb. Files are mapped into memory; a
 * field comes from the first file that has it, so that one with cities and one with autonomous
 * systems go together. Look-ups are pure and may run on several threads. */
#ifndef FYKE_CONNECTORS_GEOIP_H
#define FYKE_CONNECTORS_GEOIP_H

#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/hash.h"
#include "nfa/eval_env.h"

struct geoip_files;

/* NULL without files. */
enum err geoip_files_open(const char *const *paths, size_t n, struct geoip_files **ret,
                          struct error *err) FYKE_MUST_USE;
void geoip_files_close(struct geoip_files *g);
/* NULL for NULL; lives as long as the files are open. */
const struct geoip *geoip_files_lookup(const struct geoip_files *g);
/* Hash over the files' bytes; zero for NULL. */
struct hash128 geoip_files_identity(const struct geoip_files *g);

#endif
