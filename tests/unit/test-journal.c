/* SPDX-License-Identifier: Apache-2.0 */

/* When the storage thread writes the log back. */

#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include "daemon/server/journal.h"
#include "daemon/store/store_impl.h"
#include "tests/support/check_main.h"

/* What happened on the storage thread: a letter for each job, "!" for a ring, "w" for the log. */
static char story[64];
static StoreLog gathered;
static sem_t go_on, told;

static void tell(char what)
{
        size_t n = strlen(story);

        ck_assert_uint_lt(n + 1, sizeof(story));
        story[n] = what;
}

static StoreLog fake_log(const Store *s CX_UNUSED)
{
        return gathered;
}

static int fake_write_back(Store *s CX_UNUSED)
{
        tell('w');
        gathered = STORE_LOG_SHORT;
        sem_post(&told);
        return -ENOSPC; /* which is no reason to end */
}

typedef struct Task {
        JournalJob job;
        char name;
        StoreLog leaves;
        bool waits;
} Task;

static int run(JournalJob *job, Store *s CX_UNUSED)
{
        Task *t = (Task *)job;

        if (t->waits)
                sem_wait(&go_on);
        tell(t->name);
        gathered = t->leaves;
        return 0;
}

static void done(JournalJob *job CX_UNUSED, int result)
{
        ck_assert_int_eq(result, 0);
}

static void ring(void *user CX_UNUSED)
{
        tell('!');
}

/* Submits three jobs before the first one can end, each of which leaves so much in the log; returns the story. */
static const char *after_jobs(StoreLog a, StoreLog b, StoreLog c, int n_write_backs)
{
        Task tasks[] = {{.name = 'a', .leaves = a, .waits = true},
                        {.name = 'b', .leaves = b},
                        {.name = 'c', .leaves = c}};
        StoreVerbs verbs;
        Journal *j;
        Store *s;

        memset(story, 0, sizeof(story));
        gathered = STORE_LOG_SHORT;
        sem_init(&go_on, 0, 0);
        sem_init(&told, 0, 0);
        ck_assert_int_eq(store_open_ram(&s), 0);
        verbs = *s->verbs;
        verbs.log = fake_log;
        verbs.write_back = fake_write_back;
        s->verbs = &verbs;
        ck_assert_int_eq(journal_new(&j, s, ring, NULL), 0);
        for (size_t i = 0; i < CX_ARRAY_LEN(tasks); i++) {
                tasks[i].job = (JournalJob){.run = run, .done = done};
                journal_submit(j, &tasks[i].job);
        }
        sem_post(&go_on);
        for (int i = 0; i < n_write_backs; i++)
                sem_wait(&told);
        journal_free(j);
        return story;
}

START_TEST(a_long_log_is_written_back_when_nobody_waits)
{
        ck_assert_str_eq(after_jobs(STORE_LOG_SHORT, STORE_LOG_SHORT, STORE_LOG_SHORT, 0), "a!b!c!");
        ck_assert_str_eq(after_jobs(STORE_LOG_LONG, STORE_LOG_LONG, STORE_LOG_LONG, 1), "a!b!c!w");
}
END_TEST

START_TEST(a_full_log_is_written_back_at_once_but_behind_the_answer)
{
        ck_assert_str_eq(after_jobs(STORE_LOG_FULL, STORE_LOG_LONG, STORE_LOG_FULL, 2), "a!wb!c!w");
}
END_TEST

CHECK_MAIN("journal", a_long_log_is_written_back_when_nobody_waits,
           a_full_log_is_written_back_at_once_but_behind_the_answer)
