/* A hash over what stored events of a declaration mean: its fields in order, their types and where
 * they come from. Stored events hold values by field number; equal shapes read alike. */
#ifndef FYKE_NFA_SCHEMA_SHAPE_H
#define FYKE_NFA_SCHEMA_SHAPE_H

#include <stdint.h>

#include "nfa/schema.h"

uint64_t schema_shape(const struct schema_decl *d);
/* The same of one field; never 0. */
uint64_t schema_field_shape(const struct schema_field *f);

#endif
