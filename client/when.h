#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Points in time as people write and read them: local time of whoever sits at the terminal.
 */

#include "proto/base/def.h"
#include "proto/base/usec.h"

#define WHEN_TEXT_MAX 40

usec_t when_now(void);

/* "2026-11-21 10:15:30" in local time. Returns @ret. */
char *when_format(usec_t t, char ret[WHEN_TEXT_MAX]);

/*
 * "now"; a duration ("7d": so long before @base); RFC 3339 with a zone; or local time without one:
 * "2026-11-21", "2026-11-21 10:15", "2026-11-21 10:15:30". -EINVAL.
 */
CX_MUST_CHECK int when_parse(const char *text, usec_t base, usec_t *ret);

/* "3d 4h", "12m 5s": the two largest parts. Returns @ret. */
char *when_span(double seconds, char ret[WHEN_TEXT_MAX]);
