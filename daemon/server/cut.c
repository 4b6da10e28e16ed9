/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A cut: a moment at which what the engine has counted is what the storage thread has, or will have written first.
 *
 * The happy path is: while one is awaited, new surveys gather without being counted; the batch before them is counted to
 * its end and handed over; there is the cut. What gathered meanwhile is counted with its batch, as if its ids had to be
 * looked up.
 */

#include "daemon/server/intake_private.h"

void cut_look(Intake *i)
{
        if (!i->cut_wanted || i->failed || i->starved || i->unwritten || i->resolving ||
            i->gathering->n_fresh)
                return;
        i->cut_wanted = false;
        i->ops->cut(i->user);
}

void intake_want_cut(Intake *i)
{
        i->cut_wanted = true;
        cut_look(i);
}

void intake_keep(Intake *i, uint64_t epoch, uint64_t until)
{
        i->parts.kept_epoch = epoch;
        i->parts.kept_until = until;
}

bool intake_store_stopped(const Intake *i)
{
        return i->store_stopped;
}
