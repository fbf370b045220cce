/* What several forms of a report share. Private to report/. */
#ifndef FYKE_REPORT_PARTS_H
#define FYKE_REPORT_PARTS_H

#include "report/report.h"

/* RFC 3339; the ends of time by the words given. */
void put_moment(struct etime t, const char *if_min, const char *if_max, struct buf *out);
/* 1m30s, at most three significant parts of a second: 1.5s; "-" without any. */
void put_length(int64_t ns, struct buf *out);
/* "2026-03-02" */
void put_day(int64_t day, struct buf *out);
/* "1 match", "2 matches". */
void put_counted(uint64_t n, const char *one, const char *many, struct buf *out);
/* Alerts per day, one digit behind the point, more below one; `without` where the range has no length. */
void put_per_day(const struct replay_result *r, uint64_t alerts, const char *without, struct buf *out);
#define REPORT_NO_LENGTH "no length"
/* What a reader of the figures must know: no event in the range, data that end before it does, what retention has
 * removed. Sentences, each behind a blank; nothing if there is nothing. */
void put_remarks(const struct replay_result *r, struct buf *out);
/* Control characters as blanks: text from events is shown on terminals. */
void put_plain(struct slice s, struct buf *out);

/* 0.667; "-" of nothing. */
void put_share(uint64_t part, uint64_t whole, struct buf *out);

#define REPORT_DEFINITION_1                                                                        \
    "An alert is true iff its evidence holds a labelled event. Precision: true alerts / alerts."
#define REPORT_DEFINITION_2                                                                        \
    "Recall: labelled events of the range in the evidence of an alert / labelled events of it."
#define REPORT_DEFINITION_3                                                                        \
    "An episode is labelled events of one attack or key; it is found iff one of its events is."

/* Where a range begins that is open to the past. */
static inline const char *report_beginning(const struct replay_result *r)
{
    return r->has_savepoint ? "where the state stands" : "the beginning of the data";
}

static inline struct slice report_rule_name(const struct replay_result *r, uint32_t rule)
{
    return r->rs->rules[rule].name;
}

#endif
