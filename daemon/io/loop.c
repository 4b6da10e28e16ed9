/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The event loop, on libevent.
 *
 * The happy path is: loop_run() lets libevent wait for and serve one turn at a time; between turns, and between the rounds of
 * a long one, the time is forgotten, and the first callback that asks reads it anew. Possible failure modes are: no memory when
 * something is made or armed (reported to the caller); polling fails (loop_run() returns -EIO).
 */

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/io/loop.h"
#include "daemon/io/vigil.h"

/* A timer on the real-time clock looks at it at least this often, since the clock may be stepped. */
#define REALTIME_CHECK USEC_SEC
/* libevent has no "never", and adding very long times to its clock would overflow. */
#define DELAY_MAX (365 * USEC_DAY)

struct Loop {
        struct event_base *base;
        const Clock *clock;
        bool sampled;
        struct timeval round; /* libevent's, at which it was */
        bool stop;
        usec_t realtime;
        usec_t monotonic;
        Vigil vigil; /* for a post */
};

int loop_new(Loop **ret, const Clock *clock)
{
        Loop *l = calloc(1, sizeof(*l));

        if (!l)
                return -ENOMEM;
        /* A client that has gone is an error of write(), not a reason to die. */
        (void)signal(SIGPIPE, SIG_IGN);
        l->clock = clock ? clock : &CLOCK_SYSTEM;
        l->base = event_base_new();
        if (!l->base) {
                free(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

Loop *loop_free(Loop *l)
{
        if (!l)
                return NULL;
        /* Connections that were freed since the last turn are let go in a turn, and in the one after it. */
        for (int i = 0; i < 2; i++)
                (void)event_base_loop(l->base, EVLOOP_NONBLOCK);
        event_base_free(l->base);
        free(l);
        return NULL;
}

int loop_run(Loop *l)
{
        while (!l->stop) {
                /* Without ONCE it would not end after what it served. */
                int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

                if (vigil_goes_on(&l->vigil, l->clock))
                        flags |= EVLOOP_NONBLOCK;
                l->sampled = false;
                if (event_base_loop(l->base, flags) < 0)
                        return -EIO;
        }
        l->stop = false;
        l->sampled = false;
        return 0;
}

void loop_stop(Loop *l)
{
        /* Not left to the end of the turn: callbacks may keep making each other active in one turn for ever. */
        l->stop = true;
        event_base_loopbreak(l->base);
}

/*
 * While more callbacks are put off than libevent serves in one round (32), it goes on with the next round instead of ending
 * the turn: with some dozens of busy connections for as long as they are busy. Its own time is of the round.
 */
static void sample(Loop *l)
{
        struct timeval round = {0};

        (void)event_base_gettimeofday_cached(l->base, &round);
        if (l->sampled && round.tv_sec == l->round.tv_sec && round.tv_usec == l->round.tv_usec)
                return;
        l->round = round;
        l->realtime = l->clock->realtime(l->clock->user);
        l->monotonic = l->clock->monotonic(l->clock->user);
        l->sampled = true;
}

usec_t loop_realtime(Loop *l)
{
        sample(l);
        return l->realtime;
}

usec_t loop_monotonic(Loop *l)
{
        sample(l);
        return l->monotonic;
}

struct event_base *loop_base(Loop *l)
{
        return l->base;
}

struct LoopTimer {
        Loop *loop;
        struct event *event;
        LoopFn fn;
        void *user;
        usec_t at; /* on the clock that @realtime names; USEC_INFINITY: not armed */
        bool realtime;
};

static int timer_arm(LoopTimer *t)
{
        usec_t now = t->realtime ? loop_realtime(t->loop) : loop_monotonic(t->loop);
        usec_t delay = t->at > now ? t->at - now : 0;
        usec_t longest = t->realtime ? REALTIME_CHECK : DELAY_MAX;
        struct timeval tv;

        if (delay > longest)
                delay = longest;
        tv = (struct timeval){.tv_sec = delay / USEC_SEC, .tv_usec = delay % USEC_SEC};
        return event_add(t->event, &tv) < 0 ? -ENOMEM : 0;
}

static void timer_fired(evutil_socket_t fd CX_UNUSED, short what CX_UNUSED, void *user)
{
        LoopTimer *t = user;
        usec_t now = t->realtime ? loop_realtime(t->loop) : loop_monotonic(t->loop);

        /* libevent waits on a coarse clock and may be early; a clock may have been stepped back. */
        if (now < t->at && timer_arm(t) == 0)
                return;
        t->at = USEC_INFINITY;
        t->fn(t->user);
        /* Careful: @t might be gone here. */
}

int loop_timer_new(LoopTimer **ret, Loop *l, LoopFn fn, void *user)
{
        LoopTimer *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        *t = (LoopTimer){.loop = l, .fn = fn, .user = user, .at = USEC_INFINITY};
        t->event = event_new(l->base, -1, 0, timer_fired, t);
        if (!t->event) {
                free(t);
                return -ENOMEM;
        }
        *ret = t;
        return 0;
}

LoopTimer *loop_timer_free(LoopTimer *t)
{
        if (!t)
                return NULL;
        event_free(t->event);
        free(t);
        return NULL;
}

static int timer_set(LoopTimer *t, usec_t at, bool realtime)
{
        int r;

        if (at == USEC_INFINITY) {
                loop_timer_cancel(t);
                return 0;
        }
        t->at = at;
        t->realtime = realtime;
        r = timer_arm(t);
        if (r < 0)
                loop_timer_cancel(t);
        return r;
}

int loop_timer_after(LoopTimer *t, usec_t delay)
{
        return timer_set(t, usec_after(loop_monotonic(t->loop), delay), false);
}

int loop_timer_at_monotonic(LoopTimer *t, usec_t at)
{
        return timer_set(t, at, false);
}

int loop_timer_at_realtime(LoopTimer *t, usec_t at)
{
        return timer_set(t, at, true);
}

void loop_timer_cancel(LoopTimer *t)
{
        t->at = USEC_INFINITY;
        event_del(t->event);
}

bool loop_timer_armed(const LoopTimer *t)
{
        return t->at != USEC_INFINITY;
}

struct LoopSignal {
        struct event *event;
        LoopSignalFn fn;
        void *user;
};

static void signal_arrived(evutil_socket_t number, short what CX_UNUSED, void *user)
{
        LoopSignal *s = user;

        s->fn((int)number, s->user);
        /* Careful: @s might be gone here. */
}

int loop_signal_new(LoopSignal **ret, Loop *l, int number, LoopSignalFn fn, void *user)
{
        LoopSignal *s;

        if (number <= 0 || number >= NSIG)
                return -EINVAL;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (LoopSignal){.fn = fn, .user = user};
        s->event = evsignal_new(l->base, number, signal_arrived, s);
        if (!s->event || event_add(s->event, NULL) < 0) {
                loop_signal_free(s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

LoopSignal *loop_signal_free(LoopSignal *s)
{
        if (!s)
                return NULL;
        if (s->event)
                event_free(s->event);
        free(s);
        return NULL;
}

struct LoopWake {
        Loop *loop;
        struct event *event;
        int fd;
        LoopFn fn;
        void *user;
};

static void wake_rang(evutil_socket_t fd, short what CX_UNUSED, void *user)
{
        LoopWake *w = user;
        uint64_t count;

        /* Posts that come from here on ring again. Only EAGAIN is possible, after a ring that was none. */
        if (read((int)fd, &count, sizeof(count)) != sizeof(count))
                return;
        vigil_end(&w->loop->vigil);
        w->fn(w->user);
        /* Careful: @w might be gone here. */
}

int loop_wake_new(LoopWake **ret, Loop *l, LoopFn fn, void *user)
{
        LoopWake *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        *w = (LoopWake){.loop = l, .fn = fn, .user = user};
        w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (w->fd < 0) {
                r = -errno;
                free(w);
                return r;
        }
        w->event = event_new(l->base, w->fd, EV_READ | EV_PERSIST, wake_rang, w);
        if (!w->event || event_add(w->event, NULL) < 0) {
                loop_wake_free(w);
                return -ENOMEM;
        }
        *ret = w;
        return 0;
}

LoopWake *loop_wake_free(LoopWake *w)
{
        if (!w)
                return NULL;
        if (w->event)
                event_free(w->event);
        close(w->fd);
        free(w);
        return NULL;
}

void loop_wake_post(LoopWake *w)
{
        uint64_t one = 1;
        ssize_t n;

        /* EAGAIN means that the counter is full, so that the loop is woken in any case. */
        do
                n = write(w->fd, &one, sizeof(one));
        while (n < 0 && errno == EINTR);
}

void loop_expect_post(Loop *l, usec_t within)
{
        vigil_begin(&l->vigil, l->clock, within);
}
