/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "client/input.h"
#include "client/interrupt.h"

/* Whether reading @fd would not wait, after waiting for that for @msec (-1: without end) or until a signal. */
static bool is_ready(int fd, int msec)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, msec) > 0;
}

/* More bytes for stdio, which has none left. */
static ssize_t take(void *cookie, char *to, size_t size)
{
        Input *in = cookie;

        if (in->sink && !is_ready(in->fd, 0))
                in->result = sink_wait(in->sink, in->fd);
        while (in->result == CTL_OK && !interrupt_number() && !is_ready(in->fd, -1))
                ;
        if (in->result == CTL_OK && !interrupt_number())
                return read(in->fd, to, size);
        errno = EINTR;
        return -1;
}

int input_open(Input *ret, const Ctl *ctl, const char *file)
{
        *ret = (Input){.name = file ? file : "-", .fd = STDIN_FILENO};
        if (strcmp(ret->name, "-") != 0)
                ret->fd = open(file, O_RDONLY | O_CLOEXEC);
        if (ret->fd >= 0)
                ret->from = fopencookie(ret, "r", (cookie_io_functions_t){.read = take});
        if (!ret->from)
                return ctl_usage(ctl, "%s: %s", ret->name, strerror(errno));
        (void)setvbuf(ret->from, ret->buffer, _IOFBF, sizeof(ret->buffer));
        interrupt_catch(ret->fd);
        return CTL_OK;
}

void input_close(Input *in)
{
        if (in->from)
                fclose(in->from);
        if (in->fd > STDIN_FILENO)
                close(in->fd);
}

int input_failure(const Input *in, const Ctl *ctl, int error)
{
        if (in->result != CTL_OK)
                return in->result;
        if (interrupt_number())
                return CTL_INTERRUPTED;
        return ctl_usage(ctl, "%s: %s", in->name, strerror(error));
}
