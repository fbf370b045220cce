#!/usr/bin/env python3
"""Do the exactly-once tests find a protocol that is wrong? Each mistake below is put into a copy of
the tree, built, and given to the test that must find it.

    eos_broken.py --scratch DIR [--only WORDS]

To be run with tests/support/kafka/broker exec, as ctest runs the tests it calls. Exit: 0, 1 when a mistake
survives, its text does not stand in its file exactly once, or a test could not run. Takes one to two minutes
per mistake; not part of the ordinary tests.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]

MATRIX = ["eos_matrix.py", {}]
# Where what is wrong goes around the fault points of alerts.
NO_ALERT_POINTS = ["eos_matrix.py", {"EOS_POINTS": "(offsets|commit|append|checkpoint)"}]


def group(case):
    return ["group_faults.py", {"EOS_CASE": case}]


def faults(case):
    return ["eos_faults.py", {"EOS_CASE": case}]


def upstream(case):
    return ["eos_upstream.py", {"EOS_CASE": case}]


LIMIT = "if (place_cmp(order_item_place(&item), c->limit) >= 0) {"
# Whoever is taken partitions away, or was away, goes on with what it has as if nothing had been.
REVOKED = ("connectors/kafka_group.c",
           "        s->lost = rd_kafka_assignment_lost(rk);\n        s->change = SOURCE_TAKEN;",
           "        s->lost = s->n_parts > UINT32_MAX;\n        rd_kafka_assign(rk, NULL);")
STANDS = ("engine/tasks/task_set_change.c", "    *ret = s.found && s.seq == e->state->seq;",
          "    *ret = s.found;")

# (what is wrong, [(file, text, instead), …], test that must fail)
MISTAKES = [
    ("offsets outside the transaction",
     [("connectors/kafka_journal.c",
       "    enum err rc =\n"
       "        kafka_txn_commit(&j->txn, l->cnt > 0 && !kept_back ? l : NULL, j->group, err);",
       "    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);\n"
       "    rd_kafka_commit(j->log.client.rk, kept_back ? none : l, 0);\n"
       "    enum err rc = kafka_txn_commit(&j->txn, none, j->group, err);\n"
       "    rd_kafka_topic_partition_list_destroy(none);")], MATRIX),
    ("alerts outside the transaction",
     [("lib/run_open.c", "    if (r->journal) {\n        return delivery_sink",
       "    if (r->journal && !to) {\n        return delivery_sink")], NO_ALERT_POINTS),
    # An event in front of what its key has seen is refused in a second place, which goes too.
    ("skip by the watermark on re-read",
     [("engine/intake.c", LIMIT, "if (!etime_lt(item.time, c->watermark)) {"),
      ("engine/shard.c", "    if (d->item->came_after) {", "    if (d->item->came_after && !d) {")],
     MATRIX),
    ("skip what stands at the watermark too",
     [("engine/intake.c", LIMIT, "if (etime_lt(c->watermark, item.time)) {")], MATRIX),
    ("lateness forgotten on re-read",
     [("engine/intake.c",
       "        if (late_runs_has(&p->late_runs, events[i]->decl, events[i]->at.offset)) {",
       "        if (late_runs_has(&p->late_runs, events[i]->decl, -1)) {")], MATRIX),
    ("lateness by the clock of all partitions",
     [("engine/intake.c", "        if (partition_is_late(p, events[i])) {",
       "        if (etime_lt(events[i]->time, e->clocks[0].watermark)) {")], MATRIX),
    ("aborted entries are read",
     [("connectors/kafka_client.c", '{"isolation.level", "read_committed"}',
       '{"isolation.level", "read_uncommitted"}')], faults("an_aborted_commit_of_the_same_number")),
    ("aborted records of the input are read",
     [("connectors/kafka_source.c", '{"isolation.level", "read_committed"}',
       '{"isolation.level", "read_uncommitted"}')], upstream("an_aborted_transaction")),
    ("an open transaction upstream passes for silence",
     [("connectors/kafka_end.c", "           high == p->next;", "           high >= p->next;")],
     upstream("an_open_transaction")),
    ("a position stands in front of transaction markers",
     [("engine/idle.c", "    if (at->offset > p->next_offset) {", "    if (at->offset < p->next_offset) {")],
     upstream("an_open_transaction")),
    ("state that is committed is not restored",
     [("engine/journal/copy_writer.c",
       "    if (entry->deleted) {\n        copy_batch_del(",
       "    if (entry->position % 7 == 0) {\n        return ERR_OK;\n    }\n"
       "    if (entry->deleted) {\n        copy_batch_del(")], MATRIX),
    # As if records of keys that are not committed left memory for the database.
    ("eviction before commit",
     [("engine/state/checkpoint.c",
       "    enum err rc = s->journaled != NULL ? journaled_send(e, s->frozen, &header, ret, err)\n",
       "    struct store_txn *early;\n"
       "    FYKE_TRY(store_begin(s->store, &early, err));\n"
       "    for (uint32_t i = 0; i < e->n_shards; i++) {\n"
       "        FYKE_TRY(put_frozen(early, i, &s->frozen[i], err));\n"
       "    }\n"
       "    FYKE_TRY(store_commit(early, err));\n"
       "    enum err rc = s->journaled != NULL ? journaled_send(e, s->frozen, &header, ret, err)\n")],
     MATRIX),
    # Commits and passes show in the order then.
    ("alerts of one time by the names of their rules",
     [("engine/out/out_order.c", "    c = c != 0 || !o->live ? c : standing_cmp(&a->stands, &b->stands);",
       "    c = c != 0 || o->n < SIZE_MAX ? c : standing_cmp(&a->stands, &b->stands);")], MATRIX),
    # A member that was away and is one again commits what it had begun before, as the one that it is
    # now. With the metadata of then the coordinator turns it away: CONTROLS.
    ("metadata taken at commit time", [REVOKED, STANDS], group("a_zombie_with_uncommitted_work")),
    ("nobody is fenced",
     [("connectors/kafka_journal.c", "    j->txn.shared = j->in_group;\n",
       '    buf_printf(&id, ".%p", (void *)j);\n    j->txn.shared = j->in_group;\n')],
     faults("a_second_process")),
    ("a zombie goes on",
     [("connectors/kafka_journal_own.c",
       "    if (kafka_txn_overdue(&j->txn) && !somebody_signed(j)) {",
       "    if (j->txn.fenced && (j->owner_at < 0 || !somebody_signed(j) || j->base.ops)) {")],
     faults("a_process_that_wakes_up")),
    ("positions are not looked at",
     [("connectors/kafka_standing.c", "        rc = judge(j, l, ret, err);",
       "        rc = l->cnt < 0 ? judge(j, l, ret, err) : ERR_OK;")],
     faults("positions_that_somebody")),
]

# What must not be found: nothing gets through.
CONTROLS = [
    ("metadata of the time when the work was begun",
     [REVOKED, STANDS,
      ("connectors/kafka_journal.c",
       "    if (j->group) {\n"
       "        rd_kafka_consumer_group_metadata_destroy(j->group);\n"
       "    }\n"
       "    j->group = group;",
       "    if (j->group) {\n"
       "        rd_kafka_consumer_group_metadata_destroy(group);\n"
       "        return;\n"
       "    }\n"
       "    j->group = group;")], group("a_zombie_with_uncommitted_work")),
]


def copy_tree(tree):
    """What git knows of, where it differs: unchanged files keep their time."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in names.decode().splitlines():
        here, there = ROOT / name, tree / name
        if here.is_file() and not (there.is_file() and there.read_bytes() == here.read_bytes()):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)


def edit(tree, name, text, instead):
    source = (tree / name).read_text()
    (tree / name).write_text(source.replace(text, instead))
    return source.count(text) == 1


def configure(tree, build):
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    subprocess.run(["cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                    *launcher], stdout=subprocess.DEVNULL, check=True)


def found(build, test):
    env = dict(os.environ, **test[1])
    p = subprocess.run([sys.executable, HERE / test[0], build / "fyke"], env=env,
                       capture_output=True, text=True, timeout=900)
    lines = p.stderr.strip().splitlines()
    why = lines[0][:200] if lines else p.stdout.strip()[-200:]
    if p.returncode != 0 and not why.startswith("FAILED: "):
        sys.exit(f"{test[0]} did not run: {lines[-1][:200] if lines else why}")
    return p.returncode != 0, why


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--scratch", required=True, type=pathlib.Path)
    args.add_argument("--only", default="")
    args = args.parse_args()
    tree, build = args.scratch.resolve() / "tree", args.scratch.resolve() / "build"
    survived = 0
    for what, edits, test in MISTAKES + CONTROLS:
        if args.only not in what:
            continue
        control = (what, edits, test) in CONTROLS
        copy_tree(tree)
        if not all(edit(tree, *e) for e in edits):
            print(f"NOT THERE: {what}", flush=True)
            survived += 1
            continue
        if not (build / "build.ninja").exists():
            configure(tree, build)
        subprocess.run(["ninja", "-C", build, "fyke"], stdout=subprocess.DEVNULL, check=True)
        ok, why = found(build, test)
        if control:
            print(f"{'FOUND' if ok else 'passes'}: {what}: {why}", flush=True)
        else:
            print(f"{'found' if ok else 'SURVIVED'}: {what}: {why}", flush=True)
        survived += ok == control
    sys.exit(survived > 0)


if __name__ == "__main__":
    main()
