#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the files of the engine share, and nobody else includes.
 *
 * A Cell is one metric on one scope: its series and the Pairs (one per rule that covers it). The counts of all cells of
 * a scope lie together in the scope's grids. Everything that depends on the time alone (spans of the live windows, what
 * is still kept) is worked out once per minute in engine_advance().
 */

#include "daemon/core/alertbook.h"
#include "daemon/core/engine.h"
#include "daemon/core/evidence.h"
#include "daemon/core/fresh.h"
#include "daemon/core/image.h"
#include "daemon/core/recent.h"
#include "daemon/core/schedule.h"
#include "daemon/core/score.h"
#include "daemon/core/series.h"

typedef struct Cell Cell;

/* A window as the engine uses it. Live: as of now + 1, in buckets of its tier. */
typedef struct Span {
        WindowTier tier;
        unsigned cursor; /* of the tier's series */
        usec_t width;
        int32_t start, end;
        usec_t turns; /* `today`: the next midnight */
} Span;

/* An evidence alert ends only when M has fallen well below what it fired at, so that one answer does not end it. */
#define ENGINE_RECOVERED 0.1

/* M is known to the last digits only; closer to the limit than this it is computed. */
#define WATCH_NEARLY (1 - 1e-9)

/* A rule as the engine uses it. */
typedef struct Watch {
        const Rule *rule;
        const Metric *metric;
        Evidence evidence;
        bool is_evidence; /* its test */
        bool usable;      /* evidence: the target is one that bets can be made against */
        int32_t n_days;   /* evidence: days in the window */
        double budget;    /* evidence: days per false alarm (D) */
        size_t n_covered; /* evidence: scopes (K) */
        double limit;     /* evidence: A */
        bool moved, fell; /* evidence: the limit, since the last tick */
        double far_below; /* evidence: not even new starts alone would bring M from here to the limit */
} Watch;

/*
 * What an answer must know of a rule on a scope: whether it may be left alone. Every survey reads the guards of its
 * scopes, so they lie together there; the pairs themselves are seldom in the cache.
 */
typedef struct Guard {
        Pair *pair; /* once its metric was answered */
        const Watch *watch;
        union {
                double bound; /* evidence: M is not above this, on bound_day */
                double slack; /* other tests, while calm: how far the sum of the scaled answers is on the right side */
        };
        int32_t bound_day;
        int32_t begun; /* evidence: there are answers of this day or before it; INT32_MAX: not known */
        bool calm; /* no alert is open, and since the last look nothing happened that one would have to see */
} Guard;

/* A rule on a scope that it covers. */
struct Pair {
        Guard *guard;    /* says which rule */
        BookEntry *open; /* its pending or active alert */
        ScheduleItem item;
        EvidenceCache past; /* from used.restart on */
        Cell *cell;         /* says which scope */
        UsedUp used;        /* by alerts of its metric */
        uint32_t ordinal;   /* of its last alert */
        Recent recent;
};

typedef struct ScopeCounts ScopeCounts;

struct Cell {
        ScopeId scope;
        uint16_t metric;
        uint16_t n_values;
        ScopeCounts *counts; /* of its scope */
        uint64_t stamp : 48; /* the last step that looked at it; that takes years to come round */
        uint64_t n_pairs : 16;
        Pair pairs[]; /* in the order of the rules */
};

/* What a scope has once there is an answer. Stays where it is. */
struct ScopeCounts {
        uint64_t known;   /* bit per metric: it has a cell */
        uint64_t watched; /* bit per metric: its cell has pairs */
        Fresh fresh;      /* what the grids do not have yet */
        Grid grids[_WINDOW_TIER_N];
        Cell **cells; /* one per metric, NULL without answers. Owned. This and the next two lie behind the guards */
        uint16_t *
                first; /* per metric that is known: its first column, the same in all grids. In their order */
        uint16_t *guard_at; /* per metric: its first guard; and behind the last one */
        Guard guards[];     /* by metric, and then in the order of the rules */
};

/* What was answered there; unused where nothing wants the tier. */
static inline Series cell_series(const Cell *cell, WindowTier tier)
{
        Grid *grid = &cell->counts->grids[tier];

        return (Series){
                .grid = grid,
                .first = cell->counts->first[cell->metric],
                .n_values = (uint8_t)(grid->n_columns ? cell->n_values : 0),
        };
}

typedef struct ScopeData {
        ScopeCounts *counts; /* NULL without answers. Owned */
        uint64_t changed;    /* bit per metric: since engine_take_changed(); then it is in Engine.changed */
        bool has_data;
        bool assigned; /* as in ScopeInfo */
        bool covered;  /* rules count it (engine_cover.c) */
        bool saved;    /* it is in the snapshot, or is none of its scopes */
} ScopeData;

struct Engine {
        const Settings *settings;
        Org *org;
        Span spans[WINDOWS_MAX];
        bool tier_used[_WINDOW_TIER_N];
        unsigned n_cursors[_WINDOW_TIER_N];
        Watch *watches; /* one per rule */
        ScopeData *scopes;
        size_t n_scopes, scopes_size;
        size_t n_passing; /* scopes that are covered only as long as they have answers */
        IdPool ids;
        Schedule schedule;
        AlertBook book;
        size_t n_orphans; /* alerts that no pair looks after */
        Pair **wanted;    /* scratch of a tick */
        size_t wanted_size;
        ScopeId *changed;
        size_t n_changed, changed_size;

        usec_t now;                   /* the latest seen; INT64_MIN: none yet */
        usec_t live_until;            /* the spans hold until then */
        int32_t today;                /* number of the day */
        int32_t kept[_WINDOW_TIER_N]; /* first bucket that is kept */
        usec_t late_before;
        usec_t forgotten_before; /* INT64_MIN: nothing was */
        int32_t forgotten_days;  /* before this one; INT32_MIN: none was */
        bool look_at_all;        /* surveys or alerts were put in without looking at rules */
        bool limits_moved;       /* of a rule at least, since the last tick */
        uint64_t step : 48;      /* of engine_step() */
        usec_t stepped;          /* the time that it was given last */
        EngineStats stats;
        ImageWriter saving; /* a snapshot that is being taken (snapshot.c); no `write`: there is none */
        size_t save_next;   /* what is not in it has at least this number */
};

/* engine.c: the number of the bucket that @t lies in, within what an int32_t holds. */
int32_t engine_bucket(usec_t t, usec_t width);
/* Time goes on to @now (or stays). */
void engine_advance(Engine *e, usec_t now);

/* engine_cover.c: the limit follows from what the rule covers. Whether it has moved since the last tick. */
bool engine_set_limit(Watch *w);
/* Room and rule coverage for scopes that the org has got since. -ENOMEM. */
CX_MUST_CHECK int engine_cover_scopes(Engine *e);
/* Whether rules count the scope depends on its answers by the day, which have changed. */
void engine_recount(Engine *e, ScopeId scope);
void engine_recount_all(Engine *e);
/* With a limit that fell, what was too little may be enough. -ENOMEM. */
CX_MUST_CHECK int engine_look_at_fallen(Engine *e, Effects *out);
/* Everything was looked at with the limits as they are. */
void engine_limits_seen(Engine *e);

/* What the fresh answers of a scope are counted into. */
static inline FreshGrids engine_grids(const Engine *e, ScopeCounts *counts)
{
        return (FreshGrids){.grids = counts->grids, .kept = e->kept};
}

/* snapshot.c */
void engine_save_scope(Engine *e, ScopeId scope);
/* Before anything of a scope changes that a snapshot has: one that is being taken gets it as it was. */
static inline void engine_before_change(Engine *e, ScopeId scope)
{
        if (e->saving.write && !e->scopes[scope].saved)
                engine_save_scope(e, scope);
}

/* Its figures of @metrics (not none) are other ones now. */
static inline void engine_mark_changed(Engine *e, ScopeId scope, uint64_t metrics)
{
        if (!e->scopes[scope].changed)
                e->changed[e->n_changed++] = scope;
        e->scopes[scope].changed |= metrics;
}

/* The metrics of @metrics on @scope that rules look at, bit per metric. */
static inline uint64_t engine_watched(const Engine *e, ScopeId scope, uint64_t metrics)
{
        const ScopeCounts *counts = e->scopes[scope].counts;

        return counts ? counts->watched & metrics : 0;
}

/* How many columns these metrics have in each of the scope's grids, and those before them. */
static inline unsigned engine_n_columns(const Engine *e, const ScopeCounts *counts, uint64_t metrics)
{
        unsigned last;

        if (!metrics)
                return 0;
        last = 63U - (unsigned)__builtin_clzll(metrics);
        return counts->first[last] + (unsigned)metric_n_values(&e->settings->metrics[last]);
}

/* engine_cell.c: the cell; NULL: none. engine_cell_get() makes it. -ENOMEM. */
static inline Cell *engine_cell_find(const Engine *e, ScopeId scope, size_t metric)
{
        const ScopeCounts *counts = scope < e->n_scopes ? e->scopes[scope].counts : NULL;

        return counts ? counts->cells[metric] : NULL;
}
CX_MUST_CHECK int engine_cell_get(Engine *e, ScopeId scope, size_t metric, Cell **ret);
void engine_cell_free(Engine *e, Cell *cell);
/* All cells, one with each call; *at begins as 0. NULL: these were all. */
Cell *engine_cell_next(const Engine *e, size_t *at);
void engine_counts_free(Engine *e, ScopeCounts *counts);
/* The kinship of its alerts. */
uint64_t engine_kin(const Engine *e, const Pair *p);
Pair *engine_pair_find(const Engine *e, ScopeId scope, const Watch *watch);
/*
 * What an earlier alert of its rule on its scope leaves to the pair, if it @is_same: of the metric as it is now; and what
 * those that the book has dropped do.
 */
void engine_take_over(Pair *p, bool is_same, uint32_t ordinal, int32_t restart);
void engine_take_over_dropped(const Engine *e, Pair *p);

/* engine_survey.c: both versions of a survey (INPUT_SURVEY); @out NULL: only count, no rule is looked at. */
CX_MUST_CHECK int engine_apply(Engine *e, const Input *in, Effects *out);

/* engine_look.c: whether the test of a rule holds on these counts, and by what. */
typedef struct Look {
        Tally counts;
        Score score;
        double evidence; /* as in Alert */
        double limit;
        bool holds;
        bool is_past; /* the value is on the wrong side */
} Look;

/* Of the metrics of a scope, a bit for each. */
typedef struct Told {
        uint64_t
                wanted; /* a rule must look at it; else engine_look() would change nothing, and schedule the same */
        uint64_t wrong; /* for a rule the answer is on the wrong side */
} Told;

/*
 * Before the series of these @metrics of a scope have an answer more (@delta 1) or less (-1): what that means for looks
 * to come. @buckets of it, per tier.
 */
Told engine_tell(const Engine *e, ScopeCounts *counts, uint64_t metrics, const SurveyValues *values,
                 int delta, const int32_t buckets[_WINDOW_TIER_N]);
/* Whether a rule may be left alone, as it was told last. */
bool engine_is_calm(const Guard *g);
/* As of the @end of a window, from its counts there. No day is barred as a start. */
Look engine_look_at(const Engine *e, const Pair *p, const Tally *counts, usec_t end);
/* M as of now by other evidence than that of the rule, from @restart on. */
double engine_sum_by(const Engine *e, const Pair *p, const Evidence *by, int32_t restart);
/* The day since which the evidence is strongest, and what was answered since; SERIES_NEVER: there is none. */
int32_t engine_best_start(const Engine *e, const Pair *p, Tally *ret);
/* Moves the pair's alert on. @removed: an answer was taken out just now (engine_remember() was called
 * before). */
CX_MUST_CHECK int engine_look(Engine *e, Pair *p, bool removed, Effects *out);
/* Notes what an active alert rests on, before an answer is taken out. */
void engine_remember(Engine *e, Pair *p);
/* When the pair must be looked at again. -ENOMEM. */
CX_MUST_CHECK int engine_schedule(Engine *e, Pair *p);

/* engine_restore.c: once all that goes on is there, what became of it by the rules as they are. -ENOMEM. */
CX_MUST_CHECK int engine_settle_alerts(Engine *e, Effects *out);
/*
 * The first look by a rule with another threshold finds what the one that looked at the open alert before would not: the rule
 * ends it, and no answers. The value of a long window may be good by both, a fall being shown by M alone.
 */
bool engine_is_ended_by_rule(const Engine *e, const Pair *p, const Look *look);
/* It goes on by the threshold that its rule has now. -ENOMEM. */
CX_MUST_CHECK int engine_follow_threshold(const Engine *e, const Pair *p, Effects *out);

/* engine_alert.c */
CX_MUST_CHECK int engine_open(Engine *e, Pair *p, const Look *look, Effects *out);
CX_MUST_CHECK int engine_fire(Engine *e, Pair *p, const Look *look, Effects *out);
CX_MUST_CHECK int engine_resolve(Engine *e, BookEntry *entry, AlertReason reason, Effects *out);
/* The same for an alert that should not have been, or not by the rule as it is: it has used nothing up. */
CX_MUST_CHECK int engine_call_off(Engine *e, BookEntry *entry, AlertReason reason, Effects *out);
CX_MUST_CHECK int engine_unsnooze(Engine *e, Pair *p, Effects *out);
/* The figures of a pending alert. -ENOMEM. */
CX_MUST_CHECK int engine_refresh(Engine *e, Pair *p, const Look *look);
CX_MUST_CHECK int engine_command(Engine *e, const Command *command, Effects *out);

/* engine_query.c: value, interval and trend for a window that ends at @at. */
void engine_fill_figure(const Engine *e, const Cell *cell, size_t window, usec_t at, const Tally *counts,
                        Figure *f);
