/* Our reading of a JSON text against jansson's: accepted or not, every value, the values found by
 * path, and what the decoder makes of it. A disagreement is told on stderr and aborts. */
#ifndef FYKE_TESTS_JSON_DIFF_H
#define FYKE_TESTS_JSON_DIFF_H

#include <stddef.h>

struct json_diff;

struct json_diff *json_diff_new(void);
void json_diff_free(struct json_diff *d);
void json_diff_check(struct json_diff *d, const char *text, size_t len);

#endif
