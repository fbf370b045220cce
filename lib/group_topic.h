/* What stands in the topic of the rules in force (connectors/kafka_rules.h), as this instance sees it:
 *
 *   00 'S' · u16 part     the texts of the set in force, in parts (engine/journal/changelog.h) of what
 *                         rule_text.h writes; the parts carry the generation
 *   00 'P'                what is in force: u8 1 · varint generation · fingerprint · varint tasks · blob topics
 *                         · blob instance that brought it
 *   00 'O' · instance     with what this instance was started, or asked to reload, the last time:
 *                         u8 1 · fingerprint · blob topics
 *
 * Texts stand in front of what puts them in force, in one transaction. Pure: bytes in, bytes out. */
#ifndef FYKE_LIB_GROUP_TOPIC_H
#define FYKE_LIB_GROUP_TOPIC_H

#include "engine/journal/changelog.h"
#include "engine/journal/journal.h"
#include "lib/group_choice.h"

/* What is in force. */
struct group_force {
    uint64_t generation; /* 0: nothing is */
    struct hash128 fingerprint;
    uint32_t n_tasks;
    struct buf topics, by;
};

struct group_view {
    const char *instance; /* the caller's */
    struct group_force force;
    bool has_offer;
    struct hash128 offered;
    struct buf offered_topics;
    struct changelog_header gather;
    struct buf texts; /* of the last whole set, as rule_text.h writes it */
};

void group_view_release(struct group_view *v);
/* A journal_entry_fn. */
enum err group_view_take(void *view, const struct journal_entry *e, bool *done, struct error *err);
/* NULL: none. */
const struct group_set *group_view_in_force(const struct group_view *v, struct group_set *ret);
const struct group_set *group_view_offered(const struct group_view *v, struct group_set *ret);
/* The texts of what is in force, without what rule_text.h puts around them. */
enum err group_view_texts(const struct group_view *v, struct slice *ret,
                          struct error *err) FYKE_MUST_USE;

#define GROUP_KEY_MAX 4
struct slice group_force_key(void);
struct slice group_part_key(uint32_t part, char ret[GROUP_KEY_MAX]);
void group_offer_key(const char *instance, struct buf *ret);
void group_force_encode(const struct group_force *f, struct buf *ret);
void group_offer_encode(const struct group_set *s, struct buf *ret);

#endif
