/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/store/image_file.h"
#include "daemon/store/store_crc.h"
#include "proto/base/plant.h"

#define CHUNK      ((size_t)1 << 20)
#define CHUNKS_MAX ((size_t)1 << 17) /* 128 GiB */

#define KEEP_FREE ((uint64_t)64 << 20)

static const char magic[8] = "cxdimg1";

typedef struct Footer {
        uint64_t n_chunks, n_bytes;
        uint32_t crc; /* of the checksums and the two numbers */
        uint32_t zero;
} Footer;

struct ImageFile {
        int fd;
        int error; /* the first one */
        bool placed;
        char *path, *temporary;
        uint64_t n_bytes;
        size_t n_chunks, n; /* n: bytes in the chunk that is being filled */
        uint32_t crcs[CHUNKS_MAX];
        unsigned char chunk[CHUNK];
};

static void write_all(ImageFile *f, const void *data, size_t n)
{
        const unsigned char *at = data;

        while (n && !f->error) {
                ssize_t k = write(f->fd, at, n);

                if (k < 0 && errno != EINTR)
                        f->error = -errno;
                if (k > 0) {
                        at += k;
                        n -= (size_t)k;
                }
        }
}

/* Besides @room a twentieth of the disk stays free, but not more than 64 MiB. */
static int check_room(int fd, uint64_t room)
{
        uint64_t keep, available;
        struct statvfs st;

        if (fstatvfs(fd, &st) < 0)
                return -errno;
        keep = (uint64_t)st.f_blocks * st.f_frsize / 20;
        available = (uint64_t)st.f_bavail * st.f_frsize;
        if (keep > KEEP_FREE)
                keep = KEEP_FREE;
        return available < keep || available - keep < room ? -ENOSPC : 0;
}

static void end_chunk(ImageFile *f)
{
        if (f->n == 0 || f->error)
                return;
        f->error = check_room(f->fd, f->n);
        if (f->error)
                return;
        if (f->n_chunks == CHUNKS_MAX) {
                f->error = -EFBIG;
                return;
        }
        f->crcs[f->n_chunks++] = store_crc(0, f->chunk, f->n);
        f->n_bytes += f->n;
        write_all(f, f->chunk, f->n);
        /* On its way to the disk, so that there is less to wait for at the end. */
        (void)sync_file_range(f->fd, (off_t)(f->n_bytes - f->n), (off_t)f->n, SYNC_FILE_RANGE_WRITE);
        f->n = 0;
}

static void append(void *user, const void *data, size_t n)
{
        ImageFile *f = user;
        const unsigned char *at = data;

        while (n && !f->error) {
                size_t k = CHUNK - f->n < n ? CHUNK - f->n : n;

                memcpy(f->chunk + f->n, at, k);
                f->n += k;
                at += k;
                n -= k;
                if (f->n == CHUNK)
                        end_chunk(f);
        }
}

int image_file_new(ImageFile **ret, const char *path, uint64_t room)
{
        CX_CLEANUP(image_file_freep) ImageFile *f = malloc(sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        f->fd = -1;
        f->error = 0;
        f->placed = false;
        f->n_bytes = 0;
        f->n_chunks = f->n = 0;
        f->temporary = NULL;
        f->path = strdup(path);
        if (!f->path || asprintf(&f->temporary, "%s.new", path) < 0) {
                f->temporary = NULL;
                return -ENOMEM;
        }
        /* One that is left over is nobody's. */
        (void)unlink(f->temporary);
        f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
        if (f->fd < 0)
                return -errno;
        r = check_room(f->fd, room);
        if (r < 0)
                return r;
        append(f, magic, sizeof(magic));
        *ret = f;
        f = NULL;
        return 0;
}

ImageFile *image_file_free(ImageFile *f)
{
        if (!f)
                return NULL;
        if (f->fd >= 0) {
                (void)close(f->fd);
                if (!f->placed)
                        (void)unlink(f->temporary);
        }
        free(f->path);
        free(f->temporary);
        free(f);
        return NULL;
}

ImageWriter image_file_writer(ImageFile *f)
{
        return (ImageWriter){.write = append, .user = f};
}

int image_file_error(const ImageFile *f)
{
        return f->error;
}

static uint32_t footer_crc(const Footer *footer, const void *crcs)
{
        uint32_t crc = store_crc(0, crcs, (size_t)footer->n_chunks * sizeof(uint32_t));

        return store_crc_number(store_crc_number(crc, footer->n_chunks), footer->n_bytes);
}

int image_file_finish(ImageFile *f, bool sync)
{
        Footer footer;

        end_chunk(f);
        footer = (Footer){.n_chunks = f->n_chunks, .n_bytes = f->n_bytes};
        footer.crc = footer_crc(&footer, f->crcs);
        write_all(f, f->crcs, f->n_chunks * sizeof(f->crcs[0]));
        write_all(f, &footer, sizeof(footer));
        if (!f->error && sync && fdatasync(f->fd) < 0)
                f->error = -errno;
        return f->error;
}

int image_file_place(ImageFile *f)
{
        if (rename(f->temporary, f->path) < 0)
                return -errno;
        f->placed = true;
        return 0;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* By reading, not from the mapping, where a sector that cannot be read ends the process. */
static bool read_at(int fd, void *to, size_t n, size_t at)
{
        unsigned char *p = to;

        while (n) {
                ssize_t k = pread(fd, p, n, (off_t)at);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return false;
                p += k;
                at += (size_t)k;
                n -= (size_t)k;
        }
        return true;
}

/* @chunk: room for one, and for all checksums. */
static bool is_whole(int fd, size_t n, unsigned char *chunk, uint32_t *crcs, size_t *ret_n_bytes)
{
        char begin[sizeof(magic)];
        Footer footer;

        if (n < sizeof(magic) + sizeof(footer) || !read_at(fd, begin, sizeof(begin), 0) ||
            memcmp(begin, magic, sizeof(magic)) != 0 ||
            !read_at(fd, &footer, sizeof(footer), n - sizeof(footer)))
                return false;
        n -= sizeof(footer);
        if (footer.zero || footer.n_chunks > CHUNKS_MAX || footer.n_bytes > n ||
            footer.n_bytes + footer.n_chunks * sizeof(uint32_t) != n ||
            footer.n_chunks != (footer.n_bytes + CHUNK - 1) / CHUNK)
                return false;
        *ret_n_bytes = (size_t)footer.n_bytes;
        if (!read_at(fd, crcs, (size_t)footer.n_chunks * sizeof(*crcs), *ret_n_bytes))
                return false;
        if (PLANTED("snapshot-unchecked"))
                return true;
        if (footer.crc != footer_crc(&footer, crcs))
                return false;
        for (size_t i = 0; i < footer.n_chunks; i++) {
                size_t start = i * CHUNK, rest = *ret_n_bytes - start;

                if (rest > CHUNK)
                        rest = CHUNK;
                if (!read_at(fd, chunk, rest, start) || crcs[i] != store_crc(0, chunk, rest))
                        return false;
        }
        return true;
}

static int map_whole(int fd, ImageMap *ret, size_t *ret_n_bytes)
{
        size_t n_crcs = CHUNKS_MAX * sizeof(uint32_t);
        unsigned char *chunk;
        struct stat st;
        bool whole;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
                return -EBADMSG;
        chunk = malloc(CHUNK + n_crcs);
        if (!chunk)
                return -ENOMEM;
        whole = is_whole(fd, (size_t)st.st_size, chunk, (uint32_t *)(void *)(chunk + CHUNK), ret_n_bytes);
        free(chunk);
        if (!whole)
                return -EBADMSG;
        ret->n = (size_t)st.st_size;
        ret->at = mmap(NULL, ret->n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (ret->at != MAP_FAILED)
                return 0;
        *ret = IMAGE_MAP_NULL;
        return -errno;
}

int image_map(const char *path, ImageMap *ret, ImageReader *ret_reader)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;
        ImageMap m = IMAGE_MAP_NULL;
        size_t n_bytes;

        if (fd < 0)
                return -errno;
        r = map_whole(fd, &m, &n_bytes);
        (void)close(fd);
        if (r < 0)
                return r;
        *ret = m;
        *ret_reader = (ImageReader){.at = (const unsigned char *)m.at + sizeof(magic),
                                    .n = n_bytes - sizeof(magic)};
        return 0;
}

void image_map_deinit(ImageMap *m)
{
        if (m->at)
                (void)munmap(m->at, m->n);
        *m = IMAGE_MAP_NULL;
}
