/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libFuzzer: any bytes as one survey, through survey_differ(): decoder, jansson, model, encoder.
 *
 *   CC=clang meson setup build/fuzz -Dfuzz=true -Dc_args=-fsanitize=fuzzer-no-link \
 *           -Db_sanitize=address,undefined -Db_lundef=false
 *   ninja -C build/fuzz tests/fuzz/fuzz-survey
 *   mkdir -p build/fuzz/found
 *   build/fuzz/tests/fuzz/fuzz-survey -max_total_time=60 build/fuzz/found tests/fuzz/corpus/survey
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/survey_differ.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        FaultCode code;
        const char *difference = survey_differ((const char *)data, n, &code);

        if (difference) {
                fprintf(stderr, "%s\n", difference);
                abort();
        }
        return 0;
}
