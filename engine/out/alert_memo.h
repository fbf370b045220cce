/* The evidence of the match before, as it stands in alert and match_id: rules that have found the same events say
 * the same of them, so it is written once. Owned by an emitter. */
#ifndef FYKE_ENGINE_OUT_ALERT_MEMO_H
#define FYKE_ENGINE_OUT_ALERT_MEMO_H

#include "base/buf.h"
#include "nfa/state.h"

struct alert_memo {
    struct alert_memo_event {
        const struct event *event;
        struct coord at;
        struct etime time;
        uint32_t decl;
        struct slice label; /* of the step */
    } *events;
    size_t n, cap;
    struct buf text; /* `,"evidence":[…]` and what is said of how many there are */
    size_t array, array_len; /* where the array stands in it */
    struct buf id;   /* of match_id(): the bytes of the evidence */
};

void alert_memo_release(struct alert_memo *memo);
/* Of another evidence the memo is emptied. Returns NULL when there is no memo of such a match. */
struct alert_memo *alert_memo_take(struct alert_memo *memo, const struct match *m);

#endif
