/* SPDX-License-Identifier: Apache-2.0 */

#include "client/api.h"
#include "client/cmd.h"
#include "client/http.h"

static const Column columns[] = {{"damaged", "DAMAGED"}};

static bool on_data(void *context, const char *data, size_t n)
{
        Buffer *b = context;

        buffer_append(b, data, n);
        return !buffer_failed(b) && b->n <= HTTP_ANSWER_MAX;
}

/* It reads everything, which may take longer than other answers: no deadline, but patience. */
static int ask(Ctl *ctl, const Args *args, Buffer *ret)
{
        Buffer error = BUFFER_NULL;
        long status = 0;
        HttpEnd end;
        int r = api_open_patient(ctl, args);

        if (r != CTL_OK)
                return r;
        end = http_stream(ctl->http, "/v1/verify", "application/json", USEC_INFINITY, on_data, ret, &error,
                          &status);
        if (end == HTTP_STOPPED) {
                ctl_error(ctl, "the answer from %s is too long; is that cxd?", ctl->host);
                r = CTL_REFUSED;
        } else if (end == HTTP_SILENT) {
                r = http_say_silent(ctl->http);
        } else if (status == 0 || (status == 200 && end != HTTP_END)) {
                r = http_say_unreachable(ctl->http);
        } else if (status != 200) {
                r = api_refusal(ctl, status, &error);
        }
        buffer_deinit(&error);
        return r;
}

static int show(Ctl *ctl, const Buffer *body)
{
        CX_CLEANUP(json_freep) json_t *answer = api_parse(ctl, body);
        CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), "nothing is damaged");
        int64_t n_damaged = member_integer(answer, "n_damaged");
        json_t *name;
        size_t i;

        if (!answer)
                return CTL_REFUSED;
        if (!json_is_integer(json_object_get(answer, "n_damaged")))
                return api_strange(ctl);
        json_array_foreach (json_object_get(answer, "damaged"), i, name) {
                table_row(t);
                table_str(t, json_string_value(name));
                table_style(t, STYLE_BAD);
        }
        if (ctl->output == OUTPUT_JSON)
                ctl_show_json(ctl, body);
        else
                ctl_show(ctl, t);
        if (ctl->output == OUTPUT_TABLE)
                fprintf(ctl->out, "%lld rows read, %lld damaged\n", (long long)member_integer(answer, "rows"),
                        (long long)n_damaged);
        return n_damaged ? CTL_NEGATIVE : CTL_OK;
}

static int run(Ctl *ctl, const Args *args)
{
        Buffer body = BUFFER_NULL;
        int r = ask(ctl, args, &body);

        if (r == CTL_OK)
                r = show(ctl, &body);
        buffer_deinit(&body);
        return r;
}

static const Flag flags[] = {
        {"timeout", 't', "SECONDS", API_TIMEOUT_HELP},
        {0},
};

const Cmd cmd_verify = {"verify", "", "reads all that is stored and lists what is damaged", flags, 0, 0, run};
