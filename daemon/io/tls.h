#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The server's side of TLS 1.2 and later: one certificate chain and its key, from files.
 *
 * Given to a listener through ListenerConfig.tls. Counted by reference, because connections outlive a reload
 * that replaces it.
 */

#include <stdbool.h>

#include "proto/base/def.h"

#define TLS_REASON_MAX 256

typedef struct Tls Tls;
struct bufferevent;
struct event_base;

/* PEM files. -EINVAL, and then @reason names the file and the fault; -ENOMEM. */
CX_MUST_CHECK int tls_new(Tls **ret, const char *certificate_file, const char *key_file,
                          char reason[TLS_REASON_MAX]);
Tls *tls_ref(Tls *t);
Tls *tls_unref(Tls *t);

/* For the files of this layer only: a bufferevent; NULL without memory. @fd is taken over in any case. */
struct bufferevent *tls_accept(Tls *t, struct event_base *base, int fd, int options);
/* Sends the close-notify; nothing may be written afterwards. False: the kernel takes no more just now, try again. */
bool tls_say_goodbye(struct bufferevent *b);

CX_DEFINE_CLEANUP(Tls, tls_unref)
