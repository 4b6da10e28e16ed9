# SPDX-License-Identifier: Apache-2.0
"""What every part of the benchmark uses: where programs and folders are, children that do not outlive it, drivers."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile


GRACE = 20  # seconds that a child gets to end by itself


class Failed(Exception):
    """A sentence for the user."""


class Tools:
    """The programs of one build tree, and room beside them."""

    def __init__(self, build, window=0):
        """@window: surveys that a sender may have unacknowledged if nothing else is said; 0: no limit."""
        self.build = pathlib.Path(build).resolve()
        self.window = window
        self.daemon = self.build / "daemon/cxd"

    def program(self, name):
        """A driver; None if it was not built."""
        path = self.build / "tests/bench" / name
        return path if path.exists() else None

    @contextlib.contextmanager
    def folder(self):
        """On the disk that is measured: that of the build tree."""
        with tempfile.TemporaryDirectory(prefix="bench-", dir=self.build) as path:
            yield pathlib.Path(path)

    def drive(self, name, *arguments, **more):
        """Runs a driver to its end; gives what it measured."""
        return results(self.program(name), *arguments, **more)


@contextlib.contextmanager
def socket_folder():
    """Paths of sockets are short."""
    with tempfile.TemporaryDirectory(prefix="cxd-bench-") as path:
        yield pathlib.Path(path)


def texts(arguments):
    return [str(a) for a in arguments]


def measured(text):
    """A driver prints "name number" per line."""
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def results(program, *arguments, **more):
    done = subprocess.run(texts([program, *arguments]), capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{program.name} failed: {done.stderr.strip() or done.returncode}")
    return measured(done.stdout)


def tail(log):
    return "\n".join(pathlib.Path(log).read_text("utf-8", "replace").splitlines()[-5:])


def bound(command, number=signal.SIGKILL):
    """The command as a child that gets this signal when this process ends, even if this one is killed."""
    name = signal.Signals(number).name.removeprefix("SIG")
    return texts(["setpriv", "--pdeathsig", name, *command] if shutil.which("setpriv") else command)


def start(command, log, number=signal.SIGKILL, **more):
    with open(log, "ab") as output:
        return subprocess.Popen(
            bound(command, number), stdin=subprocess.DEVNULL, stdout=output, stderr=output, **more
        )


def stop(child, name, log, number=signal.SIGTERM):
    """Ends a child and waits for it. It has to end well."""
    child.send_signal(number)
    try:
        status = child.wait(60)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name} does not end:\n{tail(log)}") from None
    if status != 0:
        raise Failed(f"{name} ended with status {status}:\n{tail(log)}")


def end(child, number):
    """Ends a child that is of no use any more. It is asked first: killed, a server leaves its shared memory."""
    try:
        if child.poll() is None:
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE)
    finally:
        child.kill()
        child.wait()


@contextlib.contextmanager
def running(name, command, log, number=signal.SIGTERM, **more):
    """A child that is gone at the end, whatever happens."""
    child = start(command, log, number, **more)
    try:
        yield child
        stop(child, name, log, number)
    finally:
        end(child, number)


@contextlib.contextmanager
def beside(program, *arguments):
    """A driver that runs while the block does; the block gets the child, whose results() are there after it."""
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            bound([program, *arguments]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )

        def finished():
            out, _ = child.communicate()
            if child.returncode != 0:
                errors.seek(0)
                raise Failed(f"{program.name} failed: {errors.read().strip() or child.returncode}")
            return measured(out)

        child.results = finished
        try:
            yield child
            if child.returncode is None:
                child.results()
        finally:
            child.kill()
            child.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def raise_file_limit():
    """As many open files as we may have, for us and all children. Gives the number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cores():
    return len(os.sched_getaffinity(0))
