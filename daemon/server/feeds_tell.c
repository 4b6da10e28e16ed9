/* SPDX-License-Identifier: Apache-2.0 */

/* Who is told that there is more to read, in which turn of the loop. */

#include "daemon/server/feeds_private.h"

/* Subscribers at one go. */
#define TELL_AT_ONCE 64

/*
 * Tells those who were not told yet of all that there is, @left at most. What comes while it goes on, those at the front
 * are told in another round. False: it was not enough.
 */
static bool feed_tell(Feed *feed, size_t *left)
{
        while (feed->telling || feed->told + 1 < feed->next) {
                if (!feed->telling) {
                        feed->telling = feed->subscribers;
                        feed->told = feed->next - 1;
                }
                for (; feed->telling; --*left) {
                        FeedSubscriber *s = feed->telling;

                        if (*left == 0)
                                return false;
                        feed->telling = s->next;
                        s->on_alert(s);
                }
        }
        return true;
}

void feed_tell_all(Feed *feed)
{
        size_t left = SIZE_MAX;

        (void)feed_tell(feed, &left);
}

bool feed_is_telling(const Feed *feed)
{
        return feed->telling || feed->told + 1 < feed->next;
}

bool feeds_tell(Feeds *f)
{
        size_t left = TELL_AT_ONCE;
        Feed *first = f->turn ? f->turn : f->feeds, *feed = first;

        do {
                bool done = feed_tell(feed, &left);

                f->turn = feed = feed->later ? feed->later : f->feeds;
                if (!done)
                        return true;
        } while (feed != first);
        return false;
}
