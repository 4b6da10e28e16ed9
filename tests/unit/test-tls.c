/* SPDX-License-Identifier: Apache-2.0 */

/* Lines over TLS, with a certificate made on the spot and openssl's own client. */

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "daemon/io/lines.h"
#include "daemon/io/tls.h"
#include "tests/support/check_main.h"
#include "tests/support/io_world.h"
#include "tests/support/long_answer.h"

static World g_world;
static int g_lines, g_closed;
static bool g_tls;

static int on_open(LineSession *s, void *server_user CX_UNUSED, void **ret CX_UNUSED)
{
        g_tls = line_peer(s)->tls;
        return 0;
}

static void on_line(LineSession *s, uint64_t number CX_UNUSED, Text line, void *user CX_UNUSED)
{
        g_lines++;
        (void)line_write(s, line);
        (void)line_write(s, TEXT("\n"));
        line_close(s);
}

static void on_too_long(LineSession *s, uint64_t number CX_UNUSED, void *user CX_UNUSED)
{
        line_cut(s, CONN_CUT);
}

static void on_closed(LineSession *s CX_UNUSED, ConnReason reason CX_UNUSED, void *user CX_UNUSED)
{
        g_closed++;
}

static const LineOps ops = {
        .on_open = on_open, .on_line = on_line, .on_too_long = on_too_long, .on_closed = on_closed};

static void make_certificate(const char *certificate_file, const char *key_file)
{
        EVP_PKEY *key = EVP_RSA_gen(2048);
        X509 *x = X509_new();
        FILE *f;

        ck_assert(key && x);
        X509_set_version(x, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
        X509_gmtime_adj(X509_getm_notBefore(x), 0);
        X509_gmtime_adj(X509_getm_notAfter(x), 3600);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   (const unsigned char *)"localhost", -1, -1, 0);
        X509_set_issuer_name(x, X509_get_subject_name(x));
        X509_set_pubkey(x, key);
        ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
        f = fopen(certificate_file, "w");
        ck_assert(f && PEM_write_X509(f, x) == 1);
        fclose(f);
        f = fopen(key_file, "w");
        ck_assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
        fclose(f);
        X509_free(x);
        EVP_PKEY_free(key);
}

static int plain_client(const Address *a, const void *user CX_UNUSED)
{
        int fd = client_connect(a);
        char got[64];

        client_send(fd, "not tls at all\n", 15);
        (void)client_read(fd, got, sizeof(got)); /* at most an alert */
        return 0;
}

START_TEST(lines_pass_through_tls_1_2_and_later_only)
{
        char certificate[128], key[128], reason[TLS_REASON_MAX], command[256];
        ListenerConfig config = LISTENER_CONFIG_NULL;
        LineServer *server;
        Listener *l;
        Tls *tls;

        world_open(&g_world);
        snprintf(certificate, sizeof(certificate), "%s/cert.pem", g_world.folder);
        snprintf(key, sizeof(key), "%s/key.pem", g_world.folder);
        ck_assert_int_eq(tls_new(&tls, certificate, key, reason), -EINVAL);
        ck_assert_ptr_nonnull(strstr(reason, "cert.pem: cannot be read: No such file or directory"));
        make_certificate(certificate, key);
        ck_assert_int_eq(tls_new(&tls, certificate, "/nowhere", reason), -EINVAL);
        ck_assert_str_eq(reason, "/nowhere: cannot be read: No such file or directory");
        ck_assert_int_eq(tls_new(&tls, certificate, "/dev/null", reason), -EINVAL);
        ck_assert_int_eq(tls_new(&tls, certificate, key, reason), 0);
        ck_assert_int_eq(address_parse(&config.address, TEXT("tcp://127.0.0.1:0"), reason), 0);
        config.tls = tls;
        ck_assert_int_eq(line_server_new(&server, g_world.loop, NULL, 0, &ops, NULL), 0);
        ck_assert_int_eq(listener_new(&l, g_world.loop, &config, line_server_accept, server), 0);
        tls_unref(tls); /* the listener has its own */
        snprintf(command, sizeof(command),
                 "(echo hello; sleep 1) | openssl s_client -quiet -connect 127.0.0.1:%u 2>/dev/null; exit 0",
                 address_port(listener_address(l)));
        world_exec(&g_world, "out", (const char *const[]){"sh", "-c", command, NULL});
        world_wait(&g_world);
        ck_assert_str_eq(world_file(&g_world, "out"), "hello\n");
        ck_assert(g_tls);
        ck_assert_int_eq(g_lines, 1);
        snprintf(command, sizeof(command),
                 "echo hello | openssl s_client -quiet -tls1_1 -connect 127.0.0.1:%u 2>/dev/null; exit 0",
                 address_port(listener_address(l)));
        world_exec(&g_world, "old", (const char *const[]){"sh", "-c", command, NULL});
        world_spawn(&g_world, plain_client, listener_address(l), NULL);
        world_wait(&g_world);
        world_pass(&g_world, 100 * USEC_MSEC);
        ck_assert_str_eq(world_file(&g_world, "old"), "");
        ck_assert_int_eq(g_lines, 1);
        ck_assert_int_eq(g_closed, 3);
        listener_free(l);
        line_server_free(server);
        world_close(&g_world);
}
END_TEST

static const LineOps long_ops = {
        .on_open = on_open, .on_line = long_answer, .on_too_long = on_too_long, .on_closed = on_closed};

/* Says that it is done, as any client of TLS does, and reads only then. */
static int late_reader(const Address *a, const void *user CX_UNUSED)
{
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL *ssl = SSL_new(context);
        int fd = socket(a->sockaddr.ss_family, SOCK_STREAM, 0), room = 64 * 1024, n;
        char got[16 * 1024];
        size_t n_got = 0;

        need(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
        need(connect(fd, (const struct sockaddr *)&a->sockaddr, a->n) == 0);
        need(SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1);
        need(SSL_write(ssl, "hello\n", 6) == 6);
        usleep(200 * 1000);
        need(SSL_shutdown(ssl) == 0);
        usleep(200 * 1000);
        while ((n = SSL_read(ssl, got, sizeof(got))) > 0)
                n_got += (size_t)n;
        need(n_got == LONG_ANSWER_N);
        need(SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN);
        SSL_free(ssl);
        SSL_CTX_free(context);
        close(fd);
        return 0;
}

START_TEST(who_says_that_it_is_done_still_gets_all_answers)
{
        char certificate[128], key[128], reason[TLS_REASON_MAX];
        ListenerConfig config = LISTENER_CONFIG_NULL;
        LineServer *server;
        Listener *l;

        world_open(&g_world);
        snprintf(certificate, sizeof(certificate), "%s/cert.pem", g_world.folder);
        snprintf(key, sizeof(key), "%s/key.pem", g_world.folder);
        make_certificate(certificate, key);
        ck_assert_int_eq(tls_new(&config.tls, certificate, key, reason), 0);
        ck_assert_int_eq(address_parse(&config.address, TEXT("tcp://127.0.0.1:0"), reason), 0);
        ck_assert_int_eq(line_server_new(&server, g_world.loop, NULL, 0, &long_ops, NULL), 0);
        ck_assert_int_eq(listener_new(&l, g_world.loop, &config, line_server_accept, server), 0);
        tls_unref(config.tls);
        world_spawn(&g_world, late_reader, listener_address(l), NULL);
        world_wait(&g_world);
        listener_free(l);
        line_server_free(server);
        world_close(&g_world);
}
END_TEST

START_TEST(nobody_is_asked_for_a_pass_phrase)
{
        char certificate[128], key[128], reason[TLS_REASON_MAX];
        char phrase[] = "secret";
        EVP_PKEY *private_key;
        Tls *tls = NULL;
        FILE *f;

        world_open(&g_world);
        snprintf(certificate, sizeof(certificate), "%s/cert.pem", g_world.folder);
        snprintf(key, sizeof(key), "%s/key.pem", g_world.folder);
        make_certificate(certificate, key);
        f = fopen(key, "r+");
        private_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        rewind(f);
        ck_assert_int_eq(PEM_write_PrivateKey(f, private_key, EVP_aes_128_cbc(), NULL, 0, NULL, phrase), 1);
        fclose(f);
        EVP_PKEY_free(private_key);
        ck_assert_int_eq(tls_new(&tls, certificate, key, reason), -EINVAL);
        ck_assert_ptr_nonnull(strstr(reason, "key.pem: has a pass phrase; save the key without one"));
        world_close(&g_world);
}
END_TEST

CHECK_MAIN("tls", lines_pass_through_tls_1_2_and_later_only, nobody_is_asked_for_a_pass_phrase,
           who_says_that_it_is_done_still_gets_all_answers)
