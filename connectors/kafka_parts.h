/* The inside of the Kafka source, for the files that implement it:
 *   kafka_source.c  life cycle, reading       kafka_start.c   partitions, first offsets
 *   kafka_record.c  message → record          kafka_commit.c  positions for the group
 *   kafka_end.c     ends, outages                kafka_group.c   as one of several members
 *   kafka_check.c   is it the topic that was read?   kafka_again.c   is it still?
 * Private to connectors/. */
#ifndef FYKE_CONNECTORS_KAFKA_PARTS_H
#define FYKE_CONNECTORS_KAFKA_PARTS_H

#include <stdatomic.h>

#include "connectors/kafka_client.h"
#include "connectors/kafka_fetch.h"
#include "connectors/kafka_rebuild_parts.h"

#define KAFKA_QUERY_MS 10000

struct kafka_part {
    const char *topic;
    rd_kafka_topic_t *handle; /* the topic's */
    uint32_t topic_index;
    int32_t partition;
    int64_t low;    /* lowest readable at the start */
    int64_t end;    /* the stable end at the start: `once` stops there */
    int64_t next;   /* behind everything seen, transaction markers included */
    bool done;      /* has reached `end` */
    bool eof;       /* the client said that `next` is the end; nothing since */
    bool told;      /* the engine was told so and not otherwise */
    bool paused;
    int64_t paused_ms; /* since when */
    bool waits;     /* given, but not read yet */
    struct record_mark last; /* of the record read last before the start, until it has come by */
    bool checks;             /* it is still to come, and must be the same */
    bool end_reached;        /* the end that the client heard of last: `next` or behind it */
    bool again;              /* not before the start, but before reading went back to it */
};

struct kafka_topic {
    char *name; /* NULL: not read */
    rd_kafka_topic_t *handle;
    bool gone;     /* said that it does not exist any more */
    int64_t gone_ms;
    bool watched;  /* has `idle after`: its ends must be proved again and again */
    int32_t count; /* partitions at the start, or said since */
    /* As a member: records whose key was looked at; those in the partition of their key. */
    uint64_t judged, by_murmur2, by_crc32;
};

struct kafka_source {
    struct source base;
    struct kafka_client client;
    struct kafka_topic *topics; /* per topic of the rule set */
    uint32_t n_topics;
    struct kafka_part *parts; /* by topic, then partition */
    size_t n_parts, cap_parts;
    rd_kafka_topic_t *probe; /* of some topic: whoever is asked for it answers */
    size_t last_part; /* messages come in runs of one partition */
    struct source_partition *infos; /* the same, as the engine wants them */
    bool once;
    bool again;     /* another engine has read with it before */
    struct kafka_rebuild *rebuild; /* NULL: none is going on */
    char *start;   /* NULL: earliest */
    uint32_t left; /* partitions that are not done */
    bool consuming; /* assigned, or subscribed */

    /* As a member of the group. */
    struct journal *journal; /* gets the metadata that commits need; NULL: all partitions are ours */
    uint32_t n_tasks;
    rd_kafka_topic_partition_list_t *given; /* by the last assignment; NULL: taken, or none yet */
    enum source_change change; /* said by the callback, not yet told */
    bool lost;                 /* others have our partitions already */
    bool uneven;               /* what is given is no share of our topics */
    char *unread;              /* a topic that is subscribed to, or not, so that the group shares anew */
    bool asks;                 /* it is */
    int64_t ask_again_ms, ask_pause_ms;
    bool closing;

    struct kafka_fetch fetch; /* empty between polls */

    /* The batch handed out last. */
    rd_kafka_message_t **messages;
    size_t n_messages, cap_messages;
    struct record *records;
    size_t cap_records;
    struct record_header *headers;
    size_t n_headers, cap_headers;
    struct partition_position *at_end, *lost_end;
    size_t n_at_end, cap_at_end, n_lost_end, cap_lost_end;

    /* Processing time, ms, of CLOCK_MONOTONIC: only to ask the broker now and then. */
    int64_t proved_ms, probed_ms;
    bool asked_once; /* since a connection broke, without an answer */
    int64_t prove_every_ms; /* a quarter of the least `idle after` */

    /* Is it still the same topic? (kafka_again.c) */
    atomic_uint asked; /* questions about the cluster and answers, by the client's threads */
    unsigned seen;     /* of them; others: something may have changed */
    atomic_uint owed;  /* answers to questions of a look that did not wait for them: no sign */
    int64_t polled_ms, ends_ms, looked_ms[4];
    unsigned looks;

    /* Commits: one under way at a time; the newest positions wait for it. */
    rd_kafka_topic_partition_list_t *wanted; /* NULL: none waits */
    bool committing;
    rd_kafka_resp_err_t commit_said; /* the last failure that was told */
};

#define KAFKA_NO_PART SIZE_MAX
size_t kafka_part_of(const struct kafka_source *s, uint32_t topic, int32_t partition);
/* Of the batch handed out last. */
void kafka_drop_batch(struct kafka_source *s);
/* Everything below next_offset has been seen. */
void kafka_reached(struct kafka_source *s, size_t part, int64_t next_offset);

/* A partition that was held back goes on. */
enum err kafka_let_run(struct kafka_source *s, struct kafka_part *p, struct error *err) FYKE_MUST_USE;

/* kafka_start.c */
enum err kafka_find_partitions(struct kafka_source *s, struct error *err) FYKE_MUST_USE;
enum err kafka_assign(struct kafka_source *s, const struct partition_position *from, uint32_t n,
                      struct error *err) FYKE_MUST_USE;

/* Where each of s->parts begins and ends, and where reading starts without a position. */
enum err kafka_place_partitions(struct kafka_source *s, struct error *err) FYKE_MUST_USE;
/* What stood behind the position was read before: it must be there again. */
enum err kafka_check_known(struct kafka_part *p, const struct partition_position *at,
                           struct error *err) FYKE_MUST_USE;
/* Reading goes on at `offset`, which must still be there. */
enum err kafka_go_on_at(struct kafka_part *p, int64_t offset, struct error *err) FYKE_MUST_USE;
/* Reads all of s->parts from `next` on. */
enum err kafka_assign_parts(struct kafka_source *s, struct error *err) FYKE_MUST_USE;

/* kafka_check.c */
/* Where to read from so that the record read last comes by, if it is still there. */
int64_t kafka_check_begin(struct kafka_part *p);
/* There is no record to compare with at `offset`: has retention taken it? Else the topic ends before. */
bool kafka_check_retained(struct kafka_source *s, const struct kafka_part *p, int64_t offset);
/* *drop: it came for the check alone. ERR_KAFKA: it is another one. */
enum err kafka_check(struct kafka_source *s, size_t part, const rd_kafka_message_t *m, bool *drop,
                     struct error *err) FYKE_MUST_USE;

/* kafka_again.c */
void kafka_again_watch(struct kafka_source *s, rd_kafka_conf_t *conf);
/* What was asked so far has been taken into account. */
void kafka_again_seen(struct kafka_source *s);
/* kafka_probe(): the question is no reason to look, an answer is. */
int32_t kafka_again_probe(struct kafka_source *s, rd_kafka_topic_t *topic, int timeout_ms);
/* Around the reading of a batch: goes back to what was handed on last when it may be another topic by now.
 * *ret_wait: nothing may be read yet. */
enum err kafka_again_before(struct kafka_source *s, bool *ret_wait,
                            struct error *err) FYKE_MUST_USE;
enum err kafka_again_behind(struct kafka_source *s, struct error *err) FYKE_MUST_USE;
void kafka_again_held_back(struct kafka_part *p);
void kafka_again_let_go(struct kafka_source *s, struct kafka_part *p);

/* kafka_group.c */
void kafka_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                        rd_kafka_topic_partition_list_t *list, void *opaque);
/* `app`: of the group; the topic of its rules is there. */
enum err kafka_group_subscribe(struct kafka_source *s, const char *app,
                               struct error *err) FYKE_MUST_USE;
/* What the callback noted. */
enum err kafka_group_change(struct kafka_source *s, enum source_change *ret,
                            struct error *err) FYKE_MUST_USE;
enum err kafka_group_start(struct kafka_source *s, const struct partition_position *from,
                           uint32_t n, struct error *err) FYKE_MUST_USE;
enum err kafka_group_let_go(struct kafka_source *s, struct error *err) FYKE_MUST_USE;
/* Is the record in the partition of its key? ERR_STATE: too many are not. */
enum err kafka_group_judge(struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                           bool *ret_elsewhere, struct error *err) FYKE_MUST_USE;
void kafka_group_close(struct kafka_source *s);

/* kafka_record.c */
/* Without headers. */
void kafka_describe_record(const struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                           struct record *ret);
void kafka_fill_record(struct kafka_source *s, const rd_kafka_message_t *m, size_t part,
                       struct record *ret);
/* Header arrays move while a batch grows: pointers are set when it is complete. */
void kafka_link_headers(struct kafka_source *s);

/* kafka_end.c */
void kafka_end_reached(struct kafka_source *s, size_t part, int64_t offset);
void kafka_end_passed(struct kafka_source *s, size_t part);
/* Records come again that were not handed on: whatever was said of the end since does not hold. */
void kafka_end_undone(struct kafka_source *s, size_t part);
/* What is due by time: ends proved, the broker asked whether it is back. */
void kafka_look_around(struct kafka_source *s);

/* kafka_commit.c */
void kafka_on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                     rd_kafka_topic_partition_list_t *list, void *opaque);
void kafka_commit_later(struct kafka_source *s, const struct partition_position *pos, uint32_t n,
                        const char *metadata);
/* Waits for what is under way, at most a few seconds. */
void kafka_commit_finish(struct kafka_source *s);

#endif
