/* Is it still the topic that was read? One that was removed and made anew is told by its offsets while it
 * is shorter than what was read. Once it has grown past that, the record that was read last is what
 * tells: reading begins at it, and it must be there as it was. What stands in front of it waits
 * meanwhile, as after every restart, so nothing of another topic is evaluated. */
#include "base/say.h"
#include "connectors/kafka_parts.h"

int64_t kafka_check_begin(struct kafka_part *p)
{
    p->checks = p->last.set &&
                (p->again || (p->last.offset >= p->low && p->last.offset < p->end));
    return p->checks && p->last.offset < p->next ? p->last.offset : p->next;
}

static const char *when(struct etime t, char buf[ETIME_TEXT_MAX])
{
    if (t.ns == ETIME_MIN.ns) {
        return "at an unknown time";
    }
    etime_format(t, buf);
    return buf;
}

bool kafka_check_retained(struct kafka_source *s, const struct kafka_part *p, int64_t offset)
{
    int64_t low, high;
    return rd_kafka_query_watermark_offsets(s->client.rk, p->topic, p->partition, &low, &high,
                                            KAFKA_QUERY_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           low > offset;
}

/* Since the start the client knows better. */
static void bounds(const struct kafka_source *s, const struct kafka_part *p, long long *low,
                   long long *end)
{
    int64_t now_low, now_end;
    bool known = p->again && rd_kafka_get_watermark_offsets(s->client.rk, p->topic, p->partition, &now_low,
                                                            &now_end) == RD_KAFKA_RESP_ERR_NO_ERROR;
    *low = known && now_low >= 0 ? now_low : p->low;
    *end = known && now_end >= 0 ? now_end : p->end;
}

static enum err other(const struct kafka_source *s, const struct kafka_part *p,
                      const struct record_mark *found, struct error *err)
{
    char was[ETIME_TEXT_MAX], is[ETIME_TEXT_MAX];
    long long low, end;
    bounds(s, p, &low, &end);
    if (p->last.timestamp.ns != found->timestamp.ns) {
        return error_set(err, ERR_KAFKA,
                         "%s[%d]: the record at offset %lld was written %s, the one that was read "
                         "there %s: the topic was made anew and has grown past the position (it "
                         "holds %lld to %lld)",
                         p->topic, p->partition, (long long)found->offset,
                         when(found->timestamp, is), when(p->last.timestamp, was), low, end);
    }
    return error_set(err, ERR_KAFKA,
                     "%s[%d]: the record at offset %lld has another key or value (%08x) than the one "
                     "that was read there (%08x): the topic was made anew and has grown past the "
                     "position (it holds %lld to %lld)",
                     p->topic, p->partition, (long long)found->offset, found->sum, p->last.sum, low,
                     end);
}

/* Compaction may have taken it; then nothing can be told. */
static void say_gone(const struct kafka_source *s, const struct kafka_part *p)
{
    kafka_say(&s->client,
              SAY_INFO "%s[%d]: the record at offset %lld that was read last is not there any more: "
                       "whether the topic is still the same cannot be told by it",
              p->topic, p->partition, (long long)p->last.offset);
}

enum err kafka_check(struct kafka_source *s, size_t part, const rd_kafka_message_t *m, bool *drop,
                     struct error *err)
{
    struct kafka_part *p = &s->parts[part];
    const struct record_mark was = p->last;
    struct record r;
    *drop = m->offset < p->next;
    if (m->offset < was.offset) {
        return ERR_OK;
    }
    if (m->offset > was.offset) {
        say_gone(s, p);
        p->checks = p->last.set = false;
        return ERR_OK;
    }
    kafka_describe_record(s, m, part, &r);
    struct record_mark found = record_mark_of(&r);
    /* A state that was begun with lines of a file, which have no time of their own, is not compared. */
    bool timeless = was.timestamp.ns == ETIME_MIN.ns && found.timestamp.ns != ETIME_MIN.ns;
    if (!timeless && !record_mark_eq(&found, &was)) {
        return other(s, p, &found, err);
    }
    p->checks = p->last.set = false;
    return ERR_OK;
}
