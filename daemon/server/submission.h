#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys that came in one piece, as an HTTP body or a nanomsg request, and their common answer.
 *
 * A body is an array of surveys, one survey, or NDJSON; what it is shows in its first bytes.
 */

#include "daemon/server/intake.h"

/* Surveys in one body. */
#define SUBMISSION_MAX 50000

typedef struct Submission Submission;

/*
 * The answer: {"stored":n,"duplicate":n,"revised":n,"refused":[{"index","id","code","field","error"},...]}.
 * For a body of one survey that was refused, @status is that of its fault and the object has code, error and
 * field as well. After this call the submission is gone.
 */
typedef void (*SubmissionFn)(void *user, int status, Text json);

/*
 * Offers all of @body; @fn is called once, from here or later. 1 with @fault: an array that is not well-formed, or
 * more than SUBMISSION_MAX surveys, was refused as a whole and nothing was offered; @fn is not called. -ENOMEM: @fn is
 * not called.
 */
CX_MUST_CHECK int submission_start(Intake *i, const ConfigSource *source, Text body, SubmissionFn fn,
                                   void *user, Fault *fault);
