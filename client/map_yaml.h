#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/* The documents of a YAML file. */

#include <stdio.h>
#include <yaml.h>

#include "proto/base/def.h"
#include "proto/base/diag.h"

/*
 * The next document of @from, which @parser reads, without a root if there is none. -EINVAL: @diag says what is wrong with
 * the file, called @file there, and in which line.
 */
CX_MUST_CHECK int map_yaml_next(yaml_parser_t *parser, FILE *from, const char *file, yaml_document_t *ret,
                                Diag *diag);
