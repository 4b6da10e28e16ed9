/* SPDX-License-Identifier: Apache-2.0 */

/* cxd --verify: a store that nobody has open, such as a backup. */

#include <errno.h>
#include <string.h>

#include "daemon/io/log.h"
#include "daemon/server/server.h"
#include "daemon/store/store.h"

static void print_damage(void *user, const char *what)
{
        fprintf(user, "damaged: %s\n", what);
}

int server_verify(const char *path, FILE *to)
{
        StoreVerified v;
        char error[256] = "";
        int r = store_verify_sqlite(path, print_damage, to, &v, error, sizeof(error));

        if (r != 0) {
                log_err("%s", error[0] ? error : strerror(r < 0 ? -r : EBUSY));
                return r == STORE_E_NEWER ? SERVER_EXIT_CONFIG : SERVER_EXIT_IO;
        }
        fprintf(to, "%s: version %d, %llu rows, %s\n", path, v.version, (unsigned long long)v.n_rows,
                v.n_damaged ? "damaged" : "good");
        if (fflush(to) != 0) {
                log_err("the report cannot be printed: %s", strerror(errno));
                return SERVER_EXIT_IO;
        }
        return v.n_damaged ? SERVER_EXIT_DAMAGED : SERVER_EXIT_OK;
}
