/* SPDX-License-Identifier: Apache-2.0 */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/config_case.h"

static const char usual_roster[] = "agent,name,team,site,region,from,to\n"
                                   "ana.ruiz,Ana Ruiz,alpha,madrid,iberia,,\n"
                                   "mei.lin,Mei Lin,alpha,madrid,iberia,,2026-05-01\n"
                                   "mei.lin,Mei Lin,bravo,lisbon,iberia,2026-05-01,\n";
static const char usual_queues[] = "queue,line\nbilling-es,billing\ntech-es,technical\n";

static char folder[64];
static pid_t owner;

static void write_file(const char *name, const char *content)
{
        char path[160];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(content, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void clean(void)
{
        static const char *const names[] = {"roster.csv", "queues.csv"};
        char path[160];

        if (owner != getpid())
                return;
        for (size_t i = 0; i < CX_ARRAY_LEN(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
                unlink(path);
        }
        rmdir(folder);
}

const char *config_case_folder(void)
{
        if (owner != getpid()) {
                snprintf(folder, sizeof(folder), "/tmp/cxd-config.XXXXXX");
                ck_assert_ptr_nonnull(mkdtemp(folder));
                owner = getpid();
                atexit(clean);
                write_file("roster.csv", usual_roster);
                write_file("queues.csv", usual_queues);
        }
        return folder;
}

void config_case_write(const char *name, const char *content)
{
        config_case_folder();
        write_file(name, content ? content : strcmp(name, "roster.csv") == 0 ? usual_roster : usual_queues);
}

Config *config_case_load(const char *yaml, const char **ret_message)
{
        static char message[1024];
        static const HashKey key = {.k0 = 1, .k1 = 2};
        Config *c = NULL;
        Diag d = DIAG_NULL;
        char file[128];
        int r;

        snprintf(file, sizeof(file), "%s/cxd.yaml", config_case_folder());
        r = config_load_text(&c, text_of(yaml), file, "/state", "/rt", &key, &d);
        if (r == 0)
                return c;
        ck_assert_ptr_null(c);
        ck_assert_int_lt(r, 0);
        diag_format(&d, message, sizeof(message));
        for (char *at; (at = strstr(message, folder));)
                memmove(at, at + strlen(folder) + 1, strlen(at) - strlen(folder));
        if (ret_message)
                *ret_message = message;
        return NULL;
}

char *config_case_source(const char *name)
{
        const char *source = getenv("CX_SOURCE");
        char path[4096], *text = NULL;
        size_t size = 0;
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", source ? source : ".", name);
        f = fopen(path, "r");
        ck_assert_msg(f != NULL, "%s cannot be opened", path);
        ck_assert_msg(getdelim(&text, &size, '\0', f) > 0, "%s is empty", path);
        fclose(f);
        return text;
}

char *config_case_print(const Config *c)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(config_print(c, f), 0);
        ck_assert_int_eq(fclose(f), 0);
        return text;
}
