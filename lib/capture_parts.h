/* Between the files of capture. */
#ifndef FYKE_LIB_CAPTURE_PARTS_H
#define FYKE_LIB_CAPTURE_PARTS_H

#include "lib/capture.h"
#include "lib/json_view.h"
#include "lib/pseudonym.h"
#include "lib/why_events.h"

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
    struct buf fixture;        /* its text */
    struct slice *left_out;    /* fields that the test does not ask for */
    size_t n_left_out, cap_left_out;
};

/* ---- capture_fixture.c ---- */

/* Which fields are hidden. ERR_USAGE: one that is not there, or is of no such type. */
enum err capture_find_hidden(struct capture *c, struct error *err) FYKE_MUST_USE;
/* The lines of the records taken. */
enum err capture_write_fixture(struct capture *c, struct error *err) FYKE_MUST_USE;

/* ---- capture_hidden.c ---- */

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
