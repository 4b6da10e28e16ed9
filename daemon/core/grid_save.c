/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/grid.h"

void grid_save(const Grid *g, const ImageWriter *to)
{
        image_put_number(to, g->n_columns);
        image_put_number(to, g->bits);
        image_put_number(to, (uint64_t)g->base);
        image_put_number(to, g->n);
        image_put(to, g->n ? grid_row(g, 0) : NULL, g->n * grid_stride(g));
        image_put_number(to, g->sheet != NULL);
        if (g->sheet) {
                image_put_number(to, (uint64_t)g->lent);
                image_put(to, g->sheet, g->n_columns);
        }
}

static int load_sheet(Grid *g, ImageReader *from)
{
        int32_t lent = (int32_t)image_get_number(from);
        const uint8_t *sheet = image_get(from, g->n_columns);
        int r = sheet ? 0 : -EBADMSG;

        for (unsigned c = 0; c < g->n_columns && r == 0; c++)
                r = grid_add(g, lent, (uint16_t)c, sheet[c], INT32_MIN);
        return r == 0 || r == -ENOMEM ? r : -EBADMSG;
}

int grid_load(Grid *g, ImageReader *from)
{
        uint64_t n_columns = image_get_number(from), bits = image_get_number(from);
        int64_t base = (int64_t)image_get_number(from);
        size_t n = image_get_below(from, UINT32_MAX), stride;
        const unsigned char *rows;

        if (from->failed || g->n || n_columns != g->n_columns || bits < 2 || bits > 64 ||
            (bits & (bits - 1)) != 0 || base < INT32_MIN || (base > GRID_BASE_MAX && base != GRID_NO_BASE))
                return -EBADMSG;
        grid_deinit(g);
        g->base = (int32_t)base;
        g->n_columns = (uint16_t)n_columns;
        g->bits = (uint8_t)bits;
        stride = grid_stride(g);
        if (n > from->n / stride)
                return -EBADMSG;
        rows = image_get(from, n * stride);
        if (n > 0) {
                g->rows = malloc((n + 1) * stride);
                if (!g->rows)
                        return -ENOMEM;
                memcpy(g->rows, rows, n * stride);
                g->n = (uint32_t)n;
                g->size = g->n + 1;
                g->oldest = grid_number(g, 0);
                g->newest = grid_number(g, g->n - 1);
        }
        return image_get_below(from, 2) ? load_sheet(g, from) : 0;
}
