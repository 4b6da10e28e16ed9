/* SPDX-License-Identifier: Apache-2.0 */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/io/loop.h"
#include "tests/support/check_main.h"

static Loop *g_loop;
static LoopTimer *g_timer;
static int g_count;

static usec_t g_now[2] = {1000 * USEC_SEC, 5 * USEC_SEC};
static int g_reads;

static usec_t fake_realtime(void *user CX_UNUSED)
{
        g_reads++;
        return g_now[0]++;
}

static usec_t fake_monotonic(void *user CX_UNUSED)
{
        return g_now[1]++;
}

static void stop(void *user CX_UNUSED)
{
        g_count++;
        loop_stop(g_loop);
}

START_TEST(a_timer_fires_once_and_never_early)
{
        usec_t begin;

        ck_assert_int_eq(loop_new(&g_loop, NULL), 0);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_loop, stop, NULL), 0);
        for (int i = 0; i < 20; i++) {
                begin = CLOCK_SYSTEM.monotonic(NULL);
                ck_assert_int_eq(loop_timer_at_monotonic(g_timer, begin + 7 * USEC_MSEC + i), 0);
                ck_assert(loop_timer_armed(g_timer));
                ck_assert_int_eq(loop_run(g_loop), 0);
                ck_assert_int_ge(CLOCK_SYSTEM.monotonic(NULL), begin + 7 * USEC_MSEC + i);
                ck_assert(!loop_timer_armed(g_timer));
        }
        ck_assert_int_eq(g_count, 20);
        begin = CLOCK_SYSTEM.realtime(NULL);
        ck_assert_int_eq(loop_timer_at_realtime(g_timer, begin + 30 * USEC_MSEC), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_ge(CLOCK_SYSTEM.realtime(NULL), begin + 30 * USEC_MSEC);
        ck_assert_int_eq(loop_timer_after(g_timer, USEC_INFINITY), 0);
        ck_assert(!loop_timer_armed(g_timer));
        loop_timer_free(g_timer);
        loop_free(g_loop);
}
END_TEST

static usec_t half_speed(void *user CX_UNUSED)
{
        return CLOCK_SYSTEM.monotonic(NULL) / 2;
}

/* libevent counts by a clock of its own, which may be ahead of the one that was asked. */
START_TEST(a_timer_goes_by_the_clock_of_the_loop)
{
        Clock clock = {.realtime = CLOCK_SYSTEM.realtime, .monotonic = half_speed};
        usec_t at;

        ck_assert_int_eq(loop_new(&g_loop, &clock), 0);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_loop, stop, NULL), 0);
        at = half_speed(NULL) + 40 * USEC_MSEC;
        ck_assert_int_eq(loop_timer_at_monotonic(g_timer, at), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_ge(half_speed(NULL), at);
        ck_assert_int_lt(half_speed(NULL), at + USEC_SEC);
        loop_timer_free(g_timer);
        loop_free(g_loop);
}
END_TEST

static void step_clock(void *user CX_UNUSED)
{
        g_now[0] += USEC_DAY;
}

START_TEST(a_stepped_clock_is_noticed)
{
        Clock clock = {.realtime = fake_realtime, .monotonic = CLOCK_SYSTEM.monotonic};
        usec_t begin = CLOCK_SYSTEM.monotonic(NULL);
        LoopTimer *step;

        ck_assert_int_eq(loop_new(&g_loop, &clock), 0);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_loop, stop, NULL), 0);
        ck_assert_int_eq(loop_timer_new(&step, g_loop, step_clock, NULL), 0);
        ck_assert_int_eq(loop_timer_at_realtime(g_timer, g_now[0] + USEC_HOUR), 0);
        ck_assert_int_eq(loop_timer_after(step, 10 * USEC_MSEC), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_lt(CLOCK_SYSTEM.monotonic(NULL) - begin, 1500 * USEC_MSEC);
        loop_timer_free(step);
        loop_timer_free(g_timer);
        loop_free(g_loop);
}
END_TEST

static void ask_often(void *user)
{
        usec_t *times = user;

        times[0] = loop_realtime(g_loop);
        for (int i = 0; i < 10; i++)
                times[1] = loop_realtime(g_loop);
        loop_stop(g_loop);
}

START_TEST(one_turn_has_one_time)
{
        Clock clock = {.realtime = fake_realtime, .monotonic = fake_monotonic};
        usec_t times[2], before;

        ck_assert_int_eq(loop_new(&g_loop, &clock), 0);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_loop, ask_often, times), 0);
        before = loop_realtime(g_loop);
        ck_assert_int_eq(loop_timer_after(g_timer, 0), 0);
        g_reads = 0;
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_eq(times[0], times[1]);
        ck_assert_int_gt(times[0], before);
        ck_assert_int_eq(g_reads, 1);
        loop_timer_free(g_timer);
        loop_free(g_loop);
}
END_TEST

static int g_woken;
static LoopWake *g_wake;

static void woken(void *user CX_UNUSED)
{
        g_woken++;
}

static void *post(void *user)
{
        for (int i = 0; i < 100000; i++)
                loop_wake_post(g_wake);
        loop_wake_post(user);
        return NULL;
}

START_TEST(another_thread_may_ring)
{
        LoopWake *last;
        pthread_t thread;

        ck_assert_int_eq(loop_new(&g_loop, NULL), 0);
        ck_assert_int_eq(loop_wake_new(&g_wake, g_loop, woken, NULL), 0);
        ck_assert_int_eq(loop_wake_new(&last, g_loop, stop, NULL), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, post, last), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        pthread_join(thread, NULL);
        ck_assert_int_ge(g_woken, 1);
        ck_assert_int_le(g_woken, 100000);
        loop_wake_free(last);
        loop_wake_free(g_wake);
        loop_free(g_loop);
}
END_TEST

/* A clock that goes on by one with each look at it: it tells how often the loop looks. */
static atomic_int g_looks;

static usec_t count_looks(void *user CX_UNUSED)
{
        return atomic_fetch_add(&g_looks, 1);
}

/* One that sleeps looks three times. */
#define LOOKS 50

static void *post_after_looks(void *user)
{
        usec_t give_up = CLOCK_SYSTEM.monotonic(NULL) + 30 * USEC_SEC;

        while (atomic_load(&g_looks) < LOOKS && CLOCK_SYSTEM.monotonic(NULL) < give_up)
                sched_yield();
        loop_wake_post(user);
        return NULL;
}

static void stop_for_signal(int number CX_UNUSED, void *user CX_UNUSED)
{
        loop_stop(g_loop);
}

/* How often the loop looks at the clock in 20 ms in which nothing comes. */
static int looks_of_a_while(void)
{
        struct itimerval soon = {.it_value = {.tv_usec = 20000}};
        int before = atomic_load(&g_looks);

        ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        return atomic_load(&g_looks) - before;
}

START_TEST(it_is_awake_for_a_post_that_is_expected)
{
        Clock clock = {.realtime = CLOCK_SYSTEM.realtime, .monotonic = count_looks};
        pthread_t thread;
        LoopSignal *alarm;
        LoopWake *wake;
        int n_looks = 0;

        ck_assert_int_eq(loop_new(&g_loop, &clock), 0);
        ck_assert_int_eq(loop_wake_new(&wake, g_loop, stop, NULL), 0);
        ck_assert_int_eq(loop_signal_new(&alarm, g_loop, SIGALRM, stop_for_signal, NULL), 0);
        ck_assert_int_eq(looks_of_a_while(), 0);
        loop_expect_post(g_loop, USEC_DAY);
        ck_assert_int_eq(pthread_create(&thread, NULL, post_after_looks, wake), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        pthread_join(thread, NULL);
        ck_assert_int_ge(atomic_load(&g_looks), LOOKS);
        ck_assert_int_eq(looks_of_a_while(), 0);
        /* What does not come is waited for asleep in the end. */
        loop_expect_post(g_loop, 100);
        for (int i = 0; i < 100 && n_looks < 100; i++)
                n_looks += looks_of_a_while();
        ck_assert_int_eq(n_looks, 100);
        ck_assert_int_eq(looks_of_a_while(), 0);
        loop_signal_free(alarm);
        loop_wake_free(wake);
        loop_free(g_loop);
}
END_TEST

static usec_t g_times[2];

static void note_time(void *user)
{
        g_times[g_count++] = loop_realtime(g_loop);
        if (g_count == 2)
                loop_stop(g_loop);
        else
                ck_assert_int_eq(loop_timer_after(*(LoopTimer **)user, 0), 0);
}

START_TEST(a_turn_ends_also_while_it_is_awake)
{
        Clock clock = {.realtime = fake_realtime, .monotonic = fake_monotonic};

        g_count = 0;
        ck_assert_int_eq(loop_new(&g_loop, &clock), 0);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_loop, note_time, &g_timer), 0);
        ck_assert_int_eq(loop_timer_after(g_timer, 0), 0);
        loop_expect_post(g_loop, USEC_DAY);
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_gt(g_times[1], g_times[0]);
        loop_timer_free(g_timer);
        loop_free(g_loop);
}
END_TEST

/* More than libevent serves in one round. */
#define BUSY 64

static usec_t g_begin;

/* Whatever comes goes back at once, so that there is always something to do; for two seconds at most. */
static void send_back(struct bufferevent *b, void *user CX_UNUSED)
{
        struct evbuffer *in = bufferevent_get_input(b);

        (void)evbuffer_drain(in, evbuffer_get_length(in));
        (void)bufferevent_write(b, "x", 1);
        (void)loop_monotonic(g_loop);
        if (CLOCK_SYSTEM.monotonic(NULL) > g_begin + 2 * USEC_SEC)
                loop_stop(g_loop);
}

START_TEST(time_goes_on_however_busy_it_is)
{
        struct bufferevent *pairs[BUSY][2];
        int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

        g_count = 0;
        ck_assert_int_eq(loop_new(&g_loop, NULL), 0);
        for (int i = 0; i < BUSY; i++) {
                ck_assert_int_eq(bufferevent_pair_new(loop_base(g_loop), options, pairs[i]), 0);
                for (int k = 0; k < 2; k++) {
                        bufferevent_setcb(pairs[i][k], send_back, NULL, NULL, NULL);
                        ck_assert_int_eq(bufferevent_enable(pairs[i][k], EV_READ | EV_WRITE), 0);
                }
                ck_assert_int_eq(bufferevent_write(pairs[i][0], "x", 1), 0);
        }
        g_begin = CLOCK_SYSTEM.monotonic(NULL);
        ck_assert_int_eq(loop_timer_new(&g_timer, g_loop, stop, NULL), 0);
        ck_assert_int_eq(loop_timer_after(g_timer, 50 * USEC_MSEC), 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_eq(g_count, 1);
        loop_timer_free(g_timer);
        for (int i = 0; i < BUSY; i++)
                for (int k = 0; k < 2; k++)
                        bufferevent_free(pairs[i][k]);
        loop_free(g_loop);
}
END_TEST

static int g_signal;

static void on_signal(int number, void *user)
{
        LoopSignal **s = user;

        g_signal = number;
        *s = loop_signal_free(*s); /* allowed in its own callback */
        loop_stop(g_loop);
}

START_TEST(a_signal_comes_from_the_loop)
{
        LoopSignal *s;

        ck_assert_int_eq(loop_new(&g_loop, NULL), 0);
        ck_assert_int_eq(loop_signal_new(&s, g_loop, SIGHUP, on_signal, &s), 0);
        raise(SIGHUP);
        ck_assert_int_eq(g_signal, 0);
        ck_assert_int_eq(loop_run(g_loop), 0);
        ck_assert_int_eq(g_signal, SIGHUP);
        ck_assert_ptr_null(s);
        ck_assert_int_lt(loop_signal_new(&s, g_loop, 0, on_signal, &s), 0);
        loop_free(g_loop);
}
END_TEST

CHECK_MAIN("loop", a_timer_fires_once_and_never_early, a_timer_goes_by_the_clock_of_the_loop,
           a_stepped_clock_is_noticed, one_turn_has_one_time, another_thread_may_ring,
           it_is_awake_for_a_post_that_is_expected, a_turn_ends_also_while_it_is_awake,
           time_goes_on_however_busy_it_is, a_signal_comes_from_the_loop)
