/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/cmd.h"
#include "client/input.h"
#include "client/map.h"
#include "client/progress.h"
#include "client/report.h"
#include "client/xalloc.h"
#include "proto/survey_json.h"

typedef struct Import {
        Ctl *ctl;
        Map *map;
        Input input;
        Csv csv;
        size_t n_columns;
        Sink *sink; /* NULL: a dry run */
        Report report;
        Progress progress;
        double n_bytes; /* of the file; 0: not known */
        Buffer line;
        char *scratch;
        size_t scratch_size;
        Survey survey, check;
        MapRow row;
} Import;

static void clear_progress(void *context)
{
        progress_clear(context);
}

/* Encodes the survey and looks at it with the eyes of the daemon. */
static int encode(Import *im, Fault *fault)
{
        buffer_reset(&im->line);
        survey_encode(&im->survey, &im->line);
        if (buffer_failed(&im->line))
                abort();
        if (im->line.n > SURVEY_BYTES_MAX)
                return fault_set(fault, FAULT_TOO_LONG, NULL, NULL);
        if (im->line.n > im->scratch_size) {
                im->scratch_size = im->line.n;
                im->scratch = xrealloc(im->scratch, im->scratch_size, 1);
        }
        return survey_decode(&im->check, im->line.data, im->line.n, im->scratch, false, fault, NULL);
}

/* A record that has no meaning under the header; NULL: it is sound. */
static const char *broken_record(const Import *im)
{
        if (im->csv.broken)
                return im->csv.broken;
        for (size_t i = im->n_columns; i < im->csv.n_fields; i++)
                if (csv_field(&im->csv, i).n > 0)
                        return "more cells than the header has; is a delimiter inside one without quotes?";
        return NULL;
}

/* A row over several lines may be one only because of a stray quote. */
static void refuse_row(Import *im, const char *id, const char *code, const char *field, const char *why)
{
        const Csv *csv = &im->csv;
        CX_CLEANUP(xfreep) char *text = NULL;

        if (csv->again_line > 0)
                text = xasprintf("%s (lines %" PRIu64 " to %" PRIu64
                                 " would be one row; reading goes on at line %" PRIu64 ")",
                                 why, csv->line, csv->last_line, csv->again_line);
        else if (csv->last_line > csv->line)
                text = xasprintf("%s (lines %" PRIu64 " to %" PRIu64 " were read as one row)", why, csv->line,
                                 csv->last_line);
        report_refusal(&im->report, csv->line, id, code, field, text ? text : why);
}

static int import_row(Import *im)
{
        const char *broken = broken_record(im);
        Fault fault = FAULT_NULL;
        int r;

        if (broken) {
                im->report.n_read++;
                refuse_row(im, NULL, "E_CSV", NULL, broken);
                return CTL_OK;
        }
        r = map_apply(im->map, &im->csv, &im->row, &im->survey, &fault);
        if (r == MAP_E_SKIPPED)
                return CTL_OK;
        im->report.n_read++;
        if (r == 0)
                r = encode(im, &fault);
        if (r != 0) {
                CX_CLEANUP(xfreep)
                char *id = im->survey.id.at ? xstrndup(im->survey.id.at, im->survey.id.n) : NULL;

                refuse_row(im, id, fault_name(fault.code), fault.field, fault.text);
                return CTL_OK;
        }
        report_survey(&im->report, &im->check);
        if (im->sink)
                return sink_send(im->sink, im->csv.line, buffer_text(&im->line));
        if (im->ctl->output == OUTPUT_JSON) {
                buffer_append_char(&im->line, '\n');
                fwrite(im->line.data, 1, im->line.n, im->ctl->out);
        }
        return CTL_OK;
}

/* Whether no line ends as in RFC 4180: the header is the whole file then, and no row follows. */
static bool ends_in_cr(const Csv *header)
{
        for (size_t i = 0; i < header->n_fields; i++) {
                Text cell = csv_field(header, i);

                if (cell.n > 0 && memchr(cell.at, '\r', cell.n) && !memchr(cell.at, '\n', cell.n))
                        return true;
        }
        return false;
}

/* The header, then all rows. */
static int import_file(Import *im)
{
        char text[1024];
        Diag diag;
        int r, result = CTL_OK, error = CTL_OK;

        r = csv_next(&im->csv);
        if (r < 0)
                return input_failure(&im->input, im->ctl, -r);
        if (r != 0)
                return ctl_usage(im->ctl, "%s: no header line: %s", im->report.file,
                                 r == CSV_E_BROKEN ? im->csv.broken : "the file is empty");
        if (ends_in_cr(&im->csv))
                return ctl_usage(
                        im->ctl,
                        "%s: a carriage return within the header line; save the file with lines that "
                        "end in LF or CRLF",
                        im->report.file);
        if (map_bind(im->map, &im->csv, &diag) < 0)
                return ctl_usage(im->ctl, "%s", diag_format(&diag, text, sizeof(text)));
        im->n_columns = im->csv.n_fields;
        while (result == CTL_OK && (r = csv_next(&im->csv)) != CSV_E_END) {
                if (r < 0) {
                        progress_clear(&im->progress);
                        error = input_failure(&im->input, im->ctl, -r);
                        break;
                }
                result = import_row(im);
                map_row_reset(&im->row);
                progress_update(&im->progress, (double)im->csv.n_read, im->n_bytes, im->report.n_read);
        }
        /* Also what was read before an error is accounted for. */
        if (result == CTL_OK && im->sink && im->input.result == CTL_OK)
                result = sink_flush(im->sink);
        return result == CTL_OK ? error : result;
}

static int import(Import *im, const Args *args)
{
        bool dry = args_get(args, "dry-run");
        const SinkTotals none = {0};
        struct stat st;
        int r = CTL_OK;

        if (fstat(im->input.fd, &st) == 0)
                im->n_bytes = (double)st.st_size;
        csv_init(&im->csv, im->input.from, im->map->delimiter);
        report_init(&im->report, im->ctl, im->input.name, dry);
        progress_init(&im->progress, im->ctl->err);
        im->report.before_line = clear_progress;
        im->report.context = &im->progress;
        if (!dry)
                r = sink_open(&im->sink, im->ctl, args, report_on_refused, &im->report);
        if (r == CTL_OK) {
                im->input.sink = im->sink;
                r = import_file(im);
                progress_clear(&im->progress);
                if (r == CTL_OK)
                        report_unknown(&im->report, im->ctl);
                if (r != CTL_USAGE || im->report.n_read > 0)
                        r = report_end(&im->report, im->sink ? sink_totals(im->sink) : &none, r);
        }
        sink_free(im->sink);
        report_deinit(&im->report);
        csv_deinit(&im->csv);
        buffer_deinit(&im->line);
        map_row_reset(&im->row);
        free(im->scratch);
        return r;
}

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(xfreep) Import *im = xcalloc(1, sizeof(*im));
        const char *map_file = args_get(args, "map");
        CX_CLEANUP(map_freep) Map *map = NULL;
        char text[1024];
        Diag diag;
        int r;

        if (!map_file)
                return ctl_usage(
                        ctl, "import: say with --map FILE which column is what; see MAPPINGS in cxctl(1)");
        /* A file is in UTF-8 wherever it is imported, and `capture` finds the same in it. */
        (void)setlocale(LC_CTYPE, "C.UTF-8");
        if (map_load(&map, map_file, &diag) < 0)
                return ctl_usage(ctl, "%s", diag_format(&diag, text, sizeof(text)));
        r = input_open(&im->input, ctl, args_rest(args, 0));
        if (r != CTL_OK)
                return r;
        im->ctl = ctl;
        im->map = map;
        r = import(im, args);
        input_close(&im->input);
        return r;
}

static const Flag flags[] = {
        {"map", 0, "FILE", "YAML file that says which column is what"},
        {"dry-run", 'd', NULL,
         "only convert and check the form, send nothing; with -o json print the surveys"},
        SINK_FLAGS,
        {0},
};

const Cmd cmd_import = {"import", "FILE.csv", "send surveys from a CSV file", flags, 1, 1, run};
