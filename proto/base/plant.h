#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Faults that are planted on purpose, to prove that the tests find them: `./dev faults --planted`.
 *
 * Without the build option `planted` PLANTED(name) is a constant false and nothing of it is in the program. With it, the
 * fault that the environment variable CXD_PLANT names (the option's value without one) is there.
 */

#include <stdbool.h>

/* Exists with that option only. */
bool plant_is_on(const char *name);

#ifdef CX_PLANTED
#define PLANTED(_name) plant_is_on(_name)
#else
#define PLANTED(_name) false
#endif
