#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The topic of a feed message: "alert/<scope>/<metric>", "figure/<scope>/<metric>".
 *
 * A blank, a control character or a percent sign in the name of a scope is written as %XX, so that the first blank of a
 * message ends its topic.
 */

#include "proto/base/buffer.h"
#include "proto/base/def.h"
#include "proto/base/text.h"
#include "proto/scope.h"

void topic_write(Buffer *to, const char *kind, Text scope, const char *metric);

/* Takes a topic apart. ret_metric is a part of @topic. -EINVAL: it has no scope and metric, or too long a scope. */
CX_MUST_CHECK int topic_parse(Text topic, char ret_scope[SCOPE_TEXT_MAX + 1], Text *ret_metric);
