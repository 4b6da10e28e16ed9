/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The dashboard and the description of the API: files that are built into the program.
 */

#include "daemon/server/api.h"
#include "daemon/web/assets.h"

/* Whether an If-None-Match names the tag; one that is marked as weak counts, too. */
static bool names_tag(Text list, const char *tag)
{
        while (list.n) {
                const char *comma = memchr(list.at, ',', list.n);
                size_t n = comma ? (size_t)(comma - list.at) : list.n;
                Text one = text_trim((Text){.at = list.at, .n = n});

                if (one.n > 2 && one.at[0] == 'W' && one.at[1] == '/')
                        one = (Text){.at = one.at + 2, .n = one.n - 2};
                if (text_is(one, tag) || text_is(one, "*"))
                        return true;
                n += comma ? 1 : 0;
                list = (Text){.at = list.at + n, .n = list.n - n};
        }
        return false;
}

int api_asset(ApiCall *call)
{
        const WebAsset *asset = web_asset(http_path(call->request));
        HttpHeader headers[] = {
                {"ETag", NULL},
                {"Cache-Control", "no-cache"},
                {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "
                                            "connect-src 'self'; img-src 'self' data:; "
                                            "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"},
                {"X-Content-Type-Options", "nosniff"},
                {"Referrer-Policy", "no-referrer"},
                {"Cross-Origin-Resource-Policy", "same-origin"},
        };

        if (!asset)
                return api_fault(call, FAULT_NOT_FOUND, NULL, "there is no such path");
        headers[0].value = asset->etag;
        if (names_tag(http_header(call->request, "If-None-Match"), asset->etag))
                http_reply(call->request, 304, NULL, TEXT_NULL, headers, CX_ARRAY_LEN(headers));
        else
                http_reply(call->request, 200, asset->content_type, asset->bytes, headers,
                           CX_ARRAY_LEN(headers));
        return API_TAKEN;
}
