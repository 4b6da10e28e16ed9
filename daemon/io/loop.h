#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The event loop: one thread, sockets, timers, signals, and a bell that other threads may ring.
 *
 * All callbacks come from loop_run(), one at a time. Apart from loop_wake_post() nothing here may be called
 * from another thread. Timers, signals and wakes belong to whoever made them and are freed before the loop;
 * each may be freed inside its own callback.
 */

#include <stdbool.h>

#include "daemon/io/clock.h"
#include "proto/base/def.h"
#include "proto/base/usec.h"

typedef struct Loop Loop;
typedef struct LoopTimer LoopTimer;
typedef struct LoopSignal LoopSignal;
typedef struct LoopWake LoopWake;

struct event_base;

typedef void (*LoopFn)(void *user);
typedef void (*LoopSignalFn)(int number, void *user);

/* @clock is borrowed for the life of the loop; NULL: CLOCK_SYSTEM. SIGPIPE is ignored from here on. -ENOMEM.
 */
CX_MUST_CHECK int loop_new(Loop **ret, const Clock *clock);
Loop *loop_free(Loop *l);

/* Until loop_stop(). -EIO if the kernel's polling fails. May be called again. */
CX_MUST_CHECK int loop_run(Loop *l);
/* The present turn is finished, then loop_run() returns 0. Also allowed before loop_run(), which then returns
 * at once. */
void loop_stop(Loop *l);

/* The time of this turn: read at the first question in the turn, the same until its end. */
usec_t loop_realtime(Loop *l);
usec_t loop_monotonic(Loop *l);

/* One-shot timers, unarmed at first. A timer never fires early and may be armed again at any time, also in
 * @fn. */
CX_MUST_CHECK int loop_timer_new(LoopTimer **ret, Loop *l, LoopFn fn, void *user);
LoopTimer *loop_timer_free(LoopTimer *t);
/* In @delay from now (0: next turn), or at a point of the monotonic clock. Replace an earlier setting.
 * -ENOMEM. */
CX_MUST_CHECK int loop_timer_after(LoopTimer *t, usec_t delay);
CX_MUST_CHECK int loop_timer_at_monotonic(LoopTimer *t, usec_t at);
/* At a point of the real-time clock; a stepped clock is noticed within a second. USEC_INFINITY: never (all
 * three). */
CX_MUST_CHECK int loop_timer_at_realtime(LoopTimer *t, usec_t at);
void loop_timer_cancel(LoopTimer *t);
bool loop_timer_armed(const LoopTimer *t);

/* Calls @fn in the loop whenever @number (SIGTERM, SIGINT, SIGHUP, ...) arrives. -ENOMEM, -EINVAL. */
CX_MUST_CHECK int loop_signal_new(LoopSignal **ret, Loop *l, int number, LoopSignalFn fn, void *user);
LoopSignal *loop_signal_free(LoopSignal *s);

/* Calls @fn in the loop after one or more posts. -ENOMEM, or what eventfd() says. */
CX_MUST_CHECK int loop_wake_new(LoopWake **ret, Loop *l, LoopFn fn, void *user);
/* No thread may post any more. */
LoopWake *loop_wake_free(LoopWake *w);
/* From any thread; never blocks, never fails. */
void loop_wake_post(LoopWake *w);
/*
 * Somebody waits for a post that is about to come: until the next one, whichever it is, but for @within from now at most, the
 * loop stays awake (vigil.h). Replaces what was expected before.
 */
void loop_expect_post(Loop *l, usec_t within);

/* For the files of this layer only. */
struct event_base *loop_base(Loop *l);

CX_DEFINE_CLEANUP(Loop, loop_free)
CX_DEFINE_CLEANUP(LoopTimer, loop_timer_free)
CX_DEFINE_CLEANUP(LoopSignal, loop_signal_free)
CX_DEFINE_CLEANUP(LoopWake, loop_wake_free)
