/* SPDX-License-Identifier: Apache-2.0 */

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/store/store_crc.h"

#define POLYNOMIAL 0x82f63b78U /* bits in reverse order */
#define SLICES     8           /* bytes that the portable form takes at once */

static uint32_t table[SLICES][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t crc = i;

                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
                table[0][i] = crc;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (int k = 1; k < SLICES; k++)
                        table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t store_crc_portable(uint32_t crc, const void *data, size_t n)
{
        const unsigned char *p = data;

        (void)pthread_once(&table_once, table_make);
        crc = ~crc;
        for (; n >= SLICES; p += SLICES, n -= SLICES) {
                crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
                crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^ table[5][crc >> 16 & 0xff] ^
                      table[4][crc >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
        }
        for (; n > 0; p++, n--)
                crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
        return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const void *data, size_t n)
{
        const unsigned char *p = data;
        uint64_t word, wide = ~crc;

        for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
                memcpy(&word, p, sizeof(word));
                wide = __builtin_ia32_crc32di(wide, word);
        }
        crc = (uint32_t)wide;
        for (; n > 0; p++, n--)
                crc = __builtin_ia32_crc32qi(crc, *p);
        return ~crc;
}
#endif

uint32_t store_crc(uint32_t crc, const void *data, size_t n)
{
#if defined(__x86_64__)
        if (__builtin_cpu_supports("sse4.2"))
                return crc_sse42(crc, data, n);
#endif
        return store_crc_portable(crc, data, n);
}

uint32_t store_crc_number(uint32_t crc, uint64_t value)
{
        unsigned char bytes[8];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (unsigned char)(value >> (8 * i));
        return store_crc(crc, bytes, sizeof(bytes));
}

uint32_t store_crc_text(uint32_t crc, Text t)
{
        crc = store_crc_number(crc, t.n);
        return t.n ? store_crc(crc, t.at, t.n) : crc;
}
