/* An alert for people: what fired for whom, what it says, the events behind it. */
#ifndef FYKE_CLI_ALERT_TEXT_H
#define FYKE_CLI_ALERT_TEXT_H

#include "base/buf.h"
#include "lib/json_view.h"

/* `json` is one alert line. Text from events is shown without control characters. */
void alert_text(struct json_view *view, struct slice json, bool color, struct buf *out);

#endif
