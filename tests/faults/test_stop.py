#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM under load: the daemon ends soon and well, and what it acknowledged is there."""

import random
import signal
import time

import faults
from faults import cx


@cx.case("SIGTERM under load ends the daemon within a second with status 0 and loses nothing acknowledged")
def stop():
    streams = [faults.Stream(faults.SEED + i, p) for i, p in enumerate("tuh")]
    starts, slowest = [0, 0, 0], 0
    with cx.Daemon(faults.config()) as d:
        for _ in range(faults.count(20, 100)):
            senders = faults.three(d, streams, start=starts, rate=4000)
            for s in senders:
                s.wait(s.begin + 1)
            time.sleep(random.uniform(0, 0.15))
            begin = time.monotonic()
            d.process.send_signal(signal.SIGTERM)
            status = d.wait()
            slowest = max(slowest, time.monotonic() - begin)
            assert status == 0, f"exit status {status}:\n{d.out.text()[-2000:]}"
            assert slowest < 1 * cx.SLOW, f"it took {slowest:.1f} s to stop"
            for s in senders:
                s.stop()
            starts = [s.acked for s in senders]
            d.start()
            faults.check_all(d, senders, windows=[random.choice(faults.WINDOWS)], past=False)
    print(f"# {sum(starts)} lines acknowledged, the slowest stop took {slowest * 1000:.0f} ms")


faults.run()
