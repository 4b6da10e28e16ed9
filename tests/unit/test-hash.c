/* SPDX-License-Identifier: Apache-2.0 */

#include "proto/base/hash.h"
#include "tests/support/check_main.h"
#include "proto/base/def.h"

/*
 * What CPython 3.11, whose bytes are hashed by SipHash-1-3, gives for the bytes 0, 1, 2, ... under
 * PYTHONHASHSEED=0 (a key of zeros) and 12345; the empty text by a second computation.
 */
START_TEST(hashes_are_those_of_siphash_1_3)
{
        static const size_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 63};
        static const struct {
                HashKey key;
                uint64_t hashes[CX_ARRAY_LEN(sizes)];
        } known[] = {
                {{0, 0},
                 {0xd1fba762150c532c, 0x68a914128e01e473, 0x2f098ab0c751325a, 0xead411e67ebe2eea,
                  0x75927f9d95124362, 0xf30eb725bb91c9ea, 0x8972188433a5c5b7, 0x385d3e39e5f37359}},
                {{0x25556dc46dc3dca0, 0xfc3ee4dbd06f6c90},
                 {0x8b1f957c65b15c98, 0xddb5fc492fbdf63a, 0x831edfe12fee6ffd, 0x354edb093928c942,
                  0x09a5e47bf18abecc, 0xbe8dc664d017b99e, 0x2e932605ea370595, 0x171afa1ac779cd10}},
        };
        unsigned char bytes[64];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (unsigned char)i;
        for (size_t k = 0; k < CX_ARRAY_LEN(known); k++)
                for (size_t i = 0; i < CX_ARRAY_LEN(sizes); i++)
                        ck_assert_uint_eq(hash_bytes(&known[k].key, bytes, sizes[i]), known[k].hashes[i]);
}
END_TEST

START_TEST(the_place_of_the_bytes_in_memory_does_not_matter)
{
        const HashKey key = {1, 2};
        char room[32];

        for (size_t i = 0; i < 8; i++) {
                memcpy(room + i, "queue/billing-es", 16);
                ck_assert_uint_eq(hash_bytes(&key, room + i, 16), hash_bytes(&key, "queue/billing-es", 16));
        }
}
END_TEST

CHECK_MAIN("hash", hashes_are_those_of_siphash_1_3, the_place_of_the_bytes_in_memory_does_not_matter)
