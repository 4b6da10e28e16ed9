#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * CRC-32C (Castagnoli), the checksum of every stored row: it finds what a sick disk or memory changed.
 *
 * Every bit flip and every burst of up to 32 bits is found. It is no protection against people.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/base/text.h"

/* Goes on from @crc (0 to begin). The machine's own instruction is used where there is one. */
uint32_t store_crc(uint32_t crc, const void *data, size_t n);

/* The same without that instruction, for comparison in tests. */
uint32_t store_crc_portable(uint32_t crc, const void *data, size_t n);

/* Numbers go in as 8 bytes, least significant first; texts with their length before them. */
uint32_t store_crc_number(uint32_t crc, uint64_t value);
uint32_t store_crc_text(uint32_t crc, Text t);
