#pragma once
/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How rows of a CSV file become surveys: a mapping, written in YAML (cxctl(1), MAPPINGS).
 *
 * map_load() reads and checks the file, map_bind() ties it to the columns of one CSV file, map_apply() makes
 * a survey of one row.
 */

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/csv.h"
#include "proto/base/diag.h"
#include "proto/survey.h"

#define MAP_COLUMNS_MAX 8

typedef enum MapField {
        MAP_ID,
        MAP_TS,
        MAP_AGENT,
        MAP_QUEUE,
        MAP_STATUS,
        MAP_CONTACT,
        MAP_CUSTOMER,
        MAP_CHANNEL,
        MAP_REASON,
        MAP_COMMENT,
        MAP_REV,
        _MAP_FIELD_N,
} MapField;

typedef enum MapElse {
        MAP_ELSE_REFUSE, /* the row */
        MAP_ELSE_KEEP,   /* the value as it is */
        MAP_ELSE_SKIP,   /* leave the field out */
} MapElse;

typedef struct MapColumn {
        char *name;
        unsigned line; /* of the mapping */
        size_t index;  /* set by map_bind() */
} MapColumn;

/* A column that has one of these values. */
typedef struct MapWhen {
        MapColumn column;
        char **values;
        size_t n_values;
} MapWhen;

typedef struct MapWhens {
        MapWhen *all; /* every one must be true */
        size_t n;
} MapWhens;

typedef struct MapZone {
        bool fixed;
        int64_t offset; /* seconds east of UTC; else the process's TZ is set */
} MapZone;

typedef struct MapRule {
        bool present;
        char *field;   /* "answers.csat" */
        unsigned line; /* of the mapping */
        MapColumn columns[MAP_COLUMNS_MAX];
        size_t n_columns;
        bool keep_blanks; /* around the cells */
        char *join;       /* between several columns */
        char *constant;   /* instead of columns */
        char *fallback;   /* for an empty cell */
        char *prefix, *suffix;
        bool has_capture;
        regex_t capture;
        char **values_from, **values_to;
        size_t n_values;
        MapElse otherwise;
        bool has_scale;
        double from[2], to[2];
        MapWhens when;
        char *format; /* ts: strptime(3), or "rfc3339", "unix", "unix_ms" */
        MapZone zone;
} MapRule;

typedef struct Map {
        char *file;
        char delimiter;
        MapRule fields[_MAP_FIELD_N];
        MapRule *answers; /* rule.field is "answers.NAME" */
        size_t n_answers;
        MapWhens only; /* rows to take; n = 0: all */
        MapWhens skip; /* rows to leave out; n = 0: none */
} Map;

const char *map_field_name(MapField f);

/* -EINVAL with @diag filled in. A named time zone sets TZ of the process. */
CX_MUST_CHECK int map_load(Map **ret, const char *file, Diag *diag);
Map *map_free(Map *m);

/* Finds all columns in the header, which is the present record of @header. -EINVAL with @diag filled in. */
CX_MUST_CHECK int map_bind(Map *m, const Csv *header, Diag *diag);

/* The texts of one survey. */
typedef struct MapRow {
        char *texts[_MAP_FIELD_N + SURVEY_ANSWERS_MAX];
        size_t n_texts;
} MapRow;

#define MAP_ROW_NULL ((MapRow){0})

void map_row_reset(MapRow *row);

enum {
        _MAP_OK,
        MAP_E_REFUSED, /* the fault says why */
        MAP_E_SKIPPED, /* `only` or `skip` leave the row out */
};

/*
 * The present record as a survey. Its texts lie in @row until map_row_reset(). 0 or a condition from above.
 * What a survey may hold beyond its types is not checked here (survey_decode() of the encoded survey does).
 */
CX_MUST_CHECK int map_apply(const Map *m, const Csv *csv, MapRow *row, Survey *s, Fault *fault);

/* "UTC", "+01:00", "Europe/Madrid". -EINVAL: there is no such zone. */
CX_MUST_CHECK int map_zone_parse(const char *name, MapZone *ret);
/* Whether the format is none that strptime() reads. */
bool map_format_is_own(const char *format);
/* The first conversion of @format that is one of @letters; 0: there is none. */
char map_format_find(const char *format, const char *letters);
/* A point in time by format and zone. -EINVAL, -ERANGE. */
CX_MUST_CHECK int map_time_parse(const char *text, const char *format, const MapZone *zone, usec_t *ret);

CX_DEFINE_CLEANUP(Map, map_free)
