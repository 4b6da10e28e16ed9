/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libFuzzer harness: the YAML parser, the interpretation of every section, and the printer. What loads must
 * print, and what was printed must load as the same. Names of files in the input are looked up below an empty
 * folder.
 */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static Config *load(Text yaml)
{
        static const HashKey key = {.k0 = 1};
        Config *c = NULL;
        Diag d = DIAG_NULL;
        int r = config_load_text(&c, yaml, "/proc/self/fdinfo/cxd.yaml", "/state", "/rt", &key, &d);

        assert((r == 0) == (c != NULL));
        assert(r == 0 || d.text[0]);
        return c;
}

static char *print(const Config *c)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        if (!f || config_print(c, f) < 0 || fclose(f) != 0)
                abort();
        return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        Config *before = load((Text){.at = (const char *)data, .n = n});
        Config *after;
        char *printed, *again;

        if (!before)
                return 0;
        printed = print(before);
        after = load(text_of(printed));
        if (!after)
                abort();
        again = print(after);
        if (strcmp(printed, again) != 0 || config_changes_figures(before, after))
                abort();
        free(printed);
        free(again);
        config_free(before);
        config_free(after);
        return 0;
}
