#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text from outside on a terminal: how wide it is, and how it is made harmless.
 */

#include <stdio.h>

#include "proto/base/text.h"

/*
 * Writes @t so that nothing in it can steer a terminal or pretend to be something else: controls,
 * bidirectional controls and bytes that are no UTF-8 come out as "\n", "\x1b", "\u{202e}".
 */
void display_write(Text t, FILE *to);

/* Only without controls, and bytes that are no UTF-8: for programs, which want the marks that belong to a text. */
void display_write_data(Text t, FILE *to);

/* The same as malloc'ed text. */
char *display_dup(Text t);

/*
 * @value with so many decimals, rounded half away from zero; @sign: with a "+", too. What rounds to zero has no sign.
 * malloc'ed.
 */
char *display_number(double value, int decimals, bool sign);

/* Columns that @t takes on a terminal; combining marks take none, wide characters two. For text made
 * harmless. */
size_t display_width(Text t);

/* The longest beginning of @t that is at most @columns wide. */
Text display_cut(Text t, size_t columns);
