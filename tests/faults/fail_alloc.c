/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded into a daemon under test: the allocation with number FAIL_ALLOC_AT fails, and with FAIL_ALLOC_STICKY all
 * that follow. A line on stderr says that it happened; with FAIL_ALLOC_AT=0 a line at the end says how many there were.
 * With FAIL_ALLOC_IN only those count that are made from a file with that in its name, and with FAIL_ALLOC_ARM only those
 * after this file has come into being.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* dlsym() itself may allocate before the real functions are known. */
static _Alignas(16) char early[16384];
static size_t early_n;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

static atomic_long n_done;
static long fail_at;
static bool sticky, ready;
static const char *only, *arm;

static void find(void *to, const char *name)
{
        void *symbol = dlsym(RTLD_NEXT, name);

        memcpy(to, &symbol, sizeof(symbol));
}

__attribute__((constructor)) static void begin(void)
{
        const char *at = getenv("FAIL_ALLOC_AT");

        if (ready)
                return;
        find(&real_calloc, "calloc");
        find(&real_realloc, "realloc");
        find(&real_free, "free");
        find(&real_posix_memalign, "posix_memalign");
        find(&real_aligned_alloc, "aligned_alloc");
        find(&real_mmap, "mmap");
        find(&real_malloc, "malloc");
        fail_at = at ? strtol(at, NULL, 10) : 0;
        sticky = getenv("FAIL_ALLOC_STICKY") != NULL;
        only = getenv("FAIL_ALLOC_IN");
        arm = getenv("FAIL_ALLOC_ARM");
        ready = true;
}

static void say(const char *what, long n)
{
        char line[64];
        int length = snprintf(line, sizeof(line), "fail_alloc: %s %ld\n", what, n);

        if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
                return;
}

__attribute__((destructor)) static void end(void)
{
        if (fail_at == 0)
                say("allocations", atomic_load(&n_done));
}

static bool is_from(const void *caller)
{
        static atomic_bool armed;
        Dl_info info;

        if (arm && !atomic_load(&armed)) {
                if (access(arm, F_OK) < 0)
                        return false;
                atomic_store(&armed, true);
        }
        return !only || (dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, only));
}

/* Whether this one fails. */
static bool fails(const void *caller)
{
        long n;

        if (!ready || !is_from(caller))
                return false;
        n = atomic_fetch_add(&n_done, 1) + 1;
        if (fail_at <= 0 || (n != fail_at && !(sticky && n > fail_at)))
                return false;
        if (n == fail_at)
                say("failed", n);
        errno = ENOMEM;
        return true;
}

static void *take_early(size_t n)
{
        void *p = early + early_n;

        n = (n + 15) & ~(size_t)15;
        if (n > sizeof(early) - early_n)
                return NULL;
        early_n += n;
        return p;
}

static bool is_early(const void *p)
{
        return (uintptr_t)p >= (uintptr_t)early && (uintptr_t)p < (uintptr_t)early + sizeof(early);
}

void *malloc(size_t n)
{
        if (!real_malloc)
                return take_early(n);
        return fails(__builtin_return_address(0)) ? NULL : real_malloc(n);
}

void *calloc(size_t n, size_t size)
{
        if (!real_calloc)
                return take_early(n * size);
        return fails(__builtin_return_address(0)) ? NULL : real_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
        if (!real_realloc || is_early(p))
                return p ? NULL : take_early(n);
        return fails(__builtin_return_address(0)) ? NULL : real_realloc(p, n);
}

/* glibc's own reallocarray() calls realloc() inside the library, where it is not seen. */
void *reallocarray(void *p, size_t n, size_t size)
{
        size_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes)) {
                errno = ENOMEM;
                return NULL;
        }
        return realloc(p, bytes);
}

void free(void *p)
{
        if (p && !is_early(p) && real_free)
                real_free(p);
}

int posix_memalign(void **ret, size_t alignment, size_t n)
{
        if (!real_posix_memalign)
                return ENOMEM;
        return fails(__builtin_return_address(0)) ? ENOMEM : real_posix_memalign(ret, alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
        if (!real_aligned_alloc)
                return NULL;
        return fails(__builtin_return_address(0)) ? NULL : real_aligned_alloc(alignment, n);
}

/* What glibc maps for itself is not seen. */
void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
        if (!real_mmap)
                find(&real_mmap, "mmap");
        if (flags & MAP_ANONYMOUS && fails(__builtin_return_address(0)))
                return MAP_FAILED;
        return real_mmap(at, n, protection, flags, fd, offset);
}

/* The same for what glibc allocates inside itself. */
char *strndup(const char *s, size_t n)
{
        size_t length = strnlen(s, n);
        char *copy = malloc(length + 1);

        if (!copy)
                return NULL;
        memcpy(copy, s, length);
        copy[length] = '\0';
        return copy;
}

char *strdup(const char *s)
{
        return strndup(s, strlen(s));
}
