/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The server's side of TLS.
 *
 * The happy path is: one SSL_CTX per certificate, one SSL per connection inside a bufferevent. Possible
 * failure modes are: a file that cannot be read or does not fit the other (told in words); no memory.
 */

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/tls.h"

struct Tls {
        unsigned n_ref;
        SSL_CTX *context;
};

/* Says why, from OpenSSL's own queue of errors. */
static int refuse(char *reason, const char *what, const char *file)
{
        unsigned long first = ERR_peek_error(), code = ERR_peek_last_error();
        const char *text = code ? ERR_reason_error_string(code) : NULL;

        if (ERR_SYSTEM_ERROR(first))
                snprintf(reason, TLS_REASON_MAX, "%s: cannot be read: %s", file,
                         strerror(ERR_GET_REASON(first)));
        else
                snprintf(reason, TLS_REASON_MAX, "%s: %s: %s", file, what, text ? text : "not usable");
        ERR_clear_error();
        return -EINVAL;
}

/* Nobody is there to be asked; without this OpenSSL asks whoever sits at the terminal, and waits. */
static int no_pass_phrase(char *buffer CX_UNUSED, int size CX_UNUSED, int writing CX_UNUSED, void *asked)
{
        *(bool *)asked = true;
        return -1;
}

int tls_new(Tls **ret, const char *certificate_file, const char *key_file, char reason[TLS_REASON_MAX])
{
        CX_CLEANUP(tls_unrefp) Tls *t = calloc(1, sizeof(*t));
        bool asked = false;

        if (!t)
                return -ENOMEM;
        t->n_ref = 1;
        t->context = SSL_CTX_new(TLS_server_method());
        if (!t->context)
                return -ENOMEM;
        if (!SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION))
                return refuse(reason, "TLS 1.2 is not available", "openssl");
        /* RELEASE_BUFFERS: an idle stream costs a few KiB less; renegotiation serves nobody but attackers. */
        SSL_CTX_set_mode(t->context, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_options(t->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
        ERR_clear_error();
        if (SSL_CTX_use_certificate_chain_file(t->context, certificate_file) != 1)
                return refuse(reason, "no certificate chain in PEM form", certificate_file);
        SSL_CTX_set_default_passwd_cb(t->context, no_pass_phrase);
        SSL_CTX_set_default_passwd_cb_userdata(t->context, &asked);
        if (SSL_CTX_use_PrivateKey_file(t->context, key_file, SSL_FILETYPE_PEM) != 1)
                return refuse(reason,
                              asked ? "has a pass phrase; save the key without one"
                                    : "no private key in PEM form that fits the certificate",
                              key_file);
        SSL_CTX_set_default_passwd_cb_userdata(t->context, NULL);
        if (SSL_CTX_check_private_key(t->context) != 1)
                return refuse(reason, "does not fit the certificate", key_file);
        *ret = t;
        t = NULL;
        return 0;
}

Tls *tls_ref(Tls *t)
{
        if (t)
                t->n_ref++;
        return t;
}

Tls *tls_unref(Tls *t)
{
        if (t && --t->n_ref == 0) {
                SSL_CTX_free(t->context);
                free(t);
        }
        return NULL;
}

struct bufferevent *tls_accept(Tls *t, struct event_base *base, int fd, int options)
{
        SSL *ssl = SSL_new(t->context);
        struct bufferevent *b;

        if (!ssl) {
                close(fd);
                return NULL;
        }
        /*
         * If this fails, libevent 2.1 may or may not have freed @ssl and closed @fd, depending on where
         * memory ended. A leak is better than closing a descriptor that by then belongs to another thread.
         */
        b = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, options);
        if (!b)
                return NULL;
        /* Clients that close without a close-notify are common; what they sent is framed and checked anyway.
         */
        bufferevent_openssl_set_allow_dirty_shutdown(b, 1);
        return b;
}

bool tls_say_goodbye(struct bufferevent *b)
{
        SSL *ssl = bufferevent_openssl_get_ssl(b);
        int r = ssl && SSL_is_init_finished(ssl) ? SSL_shutdown(ssl) : 0;
        bool is_full = r < 0 && SSL_get_error(ssl, r) == SSL_ERROR_WANT_WRITE;

        if (r < 0)
                ERR_clear_error();
        return !is_full;
}
