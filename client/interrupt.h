#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The end that somebody asks for by SIGINT or SIGTERM: the first one is noted, and what is under way is brought to an
 * end; a second one ends the program at once.
 */

/* From now on. After the first signal @fd is at its end, so that nobody waits for more from it; -1: no such file. */
void interrupt_catch(int fd);

/* The signal that came; 0: none. */
int interrupt_number(void);

/* Ends the program by that signal, as if it had not been caught: a shell and a service manager look for that. */
void interrupt_end(void);
