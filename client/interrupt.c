/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "client/interrupt.h"

static volatile sig_atomic_t caught;
static int input = -1, nothing = -1;

static void on_signal(int number)
{
        int error = errno;

        caught = number;
        /* A flag alone would be overlooked by a wait that begins just after it was asked for. */
        if (input >= 0)
                (void)dup2(nothing, input);
        errno = error;
}

void interrupt_catch(int fd)
{
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

        nothing = fd >= 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
        input = nothing >= 0 ? fd : -1;
        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

int interrupt_number(void)
{
        return caught;
}

void interrupt_end(void)
{
        (void)signal(caught, SIG_DFL);
        (void)raise(caught);
}
