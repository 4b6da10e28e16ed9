/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_block.h"

static bool bit_get(const unsigned char *bits, uint64_t seq)
{
        return bits[(seq % BLOCK_ROWS) / 8] >> (seq % 8) & 1;
}

static void bit_flip(unsigned char *bits, uint64_t seq)
{
        bits[(seq % BLOCK_ROWS) / 8] ^= (unsigned char)(1U << (seq % 8));
}

void blocks_deinit(Blocks *b)
{
        for (size_t i = 0; i < b->n; i++)
                free(b->at[i].bad);
        free(b->at);
        free(b->saved);
        *b = BLOCKS_NULL;
}

/* The index of the first block whose number is not below @no. */
static size_t place(Blocks *b, uint64_t no)
{
        size_t low = 0, high = b->n;

        if (b->hint < b->n && b->at[b->hint].no == no)
                return b->hint;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (b->at[middle].no < no)
                        low = middle + 1;
                else
                        high = middle;
        }
        b->hint = low;
        return low;
}

Block *blocks_find(Blocks *b, uint64_t seq)
{
        uint64_t no = seq >> BLOCK_SHIFT;
        size_t i = place(b, no);

        return i < b->n && b->at[i].no == no ? &b->at[i] : NULL;
}

bool blocks_has(Blocks *b, uint64_t seq)
{
        const Block *block = blocks_find(b, seq);

        return block && bit_get(block->bits, seq);
}

uint64_t blocks_next(Blocks *b, uint64_t after)
{
        uint64_t seq = after + 1;

        for (size_t i = place(b, seq >> BLOCK_SHIFT); i < b->n; i++) {
                const Block *block = &b->at[i];
                uint64_t first = block->no << BLOCK_SHIFT, end = first + BLOCK_ROWS;

                if (seq < first)
                        seq = first;
                if (block->n == 0)
                        continue;
                for (; seq < end; seq++) {
                        if (bit_get(block->bits, seq))
                                return seq;
                        if (seq % 8 == 0 && block->bits[(seq % BLOCK_ROWS) / 8] == 0)
                                seq += 7;
                }
        }
        return UINT64_MAX;
}

uint64_t blocks_last(const Blocks *b)
{
        return b->n ? b->at[b->n - 1].last : 0;
}

/* Room for one more element in an array. */
static int grow(Block **array, size_t n, size_t *size)
{
        size_t more = *size ? *size * 2 : 16;
        Block *p;

        if (n < *size)
                return 0;
        p = reallocarray(*array, more, sizeof(**array));
        if (!p)
                return -ENOMEM;
        *array = p;
        *size = more;
        return 0;
}

int blocks_load(Blocks *b, const Block *block)
{
        int r;

        if (b->n && b->at[b->n - 1].no >= block->no)
                return -EBADMSG;
        r = grow(&b->at, b->n, &b->size);
        if (r < 0)
                return r;
        b->at[b->n++] = *block;
        b->n_rows += block->n;
        return 0;
}

int blocks_touch(Blocks *b, Block *block)
{
        int r;

        if (block->changed)
                return 0;
        r = grow(&b->saved, b->n_saved, &b->size_saved);
        if (r < 0)
                return r;
        if (b->n_saved == 0)
                b->saved_rows = b->n_rows;
        b->saved[b->n_saved++] = *block;
        block->changed = true;
        return 0;
}

static int add(Blocks *b, uint64_t no, Block **ret)
{
        size_t i = place(b, no);
        int r;

        r = grow(&b->at, b->n, &b->size);
        if (r < 0)
                return r;
        memmove(&b->at[i + 1], &b->at[i], (b->n - i) * sizeof(b->at[0]));
        b->n++;
        b->at[i] = (Block){.no = no, .min_ts = INT64_MAX, .max_ts = INT64_MIN};
        *ret = &b->at[i];
        return 0;
}

static void take_out(Blocks *b, size_t i)
{
        free(b->at[i].bad);
        memmove(&b->at[i], &b->at[i + 1], (b->n - i - 1) * sizeof(b->at[0]));
        b->n--;
}

int blocks_put(Blocks *b, uint64_t seq, usec_t ts)
{
        Block *block = blocks_find(b, seq);
        bool is_new = !block;
        int r;

        if (is_new) {
                r = add(b, seq >> BLOCK_SHIFT, &block);
                if (r < 0)
                        return r;
        }
        r = blocks_touch(b, block);
        if (r < 0) {
                if (is_new)
                        take_out(b, (size_t)(block - b->at));
                return r;
        }
        if (!bit_get(block->bits, seq)) {
                bit_flip(block->bits, seq);
                block->n++;
                b->n_rows++;
        }
        if (block->bad && bit_get(block->bad, seq))
                bit_flip(block->bad, seq);
        if (ts < block->min_ts)
                block->min_ts = ts;
        if (ts > block->max_ts)
                block->max_ts = ts;
        if (seq > block->last)
                block->last = seq;
        return 0;
}

int blocks_drop(Blocks *b, uint64_t seq)
{
        Block *block = blocks_find(b, seq);
        int r;

        if (!block || !bit_get(block->bits, seq))
                return 0;
        r = blocks_touch(b, block);
        if (r < 0)
                return r;
        bit_flip(block->bits, seq);
        block->n--;
        b->n_rows--;
        return 0;
}

int blocks_set_min(Blocks *b, Block *block, usec_t min_ts)
{
        int r;

        if (block->min_ts == min_ts)
                return 0;
        r = blocks_touch(b, block);
        if (r < 0)
                return r;
        block->min_ts = min_ts;
        return 0;
}

bool blocks_is_dead(const Blocks *b, const Block *block)
{
        return block->n == 0 && block != &b->at[b->n - 1];
}

/* Takes the dead ones out whose rows are gone from the disk. */
static void sweep(Blocks *b)
{
        size_t kept = 0;

        for (size_t i = 0; i < b->n; i++) {
                if (blocks_is_dead(b, &b->at[i]) && !b->at[i].stored) {
                        free(b->at[i].bad);
                        continue;
                }
                if (kept != i)
                        b->at[kept] = b->at[i];
                kept++;
        }
        b->n = kept;
}

void blocks_commit(Blocks *b)
{
        bool any_dead = false;

        for (size_t i = 0; i < b->n_saved; i++) {
                Block *block = &b->at[place(b, b->saved[i].no)];

                block->changed = false;
                if (blocks_is_dead(b, block) && !block->stored)
                        any_dead = true;
        }
        b->n_saved = 0;
        if (any_dead)
                sweep(b);
}

void blocks_rollback(Blocks *b)
{
        if (b->n_saved)
                b->n_rows = b->saved_rows;
        while (b->n_saved) {
                const Block *before = &b->saved[--b->n_saved];
                size_t i = place(b, before->no);
                unsigned char *bad = b->at[i].bad;

                if (before->last == 0) { /* it was new */
                        take_out(b, i);
                        continue;
                }
                b->at[i] = *before;
                b->at[i].bad = bad;
        }
}

bool blocks_mark_bad(Blocks *b, uint64_t seq)
{
        Block *block = blocks_find(b, seq);

        if (!block)
                return true;
        if (!block->bad)
                block->bad = calloc(1, BLOCK_BYTES);
        if (!block->bad)
                return true;
        if (bit_get(block->bad, seq))
                return false;
        bit_flip(block->bad, seq);
        return true;
}

bool blocks_is_bad(Blocks *b, uint64_t seq)
{
        const Block *block = blocks_find(b, seq);

        return block && block->bad && bit_get(block->bad, seq);
}
