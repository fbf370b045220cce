"""Protocols that are broken on purpose: (what is broken, the tests of which one must fail, then
(file, exact text that stands there once, text instead) as often as it takes)."""

LIVES = ('exactly_once', 'journal_copy', 'journal_gone', 'journal_bounds', 'journal')
JOURNALED, RECOVER = 'engine/journal/journaled.c', 'engine/journal/recover.c'
OVERLAY = 'engine/journal/overlay.c'
RECOVER_COPY = 'engine/journal/recover_copy.c'
CHECKPOINT, INTAKE = 'engine/state/checkpoint.c', 'engine/intake.c'
COPY = 'engine/journal/copy_writer.c'
VALUES = 'engine/time/value_clock.c'
LIMIT = 'if (place_cmp(order_item_place(&item), c->limit) >= 0) {'
SEND_HEADER = '    return journaled_send_header(e, h, ret, err);\n'
BEFORE_APPEND = '    fault_point(e->options.fault, "before-append");\n'

FAULTS = (
    # reading again
    ('read again: what stands before the watermark is skipped', LIVES,
     (INTAKE, LIMIT, 'if (!etime_lt(item.time, c->watermark)) {')),
    ('read again: what stands at the watermark is skipped too', LIVES,
     (INTAKE, LIMIT, 'if (etime_lt(c->watermark, item.time)) {')),
    ('read again: what was late then is judged anew', LIVES,
     (INTAKE, 'if (late_runs_has(&p->late_runs, events[i]->decl, events[i]->at.offset)) {',
      'if (partition_is_late((void *)(uintptr_t)p, events[i])) {')),
    ('lateness is judged by the watermark of the task', LIVES,
     (INTAKE, 'if (partition_is_late(p, events[i])) {',
      'if (etime_lt(events[i]->time, e->clocks[0].watermark)) {')),
    # the order of things in a commit
    ('the database gets what is not committed', LIVES,
     (CHECKPOINT, '    enum err rc = s->journaled != NULL ? journaled_send(e, s->frozen, &header, ret, err)\n',
      '''    if (s->journaled != NULL) {
        struct store_txn *early;
        FYKE_TRY(store_begin(s->store, &early, err));
        for (uint32_t i = 0; i < e->n_shards; i++) {
            FYKE_TRY(put_frozen(early, i, &s->frozen[i], err));
        }
        FYKE_TRY(store_commit(early, err));
    }
    enum err rc = s->journaled != NULL ? journaled_send(e, s->frozen, &header, ret, err)
''')),
    ('the overlay gets what is not committed', LIVES,
     (JOURNALED, SEND_HEADER, '''    FYKE_TRY(journaled_send_header(e, h, ret, err));
    for (uint32_t i = 0; i < j->n_dbs; i++) {
        overlay_add(j->overlays[i], (struct frozen *)(uintptr_t)&frozen[i]);
    }
    j->ahead = true;
    return ERR_OK;
'''),
     (JOURNALED, '        overlay_add(j->overlays[i], &frozen[i]);\n', '')),
    ('positions and header are committed before the records', LIVES,
     (JOURNALED, BEFORE_APPEND,
      '''    FYKE_TRY(journaled_send_header(e, h, ret, err));
    FYKE_TRY(j->journal->ops->commit(j->journal, ret, 1, err));
''')),
    ('positions and header are committed after the records, on their own', LIVES,
     (JOURNALED, SEND_HEADER, '''    if (e->state->before.n_partitions > 0) {
        struct header was = e->state->before;
        was.seq = e->state->seq;
        FYKE_TRY(journaled_send_header(e, &was, ret, err));
        FYKE_TRY(j->journal->ops->commit(j->journal, ret, 1, err));
    }
    return journaled_send_header(e, h, ret, err);
''')),
    ('the header stands in front of the records', LIVES,
     (JOURNALED, BEFORE_APPEND, '    FYKE_TRY(journaled_send_header(e, h, ret, err));\n'),
     (JOURNALED, SEND_HEADER, '    return ERR_OK;\n')),
    # reading through
    ('the overlay is not consulted', LIVES,
     ('engine/keys/keyspace_store.c', 'o == NULL ? OVERLAY_NONE : overlay_get(o, key, ret)',
      'o == NULL || key != NULL ? OVERLAY_NONE : overlay_get(o, key, ret)')),
    ('what is being written is not consulted', LIVES,
     (OVERLAY, '        s = generation_find(&o->frozen, key);\n', '')),
    ('deletions are not in the overlay', LIVES,
     (OVERLAY, '    if (s == NULL) {\n        return OVERLAY_NONE;',
      '    if (s == NULL || s->deleted) {\n        return OVERLAY_NONE;')),
    ('deletions are not written to the database', LIVES,
     ('engine/journal/checkpointer.c', 'return deleted ? store_del(w->txn, w->shard, key, err)',
      'return deleted ? ERR_OK')),
    ('deletions are not written to the changelog', LIVES,
     (JOURNALED, '        if (op->len > to->max_value_bytes) {\n',
      '        if (op->del) {\n            continue;\n        }\n'
      '        if (op->len > to->max_value_bytes) {\n')),
    ('a record leaves memory before it is committed', LIVES,
     ('engine/keys/evict.c', 'struct key_record *rec = oldest(ks);',
      'struct key_record *rec = oldest(ks);\n'
      '        rec = rec == NULL ? ks->dirty.oldest : rec;')),
    # the copy
    ('a checkpoint says that it has the positions of the commit before', LIVES,
     (JOURNALED, '    buf_clear(&j->header);\n    buf_put_slice(&j->header, buf_slice(&j->sent));\n',
      '    if (j->header.len == 0 || e->commits % 2 == 0) {\n'
      '        buf_clear(&j->header);\n        buf_put_slice(&j->header, buf_slice(&j->sent));\n'
      '    }\n')),
    ('a copy of any age is used', LIVES,
     (RECOVER_COPY, 'if (!found) {\n        snprintf(why, size, "it is so old',
      'if (false) {\n        snprintf(why, size, "it is so old')),
    ('a copy is used though the log forgot while it was read', LIVES,
     (RECOVER, 'if (found) {\n        return ERR_OK;', 'if (true) {\n        return ERR_OK;')),
    # A copy without its header is wiped and one in front of the last commit is read on with, so `torn`
    # alone changes nothing: here it counts.
    ('a recovery that was cut short counts as whole', LIVES,
     (RECOVER_COPY, '    *ret_whole = !o.torn && o.position > r->header_at;\n',
      '    *ret_whole = o.torn || o.position > r->header_at;\n')),
    ('a recovery reads on behind half a header', LIVES,
     (COPY, 'int64_t up_to = w->gather.next > 0 ? w->gather.first : position + 1;',
      'int64_t up_to = position + 1;')),
    ('a recovery stops one entry early', LIVES,
     (COPY, 'int64_t up_to = w->gather.next > 0 ? w->gather.first : position + 1;',
      'int64_t up_to = w->gather.next > 0 ? w->gather.first : position + 2;')),
    ('a checkpoint after an abort writes the header that was not committed', LIVES,
     (JOURNALED, '    header_encode(h, &j->sent);\n',
      '    header_encode(h, &j->sent);\n'
      '    buf_clear(&j->header);\n    buf_put_slice(&j->header, buf_slice(&j->sent));\n')),
    # clocks of values
    ('a value that is forgotten stays in its page', ('value_state', 'clock_page'),
     (VALUES, '    note_change(c, e->hash);\n    *at = e->chain;', '    *at = e->chain;')),
    ('a clock that moves again is not written', ('value_state', 'clock_page'),
     (VALUES, '        note_change(c, name.hash);\n    }\n    struct etime oldest',
      '        if (etime_lt(t, partition_max)) {\n            note_change(c, name.hash);\n        }\n    }\n'
      '    struct etime oldest')),
    ('clocks that no rule asks for stay', ('value_state',),
     ('engine/state/value_state.c', '    *out = s->unclocked;\n    s->unclocked', '    frozen_release(&s->unclocked);\n    s->unclocked')),
    ('a recovery leaves out the clocks of values', ('value_state',),
     (COPY, 'return apply_value(w, w->n_shards, &key, entry);', 'return ERR_OK;')),
    # the client's end of an abort
    ('no flush before an abort', ('kafka_txn',),
     ('connectors/kafka_txn.c', '    rd_kafka_flush(t->client.rk, ABORT_FLUSH_MS);\n', '')),
)
