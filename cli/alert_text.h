/* An alert for people: what fired for whom, what it says, the events behind it. */
#ifndef FYKE_CLI_ALERT_TEXT_H
#define FYKE_CLI_ALERT_TEXT_H

#include "base/buf.h"
#include "lib/json_view.h"

/* `json` is one alert line. Text from events is shown without control characters. */
void alert_text(struct json_view *view, struct slice json, bool color, struct buf *out);
/* Its evidence alone, a line per event. */
void alert_text_evidence(struct json_span alert, bool color, struct buf *out);
/* An event as `fyke tap` gets it. */
void alert_text_event(struct json_span event, bool color, struct buf *out);
/* A terminal must not obey what an event says. */
void alert_text_safe(struct buf *out, struct slice s);

#endif
