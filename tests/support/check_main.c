/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <unistd.h>

#include "tests/support/check_main.h"

const char *shared_file(const char *name)
{
        static char path[4096];
        const char *folder = getenv("CX_SHARED");

        if (!folder)
                return NULL;
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        return access(path, R_OK) == 0 ? path : NULL;
}

bool shared_lines(const char *name, void (*fn)(const char *line))
{
        const char *path = shared_file(name);
        char line[4096];
        FILE *f;

        if (!path) {
                fprintf(stderr, "skipped: no %s\n", name);
                return false;
        }
        f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof(line), f))
                fn(line);
        fclose(f);
        return true;
}

int check_main(const char *title, const TTest *const *tests, size_t n_tests)
{
        Suite *suite = suite_create(title);
        TCase *tcase = tcase_create(title);
        SRunner *runner;
        int n_failed;

        for (size_t i = 0; i < n_tests; i++)
                tcase_add_test(tcase, tests[i]);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
