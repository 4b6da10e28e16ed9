/* SPDX-License-Identifier: Apache-2.0 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/http.h"
#include "client/xalloc.h"

#define PATIENCE_SECONDS 120

int api_open(Ctl *ctl)
{
        if (!ctl->http)
                ctl->http = http_new(ctl);
        return ctl->http ? CTL_OK : CTL_USAGE;
}

int api_open_patient(Ctl *ctl, const Args *args)
{
        int64_t seconds = PATIENCE_SECONDS;
        int r = args_int(args, ctl, "timeout", 1, 1000000, &seconds);

        if (r == CTL_OK)
                r = api_open(ctl);
        if (r == CTL_OK)
                http_set_patience(ctl->http, seconds * USEC_SEC);
        return r;
}

int api_refusal(const Ctl *ctl, long status, const Buffer *body)
{
        CX_CLEANUP(json_freep) json_t *j = body->n ? json_loadb(body->data, body->n, 0, NULL) : NULL;
        const char *code = member_string(j, "code"), *text = member_string(j, "error");
        const char *field = member_string(j, "field");

        if (!code) {
                ctl_error(ctl, "%s answered %ld; is that cxd?", ctl->host, status);
                return CTL_REFUSED;
        }
        ctl_error(ctl, "%s: %s%s%s", code, field ? field : "", field ? ": " : "", text ? text : "refused");
        if (status == 401 && !ctl->token)
                ctl_error(ctl, "give a token with --token-file or CXCTL_TOKEN_FILE");
        return strcmp(code, "E_NOT_FOUND") == 0 ? CTL_NEGATIVE : CTL_REFUSED;
}

int api_call(Ctl *ctl, const char *path_and_query, const char *body, Buffer *ret)
{
        Text text = text_of(body);
        Buffer b = BUFFER_NULL;
        long status = 0;
        int r;

        r = api_open(ctl);
        if (r != CTL_OK)
                return r;
        r = http_request(ctl->http, path_and_query, body ? &text : NULL, "application/json", &b, &status,
                         NULL);
        if (r == CTL_UNREACHABLE)
                http_say_unreachable(ctl->http);
        if (r == CTL_OK && status != 200)
                r = api_refusal(ctl, status, &b);
        if (r != CTL_OK) {
                buffer_deinit(&b);
                return r;
        }
        *ret = b;
        return CTL_OK;
}

json_t *api_parse(const Ctl *ctl, const Buffer *body)
{
        json_t *j = body->n ? json_loadb(body->data, body->n, JSON_REJECT_DUPLICATES, NULL) : NULL;

        if (!json_is_object(j)) {
                ctl_error(ctl, "the answer from %s is no JSON object; is that cxd?", ctl->host);
                json_decref(j);
                return NULL;
        }
        return j;
}

int api_strange(const Ctl *ctl)
{
        ctl_error(ctl, "the answer from %s lacks what was asked for; is that cxd?", ctl->host);
        return CTL_REFUSED;
}

int api_get(Ctl *ctl, const char *path_and_query, json_t **ret, Buffer *ret_body)
{
        Buffer body;
        json_t *j;
        int r;

        r = api_call(ctl, path_and_query, NULL, &body);
        if (r != CTL_OK)
                return r;
        j = api_parse(ctl, &body);
        if (j && ret_body)
                *ret_body = body;
        else
                buffer_deinit(&body);
        if (!j)
                return CTL_REFUSED;
        *ret = j;
        return CTL_OK;
}

const char *member_string(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

double member_double(const json_t *object, const char *key)
{
        const json_t *v = json_object_get(object, key);

        return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

int64_t member_integer(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}
