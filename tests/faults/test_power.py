#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts under load. The daemon's disk is an ext4 image inside an XFS with reflinks; a clone of the image is what the
disk held at that instant. On each clone a daemon must find everything that was acknowledged before, and nothing else."""

import os
import random
import shutil
import subprocess
import time

import faults
from faults import cx

ROUNDS = faults.count(1, 10)
IMAGES = 100


class Disk:
    """The two file systems, one in the other."""

    def __init__(self):
        self.dir = faults.scratch()
        self.outer, self.inner, self.copy = (os.path.join(self.dir, n) for n in ("outer", "inner", "copy"))
        for path in (self.outer, self.inner, self.copy):
            os.mkdir(path)
        self.image = os.path.join(self.outer, "inner.img")

    def __enter__(self):
        try:
            xfs = os.path.join(self.dir, "outer.img")
            self.file(xfs, 3 << 30)
            faults.sh("mkfs.xfs", "-q", "-m", "reflink=1", xfs)
            faults.sh("mount", "-o", "loop", xfs, self.outer)
            self.file(self.image, 256 << 20)
            faults.sh("mkfs.ext4", "-q", "-F", self.image)
            faults.sh("mount", "-o", "loop,commit=60", self.image, self.inner)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for path in (self.copy, self.inner, self.outer):
            while os.path.ismount(path):
                if subprocess.run(["umount", path], stderr=subprocess.DEVNULL, check=False).returncode:
                    subprocess.run(["umount", "-l", path], check=True)
        shutil.rmtree(self.dir)

    @staticmethod
    def file(path, size):
        with open(path, "wb") as file:
            file.truncate(size)

    def cut(self, number):
        """The state of the disk now; returns the time before."""
        now = time.monotonic()
        faults.clone(self.image, os.path.join(self.outer, f"{number}.img"))
        return now

    def examine(self, number, senders, when, full):
        """Starts a daemon on an image."""
        path = os.path.join(self.outer, f"{number}.img")
        faults.sh("mount", "-o", "loop", path, self.copy)
        try:
            with faults.At(self.copy, config=faults.config()) as d:
                d.start()
                windows = None if full else [random.choice(faults.WINDOWS)]
                n = faults.check_all(d, senders, when, windows, past=full)
                d.kill()
        finally:
            faults.sh("umount", self.copy)
        os.unlink(path)
        return n


def round_of(number):
    streams = [faults.Stream(faults.SEED + number * 3 + i, p) for i, p in enumerate("tuh")]
    with Disk() as disk:
        times, sizes, bad = [], [], []
        with faults.At(disk.inner, config=faults.config()) as d:
            d.start()
            senders = faults.three(d, streams, rate=400)
            for s in senders:
                s.wait(1)
            for i in range(IMAGES):
                times.append(disk.cut(i))
                time.sleep(random.uniform(0, 0.06))
            d.kill()
            for s in senders:
                s.stop()
        for i, when in enumerate(times):
            try:
                sizes.append(disk.examine(i, senders, when, i % 20 == 19))
            except AssertionError as error:
                bad.append(f"image {i}: {error}"[:1500])
        acked = sum(s.acked for s in senders)
        print(f"# {len(times)} images, {len(bad)} bad, {acked} lines acknowledged, {min(sizes, default=0)} to {max(sizes, default=0)} surveys")
        assert not bad, "\n".join(bad[:3])
        assert acked > 500 and sizes[-1] > sizes[0], "that was no load"


@cx.case("what was acknowledged over TCP, Unix sockets and HTTP is there after every power cut, and so are its figures")
def power():
    progress = faults.Progress("images", ROUNDS * IMAGES)
    for number in range(ROUNDS):
        round_of(number)
        progress.step(IMAGES)


faults.namespace()
faults.run()
