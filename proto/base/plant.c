/* SPDX-License-Identifier: Apache-2.0 */

/* Built with the option `planted` only. */

#include <stdlib.h>
#include <string.h>

#include "proto/base/plant.h"

bool plant_is_on(const char *name)
{
        const char *chosen = getenv("CXD_PLANT");

        return strcmp(chosen ? chosen : CX_PLANTED, name) == 0;
}
