#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keyed hash of bytes (SipHash-1-3), for tables whose keys come from outside.
 *
 * With a key that an attacker does not know, nobody can send names that all fall into one chain.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct HashKey {
        uint64_t k0;
        uint64_t k1;
} HashKey;

uint64_t hash_bytes(const HashKey *key, const void *data, size_t n);
