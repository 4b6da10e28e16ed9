/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/web/assets.h"

const WebAsset *web_asset(Text path)
{
        size_t n;
        const WebAsset *assets = web_assets(&n);

        for (size_t i = 0; i < n; i++)
                if (text_is(path, assets[i].path))
                        return &assets[i];
        return NULL;
}
