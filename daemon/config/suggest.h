#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * "Did you mean": finds among known words the one that a mistyped word was meant to be.
 */

#include "proto/base/def.h"
#include "proto/base/text.h"

/* Room for the longest name twice and the words around it. */
#define SUGGEST_MAX 256

typedef struct Suggest {
        Text wrong;
        Text best;
        unsigned distance;
} Suggest;

#define SUGGEST_INIT(_wrong) ((Suggest){.wrong = (_wrong)})

/* Offers one known word, which must live as long as the Suggest. */
void suggest_offer(Suggest *s, Text word);

/* "; did you mean \"x\"?" or an empty text if nothing came near. Returns @ret. */
const char *suggest_text(const Suggest *s, char ret[SUGGEST_MAX]);
