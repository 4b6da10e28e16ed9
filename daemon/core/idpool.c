/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/idpool.h"
#include "daemon/core/pages.h"

/* What a place begins with; the bytes of the id follow, or in a free one the index of the next free one plus one. */
typedef struct Place {
        uint32_t n : 8;           /* length */
        uint32_t references : 24; /* 0: free; at most one for each rule on each scope of an answer */
} Place;

/* Of bytes. A UUID has 36. */
static const uint32_t room[IDPOOL_CLASSES] = {12, 20, 28, 36, 52, 76, 100, 128};

static unsigned char *place_at(const IdPool *p, uint32_t handle)
{
        unsigned class = handle % IDPOOL_CLASSES;

        return p->classes[class].data + (size_t)(handle / IDPOOL_CLASSES) * (sizeof(Place) + room[class]);
}

static Place place_get(const IdPool *p, uint32_t handle)
{
        Place place;

        memcpy(&place, place_at(p, handle), sizeof(place));
        return place;
}

static void place_set(IdPool *p, uint32_t handle, Place place)
{
        memcpy(place_at(p, handle), &place, sizeof(place));
}

void idpool_deinit(IdPool *p)
{
        for (unsigned i = 0; i < IDPOOL_CLASSES; i++)
                free(p->classes[i].data);
        *p = IDPOOL_NULL;
}

int idpool_add(IdPool *p, Text id, uint32_t *ret)
{
        struct IdPoolClass *c;
        uint32_t handle;
        unsigned class = 0;

        if (id.n > room[IDPOOL_CLASSES - 1])
                id.n = room[IDPOOL_CLASSES - 1];
        while (room[class] < id.n)
                class ++;
        c = &p->classes[class];
        if (c->free) {
                handle = (c->free - 1) * IDPOOL_CLASSES + class;
                memcpy(&c->free, place_at(p, handle) + sizeof(Place), sizeof(c->free));
        } else {
                if (c->n == c->size) {
                        uint32_t size = c->size + c->size / 8 + 16;
                        unsigned char *data = realloc(c->data, size * (sizeof(Place) + room[class]));

                        if (!data)
                                return -ENOMEM;
                        c->data = data;
                        c->size = size;
                }
                handle = c->n++ * IDPOOL_CLASSES + class;
        }
        place_set(p, handle, (Place){.references = 1, .n = (uint8_t)id.n});
        if (id.n)
                memcpy(place_at(p, handle) + sizeof(Place), id.at, id.n);
        *ret = handle;
        return 0;
}

void idpool_ref(IdPool *p, uint32_t handle)
{
        Place place = place_get(p, handle);

        place.references++;
        place_set(p, handle, place);
}

void idpool_unref(IdPool *p, uint32_t handle)
{
        struct IdPoolClass *c = &p->classes[handle % IDPOOL_CLASSES];
        Place place = place_get(p, handle);

        if (--place.references == 0) {
                memcpy(place_at(p, handle) + sizeof(Place), &c->free, sizeof(c->free));
                c->free = handle / IDPOOL_CLASSES + 1;
        }
        place_set(p, handle, place);
}

void idpool_prefetch(const IdPool *p, uint32_t handle)
{
        cx_prefetch(place_at(p, handle));
}

Text idpool_text(const IdPool *p, uint32_t handle)
{
        return (Text){
                .at = (const char *)place_at(p, handle) + sizeof(Place),
                .n = place_get(p, handle).n,
        };
}

int idpool_guide_init(IdPoolGuide *g, size_t n)
{
        *g = IDPOOL_GUIDE_NULL;
        if (n == 0)
                return 0;
        g->handles = pages_new(n * sizeof(*g->handles));
        if (!g->handles)
                return -ENOMEM;
        g->n = n;
        return 0;
}

void idpool_guide_deinit(IdPoolGuide *g)
{
        g->handles = pages_free(g->handles, g->n * sizeof(*g->handles));
        *g = IDPOOL_GUIDE_NULL;
}

int idpool_add_again(IdPool *p, IdPoolGuide *g, uint32_t before, Text id, uint32_t *ret)
{
        uint32_t handle = before < g->n ? g->handles[before] : 0;
        int r;

        /* A place may have become another id's in between. */
        if (handle && text_equal(idpool_text(p, handle - 1), id)) {
                idpool_ref(p, handle - 1);
                *ret = handle - 1;
                return 0;
        }
        r = idpool_add(p, id, ret);
        if (r == 0 && before < g->n)
                g->handles[before] = *ret + 1;
        return r;
}
