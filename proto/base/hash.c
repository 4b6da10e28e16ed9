/* SPDX-License-Identifier: Apache-2.0 */

#include <endian.h>
#include <string.h>

#include "proto/base/hash.h"

static inline uint64_t rotate(uint64_t x, int bits)
{
        return x << bits | x >> (64 - bits);
}

/* One round of Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
static inline void round_once(uint64_t v[4])
{
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
}

uint64_t hash_bytes(const HashKey *key, const void *data, size_t n)
{
        uint64_t v[4] = {
                key->k0 ^ 0x736f6d6570736575ULL,
                key->k1 ^ 0x646f72616e646f6dULL,
                key->k0 ^ 0x6c7967656e657261ULL,
                key->k1 ^ 0x7465646279746573ULL,
        };
        const unsigned char *p = data;
        uint64_t word, last = (uint64_t)n << 56;
        size_t left = n;

        for (; left >= 8; p += 8, left -= 8) {
                memcpy(&word, p, 8);
                word = le64toh(word);
                v[3] ^= word;
                round_once(v);
                v[0] ^= word;
        }
        if (left && n >= 8) {
                /* The last of them, from the eight that end with it. */
                memcpy(&word, p + left - 8, 8);
                last |= le64toh(word) >> (64 - 8 * left);
        } else {
                for (size_t i = 0; i < left; i++)
                        last |= (uint64_t)p[i] << (8 * i);
        }
        v[3] ^= last;
        round_once(v);
        v[0] ^= last;
        v[2] ^= 0xff;
        round_once(v);
        round_once(v);
        round_once(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
