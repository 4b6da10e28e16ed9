/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "daemon/io/peer.h"

int peer_of_fd(int fd, Peer *ret)
{
        Peer p = {.uid = (uid_t)-1, .gid = (gid_t)-1, .pid = -1};
        Address address;
        int r;

        r = address_of_peer(fd, &address);
        if (r < 0)
                return r;
        p.loopback = address_is_loopback(&address);
        if (address_is_unix(&address)) {
                struct ucred cred;
                socklen_t n = sizeof(cred);

                if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
                        return -errno;
                p.is_unix = true;
                p.uid = cred.uid;
                p.gid = cred.gid;
                p.pid = cred.pid;
                snprintf(p.text, sizeof(p.text), "unix:uid=%u,pid=%d", (unsigned)p.uid, (int)p.pid);
        } else {
                address_format(&address, p.text);
        }
        *ret = p;
        return 0;
}
