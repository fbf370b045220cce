/* A test out of what happened: the events of a key up to an alert, or up to where none came, with
 * other values in place of those that nobody shall read, and a test that gives the same with them.
 *
 *   records of the key → the shortest stretch that gives the alert → pseudonyms → fixture
 *                                                                  → test, carried out → written
 *
 * Nothing is written unless the test passes and what it gives is what the original gave: kind, time,
 * steps of the evidence, and every value that is emitted, the same or its pseudonym. Values that are made
 * of hidden ones are left out and named. */
#ifndef FYKE_LIB_CAPTURE_H
#define FYKE_LIB_CAPTURE_H

#include "lib/why.h"

#define CAPTURE_MAX_HIDDEN 64
#define CAPTURE_DEFAULT_KIND "text"

/* A field whose values are replaced: "user", "Login.user", "merchant.name". */
struct capture_hidden {
    const char *field;
    const char *kind; /* values of one kind stay equal to each other; NULL: the default */
};

struct capture_config {
    struct why_config asked; /* rule, key, at: of the alert if there is one */
    struct slice alert; /* its JSON line; empty: the last one of the key up to `at`, or that none came */
    const struct capture_hidden *hidden;
    size_t n_hidden;
    struct slice secret; /* pseudonyms are keyed hashes; empty: numbers */
    const char *title;   /* of the test; NULL: made of the rule */
    const char *fixture, *test; /* files to be written, in one directory */
};

struct capture_result {
    struct arena arena;
    uint64_t records, of_key; /* of the key: in the fixture; in the input */
    uint64_t others;          /* in the fixture, to say where the input begins */
    struct etime first, last; /* of these; ETIME_MIN: none */
    size_t n_alerts;          /* that the test expects */
    struct slice stays;       /* fields in the fixture that are as they were: "Login.country, …" */
    struct slice left_out;    /* fields of the alert that are made of hidden ones: not asked for */
    uint64_t pseudonyms;
};
void capture_result_release(struct capture_result *r);

/* Finds rule, key and time in the alert. False: it is no alert of fyke. The texts are copied into
 * `arena`. */
bool capture_ask(struct slice alert, struct arena *arena, struct why_config *ret);

/* `rules` keep every field (rules_keeping_fields). On FYKE_OK both files are written. FYKE_RULES_INVALID:
 * the test would not give the same, or there is no such alert; fyke_last_error() says what differs, and
 * nothing was written. */
enum fyke_result capture_run(const struct fyke_rules *rules, const struct capture_config *c,
                             struct capture_result *ret);

#endif
