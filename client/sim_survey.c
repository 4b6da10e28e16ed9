/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdio.h>

#include "client/sim.h"

#define PASSIVES 0.26 /* share of NPS answers that are 7 or 8 */

static const char *const happy[] = {
        "Quick and friendly, thank you.",     "Solved in one call. That is how it should be.",
        "The colleague really listened.",     "Muy amable, todo resuelto a la primera.",
        "Me lo explicaron con paciencia.",    "Sehr freundlich, hat sofort geholfen.",
        "Endlich jemand, der sich auskennt.", "Réponse claire et rapide, merci.",
        "Très aimable, je suis content.",     "Gentilissimi, problema risolto.",
        "Atendimento excelente, obrigado.",
};

static const char *const unhappy[] = {
        "I had to explain everything three times.",
        "Half an hour in the queue, then the line went dead.",
        "Still not solved. This was my second call about it.",
        "Nobody could tell me why the invoice is wrong.",
        "Llevo una semana esperando una respuesta.",
        "Me cortaron la llamada sin solución.",
        "Viel zu lange gewartet und keine Lösung.",
        "Leider sehr unfreundlich.",
        "On me renvoie d'un service à l'autre.",
        "Toujours pas de solution, c'est décevant.",
        "Ho aspettato troppo e non hanno risolto niente.",
        "Ninguém me ligou de volta.",
};

/* The share of good answers when nothing special is going on: somewhat above the target. That of a `yes` which is
 * bad says how many bad ones there may be. */
static double usual_share(const SimMetric *m)
{
        bool is_of_bad = m->kind == METRIC_YES && m->lower_is_better;
        double target = is_of_bad ? 100 - m->target : m->target;
        double share = isnan(target) ? 0.78 : target / 100 + 0.04;

        return share < 0.3 ? 0.3 : share > 0.95 ? 0.95 : share;
}

/* The value from @from to @to that lies at @u of [0, 1), the upper ones somewhat more often. */
static int spread(double u, int from, int to)
{
        int n = to - from + 1, i = (int)(pow(u, 0.85) * n);

        return from + (i < n ? i : n - 1);
}

static int nps_value(const SimMetric *m, double u)
{
        double nps = isnan(m->target) ? 0.35 : m->target / 100 + 0.05;
        double promoters = (1 - PASSIVES + nps) / 2, detractors = 1 - PASSIVES - promoters;

        promoters = promoters > 0.95 ? 0.95 : promoters;
        detractors = detractors < 0.02 ? 0.02 : detractors;
        if (u < detractors)
                return spread(u / detractors, m->lo, m->hi - 4);
        if (u >= 1 - promoters)
                return m->hi - 1 + (u >= 1 - 0.55 * promoters);
        return m->hi - 3 + (u >= detractors + (1 - promoters - detractors) / 2);
}

static int mean_value(const SimMetric *m, double z)
{
        double better = m->lower_is_better ? -1 : 1, width = m->hi - m->lo;
        double usual = (m->lower_is_better ? m->hi : m->lo) + better * 0.72 * width;
        double middle = isnan(m->target) ? usual : m->target + better * 0.1;
        int value = (int)lround(middle + better * 0.24 * width * z);

        return value < m->lo ? m->lo : value > m->hi ? m->hi : value;
}

/* How somebody answers @m whose mood about it is @z: 0 is usual, 1 is one in six better, -1 one in six worse.
 */
static int answer_for(const SimMetric *m, double z)
{
        double u = 0.5 * erfc(-z / sqrt(2)), share = usual_share(m);
        int value, n_good = m->kind == METRIC_TOP1 ? 1 : m->kind == METRIC_TOP3 ? 3 : 2;

        u = u < 1 ? u : 0.999999;
        switch (m->kind) {
        case METRIC_NPS:
                return nps_value(m, u);
        case METRIC_YES:
                return (u >= 1 - share) != m->lower_is_better ? m->hi : m->lo;
        case METRIC_MEAN:
                return mean_value(m, z);
        default:
                if (n_good > m->hi - m->lo)
                        n_good = m->hi - m->lo;
                if (u >= 1 - share)
                        value = spread((u - (1 - share)) / share, m->hi - n_good + 1, m->hi);
                else
                        value = spread(u / (1 - share), m->lo, m->hi - n_good);
                return m->lower_is_better ? m->lo + m->hi - value : value;
        }
}

static void add_answer(const SimMetric *m, double z, Rng *rng, Survey *s)
{
        Answer *a = &s->answers[s->n_answers++];

        a->metric = text_of(m->name);
        if (m->driver && rng_unit(rng) < 0.06) {
                a->kind = ANSWER_NULL; /* people skip questions */
                a->value = 0;
                return;
        }
        a->kind = m->kind == METRIC_YES ? ANSWER_BOOL : ANSWER_NUMBER;
        a->value = answer_for(m, z);
}

/* Drivers first: what went well or badly then colours the outcomes. Returns the mood of the outcomes. */
static double add_answers(const SimWorld *w, Rng *rng, const SimAgent *agent, const SimQueue *queue,
                          Survey *s)
{
        double mood = rng_normal(rng) - agent->trouble, drivers = 0, outcome = 0;
        size_t n_drivers = 0;
        bool busy = s->ts / USEC_HOUR % 24 == 10 || s->ts / USEC_HOUR % 24 == 16;

        for (size_t i = 0; i < w->n_metrics; i++) {
                const SimMetric *m = &w->metrics[i];
                double z;

                if (!m->driver)
                        continue;
                z = m->shift + agent->skills[i] + 0.5 * mood + 0.87 * rng_normal(rng);
                if (i == queue->weak_driver)
                        z -= (queue->weak ? 0.7 : 0) + (busy ? 0.15 : 0);
                drivers += z;
                if (!m->of_agents)
                        z -= queue->trouble; /* who is well looked after then forgives it */
                n_drivers++;
                add_answer(m, z, rng, s);
        }
        drivers = n_drivers > 0 ? drivers / (double)n_drivers : 0.7 * rng_normal(rng);
        for (size_t i = 0; i < w->n_metrics; i++) {
                const SimMetric *m = &w->metrics[i];

                if (m->driver || m->kind == METRIC_RESPONSE)
                        continue;
                outcome = agent->quality + queue->quality + 0.58 * drivers + 0.4 * mood +
                          0.68 * rng_normal(rng) - 0.5 * agent->trouble;
                add_answer(m, outcome, rng, s);
        }
        return outcome;
}

/* The queue of a contact: most agents work on two or three of them. */
static const SimQueue *pick_queue(const SimWorld *w, const SimAgent *agent, Rng *rng)
{
        Rng own = rng_new(w->seed, agent->name, 4);
        size_t first = rng_below(&own, w->n_queues), n = w->n_queues < 3 ? w->n_queues : 3;

        return &w->queues[(first + rng_below(rng, n)) % w->n_queues];
}

void sim_survey(const SimWorld *w, Rng *rng, size_t agent, usec_t ts, SimText *text, Survey *s)
{
        static const char *const reasons[] = {"invoice", "delivery", "contract",
                                              "outage",  "password", "refund"};
        static const char *const channels[] = {"voice", "voice", "voice", "chat", "email"};
        const SimAgent *a = &w->agents[agent];
        const SimQueue *q = pick_queue(w, a, rng);
        double dice, mood;

        snprintf(text->contact, sizeof(text->contact), "c-%08x", (unsigned)(rng_next(rng) & 0xffffffffU));
        snprintf(text->customer, sizeof(text->customer), "k-%05x", (unsigned)(rng_next(rng) & 0xfffffU));
        *s = (Survey){
                .id = text_of(text->id),
                .ts = ts,
                .rev = -1,
                .agent = text_of(a->name),
                .queue = text_of(q->name),
                .contact = text_of(text->contact),
                .customer = text_of(text->customer),
                .channel = text_of(channels[rng_below(rng, CX_ARRAY_LEN(channels))]),
                .reason = text_of(reasons[rng_below(rng, CX_ARRAY_LEN(reasons))]),
        };
        dice = rng_unit(rng);
        if (dice >= q->response) {
                s->status = dice > 0.97 ? SURVEY_OPTED_OUT : SURVEY_EXPIRED;
                return;
        }
        mood = add_answers(w, rng, a, q, s);
        if (rng_unit(rng) < (mood < -1 ? 0.25 : 0.06))
                s->comment = mood < 0 ? text_of(unhappy[rng_below(rng, CX_ARRAY_LEN(unhappy))])
                                      : text_of(happy[rng_below(rng, CX_ARRAY_LEN(happy))]);
}

void sim_revise(const SimWorld *w, Rng *rng, Survey *s)
{
        s->rev = 2;
        for (size_t i = 0; i < s->n_answers; i++) {
                for (size_t m = 0; m < w->n_metrics; m++)
                        if (s->answers[i].kind != ANSWER_NULL &&
                            text_is(s->answers[i].metric, w->metrics[m].name))
                                s->answers[i].value = answer_for(&w->metrics[m], -0.4 + rng_normal(rng));
        }
}
