/* Pages of the reference that are written from tables. */
#ifndef FYKE_CLI_REFERENCE_H
#define FYKE_CLI_REFERENCE_H

#include "base/buf.h"

void reference_codes(struct buf *out);
void reference_functions(struct buf *out);

#endif
