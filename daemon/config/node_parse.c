/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From libyaml's events to nodes, with every limit of node.h.
 *
 * The happy path is: bytes -> events -> nodes hung below the container that is open. Possible failure modes
 * are: no YAML (libyaml says where), what this dialect leaves out, a limit, no memory.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "daemon/config/node.h"

typedef struct Parser {
        const char *file;
        Diag *diag;
        Node *root;
        Node *open; /* the innermost container */
        char *key;  /* waits for its value; NULL: none */
        size_t n_key;
        unsigned depth;
        size_t n_nodes;
        unsigned n_documents;
} Parser;

static int fail(Parser *p, const yaml_event_t *e, const char *text)
{
        char path[192] = "";

        if (p->open)
                node_path(p->open, p->key, path, sizeof(path));
        return diag_set(p->diag, p->file, (unsigned)e->start_mark.line + 1, path, "%s", text);
}

/* Hangs a new node below the open container, under the key that waits. */
static int add(Parser *p, const yaml_event_t *e, NodeKind kind, Text text, Node **ret)
{
        Node *n;

        if (++p->n_nodes > NODE_COUNT_MAX)
                return fail(p, e, "the file has too many values");
        n = calloc(1, sizeof(*n) + p->n_key + text.n + 1);
        if (!n)
                return -ENOMEM;
        n->kind = kind;
        n->line = (unsigned)e->start_mark.line + 1;
        n->column = (unsigned)e->start_mark.column + 1;
        n->parent = p->open;
        if (p->key) {
                memcpy(n->bytes, p->key, p->n_key);
                n->key = (Text){.at = n->bytes, .n = p->n_key};
        }
        if (text.n)
                memcpy(n->bytes + p->n_key, text.at, text.n);
        n->text = (Text){.at = n->bytes + p->n_key, .n = text.n};
        free(p->key);
        p->key = NULL;
        p->n_key = 0;

        if (!p->open) {
                p->root = n;
        } else {
                if (p->open->last)
                        p->open->last->next = n;
                else
                        p->open->first = n;
                p->open->last = n;
                p->open->n++;
        }
        *ret = n;
        return 0;
}

static bool wants_key(const Parser *p)
{
        return p->open && p->open->kind == NODE_MAP && !p->key;
}

static bool is_null(Text t)
{
        return t.n == 0 || text_is(t, "~") || text_is(t, "null") || text_is(t, "Null") || text_is(t, "NULL");
}

static int take_scalar(Parser *p, const yaml_event_t *e)
{
        Text text = {.at = (const char *)e->data.scalar.value, .n = e->data.scalar.length};
        yaml_scalar_style_t style = e->data.scalar.style;
        bool plain = style == YAML_PLAIN_SCALAR_STYLE;
        Node *n;

        if (e->data.scalar.anchor)
                return fail(p, e, "anchors (&name) are not taken here; write the value out");
        if (e->data.scalar.tag)
                return fail(p, e, "tags (!name) are not taken here; leave them out");
        /* Block texts end in a line break, which nobody means. */
        while ((style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) && text.n &&
               text.at[text.n - 1] == '\n')
                text.n--;

        if (wants_key(p)) {
                if (plain && is_null(text))
                        return fail(p, e, "a key is missing before the colon");
                if (text.n == 0 || text.n > NODE_KEY_MAX || !text_is_printable(text))
                        return fail(p, e, "a key must be 1 to 256 bytes of printable text");
                p->key = text_dup(text);
                p->n_key = text.n;
                return p->key ? 0 : -ENOMEM;
        }
        if (text.n > NODE_SCALAR_MAX)
                return fail(p, e, "a value may have at most 4096 bytes");
        if (!text_is_printable(text))
                return fail(p, e, "a value must be one line of printable text");
        return add(p, e, plain && is_null(text) ? NODE_NULL : NODE_SCALAR, text, &n);
}

static int take_start(Parser *p, const yaml_event_t *e, NodeKind kind)
{
        const yaml_char_t *anchor, *tag;
        Node *n;
        int r;

        anchor = kind == NODE_MAP ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
        tag = kind == NODE_MAP ? e->data.mapping_start.tag : e->data.sequence_start.tag;
        if (anchor)
                return fail(p, e, "anchors (&name) are not taken here; write the value out");
        if (tag)
                return fail(p, e, "tags (!name) are not taken here; leave them out");
        if (wants_key(p))
                return fail(p, e, "a key must be a word, not a list or a map");
        if (++p->depth > NODE_DEPTH_MAX)
                return fail(p, e, "nested too deeply; 16 levels are the limit");
        r = add(p, e, kind, TEXT_NULL, &n);
        if (r < 0)
                return r;
        p->open = n;
        return 0;
}

static int compare_keys(const void *a, const void *b)
{
        const Node *x = *(Node *const *)a;
        const Node *y = *(Node *const *)b;
        int order = text_compare(x->key, y->key);

        if (order)
                return order;
        if (x->line != y->line)
                return x->line < y->line ? -1 : 1;
        return (x->column > y->column) - (x->column < y->column);
}

static int refuse_duplicates(Parser *p, const Node *map)
{
        const Node **sorted, *found = NULL, *earlier = NULL;
        char path[192];
        size_t n = 0;

        if (map->n < 2)
                return 0;
        sorted = calloc(map->n, sizeof(const Node *));
        if (!sorted)
                return -ENOMEM;
        for (const Node *child = map->first; child; child = child->next)
                sorted[n++] = child;
        qsort(sorted, n, sizeof(const Node *), compare_keys);
        for (size_t i = 1; i < n; i++) {
                if (!text_equal(sorted[i]->key, sorted[i - 1]->key))
                        continue;
                if (!found || sorted[i]->line < found->line) {
                        found = sorted[i];
                        earlier = sorted[i - 1];
                }
        }
        free(sorted);
        if (!found)
                return 0;
        return diag_set(p->diag, p->file, found->line, node_path(found, NULL, path, sizeof(path)),
                        "is there twice; the first one is in line %u", earlier->line);
}

static int take_end(Parser *p)
{
        Node *closed = p->open;

        assert(closed); /* libyaml pairs its events */
        p->depth--;
        p->open = closed->parent;
        return closed->kind == NODE_MAP ? refuse_duplicates(p, closed) : 0;
}

static int take_event(Parser *p, const yaml_event_t *e)
{
        switch (e->type) {
        case YAML_DOCUMENT_START_EVENT:
                return ++p->n_documents > 1 ? fail(p, e, "a second document begins here; one is the limit")
                                            : 0;
        case YAML_ALIAS_EVENT:
                return fail(p, e, "aliases (*name) are not taken here; quote a text that begins with *");
        case YAML_SCALAR_EVENT:
                return take_scalar(p, e);
        case YAML_MAPPING_START_EVENT:
                return take_start(p, e, NODE_MAP);
        case YAML_SEQUENCE_START_EVENT:
                return take_start(p, e, NODE_LIST);
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT:
                return take_end(p);
        default:
                return 0;
        }
}

/* libyaml names the line of what it cannot parse, and the byte of what it cannot even read. */
static unsigned problem_line(Text yaml, const yaml_parser_t *parser)
{
        unsigned line = 1;

        if (parser->error != YAML_READER_ERROR)
                return (unsigned)parser->problem_mark.line + 1;
        for (size_t i = 0; i < parser->problem_offset && i < yaml.n; i++)
                line += yaml.at[i] == '\n';
        return line;
}

/* Whether line @n, from 0, has a tab in front. */
static bool is_tabbed(Text yaml, size_t n)
{
        size_t i = 0;

        for (; n > 0 && i < yaml.n; i++)
                n -= yaml.at[i] == '\n';
        while (i < yaml.n && yaml.at[i] == ' ')
                i++;
        return i < yaml.n && yaml.at[i] == '\t';
}

static int parse_events(Parser *p, Text yaml, yaml_parser_t *parser)
{
        yaml_event_t e;
        bool ended;
        int r;

        do {
                if (!yaml_parser_parse(parser, &e)) {
                        if (parser->error == YAML_MEMORY_ERROR)
                                return -ENOMEM;
                        if (parser->error == YAML_READER_ERROR && parser->problem &&
                            strstr(parser->problem, "UTF-8"))
                                return diag_set(p->diag, p->file, problem_line(yaml, parser), NULL,
                                                "not UTF-8; save the file as UTF-8");
                        if (parser->error == YAML_SCANNER_ERROR && is_tabbed(yaml, parser->problem_mark.line))
                                return diag_set(p->diag, p->file, problem_line(yaml, parser), NULL,
                                                "YAML is not indented with tabs; write blanks");
                        return diag_set(p->diag, p->file, problem_line(yaml, parser), NULL,
                                        "not well-formed YAML: %s%s%s",
                                        parser->problem ? parser->problem : "unreadable",
                                        parser->context ? " " : "", parser->context ? parser->context : "");
                }
                ended = e.type == YAML_STREAM_END_EVENT;
                r = take_event(p, &e);
                yaml_event_delete(&e);
                if (r < 0)
                        return r;
        } while (!ended);
        if (p->root)
                return 0;
        p->root = calloc(1, sizeof(*p->root));
        if (!p->root)
                return -ENOMEM;
        p->root->line = 1;
        return 0;
}

int node_parse(Node **ret, Text yaml, const char *file, Diag *diag)
{
        Parser p = {.file = file, .diag = diag};
        yaml_parser_t parser;
        int r;

        if (yaml.n > NODE_FILE_MAX)
                return diag_set(diag, file, 0, NULL, "larger than 4 MiB");
        if (yaml.n >= 3 && memcmp(yaml.at, "\xEF\xBB\xBF", 3) == 0) {
                yaml.at += 3;
                yaml.n -= 3;
        }
        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.at ? yaml.at : ""), yaml.n);
        r = parse_events(&p, yaml, &parser);
        yaml_parser_delete(&parser);
        free(p.key);
        if (r < 0) {
                node_free(p.root);
                return r;
        }
        *ret = p.root;
        return 0;
}
