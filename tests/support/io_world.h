#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A loop in this process, its clients in others.
 *
 * A test sets up its server on world->loop, starts clients with world_spawn() or world_exec(), and
 * world_wait()s: the loop runs until every client has ended. A client is a function that returns 0 if it saw
 * what it should; it uses need() instead of Check's assertions. Addresses are loopback or in a temporary
 * folder of the test.
 */

#include <stdio.h>
#include <unistd.h>

#include "daemon/io/listener.h"
#include "daemon/io/loop.h"

typedef struct World {
        Loop *loop;
        LoopSignal *child;
        LoopTimer *limit;
        char folder[64];
        unsigned n_running;
        unsigned n_failed;
        bool late;
} World;

void world_open(World *w);
/* Everything on the loop must be freed before. */
void world_close(World *w);

/* "unix:///<folder>/<name>" or, with NULL, a free port on 127.0.0.1. */
Listener *world_listen(World *w, const char *name, unsigned max, ListenerFn fn, void *user);

void world_spawn(World *w, int (*client)(const Address *a, const void *user), const Address *a,
                 const void *user);
/* @argv ends with NULL; standard output goes to <folder>/@output. */
void world_exec(World *w, const char *output, const char *const *argv);
/* Until all have ended; asserts that each said 0, within 30 s. */
void world_wait(World *w);
/* Lets the loop run for a while. */
void world_pass(World *w, usec_t time);
/* Content of <folder>/@name as a string; static storage. */
const char *world_file(World *w, const char *name);

#define need(_condition)                                                                                     \
        do {                                                                                                 \
                if (!(_condition)) {                                                                         \
                        fprintf(stderr, "%s:%d: client: not so: %s\n", __FILE__, __LINE__, #_condition);     \
                        _exit(1);                                                                            \
                }                                                                                            \
        } while (0)

/* Blocking, gives up on reading after 5 s. */
int client_connect(const Address *a);
void client_send(int fd, const void *data, size_t n);
/* Until @n bytes, the end, or 5 s without any. Returns how many. */
size_t client_read(int fd, void *data, size_t n);
/* True if the other side has closed or reset by then and sends nothing before. */
bool client_sees_end(int fd);

/* Processor time that this process has used. */
usec_t world_cpu_time(void);
