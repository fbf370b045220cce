"""Protocols that are broken on purpose: (what is broken, the tests of which one must fail, then
(file, exact text that stands there once, text instead) as often as it takes)."""

LIVES = ('exactly_once', 'journal_copy', 'journal_gone', 'journal_bounds', 'journal')
JOURNALED, RECOVER, OVERLAY = 'engine/journal/journaled.c', 'engine/journal/recover.c', 'engine/journal/overlay.c'
CHECKPOINT, INTAKE = 'engine/state/checkpoint.c', 'engine/intake.c'

APPEND_ALL = '''        FYKE_TRY(journaled_append(j, &frozen[i], err));
        e->commit_bytes += frozen[i].bytes.len;
'''

FAULTS = (
    # reading again
    ('read again: what stands before the watermark is skipped', LIVES,
     (INTAKE, 'if (place_cmp(place_of(ev), c->limit) >= 0) {',
      'if (!etime_lt(ev->time, c->watermark)) {')),
    ('read again: what stands at the watermark is skipped too', LIVES,
     (INTAKE, 'if (place_cmp(place_of(ev), c->limit) >= 0) {',
      'if (etime_lt(c->watermark, ev->time)) {')),
    ('read again: what was late then is judged anew', LIVES,
     (INTAKE, 'if (partition_was_late(p, ev)) {', 'if (partition_is_late((void *)(uintptr_t)p, ev)) {')),
    ('lateness is judged by the watermark of the task', LIVES,
     (INTAKE, 'if (partition_is_late(p, events[i])) {',
      'if (etime_lt(events[i]->time, e->clocks[0].watermark)) {')),
    # the order of things in a commit
    ('the database gets what is not committed', LIVES,
     (CHECKPOINT, 'FYKE_TRY(e->state->journaled != NULL ? journaled_commit(e, frozen, h, err)',
      '''if (e->state->journaled != NULL) {
        struct store_txn *early;
        FYKE_TRY(store_begin(e->state->store, &early, err));
        for (uint32_t i = 0; i < e->n_shards; i++) {
            FYKE_TRY(put_frozen(early, i, &frozen[i], err));
        }
        FYKE_TRY(store_commit(early, err));
    }
    FYKE_TRY(e->state->journaled != NULL ? journaled_commit(e, frozen, h, err)''')),
    ('the overlay gets what is not committed', LIVES,
     (JOURNALED, '''    FYKE_TRY(journaled_commit_header(e, h, err));
    for (uint32_t i = 0; i < j->n_shards; i++) {
        overlay_add(j->overlays[i], &frozen[i]);
    }
''', '''    for (uint32_t i = 0; i < j->n_shards; i++) {
        overlay_add(j->overlays[i], &frozen[i]);
    }
    j->ahead = true;
    FYKE_TRY(journaled_commit_header(e, h, err));
''')),
    ('positions and header are committed before the records', LIVES,
     (JOURNALED, '    fault_point(e->options.fault, "before-append");\n',
      '    FYKE_TRY(journaled_commit_header(e, h, err));\n')),
    ('positions and header are committed after the records, on their own', LIVES,
     (JOURNALED, '    FYKE_TRY(append_header(j, h->seq, buf_slice(&bytes), err));\n',
      '''    if (e->state->before.n_partitions > 0) {
        struct header was = e->state->before;
        was.seq = e->state->seq;
        FYKE_CLEANUP(buf_release) struct buf old = BUF_INIT;
        header_encode(&was, &old);
        FYKE_TRY(append_header(j, was.seq, buf_slice(&old), err));
        FYKE_TRY(commit_positions(e, &was, &position, err));
    }
    FYKE_TRY(append_header(j, h->seq, buf_slice(&bytes), err));
''')),
    ('the header stands in front of the records', LIVES,
     (JOURNALED, APPEND_ALL, ''),
     (JOURNALED, '    FYKE_TRY(append_header(j, h->seq, buf_slice(&bytes), err));\n',
      '''    FYKE_TRY(append_header(j, h->seq, buf_slice(&bytes), err));
    for (uint32_t i = 0; late_ != NULL && i < j->n_shards; i++) {
        FYKE_TRY(journaled_append(j, &late_[i], err));
    }
'''),
     (JOURNALED, 'enum err journaled_commit_header(struct engine *e,',
      'static const struct frozen *late_;\nenum err journaled_commit_header(struct engine *e,'),
     (JOURNALED, '    fault_point(e->options.fault, "before-append");\n', '    late_ = frozen;\n')),
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
     ('engine/keys/evict.c', 'struct key_record *rec = ks->clean.oldest;',
      'struct key_record *rec = ks->clean.oldest;\n'
      '        rec = rec == NULL ? ks->dirty.oldest : rec;'),
     ('engine/keys/evict.c', 'record_list_remove(&ks->clean, rec);\n    keyspace_free_record',
      'record_list_remove(rec->dirty ? &ks->dirty : &ks->clean, rec);\n    keyspace_free_record')),
    # the copy
    ('a checkpoint says that it has the positions of the commit before', LIVES,
     (JOURNALED, '    buf_clear(&j->header);\n    buf_put_slice(&j->header, buf_slice(&bytes));\n',
      '    if (j->header.len == 0 || h->seq % 2 == 0) {\n'
      '        buf_clear(&j->header);\n        buf_put_slice(&j->header, buf_slice(&bytes));\n'
      '    }\n')),
    ('a copy of any age is used', LIVES,
     (RECOVER, 'if (age.ns < keeps.ns / 2) {', 'if (age.ns < INT64_MAX) {')),
    ('a recovery that was cut short counts as whole', LIVES,
     (RECOVER, 'r->origin.torn = !r->complete;', 'r->origin.torn = false;')),
    ('a recovery reads on behind half a header', LIVES,
     (RECOVER, 'return r->gather.next > 0 ? r->gather.first : position + 1;',
      'return position + 1;')),
    ('a recovery stops one entry early', LIVES,
     (RECOVER, 'return r->gather.next > 0 ? r->gather.first : position + 1;',
      'return r->gather.next > 0 ? r->gather.first : position + 2;')),
    ('a checkpoint after an abort writes the header that was not committed', LIVES,
     (JOURNALED, '    FYKE_TRY(commit_positions(e, h, &position, err));\n',
      '    buf_clear(&j->header);\n    buf_put_slice(&j->header, buf_slice(&bytes));\n'
      '    FYKE_TRY(commit_positions(e, h, &position, err));\n')),
)
