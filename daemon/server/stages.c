/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/server/stages.h"

const char *stage_name(Stage stage)
{
        static const char *const names[_STAGE_N] = {
                [STAGE_DECODE] = "decode", [STAGE_ENGINE] = "engine", [STAGE_COMMIT] = "commit",
                [STAGE_ACK] = "ack",       [STAGE_FANOUT] = "fanout",
        };

        return names[stage];
}
