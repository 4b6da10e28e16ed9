/* SPDX-License-Identifier: Apache-2.0 */

#include <curl/curl.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/http.h"
#include "client/when.h"
#include "client/xalloc.h"

#define CONNECT_SECONDS 5L
#define REQUEST_SECONDS 60L

struct Http {
        const Ctl *ctl;
        CURL *curl;
        char *base; /* "http://localhost" */
        const char *socket;
        char reason[CURL_ERROR_SIZE];
        CURLcode code;
        long os_errno, verified; /* the latter is X509_V_ERR_* of the certificate */
        /* of the stream that is under way */
        HttpOnData on_data;
        void *context;
        Buffer *error;
        bool stopped;
        usec_t patience; /* 0: without end */
        usec_t heard;    /* when something of it came; monotonic */
        /* The question that is asked while nothing comes of it; it has waited for an answer since then. */
        CURL *probe;
        usec_t probed;
        usec_t asked; /* when it was asked last: one that fails at once is not asked again at once */
};

/* Sets an option that cannot fail but for lack of memory or a libcurl that lacks what we link against. */
#define SET(_curl, _option, _value)                                                                          \
        do {                                                                                                 \
                if (curl_easy_setopt((_curl), (_option), (_value)) != CURLE_OK)                              \
                        abort();                                                                             \
        } while (0)

Http *http_new(const Ctl *ctl)
{
        bool is_unix = ctl_host_is_unix(ctl);
        Http *h;

        if (ctl_check_host(ctl) != CTL_OK)
                return NULL;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                abort();
        h = xcalloc(1, sizeof(*h));
        h->ctl = ctl;
        h->base = xstrdup(is_unix ? "http://localhost" : ctl->host);
        if (!is_unix && h->base[strlen(h->base) - 1] == '/')
                h->base[strlen(h->base) - 1] = '\0';
        h->socket = is_unix ? ctl->host + (strncmp(ctl->host, "unix:///", 8) == 0 ? 7 : 5) : NULL;
        h->curl = curl_easy_init();
        if (!h->curl)
                abort();
        return h;
}

Http *http_free(Http *h)
{
        if (!h)
                return NULL;
        curl_easy_cleanup(h->curl);
        curl_global_cleanup();
        free(h->base);
        free(h);
        return NULL;
}

void http_rest(Http *h)
{
        curl_easy_cleanup(h->curl);
        h->curl = curl_easy_init();
        if (!h->curl)
                abort();
}

/* Whether nobody is known who vouches for a certificate. One that has expired, or is for another host, stays so. */
static bool is_unknown(long verified)
{
        return verified == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
               verified == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
               verified == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
               verified == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
               verified == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

int http_say_unreachable(const Http *h)
{
        const Ctl *ctl = h->ctl;

        if (h->code == CURLE_PEER_FAILED_VERIFICATION || h->code == CURLE_SSL_CACERT_BADFILE) {
                ctl_error(ctl, "%s is not trusted: %s", ctl->host, h->reason);
                if (h->code == CURLE_SSL_CACERT_BADFILE)
                        ctl_error(ctl, "--ca-file needs a file with certificates in PEM form");
                else if (is_unknown(h->verified))
                        ctl_error(ctl, "--ca-file FILE names a certificate to trust, such as its own");
                return CTL_UNREACHABLE;
        }
        ctl_error(ctl, "no daemon at %s: %s", ctl->host,
                  h->os_errno    ? strerror((int)h->os_errno)
                  : h->reason[0] ? h->reason
                                 : "no answer");
        if (h->socket && h->os_errno == EACCES)
                ctl_error(ctl, "your user may not open that socket; ask for the group of cxd, or try sudo");
        else if (h->socket)
                ctl_error(ctl, "is it running? try: systemctl status cxd; elsewhere: -H unix:PATH, "
                               "-H http://HOST:PORT, or CXCTL_HOST");
        else
                ctl_error(ctl, "is it running there, does it listen on that address (listen.http), with TLS "
                               "(https) or without (http)? elsewhere: -H or CXCTL_HOST");
        return CTL_UNREACHABLE;
}

int http_say_silent(const Http *h)
{
        ctl_error(
                h->ctl,
                "the daemon at %s has stopped answering: for %lld s nothing came, also no answer to another "
                "question",
                h->ctl->host, (long long)(h->patience / USEC_SEC));
        return CTL_UNREACHABLE;
}

static void address(const Http *h, CURL *curl, const char *path, struct curl_slist *headers)
{
        char *url = xasprintf("%s%s", h->base, path);

        SET(curl, CURLOPT_URL, url);
        free(url);
        SET(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        SET(curl, CURLOPT_NOPROXY, "*"); /* a token must not take a way that nobody asked for */
        SET(curl, CURLOPT_NOSIGNAL, 1L);
        SET(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
        SET(curl, CURLOPT_USERAGENT, "cxctl/" CX_VERSION);
        SET(curl, CURLOPT_HTTPHEADER, headers);
        if (h->socket)
                SET(curl, CURLOPT_UNIX_SOCKET_PATH, h->socket);
        if (h->ctl->ca_file)
                SET(curl, CURLOPT_CAINFO, h->ctl->ca_file);
}

static void prepare(Http *h, const char *path, struct curl_slist *headers)
{
        curl_easy_reset(h->curl);
        h->reason[0] = '\0';
        h->code = CURLE_OK;
        h->os_errno = 0;
        address(h, h->curl, path, headers);
        SET(h->curl, CURLOPT_ERRORBUFFER, h->reason);
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
        char *line = xasprintf("%s: %s", name, value);
        struct curl_slist *longer = curl_slist_append(list, line);

        free(line);
        if (!longer)
                abort();
        return longer;
}

static struct curl_slist *headers_for(const Http *h, const char *accept, const char *type)
{
        struct curl_slist *list = add_header(NULL, "Accept", accept);

        if (h->ctl->token) {
                char *bearer = xasprintf("Bearer %s", h->ctl->token);

                list = add_header(list, "Authorization", bearer);
                free(bearer);
        }
        if (type) {
                list = add_header(list, "Content-Type", type);
                list = add_header(list, "Expect", "");
        }
        return list;
}

static size_t collect(char *data, size_t size, size_t n, void *to)
{
        Buffer *b = to;

        if (b->n + size * n > HTTP_ANSWER_MAX)
                return 0;
        buffer_append(b, data, size * n);
        return buffer_failed(b) ? 0 : size * n;
}

static void note_failure(Http *h, CURLcode code)
{
        h->code = code;
        if (code == CURLE_WRITE_ERROR) /* collect() had enough */
                snprintf(h->reason, sizeof(h->reason), "its answer is too long");
        if (!h->reason[0])
                snprintf(h->reason, sizeof(h->reason), "%s", curl_easy_strerror(code));
        if (curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &h->os_errno) != CURLE_OK)
                h->os_errno = 0;
        if (curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &h->verified) != CURLE_OK)
                h->verified = X509_V_OK;
}

int http_request(Http *h, const char *path, const Text *body, const char *type, Buffer *ret, long *ret_status,
                 long *ret_retry_after)
{
        struct curl_slist *headers = headers_for(h, "application/json", body ? type : NULL);
        curl_off_t retry_after = 0;
        CURLcode code;

        prepare(h, path, headers);
        SET(h->curl, CURLOPT_TIMEOUT, REQUEST_SECONDS);
        SET(h->curl, CURLOPT_WRITEFUNCTION, collect);
        SET(h->curl, CURLOPT_WRITEDATA, ret);
        if (body) {
                SET(h->curl, CURLOPT_POST, 1L);
                SET(h->curl, CURLOPT_POSTFIELDS, body->n ? body->at : "");
                SET(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->n);
        }
        code = curl_easy_perform(h->curl);
        curl_slist_free_all(headers);
        if (code != CURLE_OK) {
                note_failure(h, code);
                return CTL_UNREACHABLE;
        }
        if (curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, ret_status) != CURLE_OK)
                return CTL_UNREACHABLE;
        if (ret_retry_after && curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
                *ret_retry_after = (long)retry_after;
        return CTL_OK;
}

static usec_t monotonic(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (usec_t)now.tv_sec * USEC_SEC + now.tv_nsec / 1000;
}

static size_t on_stream_data(char *data, size_t size, size_t n, void *context)
{
        Http *h = context;
        long status = 0;
        bool go_on;

        if (curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200)
                return h->error->n > HTTP_ERROR_MAX ? 0 : collect(data, size, n, h->error);
        go_on = h->on_data(h->context, data, size * n);
        h->heard = monotonic(); /* behind what may have waited for a pipe */
        if (go_on)
                return size * n;
        h->stopped = true;
        return 0; /* makes curl hang up */
}

void http_set_patience(Http *h, usec_t span)
{
        h->patience = span;
}

static size_t discard(char *data, size_t size, size_t n, void *context)
{
        (void)data;
        (void)context;
        return size * n;
}

/*
 * A daemon that reads all of the store sends nothing until it is done, and still answers this. It needs the store, too: of
 * one whose store hangs nothing is to be expected.
 */
static void probe_start(CURLM *multi, Http *h, struct curl_slist *headers)
{
        h->probe = curl_easy_init();
        if (!h->probe)
                abort();
        address(h, h->probe, "/v1/surveys?scope=org&limit=1", headers);
        SET(h->probe, CURLOPT_WRITEFUNCTION, discard);
        SET(h->probe, CURLOPT_FORBID_REUSE, 1L);
        h->asked = monotonic();
        if (curl_multi_add_handle(multi, h->probe) != CURLM_OK)
                abort();
}

static void probe_end(CURLM *multi, Http *h)
{
        if (!h->probe)
                return;
        curl_multi_remove_handle(multi, h->probe);
        curl_easy_cleanup(h->probe);
        h->probe = NULL;
}

/* Any answer will do, also that nobody else is let in. */
static void probe_done(CURLM *multi, Http *h, CURLcode code)
{
        if (code == CURLE_OK || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR)
                h->heard = monotonic();
        probe_end(multi, h);
}

/* False: nothing has come for too long, also not to the question. After a halt of our own that is asked first. */
static bool is_alive(CURLM *multi, Http *h, struct curl_slist *headers)
{
        usec_t now = monotonic();

        if (h->patience == 0 || now - h->heard < h->patience / 2) {
                h->probed = 0;
                return true;
        }
        if (h->probed == 0)
                h->probed = now;
        if (now - h->probed >= h->patience / 2)
                return false;
        if (!h->probe && now - h->asked >= h->patience / 8)
                probe_start(multi, h, headers);
        return true;
}

/* Runs the prepared transfer until its end or the deadline. */
static HttpEnd drive(CURLM *multi, Http *h, struct curl_slist *headers, usec_t deadline)
{
        usec_t step = h->patience && h->patience / 8 < USEC_SEC ? h->patience / 8 : USEC_SEC;
        int running = 1;

        for (;;) {
                usec_t left = deadline == USEC_INFINITY ? step : deadline - when_now();
                CURLMsg *message;

                if (curl_multi_perform(multi, &running) != CURLM_OK)
                        return HTTP_LOST;
                while ((message = curl_multi_info_read(multi, &(int){0}))) {
                        if (message->msg != CURLMSG_DONE)
                                continue;
                        if (message->easy_handle == h->probe) {
                                probe_done(multi, h, message->data.result);
                                continue;
                        }
                        if (h->stopped)
                                return HTTP_STOPPED;
                        if (message->data.result == CURLE_OK)
                                return HTTP_END;
                        note_failure(h, message->data.result);
                        return HTTP_LOST;
                }
                if (left <= 0)
                        return HTTP_EXPIRED;
                if (!is_alive(multi, h, headers))
                        return HTTP_SILENT;
                if (curl_multi_poll(multi, NULL, 0, (int)((left < step ? left : step) / USEC_MSEC + 1),
                                    NULL) != CURLM_OK)
                        return HTTP_LOST;
        }
}

HttpEnd http_stream(Http *h, const char *path, const char *accept, usec_t deadline, HttpOnData on_data,
                    void *context, Buffer *error, long *ret_status)
{
        struct curl_slist *headers = headers_for(h, accept, NULL);
        CURLM *multi = curl_multi_init();
        HttpEnd end;

        if (!multi)
                abort();
        h->on_data = on_data;
        h->context = context;
        h->error = error;
        h->stopped = false;
        h->heard = monotonic();
        h->probed = h->asked = 0;
        prepare(h, path, headers);
        SET(h->curl, CURLOPT_WRITEFUNCTION, on_stream_data);
        SET(h->curl, CURLOPT_WRITEDATA, h);
        SET(h->curl, CURLOPT_TCP_KEEPALIVE, 1L);
        if (curl_multi_add_handle(multi, h->curl) != CURLM_OK)
                abort();
        end = drive(multi, h, headers, deadline);
        probe_end(multi, h);
        if (curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, ret_status) != CURLE_OK)
                *ret_status = 0;
        curl_multi_remove_handle(multi, h->curl);
        curl_multi_cleanup(multi);
        curl_slist_free_all(headers);
        return end;
}

static void append_encoded(Buffer *b, const char *s)
{
        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("-._~/", c))
                        buffer_append_char(b, (char)c);
                else
                        buffer_append_format(b, "%%%02X", c);
        }
}

char *http_query(const char *path, ...)
{
        Buffer b = BUFFER_NULL;
        const char *name, *text;
        char separator = '?', *ret;
        va_list args;

        buffer_append_str(&b, path);
        va_start(args, path);
        while ((name = va_arg(args, const char *))) {
                const char *value = va_arg(args, const char *);

                if (!value)
                        continue;
                buffer_append_char(&b, separator);
                buffer_append_str(&b, name);
                buffer_append_char(&b, '=');
                append_encoded(&b, value);
                separator = '&';
        }
        va_end(args);
        text = buffer_str(&b);
        if (!text)
                abort();
        ret = xstrdup(text);
        buffer_deinit(&b);
        return ret;
}
