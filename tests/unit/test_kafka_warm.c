/* Where warm copies go: with whom `range` would give the task to when its owners end one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "connectors/kafka_warm.h"

#define MOST_MEMBERS 7
#define MOST_TASKS 13

/* Letter for letter as members are given partitions: so many each, the first ones one more. */
static uint32_t range_owner(uint32_t task, uint32_t n_members, uint32_t n_tasks)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < n_members; i++) {
        next += n_tasks / n_members + (i < n_tasks % n_members);
        if (task < next) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void each_task_has_its_copies(uint32_t members, uint32_t tasks, uint32_t copies)
{
    bool warm[MOST_MEMBERS][MOST_TASKS];
    for (uint32_t m = 0; m < members; m++) {
        kafka_warm_choose(members, m, tasks, copies, warm[m]);
    }
    for (uint32_t p = 0; p < tasks; p++) {
        uint32_t n = 0, owner = range_owner(p, members, tasks);
        for (uint32_t m = 0; m < members; m++) {
            n += warm[m][p];
        }
        assert_int_equal(n, copies < members - 1 ? copies : members - 1);
        assert_false(warm[owner][p]);
        if (members > 1 && copies > 0) {
            uint32_t heir = range_owner(p, members - 1, tasks);
            assert_true(warm[heir + (heir >= owner)][p]);
        }
    }
}

static void copies_are_where_tasks_would_go(void **state)
{
    (void)state;
    for (uint32_t members = 1; members <= MOST_MEMBERS; members++) {
        for (uint32_t tasks = 1; tasks <= MOST_TASKS; tasks++) {
            for (uint32_t copies = 0; copies < 4; copies++) {
                each_task_has_its_copies(members, tasks, copies);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies_are_where_tasks_would_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
