/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "daemon/core/idpool.h"

/* What a place begins with; the bytes of the id follow. */
typedef struct Place {
        uint32_t references; /* 0: free */
        uint32_t n;          /* length; of a free place: the next free one plus one */
} Place;

static const uint32_t room[IDPOOL_CLASSES] = {16, 32, 64, 128};

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
                c->free = place_get(p, handle).n;
        } else {
                if (c->n == c->size) {
                        uint32_t size = c->size + c->size / 2 + 16;
                        unsigned char *data = realloc(c->data, size * (sizeof(Place) + room[class]));

                        if (!data)
                                return -ENOMEM;
                        c->data = data;
                        c->size = size;
                }
                handle = c->n++ * IDPOOL_CLASSES + class;
        }
        place_set(p, handle, (Place){.references = 1, .n = (uint32_t)id.n});
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
                place.n = c->free;
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

void idpool_save(const IdPool *p, const ImageWriter *to)
{
        for (unsigned i = 0; i < IDPOOL_CLASSES; i++) {
                const struct IdPoolClass *c = &p->classes[i];

                image_put_number(to, c->n);
                image_put_number(to, c->free);
                image_put(to, c->data, c->n * (sizeof(Place) + room[i]));
        }
}

int idpool_load(IdPool *p, ImageReader *from)
{
        for (unsigned i = 0; i < IDPOOL_CLASSES; i++) {
                struct IdPoolClass *c = &p->classes[i];
                size_t n = image_get_below(from, UINT32_MAX / IDPOOL_CLASSES),
                       width = sizeof(Place) + room[i];
                size_t free_place = image_get_below(from, n + 1);
                const unsigned char *data = image_get(from, n * width);

                if (from->failed)
                        return -EBADMSG;
                if (n == 0)
                        continue;
                c->data = malloc(n * width);
                if (!c->data)
                        return -ENOMEM;
                memcpy(c->data, data, n * width);
                c->n = c->size = (uint32_t)n;
                c->free = (uint32_t)free_place;
        }
        return 0;
}

bool idpool_has(const IdPool *p, uint32_t handle)
{
        return handle / IDPOOL_CLASSES < p->classes[handle % IDPOOL_CLASSES].n;
}
