/* Between the files of capture. */
#ifndef FYKE_LIB_CAPTURE_PARTS_H
#define FYKE_LIB_CAPTURE_PARTS_H

#include "base/map.h"
#include "lib/capture.h"
#include "lib/json_view.h"
#include "lib/pseudonym.h"
#include "lib/why_events.h"
#include "nfa/profile.h"

struct capture {
    const struct fyke_rules *rules;
    const struct ruleset *rs; /* the rule and what derives for it */
    const struct capture_config *config;
    struct capture_result *result;
    struct why_result why; /* of reading */
    struct why_events events;
    struct why_record **taken; /* into the fixture, in the total order */
    size_t n_taken;
    struct pseudonyms pseudonyms;
    struct slice **kinds; /* per declaration and slot: kind of the pseudonyms; empty: stays */
    struct etime until;        /* everything up to here is decided in the test */
    struct memory_sink wanted; /* the alerts of that stretch */
    struct series *series;     /* capture_profiles.c: what profiles said */
    struct map series_by_id;
    struct measure_watch given_watch;
    struct etime *moments;     /* when they changed, the latest first */
    size_t n_moments, cap_moments;
    struct profiles_given given; /* by the test */
    struct etime given_as_of;
    struct asked_entry *entries; /* capture_tables.c: by table, then key */
    size_t n_entries, cap_entries;
    struct slice *table_kinds;   /* per table: kind of the pseudonyms of its values; empty: they stay */
    struct buf fixture;        /* its text */
    struct slice *left_out;    /* fields that the test does not ask for */
    size_t n_left_out, cap_left_out;
};

/* ---- capture_fixture.c ---- */

/* Which fields are hidden. ERR_USAGE: one that is not there, or is of no such type. */
enum err capture_find_hidden(struct capture *c, struct error *err) FYKE_MUST_USE;
/* The lines of the records taken. */
enum err capture_write_fixture(struct capture *c, struct error *err) FYKE_MUST_USE;

/* ---- capture_profiles.c ---- */

void capture_profiles_init(struct capture *c);
bool capture_reads_profiles(const struct capture *c);
void capture_profiles_release(struct capture *c);
/* What they said from `from` to c->until: c->moments. */
enum err capture_read_profiles(struct capture *c, struct etime from, struct error *err) FYKE_MUST_USE;
/* c->given becomes what they said then, of every key, and notes of which it is read. */
void capture_give(struct capture *c, struct etime t);
/* The others are left out of it. */
void capture_give_less(struct capture *c);
/* ERR_RULES: what is given is made of hidden values, or there is too much of it. */
enum err capture_hide_given(struct capture *c, struct error *err) FYKE_MUST_USE;
/* The statements. ERR_RULES: a value cannot be written. */
enum err capture_put_given(const struct capture *c, struct buf *out, struct error *err) FYKE_MUST_USE;

/* ---- capture_tables.c ---- */

/* What the lookup from a topic that `hidden` names gives stands as pseudonyms. False: there is none. */
bool capture_hide_lookup(struct capture *c, const struct capture_hidden *hidden);
/* Notes which entries of lists and lookups from topics are asked for in that part. */
enum err capture_read_tables(struct capture *c, const struct why_evaluation *how,
                             struct error *err) FYKE_MUST_USE;
/* ERR_RULES: an entry is made of hidden values, or there are too many. */
enum err capture_hide_tables(struct capture *c, struct error *err) FYKE_MUST_USE;
/* The statements. ERR_RULES: a value cannot be written. */
enum err capture_put_tables(const struct capture *c, struct buf *out, struct error *err) FYKE_MUST_USE;

/* Lookups of which values stand in the test as they were, behind ", ". */
void capture_list_lookups(const struct capture *c, struct buf *list);

/* ---- capture_hidden.c ---- */

/* Of which kind the pseudonyms in it are; empty: it shows none. False: it is made of hidden values. */
bool capture_measure_kind(const struct capture *c, const struct measure *m, struct slice *ret);
bool capture_profile_key_kind(const struct capture *c, const struct profile *p, uint32_t part,
                              struct slice *ret);
/* Of what a list or lookup is asked for. */
bool capture_question_kind(const struct capture *c, const struct expr *key, struct slice *ret);

/* Is the field of the alert made of a hidden one? */
bool capture_made_of_hidden(const struct capture *c, const struct rule *rule, bool timeout,
                            struct slice name);
void capture_leave_out(struct capture *c, struct slice name);
/* Into the result. */
void capture_list_left_out(struct capture *c);

/* ---- capture_test.c ---- */

/* Is the alert one of the rule and key that are asked for, a match or a timeout? */
bool capture_is_ours(const struct capture *c, struct json_view *v, struct slice alert);
/* Writes the test, runs it, compares, and writes both files. ERR_RULES: it would not be the same. */
enum err capture_write_test(struct capture *c, struct error *err) FYKE_MUST_USE;

#endif
