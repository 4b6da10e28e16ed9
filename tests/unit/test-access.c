/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <unistd.h>

#include "daemon/config/sha256.h"
#include "daemon/server/access.h"
#include "tests/support/check_main.h"
#include "tests/support/config_case.h"

#define STRANGER 4712U

static char long_token[ACCESS_TOKEN_MAX + 2];

/* As a configuration has it; the last eight stay. */
static const char *sum_of(Text token)
{
        static char text[8][2 * SHA256_BYTES + 1];
        static size_t next;
        char *to = text[next++ % CX_ARRAY_LEN(text)];
        unsigned char sum[SHA256_BYTES];

        sha256(token.at, token.n, sum);
        for (size_t i = 0; i < sizeof(sum); i++)
                snprintf(to + 2 * i, 3, "%02x", sum[i]);
        return to;
}

/* With one open source, or none. */
static Config *load(bool open)
{
        char yaml[2048];
        const char *message;
        Config *c;

        memset(long_token, 'x', ACCESS_TOKEN_MAX + 1);
        snprintf(yaml, sizeof(yaml),
                 "roster: roster.csv\nqueues: queues.csv\n"
                 "metrics:\n  csat: {kind: top2, scale: [1, 5], influence: [lead]}\n"
                 "roles:\n  lead: {sees: [self], under: team}\n"
                 "principals:\n"
                 "  ben: {role: lead, scope: team/alpha, token_sha256: \"%s\"}\n"
                 "  ana: {role: lead, scope: team/alpha, uid: 4711}\n"
                 "  chief: {admin: true, uid: 4713, token_sha256: \"%s\"}\n"
                 "  wall: {role: lead, scope: team/alpha, token_sha256: \"%s\"}\n"
                 "  empty: {role: lead, scope: team/alpha, token_sha256: \"%s\"}\n"
                 "  long: {role: lead, scope: team/alpha, token_sha256: \"%s\"}\n"
                 "sources:\n"
                 "  crm: {token_sha256: \"%s\", queues: [billing-*, sales]}\n%s"
                 "  ivr: {token_sha256: \"%s\"}\n",
                 sum_of(TEXT("ben's")), sum_of(TEXT("chief's")),
                 sum_of((Text){.at = long_token, .n = ACCESS_TOKEN_MAX}), sum_of(TEXT("")),
                 sum_of((Text){.at = long_token, .n = ACCESS_TOKEN_MAX + 1}), sum_of(TEXT("crm's")),
                 open ? "  local: {open: true}\n" : "", sum_of(TEXT("ivr's")));
        c = config_case_load(yaml, &message);
        ck_assert_msg(c, "%s", message);
        return c;
}

static const Principal *principal(const Config *c, const char *name)
{
        for (size_t i = 0; i < c->policy.n_principals; i++)
                if (strcmp(c->policy.principals[i].name, name) == 0)
                        return &c->policy.principals[i];
        ck_abort_msg("no %s", name);
}

static const Principal *of_uid(const Config *c, uid_t uid)
{
        return access_of_peer(c, &(Peer){.is_unix = true, .loopback = true, .uid = uid});
}

START_TEST(a_peer_of_a_unix_socket_is_known_by_its_user)
{
        Config *c = load(true);

        ck_assert_ptr_eq(of_uid(c, 0), &ACCESS_ADMIN);
        ck_assert_ptr_eq(of_uid(c, geteuid()), &ACCESS_ADMIN);
        ck_assert_ptr_eq(of_uid(c, 4711), principal(c, "ana"));
        ck_assert_ptr_eq(of_uid(c, 4713), principal(c, "chief"));
        ck_assert_ptr_null(of_uid(c, STRANGER));
        /* Whoever has no user is nobody there, and over TCP no user is known. */
        for (uid_t uid = 0; uid < 2; uid++)
                ck_assert_ptr_null(access_of_peer(c, &(Peer){.loopback = true, .uid = uid * 4711}));
        if (geteuid() == 0) { /* the daemon's own user need not be root */
                ck_assert_int_eq(seteuid(STRANGER), 0);
                ck_assert_ptr_eq(of_uid(c, STRANGER), &ACCESS_ADMIN);
                ck_assert_ptr_eq(of_uid(c, 0), &ACCESS_ADMIN);
                ck_assert_int_eq(seteuid(0), 0);
        }
        config_free(c);
}
END_TEST

START_TEST(a_token_is_known_by_its_sum)
{
        Config *c = load(true);

        ck_assert_ptr_eq(access_of_token(c, TEXT("ben's")), principal(c, "ben"));
        ck_assert_ptr_eq(access_of_token(c, TEXT("chief's")), principal(c, "chief"));
        ck_assert_ptr_eq(access_of_token(c, (Text){.at = long_token, .n = ACCESS_TOKEN_MAX}),
                         principal(c, "wall"));
        ck_assert_ptr_null(access_of_token(c, (Text){.at = long_token, .n = ACCESS_TOKEN_MAX + 1}));
        ck_assert_ptr_null(access_of_token(c, TEXT("ben's ")));
        ck_assert_ptr_null(access_of_token(c, TEXT("ben")));
        ck_assert_ptr_null(access_of_token(c, TEXT("crm's"))); /* of a source */
        ck_assert_ptr_null(access_of_token(c, TEXT("")));
        ck_assert_ptr_null(access_of_token(c, TEXT_NULL));
        /* What was a sum once proves nothing. */
        c->policy.principals[0].has_token = false;
        ck_assert_ptr_null(access_of_token(c, TEXT("ben's")));
        config_free(c);
}
END_TEST

START_TEST(who_is_kept_is_found_again_by_name_and_proof)
{
        Config *c = load(true), *after = load(true);
        Principal kept = access_keep(principal(c, "chief")), other = kept, admin = access_keep(&ACCESS_ADMIN);
        Principal ana = access_keep(principal(c, "ana"));

        ck_assert_ptr_null(ana.grants);
        ck_assert_uint_eq(ana.n_grants, 0);
        ck_assert_ptr_eq(access_again(after, &kept), principal(after, "chief"));
        ck_assert_ptr_eq(access_again(after, &ana), principal(after, "ana"));
        ck_assert_ptr_eq(access_again(after, &admin), &ACCESS_ADMIN);
        ck_assert(access_is_still_admin(after, &kept));
        ck_assert(access_is_still_admin(after, &admin));
        ck_assert(!access_is_still_admin(after, &ana));
        ck_assert(access_is_same(&kept, &other));

        strcpy(other.name, "chef");
        ck_assert(!access_is_same(&kept, &other));
        ck_assert_ptr_null(access_again(after, &other));
        ck_assert(!access_is_still_admin(after, &other));
        other = kept;
        other.uid++;
        ck_assert(!access_is_same(&kept, &other));
        other = kept;
        other.has_uid = false;
        ck_assert(!access_is_same(&kept, &other));
        ck_assert(!access_is_same(&other, &kept));
        other = kept;
        other.has_token = false;
        ck_assert(!access_is_same(&kept, &other));
        other = kept;
        other.token_sha256[SHA256_BYTES - 1] ^= 1;
        ck_assert(!access_is_same(&kept, &other));
        /* What was set before does not count. */
        ana.has_uid = false;
        other = ana;
        other.uid++;
        ck_assert(access_is_same(&ana, &other));
        /* What may be done is of now, whatever was kept. */
        ((Principal *)principal(after, "chief"))->admin = false;
        ck_assert(!access_is_still_admin(after, &kept));
        config_free(c);
        config_free(after);
}
END_TEST

static const char *source_of(const Config *c, bool loopback, Text token)
{
        const ConfigSource *found = (const ConfigSource *)1;
        Fault fault = FAULT_NULL;
        int r = access_source(c, &(Peer){.is_unix = loopback, .loopback = loopback}, token, &found, &fault);

        if (r == 0) {
                ck_assert_int_eq(fault.code, FAULT_NONE);
                return found->name;
        }
        ck_assert_int_eq(r, 1);
        ck_assert_int_eq(fault.code, FAULT_TOKEN);
        ck_assert_ptr_eq(found, (const ConfigSource *)1);
        ck_assert_str_eq(fault.field, "");
        if (strstr(fault.text, "no source is open to this connection"))
                return "(none is open)";
        ck_assert_str_eq(fault.text, "that is no token of a source");
        return "(wrong token)";
}

START_TEST(who_sends_is_the_source_of_the_token_or_the_open_one)
{
        static const struct {
                const char *token, *expected;
        } rows[] = {
                {"crm's", "crm"},           {"ivr's", "ivr"},
                {"ben's", "(wrong token)"}, {"crm's ", "(wrong token)"},
                {"", "(wrong token)"},
        };
        Config *open = load(true), *closed = load(false);

        ck_assert_str_eq(source_of(open, true, TEXT_NULL), "local");
        ck_assert_str_eq(source_of(open, false, TEXT_NULL), "(none is open)");
        ck_assert_str_eq(source_of(closed, true, TEXT_NULL), "(none is open)");
        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                /* A wrong one is not passed over. */
                for (unsigned loopback = 0; loopback < 2; loopback++) {
                        ck_assert_str_eq(source_of(open, loopback, text_of(rows[i].token)), rows[i].expected);
                        ck_assert_str_eq(source_of(closed, loopback, text_of(rows[i].token)),
                                         rows[i].expected);
                }
        }
        ck_assert_str_eq(source_of(open, true, (Text){.at = long_token, .n = ACCESS_TOKEN_MAX + 1}),
                         "(wrong token)");
        closed->sources[0].has_token = false;
        ck_assert_str_eq(source_of(closed, true, TEXT("crm's")), "(wrong token)");
        config_free(open);
        config_free(closed);
}
END_TEST

START_TEST(a_source_sends_for_its_queues)
{
        Config *c = load(true);
        ConfigSource none = {.name = "none"};

        ck_assert(access_source_covers(&c->sources[1], TEXT("anything")));
        ck_assert(access_source_covers(&c->sources[0], TEXT("billing-es")));
        ck_assert(access_source_covers(&c->sources[0], TEXT("sales")));
        ck_assert(!access_source_covers(&c->sources[0], TEXT("sales-es")));
        ck_assert(!access_source_covers(&c->sources[0], TEXT("billing")));
        ck_assert(!access_source_covers(&c->sources[0], TEXT("tech-es")));
        ck_assert(access_source_covers(&c->sources[2], TEXT("anything")));
        ck_assert(!access_source_covers(&none, TEXT("anything")));
        config_free(c);
}
END_TEST

START_TEST(a_bearer_token_is_read_from_its_header)
{
        static const struct {
                const char *header, *token;
        } rows[] = {
                {"Bearer abc", "abc"}, {"bearer abc", "abc"},  {"BEARER  abc\t", "abc"}, {"Bearer a", "a"},
                {"Bearer  ", ""},      {"Bearer ", NULL},      {"Bearer", NULL},         {"", NULL},
                {"Bearerabc", NULL},   {"Basic abcdef", NULL}, {"Token abcdef", NULL},
        };

        for (size_t i = 0; i < CX_ARRAY_LEN(rows); i++) {
                Text token = access_bearer(text_of(rows[i].header));

                ck_assert_msg(rows[i].token ? text_is(token, rows[i].token) : !token.at, "%s: " TEXT_FMT,
                              rows[i].header, TEXT_ARG(token));
        }
        ck_assert_ptr_null(access_bearer(TEXT_NULL).at);
}
END_TEST

CHECK_MAIN("access", a_peer_of_a_unix_socket_is_known_by_its_user, a_token_is_known_by_its_sum,
           who_is_kept_is_found_again_by_name_and_proof, who_sends_is_the_source_of_the_token_or_the_open_one,
           a_source_sends_for_its_queues, a_bearer_token_is_read_from_its_header)
