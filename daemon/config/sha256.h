#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SHA-256 of bytes in memory: tokens and the identity of files.
 */

#include <stddef.h>

#define SHA256_BYTES 32

void sha256(const void *data, size_t n, unsigned char ret[SHA256_BYTES]);
