/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/mman.h>

#include "daemon/core/pages.h"

void *pages_new(size_t n)
{
        void *pages = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (pages == MAP_FAILED)
                return NULL;
        /* A child that has it all the same does no harm. */
        (void)madvise(pages, n, MADV_DONTFORK);
        return pages;
}

void *pages_free(void *pages, size_t n)
{
        if (pages)
                (void)munmap(pages, n);
        return NULL;
}
