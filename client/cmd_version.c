/* SPDX-License-Identifier: Apache-2.0 */

#include "client/cmd.h"

static const Column columns[] = {{"version", NULL}};

static int run(Ctl *ctl, const Args *args)
{
        CX_CLEANUP(table_freep) Table *t = table_new(columns, CX_ARRAY_LEN(columns), NULL);

        (void)args;
        table_row(t);
        table_str(t, CX_VERSION);
        if (ctl->output == OUTPUT_TABLE) {
                fprintf(ctl->out, "cxctl %s\n", CX_VERSION);
        } else if (ctl->output == OUTPUT_CSV) {
                ctl_show(ctl, t);
        } else {
                render_json(t, ctl->out, true);
                fputc('\n', ctl->out);
        }
        return CTL_OK;
}

const Cmd cmd_version = {"version", "", "the version of this program", NULL, 0, 0, run};
