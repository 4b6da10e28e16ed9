/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/core/snapshot.h"
#include "daemon/server/snapshots_private.h"
#include "proto/base/hash.h"

/* To be raised when the layout of an image changes within a version. */
#define LAYOUT 8
/* So much stays free at least. */
#define ROOM ((uint64_t)1 << 20)
/* The first descriptor that is neither input nor output. */
#define CHILD_FD 3
/* A snapshot is in no hurry: with all processors busy, surveys and questions come first. */
#define CHILD_NICE 10
/* So many bytes of ids are taken at once: some 50 us. */
#define PART ((size_t)256 << 10)

int snapshots_path(const Server *s, char **ret)
{
        if (asprintf(ret, "%s.snapshot", s->config->store) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

int snapshots_head(const Server *s, SnapshotHead *ret)
{
        *ret = (SnapshotHead){0};
        (void)snprintf(ret->program, sizeof(ret->program), "%s %d", CX_VERSION, LAYOUT);
        return config_digest(s->engine_config, ret->digest);
}

SnapshotCut snapshots_cut(const Server *s)
{
        usec_t now = loop_realtime(s->loop);

        return (SnapshotCut){
                /* What the engine has dropped by then is gone from it. */
                .at = engine_now(s->engine) > now ? engine_now(s->engine) : now,
                .n_agents = org_n_kind(engine_org(s->engine), SCOPE_AGENT),
                .n_queues = org_n_kind(engine_org(s->engine), SCOPE_QUEUE),
        };
}

int snapshots_begin_file(Snapshots *s)
{
        Server *server = s->server;
        uint64_t nonce, size = seen_size(&server->seen);
        ImageWriter to;
        int r = snapshots_head(server, &s->head);

        /* The store must not run out of space for what is only a cache. */
        if (s->stats.bytes > size)
                size = s->stats.bytes;
        if (r == 0)
                r = image_file_new(&s->file, s->path, ROOM + 2 * size);
        if (r < 0)
                return r;
        s->head.epoch = s->marks.epoch + 1;
        s->head.nonce = loop_realtime(server->loop);
        nonce = hash_bytes(&server->options.key, &s->head, sizeof(s->head)) >> 1;
        s->head.nonce = nonce ? (int64_t)nonce : 1;
        s->has_ids = false;
        to = image_file_writer(s->file);
        image_put(&to, &s->head, sizeof(s->head));
        seen_save_begin(&server->seen, &to);
        return 0;
}

void snapshots_write_ids(Snapshots *s)
{
        ImageWriter to = image_file_writer(s->file);

        while (seen_save_part(&s->server->seen, SIZE_MAX, &to))
                ;
}

static void append(void *user, const void *data, size_t n)
{
        buffer_append(user, data, n);
}

bool snapshots_take_part(Snapshots *s)
{
        buffer_reset(&s->part);
        s->has_ids =
                !seen_save_part(&s->server->seen, PART, &(ImageWriter){.write = append, .user = &s->part});
        if (s->has_ids)
                buffer_deinit(&s->part);
        return !s->has_ids;
}

int snapshots_write_part(Snapshots *s)
{
        ImageWriter to = image_file_writer(s->file);

        if (buffer_failed(&s->part))
                return -ENOMEM;
        image_put(&to, s->part.data, s->part.n);
        return image_file_error(s->file);
}

int snapshots_write_image(const Snapshots *s, bool sync)
{
        ImageWriter to = image_file_writer(s->file);

        seen_save_rest(&s->server->seen, &to);
        image_put(&to, &s->cut, sizeof(s->cut));
        snapshot_save(s->server->engine, &to);
        return image_file_finish(s->file, sync);
}

/*
 * The child: what it may do is write, with what is there. It keeps no socket and no lock of the daemon open, and does not
 * outlive it.
 */
static void run_child(Snapshots *s, pid_t parent)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setpriority(PRIO_PROCESS, 0, CHILD_NICE);
        if (getppid() != parent)
                _exit(ESRCH);
        if (image_file_fd(s->file) != CHILD_FD && dup2(image_file_fd(s->file), CHILD_FD) < 0)
                _exit(EBADF);
        closefrom(CHILD_FD + 1);
        image_file_set_fd(s->file, CHILD_FD);
        _exit(-snapshots_write_image(s, true) & 0xff);
}

pid_t snapshots_fork_child(Snapshots *s)
{
        static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
        pid_t parent = getpid(), child;
        sigset_t all, before;

        /*
         * No handler of the loop may run in the child: it would ring the daemon's bell. And who stops the service as a
         * whole means the daemon, which ends the child in its own way.
         */
        sigfillset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, &before);
        child = fork();
        if (child == 0) {
                for (size_t i = 0; i < CX_ARRAY_LEN(numbers); i++)
                        (void)signal(numbers[i], SIG_IGN);
                (void)signal(SIGCHLD, SIG_DFL);
                (void)sigprocmask(SIG_SETMASK, &before, NULL);
                run_child(s, parent);
        }
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return child;
}

void snapshots_abandon(Snapshots *s)
{
        if (s->child) {
                (void)kill(s->child, SIGKILL);
                while (waitpid(s->child, NULL, 0) < 0 && errno == EINTR)
                        ;
                s->child = 0;
        }
        s->file = image_file_free(s->file);
        seen_save_end(&s->server->seen);
        buffer_deinit(&s->part);
}
