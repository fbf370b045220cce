/* Profiles of a key group; part of key.c's table. */
#ifndef FYKE_ENGINE_KEYS_KEY_PROFILE_H
#define FYKE_ENGINE_KEYS_KEY_PROFILE_H

#include "engine/keys/key.h"
#include "nfa/profile.h"

/* After the rules' variants are there. */
void key_group_add_profiles(struct key_table *t, struct key_group *g, size_t *cap_measures,
                            size_t *cap_variants);
/* Both lists give the same values for every event (key.c). */
bool key_same_exprs(const struct expr **a, const struct expr **b, uint32_t n);

#define KEY_NO_MEASURE UINT32_MAX
/* The group's state of a measure; KEY_NO_MEASURE: no rule of the group reads it. */
uint32_t key_group_measure(const struct key_table *t, const struct key_group *g, uint32_t measure);

#endif
