/* Values of options from text; false when it is none. */
#ifndef FYKE_CLI_VALUE_TEXT_H
#define FYKE_CLI_VALUE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

bool value_text_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/* 4096, 64KiB, 512MiB, 2GiB. */
bool value_text_bytes(const char *text, uint64_t *ret);
/* RFC 3339, or a date. */
bool value_text_time(const char *text, int64_t *ret_ns);
/* The same, or relative to `now_ns`: now, -7d, "2h ago". */
bool value_text_moment(const char *text, int64_t now_ns, int64_t *ret_ns);
/* 500ms, 1s, 5m; above zero. */
bool value_text_duration(const char *text, int64_t *ret_ns);

#endif
