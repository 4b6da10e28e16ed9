#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* An answer to a line that is more than the kernel holds for a client that does not read. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/lines.h"

#define LONG_ANSWER_N ((size_t)1024 * 1024)

/* As LineOps.on_line. */
static inline void long_answer(LineSession *s, uint64_t number CX_UNUSED, Text line CX_UNUSED,
                               void *user CX_UNUSED)
{
        char *text = malloc(LONG_ANSWER_N);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', LONG_ANSWER_N);
        (void)line_write(s, (Text){.at = text, .n = LONG_ANSWER_N});
        free(text);
}
