/* The events of a test in their order, and which step of a match took each. */
#ifndef FYKE_LIB_RULE_TEST_TIMELINE_H
#define FYKE_LIB_RULE_TEST_TIMELINE_H

#include "lib/json_view.h"
#include "lib/rule_test_parts.h"

/* As the test counts it: "3m"; a time where it lies before the origin. */
void test_put_moment(const struct test_run *r, struct etime t, struct buf *out);
/* The step that took the event, by an alert; false: none did. */
bool test_step_of(const struct test_run *r, struct json_span match, const struct event *e,
                  struct buf *ret);
/* `match`: an alert, or of kind JSON_NONE. */
void test_put_timeline(const struct test_run *r, struct json_span match, struct buf *out);

#endif
