/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "client/cmd.h"
#include "client/table.h"

#define TOKEN_BYTES 32

static const Column columns[] = {{"name", NULL}, {"token", NULL}, {"token_sha256", NULL}};

static void hex(const unsigned char *bytes, size_t n, char *ret)
{
        for (size_t i = 0; i < n; i++)
                sprintf(ret + 2 * i, "%02x", bytes[i]);
}

static int run(Ctl *ctl, const Args *args)
{
        unsigned char secret[TOKEN_BYTES], digest[EVP_MAX_MD_SIZE];
        char token[2 * TOKEN_BYTES + 5] = "cxd_", sha256[2 * EVP_MAX_MD_SIZE + 1];
        const char *name = args_rest(args, 1);
        unsigned n = 0;

        if (strcmp(args_rest(args, 0), "new") != 0)
                return ctl_usage(ctl, "token: there is only \"token new\"");
        if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
                ctl_error(ctl, "no random numbers: %s", strerror(errno));
                return CTL_USAGE;
        }
        hex(secret, sizeof(secret), token + strlen(token));
        if (EVP_Digest(token, strlen(token), digest, &n, EVP_sha256(), NULL) != 1) {
                ctl_error(ctl, "OpenSSL cannot compute SHA-256");
                return CTL_USAGE;
        }
        hex(digest, n, sha256);
        if (ctl->output == OUTPUT_TABLE) {
                if (name)
                        fprintf(ctl->out, "# a token for %s; it is shown only this once:\n", name);
                else
                        fprintf(ctl->out, "# a token; it is shown only this once:\n");
                fprintf(ctl->out, "%s\n# for the configuration of the daemon:\ntoken_sha256: \"%s\"\n", token,
                        sha256);
        } else {
                CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), NULL);

                table_row(t);
                table_str(t, name);
                table_str(t, token);
                table_str(t, sha256);
                if (ctl->output == OUTPUT_CSV) {
                        render_csv(t, ctl->out, true);
                } else {
                        render_json(t, ctl->out, true);
                        fputc('\n', ctl->out);
                }
        }
        explicit_bzero(secret, sizeof(secret));
        explicit_bzero(token, sizeof(token));
        return CTL_OK;
}

const Cmd cmd_token = {"token", "new [NAME]", "make a new token", NULL, 1, 2, run};
