/* Diagnostics as one SARIF 2.1.0 document, for code scanning. */
#ifndef FYKE_DSL_DIAG_SARIF_H
#define FYKE_DSL_DIAG_SARIF_H

#include "base/json_out.h"
#include "dsl/diag.h"

#define SARIF_MAX_CODES 1024

struct sarif {
    struct json_out json;
    bool seen[SARIF_MAX_CODES]; /* by place in diag_codes() */
};

void sarif_begin(struct sarif *s, struct buf *out);
/* `named`: what the readers call the file that it lies in; NULL if it lies in none. */
void sarif_result(struct sarif *s, const struct sources *set, const struct diag *d,
                  const char *named);
/* Writes the rules of the codes that were found, and ends the document. */
void sarif_end(struct sarif *s, const char *version);

#endif
