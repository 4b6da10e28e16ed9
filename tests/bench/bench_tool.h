#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the programs of the benchmark share: an end with a sentence, a clock, arguments, connections.
 */

#include <stdint.h>

#include "proto/base/def.h"

/* Ends the program with status 1 and "PROGRAM: WHAT". */
void tool_die(const char *what) __attribute__((noreturn));

/* Monotonic. */
double tool_seconds(void);
/* Processor time of this process. */
double tool_cpu_seconds(void);
void tool_sleep_until(double seconds);

/* The number that @text is; ends the program if it is none, or out of range. */
double tool_number(const char *text, double min, double max);

/* A connected, non-blocking socket; ends the program if there is none. */
int tool_connect_tcp(uint16_t port); /* on 127.0.0.1 */
int tool_connect_unix(const char *path);
