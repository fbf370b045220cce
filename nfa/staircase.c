/* One inequality between steps: of the values that wait only the best one matters, and the next when
 * its event can be bound no more. A heap holds them best first; what has gone is dropped when it
 * comes to the top. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nfa/detect.h"
#include "nfa/instance.h"

struct waiting {
    struct value value;
    uint64_t serial;
};

struct value_heap {
    struct waiting *items;
    size_t n, cap;
    bool least_first;
};

static bool before(const struct value_heap *h, const struct waiting *a, const struct waiting *b)
{
    int c = value_compare(a->value, b->value);
    c = h->least_first ? c : -c;
    return c < 0 || (c == 0 && a->serial > b->serial);
}

static void sift_up(struct value_heap *h, size_t i)
{
    struct waiting x = h->items[i];
    while (i > 0 && before(h, &x, &h->items[(i - 1) / 2])) {
        h->items[i] = h->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->items[i] = x;
}

static void sift_down(struct value_heap *h, size_t i)
{
    struct waiting x = h->items[i];
    for (;;) {
        size_t k = 2 * i + 1;
        if (k + 1 < h->n && before(h, &h->items[k + 1], &h->items[k])) {
            k++;
        }
        if (k >= h->n || !before(h, &h->items[k], &x)) {
            break;
        }
        h->items[i] = h->items[k];
        i = k;
    }
    h->items[i] = x;
}

void heap_add(struct value_heap **h, struct value v, uint64_t serial, bool least_first)
{
    if (!*h) {
        *h = xcalloc(1, sizeof(**h));
        (*h)->least_first = least_first;
    }
    VEC_PUSH((*h)->items, (*h)->n, (*h)->cap) = (struct waiting){v, serial};
    sift_up(*h, (*h)->n - 1);
}

/* Entries below the top that have gone are swept when they are the larger part. */
static void sweep(struct value_heap *h, const struct instance *in)
{
    uint64_t lowest = in->events.first_serial + in->lowest;
    size_t n = 0;
    if (h->n < 64 || h->n / 2 < retained_count(&in->events)) {
        return;
    }
    for (size_t i = 0; i < h->n; i++) {
        if (h->items[i].serial > lowest) {
            h->items[n++] = h->items[i];
        }
    }
    h->n = n;
    for (size_t i = n / 2; i-- > 0;) {
        sift_down(h, i);
    }
}

bool heap_best(struct value_heap *h, struct instance *in,
               bool (*keep)(struct instance *in, uint64_t serial), struct value *ret)
{
    if (!h) {
        return false;
    }
    sweep(h, in);
    while (h->n) {
        detector_work(in)->steps++;
        if (keep(in, h->items[0].serial)) {
            *ret = h->items[0].value;
            return true;
        }
        h->items[0] = h->items[--h->n];
        if (h->n) {
            sift_down(h, 0);
        }
    }
    return false;
}

void heap_free(struct value_heap *h)
{
    if (h) {
        free(h->items);
        free(h);
    }
}

uint64_t heap_size(const struct value_heap *h)
{
    return h ? h->n : 0;
}
