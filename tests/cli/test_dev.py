# SPDX-License-Identifier: Apache-2.0
"""./dev: arguments are looked at before anything is installed or built, and a running centre is not deleted."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import unittest


class Dev(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="cx-dev-")
        self.addCleanup(shutil.rmtree, self.dir)
        shutil.copy(os.environ["CX_DEV"], self.path("dev"))
        os.mkdir(self.path("bin"))
        for tool in ("dpkg-query", "apt-get", "sudo", "meson", "ninja"):
            with open(self.path("bin", tool), "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\necho {tool} >>{self.path('called')}\nexit 1\n")
            os.chmod(self.path("bin", tool), 0o755)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def dev(self, *args):
        env = {**os.environ, "PATH": self.path("bin") + ":" + os.environ["PATH"]}
        return subprocess.run([self.path("dev"), *args], env=env, capture_output=True, text=True, timeout=30, check=False)

    def test_wrong_arguments_are_refused_before_anything_is_done(self):
        os.mkdir(self.path("build"))
        for args, sentence in [
            (("faults", "WRONG"), "faults: unknown option 'WRONG'"),
            (("faults", "--long", "nothing"), "faults: there is no test 'nothing'"),
            (("faults", "--planted", "more"), "faults: one argument too many: 'more'"),
            (("build", "more"), "build: one argument too many: 'more'"),
            (("test", "--long"), "test: one argument too many: '--long'"),
            (("lint", "tidy"), "lint: one argument too many: 'tidy'"),
            (("clean", "run"), "clean: one argument too many: 'run'"),
            (("fuzz", "1", "2"), "fuzz: one argument too many: '2'"),
            (("run", "--empty", "now"), "run: one argument too many: 'now'"),
        ]:
            with self.subTest(args=args):
                done = self.dev(*args)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", f"dev: {sentence}\n"))
                self.assertFalse(os.path.exists(self.path("called")))
        self.assertTrue(os.path.isdir(self.path("build")))

    def test_clean_leaves_a_centre_that_is_running(self):
        os.makedirs(self.path("build", "run"))
        with open(self.path("build", "run", "lock"), "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with open(self.path("build", "run", "pid"), "w", encoding="ascii") as file:
                file.write(f"{os.getpid()} none\n")
            done = self.dev("clean")
            self.assertEqual((done.returncode, done.stderr),
                             (1, f"dev: the sample centre is running; stop it first (process {os.getpid()})\n"))
            self.assertTrue(os.path.exists(self.path("build", "run", "lock")))
        for _ in range(2):
            self.assertEqual(self.dev("clean").returncode, 0)
            self.assertFalse(os.path.exists(self.path("build")))


if __name__ == "__main__":
    unittest.main()
