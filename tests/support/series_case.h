#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* A series for tests, in a grid of its own or beside others. */

#include "daemon/core/series.h"
#include "tests/support/check_main.h"

/* A metric that is new in the grid. -ENOMEM. */
CX_MUST_CHECK static inline int series_init(Series *s, Grid *grid, unsigned n_values)
{
        *s = (Series){.grid = grid, .first = grid->n_columns, .n_values = (uint8_t)n_values};
        return grid_add_columns(grid, grid->n_columns, n_values);
}

/* One answer more or less. */
static inline void series_count(const Series *s, int32_t bucket, unsigned value, int delta, int32_t kept)
{
        uint16_t column = (uint16_t)(s->first + value);

        ck_assert_int_eq(grid_count(s->grid, bucket, &column, 1, delta, kept), 0);
}
