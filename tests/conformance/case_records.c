#include "tests/conformance/case_records.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *topic_of(json_t *event)
{
    const char *t = json_string_value(json_object_get(event, "topic"));
    return t ? t : "e";
}

static int64_t next_offset(json_t *offsets, const char *topic)
{
    int64_t n = json_integer_value(json_object_get(offsets, topic));
    json_object_set_new(offsets, topic, json_integer(n + 1));
    return n;
}

static void note_place(json_t *ids, const char *topic, int64_t offset, json_t *event)
{
    char place[256];
    snprintf(place, sizeof(place), "%s/%lld", topic, (long long)offset);
    json_object_set(ids, place, json_object_get(event, "id"));
}

bool case_push(struct fyke_engine *e, json_t *event, json_t *offsets, json_t *ids)
{
    const char *topic = topic_of(event);
    int64_t offset = next_offset(offsets, topic);
    if (ids) {
        note_place(ids, topic, offset, event);
    }
    json_t *payload = json_copy(event);
    json_object_del(payload, "topic");
    char *text = json_dumps(payload, JSON_COMPACT);
    struct fyke_record r = {.size = sizeof(r), .topic = topic, .offset = offset,
                            .value = text, .value_len = strlen(text)};
    bool ok = fyke_engine_push(e, &r) == FYKE_OK;
    if (!ok) {
        printf("    push: %s\n", fyke_last_error());
    }
    free(text);
    json_decref(payload);
    return ok;
}

size_t case_nth_read(json_t *c, size_t i)
{
    json_t *arrival = json_object_get(c, "arrival");
    return arrival ? (size_t)json_integer_value(json_array_get(arrival, i)) : i;
}

bool case_in_order(json_t *c)
{
    json_t *events = json_object_get(c, "events");
    json_int_t last = INT64_MIN;
    for (size_t i = 0; !json_object_get(c, "arrival") && i < json_array_size(events); i++) {
        json_int_t at = json_integer_value(json_object_get(json_array_get(events, i), "at"));
        if (at < last) {
            return false;
        }
        last = at;
    }
    return true;
}
