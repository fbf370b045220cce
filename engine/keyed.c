/* Do the events of a task belong to it? Of several instances each evaluates the partitions that are its
 * own; an event whose message key is not its key field may stand in the partition of another key, and
 * would be seen apart from the events that it belongs to. It is counted; when that is no exception, the
 * run ends. */
#include <inttypes.h>

#include "base/say.h"
#include "engine/engine_parts.h"
#include "engine/keys/message_key.h"

/* One in a thousand, of ten thousand: this many at least. */
#define TOLERATED 10
#define ONE_IN 1000

static struct slice key_name(const struct schema_decl *d)
{
    uint32_t i = 0;
    while (i < d->n_fields && !d->fields[i].is_key) {
        i++;
    }
    return i < d->n_fields ? d->fields[i].name : SLICE_LIT("?");
}

static void say_once(const struct engine *e, struct partition *p, const struct record *r,
                     const char *what)
{
    if (!p->said_misplaced) {
        p->said_misplaced = true;
        engine_say(e, SAY_WARNING "topic \"%.*s\" partition %d offset %" PRId64 ": %s, so what belongs to "
                   "it may be with another instance; counted as misplaced, not said again",
                   SLICE_ARG(p->topic->name), (int)p->id, r->offset, what);
    }
}

static enum err too_many(const struct partition *p, const struct schema_decl *d, struct error *err)
{
    return error_set(err, ERR_STATE, "topic \"%.*s\" partition %d: of %" PRIu64 " events %" PRIu64
                     " have another message key than the field %.*s of %.*s: several instances would "
                     "see one key apart; write the topic with that field as the message key, or run one "
                     "instance (--instances 1)", SLICE_ARG(p->topic->name), (int)p->id, p->keyed,
                     p->misplaced, SLICE_ARG(key_name(d)), SLICE_ARG(d->name));
}

/* The hash of the key is the source's business: it knows how many partitions there are. */
static void note_elsewhere(struct engine *e, struct partition *p, const struct record *r)
{
    if (r->elsewhere) {
        e->misplaced++;
        say_once(e, p, r, "the record is not in the partition of its message key");
    }
}

enum err engine_check_keys(struct engine *e, struct partition *p, const struct record *r,
                           struct event *const *events, uint32_t n, struct error *err)
{
    note_elsewhere(e, p, r);
    for (uint32_t i = 0; i < n; i++) {
        const struct schema_decl *d = &e->rs->decls[events[i]->decl];
        p->keyed++;
        if (message_key_fits(d, events[i], r)) {
            continue;
        }
        e->misplaced += !r->elsewhere; /* one record is one of them */
        p->misplaced++;
        say_once(e, p, r, "the message key is not the field declared `key`");
        if (p->misplaced > TOLERATED && p->misplaced * ONE_IN > p->keyed) {
            return too_many(p, d, err);
        }
    }
    return ERR_OK;
}
