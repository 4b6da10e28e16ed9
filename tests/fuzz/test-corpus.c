/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Replays the seed corpus of fuzz-survey. What a file must give is the beginning of its name: "ok-...",
 * "E_RANGE-...".
 */

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/survey_differ.h"
#include "tests/support/check_main.h"

static void replay(const char *folder, const char *name)
{
        static char bytes[1 << 18];
        char path[4096], expected[64];
        const char *difference;
        FaultCode code;
        FILE *file;
        size_t n;

        ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", folder, name), (int)sizeof(path));
        file = fopen(path, "rb");
        ck_assert_msg(file != NULL, "%s", path);
        n = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        difference = survey_differ(bytes, n, &code);
        ck_assert_msg(!difference, "%s: %s", name, difference);
        snprintf(expected, sizeof(expected), "%s-", code ? fault_name(code) : "ok");
        ck_assert_msg(strncmp(name, expected, strlen(expected)) == 0, "%s: %s", name, expected);
}

START_TEST(every_file_of_the_corpus_gives_what_its_name_says)
{
        const char *folder = getenv("CX_CORPUS");
        struct dirent *entry;
        unsigned n_files = 0;
        DIR *dir;

        ck_assert_ptr_nonnull(folder);
        dir = opendir(folder);
        ck_assert_ptr_nonnull(dir);
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                replay(folder, entry->d_name);
                n_files++;
        }
        closedir(dir);
        ck_assert_uint_ge(n_files, 20);
}
END_TEST

CHECK_MAIN("corpus", every_file_of_the_corpus_gives_what_its_name_says)
