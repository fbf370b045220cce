#include "connectors/kafka_names.h"

#include <string.h>

void kafka_transactional_id(const char *app, const char *instance, struct buf *ret)
{
    if (!instance) {
        buf_printf(ret, "%s.solo", app);
    } else {
        buf_printf(ret, "%s-%s%s", app, strpbrk(instance, "-.") ? "/" : "", instance);
    }
}

void kafka_rules_transactional_id(const char *app, struct buf *ret)
{
    buf_printf(ret, "%s.rules", app);
}
