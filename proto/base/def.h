#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attributes and helpers that every file uses.
 *
 * Error doctrine, for the whole project: a function that can fail returns an int.
 *   < 0   minus an errno; the operation failed, nothing was changed unless the header says so; forward it
 *   = 0   done
 *   > 0   a condition that the header of this very function names; the direct caller handles it, never forwards it
 * Out-parameters are called ret_x and are untouched unless the result is 0. assert() is for our own bugs only: no
 * input, however hostile, may reach one.
 */

#include <stddef.h>

#define CX_CLEANUP(_fn)            __attribute__((cleanup(_fn)))
#define CX_MUST_CHECK              __attribute__((warn_unused_result))
#define CX_PRINTF(_format, _first) __attribute__((format(printf, _format, _first)))
#define CX_UNUSED                  __attribute__((unused))
/* Seldom called by what is called often, which is not to carry it along. */
#define CX_SELDOM __attribute__((cold, noinline))
#define CX_PACKED __attribute__((packed))

#define CX_ARRAY_LEN(_a) (sizeof(_a) / sizeof((_a)[0]))

/* Defines x_freep() for CX_CLEANUP from x_free(), which must accept NULL. */
#define CX_DEFINE_CLEANUP(_type, _free)                                                                      \
        static inline void _free##p(_type **p)                                                               \
        {                                                                                                    \
                _free(*p);                                                                                   \
        }

/* The object that @_ptr is member @_member of. */
#define CX_CONTAINER_OF(_ptr, _type, _member) ((_type *)(void *)((char *)(_ptr)-offsetof(_type, _member)))

/*
 * Brings what lies there closer; any address will do. Without the empty statement the compiler takes functions that do
 * nothing else for functions without effect, and leaves the calls of those out that it does not inline.
 */
static inline void cx_prefetch(const void *at)
{
        __builtin_prefetch(at);
        __asm__ volatile("");
}
