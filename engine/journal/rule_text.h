/* The texts of a rule set beside the state that is kept under it, so that a restart can go on with
 * them whatever has become of the files.
 *
 *   u8 1 · u64 u64 fingerprint · the texts, as whoever compiles them wrote them · u64 checksum
 *
 * One set is stored, that of the header, with the old versions that still drain (whoever compiles them
 * knows how); it is written in the transaction that writes the first header under it. With a journal it stands in the changelog, in parts (changelog.h). */
#ifndef FYKE_ENGINE_JOURNAL_RULE_TEXT_H
#define FYKE_ENGINE_JOURNAL_RULE_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"
#include "engine/state/store.h"

struct engine;

void rule_text_encode(struct hash128 fingerprint, struct slice texts, struct buf *out);
/* False: damaged. `texts` lies in `bytes`. */
bool rule_text_decode(struct slice bytes, struct hash128 *fingerprint, struct slice *texts);

/* What the texts are known by: the same set under other old versions has other texts. */
struct hash128 rule_text_id(struct hash128 fingerprint, struct slice texts);
/* They are to be stored from the next commit on. */
void rule_text_set(struct engine *e, struct hash128 fingerprint, struct slice texts);

/* The set of the header goes into the transaction unless it is stored already. */
enum err rule_text_put(struct engine *e, struct store_txn *t, struct error *err) FYKE_MUST_USE;
/* What the database holds becomes state.stored_rules; *texts lie in `ret`, *found: they are those of the
 * header. */
enum err rule_text_look(struct engine *e, struct buf *ret, struct slice *texts, bool *found,
                        struct error *err) FYKE_MUST_USE;

#endif
