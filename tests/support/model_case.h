#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* What tests of an engine against a model share: a fixed sequence of numbers, and an organisation from a table. */

#include "daemon/core/org.h"
#include "tests/support/check_main.h"

static uint64_t random_state;

static inline uint32_t draw(uint32_t below)
{
        random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (uint32_t)(random_state >> 33) % below;
}

/* A stretch of an agent's time. */
typedef struct Stay {
        const char *agent, *team, *site;
        usec_t from, to; /* days after the beginning */
} Stay;

static inline Org *make_org(const HashKey *key, usec_t beginning, const Stay *stays, size_t n)
{
        Org *org = NULL;

        ck_assert_int_eq(org_new(&org, key), 0);
        for (size_t i = 0; i < n; i++) {
                RosterRow row = {
                        .agent = text_of(stays[i].agent),
                        .team = text_of(stays[i].team),
                        .site = text_of(stays[i].site),
                        .from = beginning + stays[i].from * USEC_DAY,
                        .to = beginning + stays[i].to * USEC_DAY,
                };

                ck_assert_int_eq(org_add_agent(org, &row), 0);
        }
        return org;
}
