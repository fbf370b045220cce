/* A generated log as files: one per topic, or one of envelopes, and the labels. */
#ifndef FYKE_CLI_GEN_WRITE_H
#define FYKE_CLI_GEN_WRITE_H

#include <stdio.h>

#include "base/error.h"
#include "cli/gen_log.h"

/* DIR/<topic>.jsonl for every topic, each line a payload. The directory is made if need be. */
enum err gen_write_payloads(const struct gen_log *log, const char *dir,
                            struct error *err) FYKE_MUST_USE;
/* DIR/events.kcat.jsonl, in order of arrival over all topics. */
enum err gen_write_kcat(const struct gen_log *log, const char *dir,
                        struct error *err) FYKE_MUST_USE;
enum err gen_write_kcat_stream(const struct gen_log *log, FILE *out, const char *name,
                               struct error *err) FYKE_MUST_USE;
enum err gen_write_labels(const struct gen_log *log, const char *path,
                          struct error *err) FYKE_MUST_USE;
/* Counts per topic and per rule, for people. */
void gen_write_summary(const struct gen_log *log, FILE *out);

#endif
