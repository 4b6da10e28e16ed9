#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The main() of every unit test: one suite, one case, all tests in it.
 *
 * Run under sanitizers with CK_FORK=no so that their reports name the test.
 */

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

/* A file that ships beside the project and not in it ("data/test_vectors.csv"); NULL: not there, skip the test. */
const char *shared_file(const char *name);
/* Calls @fn with each line of such a file. False: it is not there, which was said; skip the test. */
bool shared_lines(const char *name, void (*fn)(const char *line));

/* The exit status for main(). Borrows everything. */
int check_main(const char *title, const TTest *const *tests, size_t n_tests);

#define CHECK_MAIN(_title, ...)                                                                              \
        int main(void)                                                                                       \
        {                                                                                                    \
                const TTest *all[] = {__VA_ARGS__};                                                          \
                return check_main(_title, all, sizeof(all) / sizeof(all[0]));                                \
        }
