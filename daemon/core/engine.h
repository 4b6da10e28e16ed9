#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine: surveys, commands and the passing of time in, figures and alerts out.
 *
 * Pure: no file descriptors, no clock, no log, no threads. Figures are a function of the surveys that it was given
 * (each id's latest version) and of the settings, whatever the order of arrival. An alert's state also depends on the
 * times at which it looked; that is why alerts are stored by the shell and handed back with engine_restore().
 *
 * Start: engine_new(), engine_replay_tally() for every stored tally, engine_replay() for every stored survey, engine_restore() for every stored alert, then one
 * INPUT_TICK. (A tick before the replay as well, and minutes and hours that are no longer kept are left out at once
 * instead of being held until the first tick.) Live: engine_step() for each input, and an INPUT_TICK at engine_deadline() at the latest.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/alert.h"
#include "daemon/core/calendar.h"
#include "daemon/core/effect.h"
#include "daemon/core/influence.h"
#include "daemon/core/org.h"
#include "daemon/core/rule.h"
#include "daemon/core/tally.h"
#include "daemon/core/window.h"
#include "proto/fault.h"
#include "proto/figure.h"
#include "proto/metric.h"
#include "proto/survey.h"

typedef struct Engine Engine;

/* Surveys are stored at least for so long: for all of `today`. */
#define ENGINE_STORED_MIN CALENDAR_DAY_MAX

/* Borrowed by the engine as long as it lives. */
typedef struct Settings {
        const Metric *metrics;
        size_t n_metrics;
        const Window *windows;
        size_t n_windows;
        const Calendar *calendar;
        const Rule *rules;
        size_t n_rules;
        usec_t keep;         /* tallies by the day are kept for so long */
        usec_t keep_surveys; /* surveys are stored for so long; 0: for ever */
        size_t max_agents; /* more different names than these (roster included) are counted as overflow, and then */
        size_t max_queues; /* ... only their other scopes have figures */
        HashKey key;       /* for tables */
} Settings;

typedef enum InputKind {
        INPUT_SURVEY,
        INPUT_TICK,    /* nothing but time */
        INPUT_COMMAND, /* a person did something with an alert */
} InputKind;

typedef enum CommandVerb {
        COMMAND_ACK,
        COMMAND_SNOOZE,
        COMMAND_OUTCOME, /* says what came of it; an active alert becomes acknowledged */
} CommandVerb;

typedef struct Command {
        CommandVerb verb;
        Text alert;   /* id */
        Text by;      /* principal */
        Text note;    /* may be absent */
        Text outcome; /* COMMAND_OUTCOME */
        usec_t until; /* COMMAND_SNOOZE */
} Command;

/* The scopes of a survey's agent and queue; SCOPE_NONE: not known (yet). */
typedef struct EngineNames {
        ScopeId agent, queue;
} EngineNames;

typedef struct Input {
        InputKind kind;
        usec_t now;
        const Survey
                *survey; /* INPUT_SURVEY: checked by survey_check() (or stored by an earlier configuration) */
        const SurveyValues
                *values; /* of @survey, as survey_values() gives them for the settings; NULL: not known yet */
        const EngineNames
                *names;        /* of @survey, from engine_expect() since the last step; NULL: not looked up */
        const Survey *earlier; /* its version up to now, which leaves all windows; NULL: the id is new */
        const Command *command;
} Input;

enum {
        _ENGINE_OK,
        ENGINE_E_NO_ALERT, /* INPUT_COMMAND: no such alert */
        ENGINE_E_STATE,    /* INPUT_COMMAND: not possible with this alert now; nothing changed */
        ENGINE_E_HISTORY,  /* a figure as of then would need buckets that are not kept */
};

typedef struct EngineStats {
        uint64_t surveys;         /* live versions counted in */
        uint64_t late;            /* older than the longest window when they came */
        uint64_t overflow_agents; /* surveys whose agent found no room under max_agents */
        uint64_t overflow_queues;
        uint64_t unknown_answers; /* answers for metrics that are not configured */
        size_t n_scopes, n_series;
        size_t n_alerts_pending, n_alerts_active;
} EngineStats;

/* Takes @org over in success only. -ENOMEM. */
CX_MUST_CHECK int engine_new(Engine **ret, const Settings *settings, Org *org);
Engine *engine_free(Engine *e);

/*
 * Before all else: of the surveys before @ts, and of the tallies before @day, some are stored no more, although others of
 * their time may be. What would have to be computed from them is not known.
 */
void engine_set_forgotten(Engine *e, usec_t ts, int32_t day);

/* A stored survey: counts it without looking at any rule. -ENOMEM leaves the engine to be freed only. */
CX_MUST_CHECK int engine_replay(Engine *e, const Survey *survey);

/*
 * A survey that was counted as @earlier (its comment, customer and the like may be missing) is @survey by now; no rule is
 * looked at. -ENOMEM as above.
 */
CX_MUST_CHECK int engine_replay_change(Engine *e, const Survey *survey, const Survey *earlier);

/*
 * Answers of one scope and day (counted from 1970, UTC) whose surveys are no longer stored, as if these had been replayed;
 * only windows that are cut in days see them. @counts: from the lowest answer of @metric on. SIZE_MAX: no answers, but
 * the scope has data. Agents and queues that are new are let in as long as there is room; another scope that the org does
 * not have is passed over. -ENOMEM leaves the engine to be freed only.
 */
CX_MUST_CHECK int engine_replay_tally(Engine *e, ScopeKind kind, Text name, int32_t day, size_t metric,
                                      const Tally *counts);

/* Where a survey is counted. */
typedef struct EnginePlace {
        ScopeId scopes[ORG_CHAIN_MAX];
        size_t n_scopes;
        int32_t day;
        SurveyValues values; /* of the metrics of the settings */
} EnginePlace;

void engine_place(const Engine *e, const Survey *survey, EnginePlace *ret);

/*
 * A survey that was counted is no longer stored. Its answers stay in all figures (those of windows that are cut in days
 * also after a restart, by engine_replay_tally()); only what names it forgets it.
 */
void engine_forget(Engine *e, const Survey *survey);

/* As if engine_forget() had been called for every survey before @ts; only how many there are stays. */
void engine_forget_before(Engine *e, usec_t ts);
/* So many surveys that were counted are no longer stored. */
void engine_forget_count(Engine *e, uint64_t n);

/* The first day whose answers are kept; INT32_MIN before the first step. */
int32_t engine_kept_day(const Engine *e);

/*
 * A stored alert, resolved ones included (the newest of its rule and scope decides where starts begin again). One whose
 * rule or scope is no longer configured, or whose rule has another metric, window, test or side by now, is kept, and
 * expires with the next step if it was open; it has used nothing up then. Behind a first step, which says what time it is,
 * what changed more than an hour later than that did so now; else time is that of the latest change. -ENOMEM.
 */
CX_MUST_CHECK int engine_restore(Engine *e, const Alert *alert);

/*
 * The alerts of an engine with other settings; and what those that it has dropped since (alertbook.h) have used up.
 * -ENOMEM leaves @e to be freed only.
 */
CX_MUST_CHECK int engine_carry_over(Engine *e, const Engine *before);

/*
 * One input; what is to be done is appended to @out. -ENOMEM leaves the engine to be freed only: nothing of this input
 * may be acknowledged. Time never runs backwards for alerts: an earlier `now` counts as the latest one seen.
 */
CX_MUST_CHECK int engine_step(Engine *e, const Input *in, Effects *out);
/*
 * @alert, an effect of a step, has ended, and it turned out that what was counted meanwhile could not be stored; surveys are
 * as they were. What it had used up is there again if that makes another alert now. (One that was withdrawn has used
 * nothing up.) -ENOMEM.
 */
CX_MUST_CHECK int engine_give_back(Engine *e, Alert *alert, Effects *out);

/*
 * A survey that the next step is to have: looks its names up, and fetches what counting it will touch, which takes a
 * while. Who calls this as soon as the survey is decoded does the rest of his work in that time.
 */
void engine_expect(const Engine *e, const Survey *survey, EngineNames *ret);

/* When engine_step() wants to be called again without news; USEC_INFINITY: never. */
usec_t engine_deadline(const Engine *e);

/* The latest time that it was told; INT64_MIN before the first step. */
usec_t engine_now(const Engine *e);
const Org *engine_org(const Engine *e);
const Settings *engine_settings(const Engine *e);
void engine_stats(const Engine *e, EngineStats *ret);

/* Whether any survey was ever counted for the scope. */
bool engine_has_data(const Engine *e, ScopeId scope);

/*
 * The figure as of @at (window_span()); live figures are as of now + 1. Its texts live as long as the engine. Always
 * filled in, also without data. ENGINE_E_HISTORY. Where rules look at this scope, metric and window, the state is that of
 * the first of them that has an alert (of a moment in the past: whose test holds): below or above. Without rules it is
 * the wrong side by the 95 % interval against the target. Else, below the metric's min_n, it is insufficient.
 */
CX_MUST_CHECK int engine_figure(const Engine *e, ScopeId scope, size_t metric, size_t window, usec_t at,
                                Figure *ret);

/* Alerts in the order of their last change, oldest first; the pointer is valid until the next step. */
size_t engine_n_alerts(const Engine *e);
const Alert *engine_alert(const Engine *e, size_t index);
const Alert *engine_find_alert(const Engine *e, Text id);

typedef struct EngineChange {
        ScopeId scope;
        uint64_t metrics; /* bit per metric */
} EngineChange;

/*
 * Scopes whose figures changed since the last call, each once, at most @max, and of which metrics; what did not fit is left
 * for the next call. Returns how many.
 */
size_t engine_take_changed(Engine *e, EngineChange *ret, size_t max);

CX_DEFINE_CLEANUP(Engine, engine_free)
