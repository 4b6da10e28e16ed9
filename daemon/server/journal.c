/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/io/log.h"
#include "daemon/io/vigil.h"
#include "daemon/server/journal.h"

/*
 * Behind a job the next one mostly comes within so long, from who waited for the one before or from what has gathered
 * meanwhile. To sleep and to be woken takes longer than what is left of it, on both sides.
 */
#define AWAKE_USEC 60

typedef struct Queue {
        JournalJob *first;
        JournalJob **last;
} Queue;

struct Journal {
        pthread_t thread;
        pthread_mutex_t lock; /* guards the rest up to `stop` */
        pthread_cond_t work;
        Queue waiting;
        Queue finished;
        bool stop;

        atomic_uint n_submitted; /* read without the lock */
        Vigil vigil;             /* the thread's, for work */
        bool joined;
        Store *store;
        void (*ring)(void *user);
        void *user;
};

static void queue_init(Queue *q)
{
        q->first = NULL;
        q->last = &q->first;
}

static void queue_push(Queue *q, JournalJob *job)
{
        job->next = NULL;
        *q->last = job;
        q->last = &job->next;
}

static JournalJob *queue_pop(Queue *q)
{
        JournalJob *job = q->first;

        if (job) {
                q->first = job->next;
                if (!q->first)
                        q->last = &q->first;
        }
        return job;
}

static void work(Journal *j, JournalJob *job)
{
        job->result = job->run(job, j->store);
        pthread_mutex_lock(&j->lock);
        queue_push(&j->finished, job);
        /* Who is woken wants the lock. */
        pthread_mutex_unlock(&j->lock);
        j->ring(j->user);
}

static void look_out(Journal *j)
{
        unsigned before = atomic_load(&j->n_submitted);

        pthread_mutex_unlock(&j->lock);
        vigil_begin(&j->vigil, &CLOCK_SYSTEM, AWAKE_USEC);
        while (atomic_load(&j->n_submitted) == before && vigil_goes_on(&j->vigil, &CLOCK_SYSTEM))
                ;
        vigil_end(&j->vigil);
        pthread_mutex_lock(&j->lock);
}

/* False: that was all. @ret: what is to be done next; NULL: nobody waits, and the log is long. */
static bool next_job(Journal *j, JournalJob **ret)
{
        bool long_log = false;

        pthread_mutex_lock(&j->lock);
        if (j->store && !j->waiting.first && !j->stop) {
                look_out(j);
                long_log = store_log(j->store) != STORE_LOG_SHORT;
        }
        while (!(*ret = queue_pop(&j->waiting)) && !j->stop && !long_log)
                pthread_cond_wait(&j->work, &j->lock);
        pthread_mutex_unlock(&j->lock);
        return *ret || long_log;
}

/* What is committed is safe in the log. */
static void write_back(Journal *j)
{
        static LogLimit limit;

        if (store_write_back(j->store) < 0)
                log_limited(&limit, LOG_LEVEL_WARNING, "store: %s", store_error(j->store));
}

/* The log of the store is written back behind an answer, not before it. */
static void *journal_thread(void *user)
{
        Journal *j = user;
        JournalJob *job;

        while (next_job(j, &job)) {
                if (job)
                        work(j, job);
                if (j->store && (!job || store_log(j->store) == STORE_LOG_FULL))
                        write_back(j);
        }
        return NULL;
}

int journal_new(Journal **ret, Store *store, void (*ring)(void *user), void *user)
{
        sigset_t all, before;
        Journal *j = calloc(1, sizeof(*j));
        int r;

        if (!j)
                return -ENOMEM;
        j->ring = ring;
        j->user = user;
        j->store = store;
        queue_init(&j->waiting);
        queue_init(&j->finished);
        pthread_mutex_init(&j->lock, NULL);
        pthread_cond_init(&j->work, NULL);
        /* Signals are the loop's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&j->thread, NULL, journal_thread, j);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0) {
                pthread_cond_destroy(&j->work);
                pthread_mutex_destroy(&j->lock);
                free(j);
                return -r;
        }
        *ret = j;
        return 0;
}

void journal_stop(Journal *j)
{
        pthread_mutex_lock(&j->lock);
        j->stop = true;
        pthread_cond_signal(&j->work);
        pthread_mutex_unlock(&j->lock);
        if (!j->joined)
                pthread_join(j->thread, NULL);
        j->joined = true;
        /* Those that are done may submit more, which ends at once. */
        while (j->finished.first)
                journal_deliver(j);
}

Store *journal_store(Journal *j)
{
        return j->joined ? j->store : NULL;
}

int journal_flush(Journal *j)
{
        int r = store_begin(j->store);

        store_rollback(j->store);
        if (r == -ESTALE) {
                log_err("store: %s; what was acknowledged is in that file alone", store_error(j->store));
                return r;
        }
        r = store_erase(j->store);
        /* On a full disk it stays where it is. */
        if (r == 0 || r == -ENOSPC)
                return 0;
        log_err("store: %s; what was acknowledged is in its log", store_error(j->store));
        return r;
}

Journal *journal_free(Journal *j)
{
        if (!j)
                return NULL;
        journal_stop(j);
        store_close(j->store);
        pthread_cond_destroy(&j->work);
        pthread_mutex_destroy(&j->lock);
        free(j);
        return NULL;
}

void journal_submit(Journal *j, JournalJob *job)
{
        pthread_mutex_lock(&j->lock);
        if (j->stop)
                job->result = -ECANCELED;
        queue_push(j->stop ? &j->finished : &j->waiting, job);
        atomic_fetch_add(&j->n_submitted, 1);
        pthread_mutex_unlock(&j->lock);
        pthread_cond_signal(&j->work);
}

void journal_deliver(Journal *j)
{
        Queue finished;
        JournalJob *job;

        pthread_mutex_lock(&j->lock);
        finished = j->finished;
        if (!finished.first)
                queue_init(&finished);
        queue_init(&j->finished);
        pthread_mutex_unlock(&j->lock);
        /* A done() may submit, or deliver nothing new here: what finishes meanwhile rings again. */
        while (finished.first) {
                job = finished.first;
                finished.first = job->next;
                job->done(job, job->result);
        }
}
