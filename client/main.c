/* SPDX-License-Identifier: Apache-2.0 */

#include "client/cmd.h"

int main(int argc, char **argv)
{
        return cxctl_main(argc, argv);
}
