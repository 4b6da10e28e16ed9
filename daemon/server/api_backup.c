/* SPDX-License-Identifier: Apache-2.0 */

/* The store as a whole: a copy of it, and whether all of it can be read. For an admin. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server/access.h"
#include "daemon/server/api.h"

static int only_admin(ApiCall *call)
{
        static const char *const params[] = {NULL};
        int r = api_only_params(call, params);

        if (r == 0 && !call->who->admin)
                r = api_fault(call, FAULT_FORBIDDEN, NULL, "only an admin may do this");
        return r;
}

int api_backup(ApiCall *call)
{
        int r = only_admin(call);

        if (r != 0)
                return r;
        if (!backup_start(call->server->backup, call->request, call->who))
                return api_fault(call, FAULT_BUSY, NULL,
                                 "another backup is being made, or the daemon is not ready");
        return API_TAKEN;
}

typedef struct Verify {
        Server *server;
        Principal reader;
        HttpRequest *request;
} Verify;

static void on_gone(void *user)
{
        (void)user; /* is asked for after every slice */
}

/* A reload may have taken the right away. */
static bool may_read(const Verify *v)
{
        return access_is_still_admin(v->server->config, &v->reader);
}

static bool is_wanted(void *user)
{
        const Verify *v = user;

        return !http_is_gone(v->request) && may_read(v);
}

static void write_names(JsonOut *out, Text names)
{
        json_key(out, TEXT("damaged"));
        json_begin_array(out);
        while (names.n) {
                const char *end = memchr(names.at, '\n', names.n);
                size_t n = end ? (size_t)(end - names.at) : names.n;

                json_text(out, (Text){.at = names.at, .n = n});
                names.at += n + 1;
                names.n -= n + 1 < names.n ? n + 1 : names.n;
        }
        json_end_array(out);
}

static void verified(void *user, int result, const ScrubReport *report)
{
        Verify *v = user;
        Buffer text = BUFFER_NULL;
        JsonOut out = JSON_OUT_INIT(&text);
        Fault fault;

        json_begin_object(&out);
        json_member_int(&out, "rows", (int64_t)report->n_rows);
        json_member_int(&out, "n_damaged", (int64_t)report->n_damaged);
        write_names(&out, buffer_text(&report->names));
        json_member_number(&out, "seconds", (double)report->took / 1e6);
        json_end_object(&out);
        if (!may_read(v)) {
                fault_set(&fault, FAULT_FORBIDDEN, NULL, "you are no admin any more");
                http_reply_fault(v->request, &fault, NULL, 0);
        } else if (result < 0 || buffer_failed(&text)) {
                fault_set(&fault, FAULT_INTERNAL, NULL, "the store could not be read");
                http_reply_fault(v->request, &fault, NULL, 0);
        } else {
                http_reply(v->request, 200, "application/json", buffer_text(&text), NULL, 0);
        }
        buffer_deinit(&text);
        free(v);
}

int api_verify(ApiCall *call)
{
        static const ScrubOps ops = {.wanted = is_wanted, .done = verified};
        Verify *v;
        int r = only_admin(call);

        if (r != 0)
                return r;
        v = calloc(1, sizeof(*v));
        if (!v)
                return -ENOMEM;
        *v = (Verify){.server = call->server, .reader = access_keep(call->who), .request = call->request};
        r = scrub_everything(call->server, &ops, v);
        if (r < 0) {
                free(v);
                return r;
        }
        http_on_gone(call->request, on_gone, v);
        return API_TAKEN;
}
