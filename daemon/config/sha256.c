/* SPDX-License-Identifier: Apache-2.0 */

/* What needs no memory is called deprecated: SHA256() looks its algorithm up, and crashes in there without memory. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include "daemon/config/sha256.h"

void sha256(const void *data, size_t n, unsigned char ret[SHA256_BYTES])
{
        SHA256_CTX context;

        /* None of these can fail. */
        (void)SHA256_Init(&context);
        (void)SHA256_Update(&context, data, n);
        (void)SHA256_Final(ret, &context);
}
