/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/crypto.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/config/sha256.h"
#include "daemon/server/access.h"

const Principal ACCESS_ADMIN = {.name = "admin", .admin = true};

const Principal *access_of_peer(const Config *c, const Peer *peer)
{
        if (!peer->is_unix)
                return NULL;
        if (peer->uid == 0 || peer->uid == geteuid())
                return &ACCESS_ADMIN;
        for (size_t i = 0; i < c->policy.n_principals; i++)
                if (c->policy.principals[i].has_uid && c->policy.principals[i].uid == peer->uid)
                        return &c->policy.principals[i];
        return NULL;
}

static bool digest(Text token, unsigned char ret[SHA256_BYTES])
{
        if (token.n == 0 || token.n > ACCESS_TOKEN_MAX)
                return false;
        sha256(token.at, token.n, ret);
        return true;
}

const Principal *access_of_token(const Config *c, Text token)
{
        unsigned char sum[SHA256_BYTES];
        const Principal *found = NULL;

        if (!digest(token, sum))
                return NULL;
        for (size_t i = 0; i < c->policy.n_principals; i++) {
                const Principal *p = &c->policy.principals[i];

                if (CRYPTO_memcmp(p->token_sha256, sum, sizeof(sum)) == 0 && p->has_token)
                        found = p;
        }
        return found;
}

bool access_is_same(const Principal *a, const Principal *b)
{
        return strcmp(a->name, b->name) == 0 && a->has_uid == b->has_uid &&
               (!a->has_uid || a->uid == b->uid) && a->has_token == b->has_token &&
               memcmp(a->token_sha256, b->token_sha256, sizeof(a->token_sha256)) == 0;
}

Principal access_keep(const Principal *p)
{
        Principal kept = *p;

        kept.grants = NULL;
        kept.n_grants = 0;
        return kept;
}

const Principal *access_again(const Config *c, const Principal *kept)
{
        if (access_is_same(&ACCESS_ADMIN, kept))
                return &ACCESS_ADMIN;
        for (size_t i = 0; i < c->policy.n_principals; i++)
                if (access_is_same(&c->policy.principals[i], kept))
                        return &c->policy.principals[i];
        return NULL;
}

bool access_is_still_admin(const Config *c, const Principal *kept)
{
        const Principal *who = access_again(c, kept);

        return who && who->admin;
}

int access_source(const Config *c, const Peer *peer, Text token, const ConfigSource **ret, Fault *fault)
{
        unsigned char sum[SHA256_BYTES];
        const ConfigSource *found = NULL;

        if (!token.at) {
                for (size_t i = 0; i < c->n_sources && peer->loopback; i++)
                        if (c->sources[i].open)
                                found = &c->sources[i];
                if (!found)
                        return fault_set(fault, FAULT_TOKEN, NULL,
                                         "no source is open to this connection; send the token of a source");
        } else {
                if (!digest(token, sum))
                        return fault_set(fault, FAULT_TOKEN, NULL, "that is no token of a source");
                for (size_t i = 0; i < c->n_sources; i++) {
                        const ConfigSource *s = &c->sources[i];

                        if (CRYPTO_memcmp(s->token_sha256, sum, sizeof(sum)) == 0 && s->has_token)
                                found = s;
                }
                if (!found)
                        return fault_set(fault, FAULT_TOKEN, NULL, "that is no token of a source");
        }
        *ret = found;
        return 0;
}

bool access_source_covers(const ConfigSource *s, Text queue)
{
        for (size_t i = 0; i < s->n_queues; i++)
                if (text_glob(text_of(s->queues[i]), queue))
                        return true;
        return false;
}

Text access_bearer(Text authorization)
{
        static const char scheme[] = "Bearer ";

        if (authorization.n < sizeof(scheme) ||
            strncasecmp(authorization.at, scheme, sizeof(scheme) - 1) != 0)
                return TEXT_NULL;
        return text_trim((Text){.at = authorization.at + sizeof(scheme) - 1,
                                .n = authorization.n - sizeof(scheme) + 1});
}
