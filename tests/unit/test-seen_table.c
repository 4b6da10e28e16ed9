/* SPDX-License-Identifier: Apache-2.0 */

/* Ids that crowd: each bit and byte of a table against a plain list, and what is found against plain lists while it grows. */

#include <errno.h>

#include "daemon/core/seen_table.h"
#include "tests/support/check_main.h"
#include "tests/support/image_case.h"

/* Each assertion is a write. */
static void must(bool holds, const char *what)
{
        if (!holds)
                ck_abort_msg("%s", what);
}

static uint64_t next_random(uint64_t *random)
{
        *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
        return *random >> 20;
}

/* --- one table ------------------------------------------------------------------------------------------ */

#define N_LISTED 1000

typedef struct Listed {
        size_t home, at;
        uint64_t hash, seq;
} Listed;

typedef struct List {
        Listed ids[N_LISTED]; /* in the order of their homes, and of their coming */
        size_t n;
        unsigned pushed[(3 << 15) / 64 + OVERHANG / 64];
} List;

/* Where they lie. False: too far from home. */
static bool lay_out(List *list, size_t n_blocks)
{
        bool fits = true;

        memset(list->pushed, 0, sizeof(list->pushed));
        for (size_t i = 0; i < list->n; i++) {
                Listed *id = &list->ids[i];

                id->at = i > 0 && id[-1].at >= id->home ? id[-1].at + 1 : id->home;
                for (size_t block = id->home / 64 + 1; block <= id->at / 64; block++)
                        fits = fits && block < n_blocks && ++list->pushed[block] <= PUSHED_MAX;
        }
        return fits;
}

static void list_insert(List *list, Listed id)
{
        size_t i = list->n++;

        must(list->n <= N_LISTED, "the list is too short");
        for (; i > 0 && list->ids[i - 1].home > id.home; i--)
                list->ids[i] = list->ids[i - 1];
        list->ids[i] = id;
}

static void list_remove(List *list, size_t i)
{
        list->n--;
        memmove(list->ids + i, list->ids + i + 1, (list->n - i) * sizeof(list->ids[0]));
}

static void check_table(const SeenTable *t, const List *list)
{
        size_t n_blocks = seen_table_n_places(t) / 64, n_runs = 0, n_homes = 0, n_ends = 0;

        for (size_t i = 0; i < list->n; i++) {
                const Listed *id = &list->ids[i];
                bool ends = i + 1 == list->n || id[1].home != id->home;

                n_runs += ends;
                must(seen_marks_has(t, id->home), "a home is not marked");
                must(seen_marks_ends(t, id->at) == ends, "an end is marked wrongly");
                must(seen_table_seq_at(t, id->at) == id->seq, "a number is not in its place");
                must(seen_table_hash_at(t, id->home, id->at) == id->hash, "a hash is not in its place");
                if (i == 0 || id[-1].home != id->home)
                        must(seen_marks_begin(t, id->home) == id->at, "ids of a home begin elsewhere");
                if (ends && (i + 1 == list->n || id[1].home > id->home + 1) && id->home + 1 < seen_n_homes(t))
                        must(seen_marks_begin(t, id->home + 1) == id->at + 1,
                             "the place of a home without ids is elsewhere");
        }
        for (size_t block = 0; block < n_blocks; block++) {
                n_homes += (size_t)__builtin_popcountll(t->marks[block].homes);
                n_ends += (size_t)__builtin_popcountll(t->marks[block].ends);
                must(t->pushed[block] == list->pushed[block], "a count of what was pushed is wrong");
        }
        must(n_homes == n_runs && n_ends == n_runs, "there are marks of nothing");
}

/* More and more come, then most go, twice. Returns how many found no place. */
static size_t crowd_and_thin(SeenTable *t, size_t first_home, size_t n_homes)
{
        static List list, longer;
        uint64_t random = first_home + n_homes;
        size_t n_refused = 0;

        list.n = 0;
        for (unsigned step = 0; step < 4000; step++) {
                uint64_t chance = next_random(&random) % 100;

                if (list.n == 0 || chance < (step / 1000 % 2 ? 20 : 85)) {
                        size_t home = first_home + next_random(&random) % n_homes;
                        uint64_t rest = next_random(&random) % 50;
                        Listed id = {.home = home,
                                     .hash = (seen_table_first_of(t, home) + rest) << (64 - SEEN_BITS_KEPT),
                                     .seq = step + 1};
                        bool fits;

                        longer = list;
                        list_insert(&longer, id);
                        fits = lay_out(&longer, seen_table_n_places(t) / 64);
                        must(seen_table_put(t, id.hash, id.seq) == fits,
                             "a place was taken or refused wrongly");
                        if (fits)
                                list = longer;
                        n_refused += !fits;
                } else {
                        size_t i = next_random(&random) % list.n;
                        Listed id = list.ids[i];

                        must(!seen_table_take_out(t, id.hash, id.seq + 5000), "what was not there was taken");
                        must(!seen_table_take_out(t, id.hash, id.seq | UINT64_C(1) << 46),
                             "a number that does not fit in was taken");
                        must(seen_table_take_out(t, id.hash, id.seq), "what was there was not taken");
                        list_remove(&list, i);
                        (void)lay_out(&list, seen_table_n_places(t) / 64);
                }
                check_table(t, &list);
        }
        while (list.n > 0) {
                must(seen_table_take_out(t, list.ids[0].hash, list.ids[0].seq),
                     "one of the last was not there");
                list_remove(&list, 0);
                (void)lay_out(&list, seen_table_n_places(t) / 64);
                check_table(t, &list);
        }
        return n_refused;
}

/* All of one home, and of few, and of some hundred: at the beginning, across blocks, and behind the last home. */
START_TEST(a_table_is_what_its_ids_are)
{
        static const size_t spans[] = {1, 10, 150, 700};

        for (uint8_t size = SIZE_LEAST; size <= SIZE_LEAST + 1; size++)
                for (size_t k = 0; k < CX_ARRAY_LEN(spans); k++) {
                        SeenTable t = {.size = size, .width = (uint8_t)(WIDTH_LEAST + k % 3)};
                        size_t n_homes = seen_n_homes(&t), n_refused;

                        ck_assert_int_eq(seen_table_make(&t), 0);
                        n_refused = crowd_and_thin(&t, 0, spans[k]);
                        n_refused += crowd_and_thin(&t, 6400 - spans[k] / 2 - 1, spans[k]);
                        n_refused += crowd_and_thin(&t, 6463, spans[k]);
                        n_refused += crowd_and_thin(&t, n_homes - spans[k], spans[k]);
                        ck_assert_int_eq(n_refused > 0, spans[k] < 700);
                        seen_table_free(&t);
                }
}
END_TEST

/* --- tables that grow ----------------------------------------------------------------------------------- */

enum { N_CROWDS = 32, CROWD = 96, N_HASHES = N_CROWDS * CROWD, N_OTHERS = 150000 };

typedef struct Model {
        Seen seen;
        uint64_t hashes[N_HASHES], seqs[N_HASHES][SEEN_CANDIDATES_MAX];
        size_t n_seqs[N_HASHES];
        uint64_t others[N_OTHERS], others_seq[N_OTHERS]; /* 0: it is gone */
        size_t n_others;
        uint64_t seq, random;
} Model;

/* Eight hashes, side by side, of each of twelve homes of the first table; half of the crowds across blocks. */
static void set_hashes(Model *m)
{
        for (size_t i = 0; i < N_HASHES; i++) {
                size_t crowd = i / CROWD, home = crowd * 2047 / 64 * 64 + (crowd % 2 ? 58 : 0) + i % 12;

                if (crowd == N_CROWDS - 1)
                        home = (1 << 16) - 12 + i % 12;
                m->hashes[i] = (uint64_t)home << 48 | (uint64_t)(i % CROWD / 12) << 26;
        }
}

static void check_hash(const Model *m, const Seen *s, size_t i)
{
        uint64_t found[SEEN_CANDIDATES_MAX];
        size_t n = seen_find(s, m->hashes[i], found);

        must(n == m->n_seqs[i], "a hash has more or fewer numbers");
        must(memcmp(found, m->seqs[i], n * sizeof(found[0])) == 0, "numbers are others, or in another order");
}

static void check_model(const Model *m, const Seen *s)
{
        uint64_t found[SEEN_CANDIDATES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < N_HASHES; i++) {
                check_hash(m, s, i);
                n += m->n_seqs[i];
        }
        for (size_t i = 0; i < m->n_others; i++) {
                size_t n_found = seen_find(s, m->others[i], found);
                bool there = false;

                for (size_t k = 0; k < n_found; k++)
                        there = there || found[k] == m->others_seq[i];
                must(there == (m->others_seq[i] != 0), "another one is lost, or has come back");
                n += there;
        }
        must(s->n == n, "the count is wrong");
}

static void check_image(Model *m)
{
        CX_CLEANUP(buffer_deinit) Buffer image = BUFFER_NULL;
        ImageReader from;
        Seen loaded = {0};

        seen_save(&m->seen, &(ImageWriter){.write = image_case_write, .user = &image});
        from = (ImageReader){.at = (const unsigned char *)image.data, .n = image.n};
        ck_assert_int_eq(seen_load(&loaded, &from), 0);
        ck_assert_uint_eq(from.n, 0);
        check_model(m, &loaded);
        seen_deinit(&loaded);
}

static void change_crowd(Model *m)
{
        size_t i = next_random(&m->random) % N_HASHES, n = m->n_seqs[i];

        if (next_random(&m->random) % 2) {
                int r = seen_add(&m->seen, m->hashes[i], ++m->seq);

                must(r == (n == SEEN_CANDIDATES_MAX ? -EEXIST : 0), "one was taken or refused wrongly");
                if (r == 0)
                        m->seqs[i][m->n_seqs[i]++] = m->seq;
        } else if (n > 0) {
                size_t gone = next_random(&m->random) % n;

                seen_remove(&m->seen, m->hashes[i], m->seqs[i][gone]);
                m->n_seqs[i]--;
                memmove(m->seqs[i] + gone, m->seqs[i] + gone + 1, (n - gone - 1) * sizeof(m->seqs[i][0]));
        }
        check_hash(m, &m->seen, i);
}

static void change_others(Model *m)
{
        size_t i = m->n_others, gone;

        if (i == N_OTHERS)
                return;
        m->n_others++;
        m->others[i] = next_random(&m->random) << 20 ^ next_random(&m->random);
        m->others_seq[i] = ++m->seq;
        must(seen_add(&m->seen, m->others[i], m->seq) == 0, "another one was refused");
        gone = next_random(&m->random) % m->n_others;
        if (i % 5 == 0 && m->others_seq[gone]) {
                seen_remove(&m->seen, m->others[gone], m->others_seq[gone]);
                m->others_seq[gone] = 0;
        }
}

/* Through sizes of a half and of a third more, and widths as numbers grow, once by a leap. */
START_TEST(crowds_come_and_go_while_the_table_grows)
{
        static Model m;
        unsigned n_growing = 0;

        m = (Model){.seen = SEEN_INIT(((HashKey){.k0 = 1, .k1 = 2}))};
        set_hashes(&m);
        for (unsigned step = 0; step < 300000; step++) {
                change_crowd(&m);
                if (step % 2)
                        change_others(&m);
                if (step == 80000 || step == 180000)
                        m.seq = seen_table_seq_end(&m.seen.table) / 4 * 3;
                if (step == 260000)
                        m.seq = (UINT64_C(1) << 34) - 100000;
                if (step % 31 == 0)
                        seen_tidy(&m.seen, 3);
                n_growing += m.seen.earlier.places != NULL;
                if (step % 19997 == 0 || (m.seen.earlier.places && step % 499 == 0))
                        check_model(&m, &m.seen);
                if (m.seen.earlier.places ? step % 1499 == 0 : step % 39989 == 0)
                        check_image(&m);
        }
        ck_assert_uint_gt(n_growing, 10000);
        ck_assert_uint_gt(seen_n_homes(&m.seen.table), 3 << 15);
        ck_assert_uint_eq(m.seen.table.width, WIDTH_MAX);
        check_model(&m, &m.seen);
        seen_deinit(&m.seen);
}
END_TEST

/* Of those with the numbers @from to @n, of which number 1 has hash @first. */
static size_t n_known(const Seen *s, uint64_t first, uint64_t distance, size_t from, size_t n)
{
        uint64_t found[SEEN_CANDIDATES_MAX];
        size_t n_there = 0;

        for (size_t i = from - 1; i < n; i++)
                n_there += seen_find(s, first + i * distance, found) == 1 && found[0] == i + 1;
        return n_there;
}

/* A larger table spreads five hundred of ninety homes; three hundred and more of one home would take a very large one. */
START_TEST(a_crowd_is_spread_or_refused)
{
        uint64_t distance = (UINT64_C(90) << 48) / 500;
        Seen s = {0};
        size_t n = 0;

        for (; n < 500; n++)
                ck_assert_int_eq(seen_add(&s, n * distance, n + 1), 0);
        ck_assert_uint_eq(n_known(&s, 0, distance, 1, n), n);
        ck_assert_uint_gt(seen_n_homes(&s.table), 1 << 16);
        seen_deinit(&s);
        for (n = 0; seen_add(&s, n << 26, n + 1) == 0; n++)
                ck_assert_uint_lt(n, 64 + PUSHED_MAX);
        ck_assert_uint_eq(n, 64 + PUSHED_MAX);
        ck_assert_int_eq(seen_add(&s, n << 26, n + 1), -EEXIST);
        ck_assert_uint_eq(n_known(&s, 0, UINT64_C(1) << 26, 1, n + 1), n);
        ck_assert_uint_lt(seen_size(&s), 4 << 20);
        seen_remove(&s, 0, 1);
        ck_assert_int_eq(seen_add(&s, n << 26, n + 1), 0);
        ck_assert_int_eq(seen_add(&s, UINT64_C(1) << 60, 1000), 0);
        ck_assert_uint_eq(n_known(&s, 0, UINT64_C(1) << 26, 1, n + 1), n);
        seen_deinit(&s);
}
END_TEST

/* Of three hundred that begin a block in one table, and are in the middle of one in the next. */
START_TEST(what_cannot_be_taken_over_stays_whole)
{
        enum { N = 300, GONE = 20 };
        uint64_t first = UINT64_C(64) << 48, distance = UINT64_C(1) << 26, random = 5, seq = N;
        Seen s = {0};
        int r = 0;

        for (size_t i = 0; i < N; i++)
                ck_assert_int_eq(seen_add(&s, first + i * distance, i + 1), 0);
        while (r == 0)
                r = seen_add(&s, next_random(&random) << 20 | UINT64_C(1) << 58, ++seq);
        ck_assert_int_eq(r, -EEXIST);
        ck_assert_ptr_nonnull(s.earlier.places);
        ck_assert_uint_eq(s.taken_homes, 64);
        ck_assert_uint_eq(n_known(&s, first, distance, 1, N), N);
        for (size_t i = 0; i < GONE; i++)
                seen_remove(&s, first + i * distance, i + 1);
        while (s.earlier.places)
                must(seen_add(&s, next_random(&random) << 20 | UINT64_C(1) << 58, ++seq) == 0,
                     "none is taken");
        ck_assert_uint_eq(n_known(&s, first, distance, 1, GONE), 0);
        ck_assert_uint_eq(n_known(&s, first, distance, GONE + 1, N), N - GONE);
        ck_assert_uint_eq(s.n, seq - 1 - GONE);
        seen_deinit(&s);
}
END_TEST

CHECK_MAIN("seen_table", a_table_is_what_its_ids_are, crowds_come_and_go_while_the_table_grows,
           a_crowd_is_spread_or_refused, what_cannot_be_taken_over_stays_whole)
