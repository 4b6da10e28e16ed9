/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdint.h>

#include "daemon/core/seen.h"
#include "tests/support/check_main.h"
#include "tests/support/image_case.h"

static const HashKey key = {.k0 = 1, .k1 = 2};

static bool knows(const Seen *s, uint64_t hash, uint64_t seq)
{
        uint64_t found[SEEN_CANDIDATES_MAX];
        size_t n = seen_find(s, hash, found);
        bool there = false;

        for (size_t k = 0; k < n; k++)
                there = there || found[k] == seq;
        return there;
}

START_TEST(what_was_added_is_found_and_nothing_else)
{
        uint64_t found[SEEN_CANDIDATES_MAX];
        Seen s = SEEN_INIT(key);

        ck_assert_uint_eq(seen_find(&s, 1, found), 0);
        for (uint64_t i = 1; i <= 20000; i++)
                ck_assert_int_eq(seen_add(&s, i * 0x9E3779B97F4A7C15ULL, i), 0);
        for (uint64_t i = 1; i <= 20000; i++) {
                ck_assert_uint_eq(seen_find(&s, i * 0x9E3779B97F4A7C15ULL, found), 1);
                ck_assert_uint_eq(found[0], i);
                ck_assert_uint_eq(seen_find(&s, i * 0x9E3779B97F4A7C15ULL ^ UINT64_C(1) << 26, found), 0);
        }
        seen_deinit(&s);
}
END_TEST

START_TEST(one_hash_holds_several_numbers_oldest_first)
{
        uint64_t found[SEEN_CANDIDATES_MAX];
        Seen s = SEEN_INIT(key);

        for (uint64_t i = 1; i <= SEEN_CANDIDATES_MAX; i++)
                ck_assert_int_eq(seen_add(&s, 77, i), 0);
        ck_assert_int_eq(seen_add(&s, 77, 2), 0); /* known */
        ck_assert_int_eq(seen_add(&s, 77, 9), -EEXIST);
        ck_assert_int_eq(seen_add(&s, 78ULL << 32, UINT64_C(1) << 34), -ERANGE);
        ck_assert_uint_eq(seen_find(&s, 77, found), SEEN_CANDIDATES_MAX);
        for (size_t i = 0; i < SEEN_CANDIDATES_MAX; i++)
                ck_assert_uint_eq(found[i], i + 1);
        seen_deinit(&s);
}
END_TEST

/* Hashes that crowd into a few places, added and removed at random, against a plain list. */
START_TEST(removal_keeps_the_rest_findable)
{
        static uint64_t hash_of[512];
        uint64_t found[SEEN_CANDIDATES_MAX];
        Seen s = SEEN_INIT(key);
        uint64_t random = 42;

        for (int step = 0; step < 200000; step++) {
                uint64_t seq;

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                seq = random >> 33 & 511;
                if (seq == 0)
                        continue;
                if (hash_of[seq]) {
                        seen_remove(&s, hash_of[seq], seq);
                        hash_of[seq] = 0;
                } else {
                        /* A few homes at the end of the table, and a few rests. */
                        uint64_t hash = ~((random >> 50) % 16 << 48 | (random >> 40) % 60 << 30);

                        if (seen_find(&s, hash, found) < SEEN_CANDIDATES_MAX) {
                                ck_assert_int_eq(seen_add(&s, hash, seq), 0);
                                hash_of[seq] = hash;
                        }
                }
                if (step % 997 == 0) {
                        for (uint64_t i = 1; i < 512; i++)
                                ck_assert_int_eq(hash_of[i] && knows(&s, hash_of[i], i), hash_of[i] != 0);
                }
        }
        seen_deinit(&s);
}
END_TEST

/* Against a plain list, through several sizes of the table, with removals between. */
START_TEST(a_table_that_grows_loses_nothing)
{
        enum { N = 300000 };
        static uint64_t hash_of[N];
        uint64_t random = 7;
        Seen s = SEEN_INIT(key);

        for (uint64_t i = 1; i < N; i++) {
                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                /* One in ten in an eighth of the table. */
                hash_of[i] = i % 10 ? random ^ random >> 29 : random >> 3;
                ck_assert_int_eq(seen_add(&s, hash_of[i], i), 0);
                if (i % 3 == 0) {
                        seen_remove(&s, hash_of[i / 2], i / 2);
                        hash_of[i / 2] = 0;
                }
        }
        for (uint64_t i = 1; i < N; i++)
                ck_assert_int_eq(hash_of[i] && knows(&s, hash_of[i], i), hash_of[i] != 0);
        /* At most two tables' worth for each id. */
        ck_assert_uint_lt(seen_size(&s), (size_t)N * 13);
        seen_deinit(&s);
}
END_TEST

static int load(Seen *s, const Buffer *image, size_t n)
{
        ImageReader from = {.at = (const unsigned char *)image->data, .n = n};
        int r = seen_load(s, &from);

        ck_assert(r < 0 || from.n == image->n - n);
        return r;
}

/* What is saved is @s, in which exactly those are known. */
static void check_saved(const Seen *s, const Buffer *image, const uint64_t *hash_of, uint64_t n)
{
        uint64_t n_there = 0;
        Seen loaded = {0};

        ck_assert_int_eq(load(&loaded, image, image->n), 0);
        ck_assert_uint_eq(loaded.newest, s->newest);
        ck_assert_mem_eq(&loaded.key, &s->key, sizeof(s->key));
        for (uint64_t i = 1; i <= n; i++) /* each assertion is a write */
                if (hash_of[i] && !(knows(s, hash_of[i], i) && knows(&loaded, hash_of[i], i)))
                        ck_abort_msg("%llu is not there", (unsigned long long)i);
                else
                        n_there += hash_of[i] != 0;
        ck_assert_uint_eq(loaded.n, n_there);
        ck_assert_uint_eq(s->n, n_there);
        seen_deinit(&loaded);
}

/* Whether exactly those are known to it, and to what is saved of it and loaded again. */
static void check_all(Seen *s, const uint64_t *hash_of, uint64_t n)
{
        CX_CLEANUP(buffer_deinit) Buffer image = BUFFER_NULL;

        seen_save(s, &(ImageWriter){.write = image_case_write, .user = &image});
        check_saved(s, &image, hash_of, n);
}

/* While @s grows, every second id has its home at one of the two between which it is taken over as it is added. */
static uint64_t next_hash(const Seen *s, uint64_t n, uint64_t *random)
{
        uint64_t homes;

        *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
        if (!s->earlier.places || n % 2)
                return *random ^ *random >> 31;
        homes = seen_n_homes(&s->earlier);
        return (s->taken_homes + 15 + n / 2 % 2) * (UINT64_MAX / homes + 1) + *random / homes;
}

/* Every step between two sizes. */
START_TEST(no_step_of_growing_loses_any)
{
        static uint64_t hash_of[160000];
        uint64_t random = 3, n = 0;
        Seen s = SEEN_INIT(key);

        while (n < 120000 || s.earlier.places) {
                size_t before = s.taken_homes;

                n++;
                hash_of[n] = next_hash(&s, n, &random);
                ck_assert_int_eq(seen_add(&s, hash_of[n], n), 0);
                if (!s.earlier.places)
                        continue;
                ck_assert_uint_le(s.taken_homes - before, 32);
                if (n % 7 == 0) { /* on both sides of what is taken over */
                        uint64_t gone = 1 + (random >> 40) % n;

                        if (hash_of[gone])
                                seen_remove(&s, hash_of[gone], gone);
                        ck_assert(!knows(&s, hash_of[gone], gone));
                        hash_of[gone] = 0;
                }
                if (n % 997 == 0)
                        check_all(&s, hash_of, n);
        }
        ck_assert_uint_gt(seen_n_homes(&s.table), 1 << 16);
        check_all(&s, hash_of, n);
        seen_deinit(&s);
}
END_TEST

/* As many ids as before, and ever larger numbers: the store of a centre under retention. */
START_TEST(numbers_outgrow_their_places_and_lose_nothing)
{
        enum { KEPT = 40000, N = 300000 };
        static uint64_t hash_of[N + 1];
        uint64_t random = 11;
        size_t n_grown = 0;
        Seen s = SEEN_INIT(key);

        for (uint64_t n = 1; n <= N; n++) {
                size_t before = seen_size(&s), taken = s.taken_homes, growth = seen_growth(&s, 1);

                hash_of[n] = next_hash(&s, n, &random);
                ck_assert_int_eq(seen_add(&s, hash_of[n], n), 0);
                if (n % 3 == 0)
                        seen_tidy(&s, 5);
                if (n > KEPT) {
                        seen_remove(&s, hash_of[n - KEPT], n - KEPT);
                        ck_assert(!knows(&s, hash_of[n - KEPT], n - KEPT));
                        hash_of[n - KEPT] = 0;
                }
                ck_assert_int_eq(seen_size(&s) > before, growth > 0);
                n_grown += growth > 0;
                if (s.earlier.places)
                        ck_assert_uint_le(s.taken_homes - taken, 32 + 5);
                if (s.earlier.places ? n % 1597 == 0 : n % 59999 == 0)
                        check_all(&s, hash_of, n);
        }
        check_all(&s, hash_of, N);
        ck_assert_uint_eq(n_grown, 2); /* the first one, and wider places */
        ck_assert_uint_eq(seen_n_homes(&s.table), 1 << 16);
        ck_assert_uint_eq(s.table.width, 6);
        seen_deinit(&s);
}
END_TEST

/* Numbers far beyond those before, in any state of the table. */
START_TEST(a_leap_of_the_numbers_is_taken)
{
        static uint64_t hash_of[60001];
        static const uint64_t leaps[] = {1 << 17, 1 << 18, 1 << 25, (UINT64_C(1) << 34) - 4};
        uint64_t found[SEEN_CANDIDATES_MAX];

        for (size_t k = 0; k < CX_ARRAY_LEN(leaps); k++)
                for (uint64_t n = 1000; n <= 60000; n += 57000) {
                        uint64_t random = n;
                        Seen s = SEEN_INIT(key);

                        for (uint64_t i = 1; i <= n; i++) {
                                hash_of[i] = next_hash(&s, i, &random);
                                ck_assert_int_eq(seen_add(&s, hash_of[i], i), 0);
                        }
                        for (uint64_t i = 0; i < 3; i++)
                                ck_assert_int_eq(seen_add(&s, i << 62 | 5, leaps[k] + i), 0);
                        for (uint64_t i = 0; i < 3; i++) {
                                ck_assert_uint_eq(seen_find(&s, i << 62 | 5, found), 1);
                                ck_assert_uint_eq(found[0], leaps[k] + i);
                        }
                        for (uint64_t i = 1; i <= n; i++)
                                ck_assert(knows(&s, hash_of[i], i));
                        seen_deinit(&s);
                }
}
END_TEST

START_TEST(what_adding_takes_is_known_before)
{
        Seen s = SEEN_INIT(key);
        size_t n_grown = 0;

        for (uint64_t i = 1; i <= 500000; i++) {
                size_t before = seen_size(&s), growth = seen_growth(&s, 1);

                ck_assert_int_eq(seen_add(&s, i * 0x9E3779B97F4A7C15ULL, i), 0);
                ck_assert_int_eq(seen_size(&s) > before, growth > 0);
                if (growth) {
                        ck_assert_uint_eq(growth, seen_size(&s) - before);
                        n_grown++;
                }
        }
        ck_assert_uint_ge(n_grown, 3);
        ck_assert_uint_eq(seen_growth(&s, 1), 0);
        ck_assert_uint_gt(seen_growth(&s, 1000000), 0);
        seen_deinit(&s);
}
END_TEST

START_TEST(an_earlier_table_goes_also_where_nothing_is_added)
{
        Seen s = SEEN_INIT(key);
        uint64_t n = 0;
        size_t size;

        seen_tidy(&s, 1000);
        while (!s.earlier.places) {
                n++;
                ck_assert_int_eq(seen_add(&s, n * 0x9E3779B97F4A7C15ULL, n), 0);
        }
        size = seen_size(&s);
        for (unsigned i = 0; i < 66; i++) {
                ck_assert_ptr_nonnull(s.earlier.places);
                seen_tidy(&s, 1000);
        }
        ck_assert_ptr_null(s.earlier.places);
        ck_assert_uint_lt(seen_size(&s), size);
        for (uint64_t i = 1; i <= n; i++)
                ck_assert(knows(&s, i * 0x9E3779B97F4A7C15ULL, i));
        seen_deinit(&s);
}
END_TEST

typedef struct Crowd {
        Seen seen;
        uint64_t hash_of[120001]; /* 0: it is gone */
        uint64_t n, random;
} Crowd;

/* Some come, and every third time one goes. */
static void change(Crowd *c, unsigned n)
{
        ck_assert_uint_lt(c->n + n, CX_ARRAY_LEN(c->hash_of));
        for (unsigned i = 0; i < n; i++) {
                uint64_t gone;

                c->n++;
                c->hash_of[c->n] = next_hash(&c->seen, c->n, &c->random);
                if (seen_add(&c->seen, c->hash_of[c->n], c->n) < 0)
                        ck_abort_msg("%llu cannot be added", (unsigned long long)c->n);
                gone = 1 + (c->random >> 20) % c->n;
                if (c->n % 3 == 0 && c->hash_of[gone]) {
                        seen_remove(&c->seen, c->hash_of[gone], gone);
                        c->hash_of[gone] = 0;
                }
        }
}

/* Until there is an earlier table, and @n more; or until there is room for @before alone. */
static void grow(Crowd *c, uint64_t before, unsigned n)
{
        while (c->seen.n < 50000 || (before ? !seen_growth(&c->seen, before) : !c->seen.earlier.places))
                change(c, 1);
        change(c, n);
}

/* With no table yet, in one table, and where an earlier one comes, and goes, meanwhile. */
START_TEST(what_comes_and_goes_while_it_is_saved_is_saved)
{
        enum { EMPTY, ONE, SOME, LATER, SOON, GROWING, LONG, N_STATES };
        static Crowd c;

        for (unsigned k = 0; k < N_STATES; k++) {
                CX_CLEANUP(buffer_deinit) Buffer image = BUFFER_NULL;
                const ImageWriter to = {.write = image_case_write, .user = &image};
                unsigned n_parts = 0, n_earlier = 0;

                c = (Crowd){.seen = SEEN_INIT(key), .random = k};
                if (k < LATER)
                        change(&c, k == EMPTY ? 0 : k == ONE ? 1 : 30000);
                else
                        grow(&c, k == LATER ? 1500 : k == SOON ? 20 : 0, k == LONG ? 1200 : 0);
                /* One that is not brought to its end does no harm. */
                seen_save_begin(&c.seen, &to);
                ck_assert(seen_save_part(&c.seen, 100000, &to));
                change(&c, 10);
                buffer_reset(&image);
                seen_save_begin(&c.seen, &to);
                while (seen_save_part(&c.seen, 2000, &to)) {
                        n_parts++;
                        n_earlier += c.seen.earlier.places != NULL;
                        change(&c, 30);
                }
                change(&c, 10);
                ck_assert(!seen_save_failed(&c.seen));
                seen_save_rest(&c.seen, &to);
                check_saved(&c.seen, &image, c.hash_of, c.n);
                seen_save_end(&c.seen);
                ck_assert_uint_gt(n_parts, 100);
                ck_assert(k < LATER ? n_earlier == 0 : n_earlier > 20 && n_earlier < n_parts);
                change(&c, 1000);
                check_all(&c.seen, c.hash_of, c.n);
                seen_deinit(&c.seen);
        }
}
END_TEST

START_TEST(what_changes_too_much_is_not_saved)
{
        CX_CLEANUP(buffer_deinit) Buffer image = BUFFER_NULL;
        const ImageWriter to = {.write = image_case_write, .user = &image};
        Seen s = SEEN_INIT(key);
        int r = 0;

        seen_save_begin(&s, &to);
        while (seen_save_part(&s, SIZE_MAX, &to))
                ;
        for (unsigned i = 0; i < 1 << 19; i++) {
                r |= seen_add(&s, 77, 1);
                seen_remove(&s, 77, 1);
        }
        ck_assert_int_eq(r, 0);
        ck_assert(!seen_save_failed(&s));
        ck_assert_int_eq(seen_add(&s, 77, 1), 0);
        ck_assert(seen_save_failed(&s));
        seen_save_end(&s);
        ck_assert(!seen_save_failed(&s));
        check_all(&s, (const uint64_t[]){0, 77}, 1);
        seen_deinit(&s);
}
END_TEST

/* Cut off, or changed anywhere: it is refused, or taken for something else that might have been saved. */
START_TEST(what_was_not_saved_is_not_loaded)
{
        static Crowd c;
        CX_CLEANUP(buffer_deinit) Buffer image = BUFFER_NULL;
        Seen loaded = {0};

        c = (Crowd){.seen = SEEN_INIT(key)};
        grow(&c, 0, 100);
        seen_save(&c.seen, &(ImageWriter){.write = image_case_write, .user = &image});
        for (size_t n = 0; n < image.n; n += n < 88 || image.n - n < 60 ? 1 : 9973) {
                ck_assert_int_eq(load(&loaded, &image, n), -EBADMSG);
                ck_assert_uint_eq(loaded.n, 0);
        }
        /* Each bit of the geometry, and some of the marks. */
        for (size_t at = 16; at < image.n; at += at < 88 || image.n - at < 60 ? 1 : at < 4000 ? 1499 : 99991)
                for (unsigned bit = 0; bit < 8; bit++) {
                        int r;
                        ImageReader from = {.at = (const unsigned char *)image.data, .n = image.n};

                        image.data[at] = (char)(image.data[at] ^ 1 << bit);
                        r = seen_load(&loaded, &from);
                        ck_assert_int_ne(r, -ENOMEM);
                        if (r == 0)
                                seen_deinit(&loaded);
                        image.data[at] = (char)(image.data[at] ^ 1 << bit);
                }
        ck_assert_int_eq(load(&loaded, &image, image.n), 0);
        ck_assert_int_eq(load(&loaded, &image, image.n), -EBADMSG); /* it is not empty */
        ck_assert_uint_eq(loaded.n, c.seen.n);
        seen_deinit(&loaded);
        seen_deinit(&c.seen);
}
END_TEST

START_TEST(the_same_id_of_two_sources_is_two_surveys)
{
        Seen s = SEEN_INIT(key);

        ck_assert(seen_hash(&s, TEXT("ivr"), TEXT("1")) != seen_hash(&s, TEXT("web"), TEXT("1")));
        ck_assert(seen_hash(&s, TEXT("ivr"), TEXT("1")) == seen_hash(&s, TEXT("ivr"), TEXT("1")));
}
END_TEST

CHECK_MAIN("seen", what_was_added_is_found_and_nothing_else, one_hash_holds_several_numbers_oldest_first,
           removal_keeps_the_rest_findable, a_table_that_grows_loses_nothing, no_step_of_growing_loses_any,
           numbers_outgrow_their_places_and_lose_nothing, a_leap_of_the_numbers_is_taken,
           what_comes_and_goes_while_it_is_saved_is_saved, what_changes_too_much_is_not_saved,
           what_was_not_saved_is_not_loaded, what_adding_takes_is_known_before,
           an_earlier_table_goes_also_where_nothing_is_added, the_same_id_of_two_sources_is_two_surveys)
