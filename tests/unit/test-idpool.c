/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/core/idpool.h"
#include "tests/support/check_main.h"

#define N_IDS 500

typedef struct Kept {
        char text[160];
        size_t n;
        uint32_t handle;
        unsigned references; /* 0: it is not there */
} Kept;

static void expect(const IdPool *p, const Kept *k)
{
        Text is = idpool_text(p, k->handle);

        ck_assert(text_equal(is, (Text){.at = k->text, .n = k->n < 128 ? k->n : 128}));
}

static void add(IdPool *p, Kept *k, uint64_t random)
{
        k->n = random % 5 ? random / 5 % 40 : random / 5 % 160;
        for (size_t i = 0; i < k->n; i++)
                k->text[i] = (char)('!' + (random >> i % 40) % 90);
        ck_assert_int_eq(idpool_add(p, (Text){.at = k->text, .n = k->n}, &k->handle), 0);
        k->references = 1;
}

/* Ids of all lengths that come and go, against copies of them. */
START_TEST(each_keeps_its_text_until_its_last_reference_is_gone)
{
        static Kept kept[N_IDS];
        IdPool p = IDPOOL_NULL;
        uint64_t random = 5;

        memset(kept, 0, sizeof(kept));
        for (unsigned round = 0; round < 100000; round++) {
                Kept *k;

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                k = &kept[(random >> 33) % N_IDS];
                if (k->references == 0) {
                        add(&p, k, random >> 20);
                } else if (random >> 20 & 1) {
                        idpool_ref(&p, k->handle);
                        k->references++;
                } else {
                        expect(&p, k);
                        idpool_unref(&p, k->handle);
                        k->references--;
                }
                if (k->references)
                        expect(&p, k);
        }
        for (size_t i = 0; i < N_IDS; i++)
                if (kept[i].references)
                        expect(&p, &kept[i]);
        for (unsigned i = 0; i < IDPOOL_CLASSES; i++)
                ck_assert_uint_le(p.classes[i].n, N_IDS);
        idpool_deinit(&p);
}
END_TEST

START_TEST(freed_places_are_used_again)
{
        IdPool p = IDPOOL_NULL;
        char text[200];
        uint32_t handles[100], used = 0;

        memset(text, 'x', sizeof(text));
        for (unsigned round = 0; round < 50; round++) {
                for (size_t i = 0; i < 100; i++) {
                        text[0] = (char)('0' + i % 10);
                        ck_assert_int_eq(idpool_add(&p, (Text){.at = text, .n = i + 29}, &handles[i]), 0);
                }
                for (size_t i = 0; i < 100; i++) {
                        Text t = idpool_text(&p, handles[i]);

                        ck_assert_uint_eq(t.n, i + 29);
                        ck_assert_int_eq(t.at[0], '0' + (int)(i % 10));
                        idpool_ref(&p, handles[i]);
                        idpool_unref(&p, handles[i]);
                        idpool_unref(&p, handles[i]);
                }
        }
        for (unsigned i = 0; i < IDPOOL_CLASSES; i++)
                used += p.classes[i].n;
        ck_assert_uint_eq(used, 100);
        ck_assert_int_eq(idpool_add(&p, (Text){.at = text, .n = 200}, &handles[0]), 0);
        ck_assert_uint_eq(idpool_text(&p, handles[0]).n, 128);
        idpool_deinit(&p);
}
END_TEST

/* One answer may count for thousands of rules. */
START_TEST(an_id_has_as_many_references_as_there_are_rules_and_scopes)
{
        IdPool p = IDPOOL_NULL;
        uint32_t handle, other;

        ck_assert_int_eq(idpool_add(&p, TEXT("s-1"), &handle), 0);
        for (unsigned i = 0; i < 4096 * 12; i++)
                idpool_ref(&p, handle);
        for (unsigned i = 0; i < 4096 * 12; i++)
                idpool_unref(&p, handle);
        ck_assert(text_is(idpool_text(&p, handle), "s-1"));
        idpool_unref(&p, handle);
        ck_assert_int_eq(idpool_add(&p, TEXT("s-2"), &other), 0);
        ck_assert_uint_eq(other, handle);
        idpool_deinit(&p);
}
END_TEST

/* Many of one length take little more than their bytes: a number, and a UUID. */
START_TEST(an_id_takes_little_more_than_its_bytes)
{
        static const char *const ids[] = {"s-1234567890", "123e4567-e89b-12d3-a456-426614174000"};

        for (size_t k = 0; k < CX_ARRAY_LEN(ids); k++) {
                IdPool p = IDPOOL_NULL;
                uint32_t first, second;

                ck_assert_int_eq(idpool_add(&p, text_of(ids[k]), &first), 0);
                ck_assert_int_eq(idpool_add(&p, text_of(ids[k]), &second), 0);
                ck_assert_int_eq(idpool_text(&p, second).at - idpool_text(&p, first).at,
                                 (ptrdiff_t)strlen(ids[k]) + 4);
                idpool_deinit(&p);
        }
}
END_TEST

CHECK_MAIN("idpool", each_keeps_its_text_until_its_last_reference_is_gone, freed_places_are_used_again,
           an_id_has_as_many_references_as_there_are_rules_and_scopes, an_id_takes_little_more_than_its_bytes)
