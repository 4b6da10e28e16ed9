/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/mman.h>

#include "daemon/core/pages.h"

void *pages_new(size_t n)
{
        void *pages = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return pages == MAP_FAILED ? NULL : pages;
}

void *pages_free(void *pages, size_t n)
{
        if (pages)
                (void)munmap(pages, n);
        return NULL;
}
