# SPDX-License-Identifier: Apache-2.0
"""What cxctl does without a daemon: usage, help, tokens, completion, its manual."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import unittest

from fake_daemon import CliTest


class Program(CliTest):
    def commands(self):
        return re.findall(r"^  ([a-z]+) ", self.ok("help").split("flags:")[0], re.M)

    def test_wrong_usage_is_exit_code_2_and_says_what_is_right(self):
        for args, sentence in [
            (("stauts",), 'there is no command "stauts"; did you mean "status"?'),
            (("xyzzy",), 'there is no command "xyzzy"; see cxctl help'),
            (("status", "--nope"), "there is no flag --nope for status"),
            (("-x", "status"), "there is no flag -x before the command"),
            (("-o", "xml", "status"), '--output: "xml" is none of table|json|csv'),
            (("board", "--kind"), "--kind needs a value: agent|team|site|region|queue|line|org"),
            (("status", "--no-color=1"), "--no-color takes no value"),
            (("status", "extra"), "usage: cxctl status"),
            (("ack",), "usage: cxctl ack [FLAGS] ALERT"),
            (("figures", "org", "--at", "noon"), '--at: "noon" is not a time; right are 7d'),
            (("org", "agents"), 'kind: "agents" is none of agent|team|site|region|queue|line|org'),
            (("board", "-k", "team", "queue"), '--kind is there, and "queue" in its place, too; which one?'),
            (("figures", "--scope", "org", "csat"), '--scope is there, and "csat" in its place, too; which one?'),
            (("series", "org", "csat", "-m", "nps"), '--metric is there, and "csat" in its place, too; which one?'),
            (("surveys", "-n", "0"), '--limit: "0" is not a whole number from 1 to 1000'),
            (("completion", "fish"), 'completion: only for bash, not for "fish"'),
            (("token", "old"), 'token: there is only "token new"'),
        ]:
            with self.subTest(args):
                code, out, err = self.cxctl(*args)
                self.assertEqual((code, out), (2, ""))
                self.assertTrue(err.startswith("cxctl: " + sentence), err)
        code, out, err = self.cxctl()
        self.assertEqual((code, out), (2, ""))
        self.assertTrue(err.startswith("usage: cxctl [FLAGS] COMMAND"))

    def test_every_command_has_help(self):
        commands = self.commands()
        self.assertIn("simulate", commands)
        for command in commands:
            text = self.ok("help", command)
            self.assertTrue(text.startswith(f"usage: cxctl {command}"))
            self.assertEqual(self.ok(command, "--help"), text)

    def test_versions_agree(self):
        text = self.ok("version")
        self.assertRegex(text, r"^cxctl \d+\.\d+\.\d+\n$")
        self.assertEqual(self.ok("--version"), text)
        self.assertEqual("cxctl " + json.loads(self.ok("version", "-o", "json"))["version"] + "\n", text)

    def test_a_token_has_256_bits_and_its_digest(self):
        seen = set()
        for _ in range(5):
            token = json.loads(self.ok("token", "new", "maria", "-o", "json"))
            self.assertEqual(token["name"], "maria")
            self.assertRegex(token["token"], r"^cxd_[0-9a-f]{64}$")
            self.assertEqual(token["token_sha256"], hashlib.sha256(token["token"].encode()).hexdigest())
            seen.add(token["token"])
        self.assertEqual(len(seen), 5)
        text = self.ok("token", "new")
        token = re.search(r"^cxd_.*$", text, re.M).group()
        self.assertIn(f'token_sha256: "{hashlib.sha256(token.encode()).hexdigest()}"\n', text)

    def complete(self, *words):
        script = self.write("completion.bash", self.ok("completion", "bash"))
        code = f'. {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cxctl; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-ec", code, "bash", "cxctl", *words], capture_output=True, text=True,
                              check=True, cwd=self.fake.folder)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_commands_flags_and_values(self):
        self.assertEqual(self.complete("sta"), ["status"])
        self.assertEqual(sorted(self.complete("")), sorted(self.commands()))
        self.assertEqual(self.complete("-o", "j"), ["json"])
        self.assertEqual(self.complete("-H", "unix:/x", "boa"), ["board"])
        self.assertEqual(self.complete("--host", "unix:/x", "boa"), ["board"])
        self.assertEqual(self.complete("board", "--ki"), ["--kind"])
        self.assertEqual(self.complete("board", "--kind", "te"), ["team"])
        self.assertEqual(self.complete("status", "--no"), ["--no-color"])
        self.assertEqual(self.complete("help", "simu"), ["simulate"])
        self.assertEqual(self.complete("token", ""), ["new"])
        self.write("file.csv", "")
        self.assertEqual(self.complete("import", "fil"), ["file.csv"])

    def test_the_manual_names_every_command_and_flag(self):
        with open(os.environ["CXCTL_MANUAL"], encoding="utf-8") as f:
            manual = f.read()
        shared = manual[manual.index(".Cm send , import\n"):manual.index(".Ss Other")]
        for command in self.commands():
            found = re.search(rf"^\.It Cm {command}\b.*?(?=^\.It Cm|^\.El)", manual, re.M | re.S)
            self.assertTrue(found, command)
            section = found.group() + (shared if command in ("send", "import", "simulate") else "")
            for letter, flag in re.findall(r"^  (?:-(.), |    )--([a-z-]+)", self.ok("help", command), re.M):
                self.assertTrue("Fl \\-" + flag.replace("-", "\\-") in section, f"{command} --{flag}")
                if letter:
                    self.assertTrue(re.search(rf"Fl {letter}\b", section), f"{command} -{letter}")

    def test_the_manual_names_the_outcomes_of_the_dashboard(self):
        manual = pathlib.Path(os.environ["CXCTL_MANUAL"])
        script = (manual.parents[1] / "daemon" / "web" / "alerts.js").read_text(encoding="utf-8")
        section = re.search(r"^\.It Cm outcome\b.*?^\.El", manual.read_text(encoding="utf-8"), re.M | re.S).group()
        self.assertEqual(re.findall(r"^\.Ql (.*?)(?: [,.])?$", section, re.M),
                         re.findall("'(.*?)'", re.search(r"OUTCOMES = \[(.*?)\]", script).group(1)))
        self.assertIn('"it helped"', self.ok("help", "outcome"))

    def test_the_manual_is_clean(self):
        try:
            done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", os.environ["CXCTL_MANUAL"]], capture_output=True,
                                  text=True, check=False)
        except FileNotFoundError:
            self.skipTest("no mandoc")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
