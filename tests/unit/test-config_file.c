/* SPDX-License-Identifier: Apache-2.0 */

/* Configurations as files: those that ship, and those that are none. */

#include <stdio.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

START_TEST(files_that_cannot_be_read_say_why)
{
        static const char *const empty[] = {
                "",
                "# metrics:\n\n   # all of it # is in comments\n",
                "\xEF\xBB\xBF",
                "\xEF\xBB\xBF# x\n",
                "---\n# x\n",
                "~\n",
                "{}\n",
        };
        static const HashKey key = {0};
        Config *c = NULL;
        Diag d = DIAG_NULL;
        char text[800], path[] = "/tmp/cx-config.XXXXXX";

        ck_assert_int_eq(config_load(&c, "/nonexistent/cxd.yaml", NULL, NULL, &key, &d), -2);
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)),
                         "/nonexistent/cxd.yaml: cannot be opened: No such file or directory");
        ck_assert_int_eq(config_load(&c, "/tmp", NULL, NULL, &key, &d), -22);
        ck_assert_str_eq(diag_format(&d, text, sizeof(text)), "/tmp: not a regular file");
        ck_assert_int_eq(close(mkstemp(path)), 0);
        for (size_t i = 0; i < CX_ARRAY_LEN(empty); i++) {
                FILE *file = fopen(path, "w");

                ck_assert_ptr_nonnull(file);
                ck_assert_int_ge(fputs(empty[i], file), 0);
                ck_assert_int_eq(fclose(file), 0);
                ck_assert_int_eq(config_load(&c, path, NULL, NULL, &key, &d), -22);
                ck_assert_ptr_nonnull(
                        strstr(diag_format(&d, text, sizeof(text)), ": is empty; a configuration has"));
        }
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_ptr_null(c);
}
END_TEST

/* The files that ship, as they lie in the source. */
START_TEST(shipped_configurations_load)
{
        static const struct {
                const char *name;
                size_t n_agents, n_rules, n_principals;
        } cases[] = {
                {"conf/cxd.yaml", 0, 1, 0},
                {"conf/sample/cxd.yaml", 40, 9, 14},
                {"conf/examples/pwc.yaml", 0, 2, 0},
        };
        static const HashKey key = {0};

        for (size_t i = 0; i < CX_ARRAY_LEN(cases); i++) {
                Config *c = NULL;
                Diag d = DIAG_NULL;
                char path[4096], text[1024];

                snprintf(path, sizeof(path), "%s/%s", getenv("CX_SOURCE"), cases[i].name);
                ck_assert_msg(config_load(&c, path, NULL, NULL, &key, &d) == 0, "%s",
                              diag_format(&d, text, sizeof(text)));
                ck_assert_uint_eq(org_n_kind(c->org, SCOPE_AGENT), cases[i].n_agents);
                ck_assert_uint_eq(c->n_rules, cases[i].n_rules);
                ck_assert_uint_eq(c->policy.n_principals, cases[i].n_principals);
                ck_assert_str_eq(c->store, "/var/lib/cxd/cxd.db");
                ck_assert_str_eq(c->listen[CONFIG_REP][0], "ipc:///run/cxd/rep.ipc");
                /* Nobody gets in with a secret that everybody can read. */
                for (size_t k = 0; k < c->policy.n_principals; k++)
                        ck_assert(!c->policy.principals[k].has_token && !c->policy.principals[k].has_uid);
                config_free(c);
        }
}
END_TEST

CHECK_MAIN("config_file", files_that_cannot_be_read_say_why, shipped_configurations_load)
