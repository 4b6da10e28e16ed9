/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "client/map_yaml.h"

/* libyaml names the line of what it cannot parse, and the byte of what it cannot even read. */
static unsigned problem_line(const yaml_parser_t *parser, FILE *from)
{
        unsigned line = 1;
        int ch;

        if (parser->error != YAML_READER_ERROR)
                return (unsigned)parser->problem_mark.line + 1;
        rewind(from);
        for (size_t i = 0; i < parser->problem_offset && (ch = getc(from)) != EOF; i++)
                line += ch == '\n';
        return line;
}

int map_yaml_next(yaml_parser_t *parser, FILE *from, const char *file, yaml_document_t *ret, Diag *diag)
{
        const char *problem;

        if (yaml_parser_load(parser, ret))
                return 0;
        problem = parser->problem ? parser->problem : "cannot be read";
        return diag_set(diag, file, problem_line(parser, from), NULL, "no YAML: %s%s", problem,
                        strstr(problem, "UTF-8") ? "; save the file as UTF-8" : "");
}
