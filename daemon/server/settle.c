/* SPDX-License-Identifier: Apache-2.0 */

/* What is told when a batch is through: verdicts to senders, alerts to subscribers, and that there is room again. */

#include "daemon/server/intake_private.h"

static void count_verdict(IntakeCounts *c, Verdict verdict)
{
        c->stored += verdict == VERDICT_STORED;
        c->revised += verdict == VERDICT_REVISED;
        c->duplicate += verdict == VERDICT_DUPLICATE;
        c->refused += verdict == VERDICT_REFUSED;
}

static void tell_sinks(Intake *i, Batch *b)
{
        IntakeSink *touched = NULL;

        for (size_t k = 0; k < b->n_entries; k++) {
                Entry *e = &b->entries[k];
                IntakeSink *s = e->sink;

                if (!s->touched) {
                        s->touched = true;
                        s->next_touched = touched;
                        touched = s;
                }
                s->n_pending--;
                s->n_doubtful -= e->doubtful;
                s->last_index = e->index;
                count_verdict(&s->counts, e->verdict);
                count_verdict(&i->stats.counts, e->verdict);
                if (e->verdict == VERDICT_REFUSED && !s->detached)
                        s->on_refused(s, e->index, text_of(e->refusal->id), &e->refusal->fault);
        }
        while (touched) {
                IntakeSink *s = touched;
                IntakeCounts counts = s->counts;

                touched = s->next_touched;
                s->touched = false;
                s->counts = (IntakeCounts){0};
                if (!s->detached)
                        s->on_settled(s, s->last_index, &counts);
                else if (s->n_pending == 0)
                        s->on_idle(s);
        }
}

static void shrink_load(Intake *i, Batch *b)
{
        i->n_bytes -= b->load;
        b->load = 0;
        i->n_entries -= b->n_entries;
        if (i->full && !intake_is_above(i, 2)) {
                i->full = false;
                intake_tell_room(i);
        }
}

void settle_entries(Intake *i, Batch *b)
{
        tell_sinks(i, b);
        shrink_load(i, b);
}

void intake_settle(Intake *i, Batch *b)
{
        uint64_t since = stages_now();

        tell_sinks(i, b);
        (void)stages_add(&i->stats.stages, STAGE_ACK, since);
        feeds_publish(&b->feed);
        intake_tell(i);
        for (size_t k = 0; k < b->n_calls; k++)
                b->calls[k].fn(b->calls[k].user);
        shrink_load(i, b);
}

void intake_tell(Intake *i)
{
        uint64_t since = stages_now();

        if (feeds_tell(i->parts.feeds))
                i->ops->telling(i->user);
        (void)stages_add(&i->stats.stages, STAGE_FANOUT, since);
}
