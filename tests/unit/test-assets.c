/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/web/assets.h"
#include "tests/support/check_main.h"

static bool holds(Text t, const char *what)
{
        return memmem(t.at, t.n, what, strlen(what)) != NULL;
}

START_TEST(the_page_its_parts_and_the_description_are_there)
{
        const WebAsset *page = web_asset(TEXT("/")), *script = web_asset(TEXT("/web/app.js")),
                       *style = web_asset(TEXT("/web/style.css")), *api = web_asset(TEXT("/openapi.json"));

        ck_assert(page && script && style && api);
        ck_assert_str_eq(page->content_type, "text/html; charset=utf-8");
        ck_assert_str_eq(script->content_type, "text/javascript; charset=utf-8");
        ck_assert_str_eq(style->content_type, "text/css; charset=utf-8");
        ck_assert_str_eq(api->content_type, "application/json");
        ck_assert(holds(page->bytes, "<!doctype html>"));
        ck_assert(holds(script->bytes, "import"));
        ck_assert(holds(api->bytes, "\"openapi\": \"3.1.0\""));
}
END_TEST

START_TEST(nothing_else_is)
{
        ck_assert_ptr_null(web_asset(TEXT("/index.html")));
        ck_assert_ptr_null(web_asset(TEXT("/web/")));
        ck_assert_ptr_null(web_asset(TEXT("/web/app.j")));
        ck_assert_ptr_null(web_asset(TEXT("/web/app.jss")));
        ck_assert_ptr_null(web_asset(TEXT("/web/../web/app.js")));
        ck_assert_ptr_null(web_asset(TEXT("")));
        ck_assert_ptr_null(web_asset(TEXT_NULL));
}
END_TEST

START_TEST(tags_are_quoted_and_each_is_its_own)
{
        size_t n;
        const WebAsset *assets = web_assets(&n);

        ck_assert_uint_gt(n, 5);
        for (size_t i = 0; i < n; i++) {
                size_t length = strlen(assets[i].etag);

                ck_assert_uint_gt(length, 10);
                ck_assert(assets[i].etag[0] == '"' && assets[i].etag[length - 1] == '"');
                ck_assert(strcspn(assets[i].etag + 1, "\", \t") == length - 2);
                for (size_t k = 0; k < i; k++) {
                        ck_assert_str_ne(assets[i].etag, assets[k].etag);
                        ck_assert_str_ne(assets[i].path, assets[k].path);
                }
        }
}
END_TEST

START_TEST(the_page_names_only_what_is_there)
{
        Text page = web_asset(TEXT("/"))->bytes;
        const char *at = page.at, *end = page.at + page.n;
        unsigned n = 0;

        while ((at = memmem(at, (size_t)(end - at), "\"/web/", 6)) != NULL) {
                const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));

                ck_assert_ptr_nonnull(quote);
                ck_assert_ptr_nonnull(web_asset((Text){.at = at + 1, .n = (size_t)(quote - at - 1)}));
                at = quote;
                n++;
        }
        ck_assert_uint_eq(n, 2);
        ck_assert(!holds(page, "https://"));
}
END_TEST

CHECK_MAIN("assets", the_page_its_parts_and_the_description_are_there, nothing_else_is,
           tags_are_quoted_and_each_is_its_own, the_page_names_only_what_is_there)
