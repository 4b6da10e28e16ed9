#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Surveys in a buffer, one behind the other, with all their texts, until somebody has the time to write their canonical
 * form: to pack one takes a quarter of that time, and about two thirds of the room. For this process only.
 */

#include "proto/base/buffer.h"
#include "proto/survey.h"

/* Appends @s. If there is no memory, buffer_failed() says so. */
void survey_pack(const Survey *s, Buffer *to);

/* What survey_pack() appended when there were @at bytes. @ret borrows from the buffer until more is appended. */
void survey_unpack(const Buffer *from, size_t at, Survey *ret);
