# SPDX-License-Identifier: Apache-2.0
"""cxctl import: CSV and mappings."""

import collections
import csv
import fcntl
import fractions
import gzip
import io
import json
import math
import os
import pty
import re
import struct
import subprocess
import termios
import unittest
import zipfile

from fake_daemon import CXCTL, ME, CliTest, warning

MAP = """
csv: {delimiter: ";"}
skip: {kind: [test, internal]}
id: {column: [day, no], join: "/", prefix: "x-"}
ts: {column: day, format: "%d.%m.%Y %H:%M", zone: Europe/Madrid}
agent: {column: who, capture: "([a-z.]+)@", values: {a.b: ana.b}, else: keep}
queue: {column: q, default: general}
status: {column: st, values: {done: answered, none: expired, gone: opted_out}}
comment: text
answers:
    csat: {column: score, from: [1, 10], to: [1, 5], when: {st: done}}
    fcr: {column: ok, values: {y: true, n: false, "?": ~}, when: {st: [done]}}
"""
HEADER = "day;no;who;q;st;score;ok;kind;text\r\n"


class Import(CliTest):
    def convert(self, rows, mapping=MAP, header=HEADER):
        path = self.write("in.csv", header + rows)
        return self.cxctl("import", path, "--map", self.write("m.yaml", mapping), "--dry-run", "-o", "json")

    def test_a_row_becomes_a_survey(self):
        code, out, err = self.convert(
            '\r\n21.06.2026 09:30;7;<a.b@x>;;done;10;y;;"says ""no"";\r\nreally"\r\n'
            "21.12.2026 09:30;8;<zoë>;billing;none;3;n;real;\r\n"
            "21.12.2026 09:31;9;;billing;done;4;?;test;\r\n"
            "21.12.2026 09:32;10;c.d@x;billing;done;;?;real;no line end")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([json.loads(line) for line in out.splitlines()], [
            {"id": "x-21.06.2026 09:30/7", "ts": "2026-06-21T07:30:00Z", "agent": "ana.b", "queue": "general",
             "answers": {"csat": 5, "fcr": True}, "comment": 'says "no";\r\nreally'},
            {"id": "x-21.12.2026 09:30/8", "ts": "2026-12-21T08:30:00Z", "queue": "billing", "status": "expired"},
            {"id": "x-21.12.2026 09:32/10", "ts": "2026-12-21T08:32:00Z", "agent": "c.d", "queue": "billing",
             "answers": {"fcr": None}, "comment": "no line end"}])

    def test_what_the_mapping_leaves_out_is_not_called_an_empty_cell(self):
        for rule in ("values: {known: known}, else: skip", "when: {ok: y}", 'capture: "^([0-9])$"'):
            code, _, err = self.convert("21.06.2026 09:30;7;;other;none;;;;\n",
                                        MAP.replace("q, default: general", "q, " + rule))
            self.assertEqual(code, 4)
            self.assertIn(":2: E_MISSING: queue: the cell is empty, or the mapping leaves it out\n", err)

    def test_a_byte_order_mark_is_no_part_of_the_header(self):
        code, out, _ = self.convert("21.06.2026 09:30;7;;;none;;;;\n", header="\ufeff" + HEADER)
        self.assertEqual((code, len(out.splitlines())), (0, 1))

    def test_an_export_comes_back_with_the_blanks_of_its_names(self):
        stored = [{"id": name, "ts": "2026-06-21T07:30:00Z", "agent": name, "queue": " ", "rev": 1, "comment": " so\n",
                   "answers": {"csat": 5}} for name in ("ana", " ana", "ana ")]
        rows = "".join(f'{s["id"]},{s["ts"]},answered,1,{s["agent"]}, ,,,,," so\n","{{""csat"":5}}"\n' for s in stored)
        with open(os.path.join(os.path.dirname(os.environ["CX_EXAMPLE_MAP"]), "export-csv.yaml"), encoding="utf-8") as f:
            mapping = f.read()
        header = "id,ts,status,rev,agent,queue,contact,customer,channel,reason,comment,answers\n"
        code, out, err = self.convert(rows, mapping, header)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([json.loads(line) for line in out.splitlines()], stored)

    def test_lines_that_end_in_a_carriage_return_alone_are_not_taken_for_a_header_without_rows(self):
        code, out, err = self.convert("21.06.2026 09:30;7;;;none;;;;\r", header=HEADER.replace("text\r\n", "text;more\r"))
        self.assertEqual((code, out), (2, ""))
        self.assertIn("a carriage return within the header line; save the file with lines that end in LF or CRLF\n", err)

    def test_wrong_rows_are_named_and_the_rest_goes_on(self):
        rows = ("21.06.2026 09:30;1;;;done;11;y;;\n"
                "21.06.2026 09:30;2;;;done;five;y;;\n"
                '31.06.2026 09:30;3;;;done;5;y;;"two\nlines"\n'
                "21.06.2026 09:30;4;;;lost;5;y;;\n"
                ";;;;done;5;y;;\n"
                "21.06.2026 09:30;6;;;done;5;y;;fine;;\n"
                "21.06.2026 09:30;8;;;done;5;y;;not; fine\n"
                "21.06.2026 09:30;9;;;done;5\n"
                "21.06.2026 09:30;10;a\0b@x;;done;5;y;;\n"
                '21.06.2026 09:30;7;;;done;5;y;;"never closed\n')
        code, out, err = self.convert(rows)
        self.assertEqual((code, [json.loads(line)["id"][-2:] for line in out.splitlines()]), (5, ["/6", "/9"]))
        path = self.fake.path("in.csv")
        self.assertEqual(err.splitlines(), [
            f'cxctl: {path}:2: E_RANGE: answers.csat: "11" lies outside the scale `from`',
            f'cxctl: {path}:3: E_TYPE: answers.csat: "five" is no number',
            f'cxctl: {path}:4: E_TYPE: ts: "31.06.2026 09:30" is no time in the format of the mapping '
            "(lines 4 to 5 were read as one row)",
            f'cxctl: {path}:6: E_RANGE: status: "lost" is not in the table `values`',
            f"cxctl: {path}:7: E_MISSING: id: the cell is empty, or the mapping leaves it out",
            f"cxctl: {path}:9: E_CSV: more cells than the header has; is a delimiter inside one without quotes?",
            f"cxctl: {path}:11: E_CSV: a NUL byte; save the file in UTF-8",
            f"cxctl: {path}:12: E_CSV: a quote is not closed"])

    def test_a_stray_quote_takes_no_other_rows(self):
        rows = [f"21.06.2026 09:30;{i};;;done;5;y;;text\n" for i in range(2, 500)]
        rows[9] = rows[9].replace("text", '"text')
        rows[400] = rows[400].replace("text", '"by; right"')
        code, out, err = self.convert("".join(rows))
        self.assertEqual((code, len(out.splitlines())), (5, 497))
        self.assertEqual(err, f'cxctl: {self.fake.path("in.csv")}:11: E_CSV: text after a closing quote; is a quote inside not '
                         "doubled? (lines 11 to 402 would be one row; reading goes on at line 12)\n")
        code, out, _ = self.cxctl("import", self.fake.path("in.csv"), "--map", self.fake.path("m.yaml"), "-d")
        self.assertEqual((code, out), (5, "498 surveys: 497 good, 1 refused; nothing was sent\n"))

    def test_a_file_in_utf16_says_so(self):
        path = self.write("in.csv", HEADER.encode("utf-16"))
        code, _, err = self.cxctl("import", path, "--map", self.write("m.yaml", MAP), "--dry-run")
        self.assertEqual((code, err), (2, f"cxctl: {path}: no header line: a NUL byte; save the file in UTF-8\n"))

    def test_a_compressed_file_says_so(self):
        for text in HEADER, HEADER * 1000, "":
            path = self.write("in.csv.gz", gzip.compress(text.encode(), mtime=0x01020304))
            code, _, err = self.cxctl("import", path, "--map", self.write("m.yaml", MAP))
            self.assertEqual((code, err), (2, f"cxctl: {path}: no header line: the file is compressed; right is zcat FILE | "
                                              "cxctl import - --map MAPPING\n"))

    def test_a_workbook_says_so(self):
        for name, text in (("[Content_Types].xml", "<Types/>"), ("a;b\nc", HEADER * 1000)):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
                z.writestr(name, text)
            path = self.write("in.xlsx", packed.getvalue())
            code, _, err = self.cxctl("import", path, "--map", self.write("m.yaml", MAP))
            self.assertEqual((code, err), (2, f"cxctl: {path}: no header line: the file is a workbook (.xlsx) or another archive; "
                                              "save the table as CSV, in UTF-8\n"))

    def test_bytes_that_are_no_utf8_refuse_the_row(self):
        path = self.write("in.csv", HEADER.encode() + b"21.06.2026 09:30;1;;;none;;;;\xff\xfe\n")
        code, _, err = self.cxctl("import", path, "--map", self.write("m.yaml", MAP), "--dry-run")
        self.assertEqual(code, 4)
        self.assertIn(":2: E_UTF8: comment: ", err)
        path = self.write("in.csv", HEADER.encode() + b"21.06.2026 09:30;1;<Jos\xe9@x>;;none;;;;\n")
        mapping = self.write("m.yaml", MAP.replace("([a-z.]+)@", "<([^@]+)@"))
        for locale in ("C", "C.UTF-8"):
            code, _, err = self.cxctl("import", path, "--map", mapping, "-d", env={"LC_ALL": locale})
            self.assertEqual(code, 4, locale)
            self.assertIn(":2: E_UTF8: agent: ", err)

    def test_capture_finds_the_same_in_every_locale(self):
        path = self.write("in.csv", HEADER + "21.06.2026 09:30;1;<é@x>;;none;;;;\n")
        mapping = self.write("m.yaml", MAP.replace("([a-z.]+)@", "<([a-zé])@"))
        for locale in ("C", "C.UTF-8"):
            out = self.ok("import", path, "--map", mapping, "-d", "-o", "json", env={"LC_ALL": locale})
            self.assertEqual(json.loads(out)["agent"], "é", locale)

    def test_refusals_of_the_daemon_carry_lines_of_the_file(self):
        path = self.write("in.csv", "id,ts,c\n" + '1,1750000000,"4"\n\n2,1750000000.5,9\n3,1750000001,5\n')
        mapping = self.write("m.yaml", "id: id\nts: {column: ts, format: unix}\nqueue: {value: q}\nanswers: {csat: c}\n")
        code, out, err = self.cxctl("import", path, "--map", mapping)
        self.assertEqual((code, out), (5, "3 surveys: 2 stored, 0 duplicate, 0 revised, 1 refused\n"))
        self.assertEqual(err, f"cxctl: {path}:4: E_RANGE: answers.csat: 9 is not from 1 to 5\n")
        code, out, _ = self.cxctl("import", path, "--map", mapping, "--http")
        self.assertEqual((code, out), (5, "3 surveys: 0 stored, 2 duplicate, 0 revised, 1 refused\n"))

    def test_a_misspelt_metric_is_told(self):
        self.fake.routes["/v1/me"] = (200, {**ME, "admin": True})
        path = self.write("in.csv", "id,ts,c\n1,1750000000,4\n2,1750000000,\n3,1750000001,5\n4,1750000001,six\n")
        mapping = self.write("m.yaml", "id: id\nts: {column: ts, format: unix}\nqueue: {value: q}\nanswers: {csatt: c}\n")
        for way in ("--dry-run", "--http", "--no-color"):
            code, _, err = self.cxctl("import", path, "--map", mapping, way)
            self.assertEqual((code, err.split("\n", 1)[1]), (5, warning("csatt", 2, way == "--dry-run")), way)

    def test_mistakes_in_a_mapping_are_explained(self):
        good = "id: day\nts: {column: day, format: unix}\nqueue: q\n"
        wrong = [
            ("id: day\nqueue: q\n", "m.yaml: ts: is missing; every survey has one"),
            (good + "agent: {column: who,\n  values: {'-': null}}\n", "m.yaml:5: agent.values: null is only an answer; else: skip"),
            (good + "agent: {column: who, default: ~}\n", "m.yaml:4: agent.default: null is only an answer"),
            (good + "agent: {column: who,\n  values: {'-': NULL}}\n", "m.yaml:5: agent.values: null is only an answer; else: skip"),
            (good + "agent: {column: who, prefix: null}\n", "m.yaml:4: agent.prefix: null is only an answer"),
            (good + "agnt: who\n", "m.yaml:4: agnt: surveys have no such field; there are id, ts, agent, "),
            (good + "agent: {column: who, blanks: yes}\n", "m.yaml:4: agent.blanks: must be keep or drop"),
            (good + "agent: {colum: who}\n", "m.yaml:4: agent.colum: there is no such key; there are column, "),
            (good + "agent: {column: whom}\n", 'm.yaml:4: agent: the file has no column "whom"; it has: day, no, who, '),
            (good + "agent: who\nagent: who\n", 'm.yaml:5: "agent" comes twice; once is right'),
            (good + "agent: twice\n", 'm.yaml:4: agent: the file has 2 columns "twice"'),
            (good + "agent: {prefix: x}\n", "m.yaml:4: agent: needs either column: NAME or value: CONSTANT"),
            (good + "agent: {column: who,\n  capture: '(a'}\n", 'm.yaml:5: agent.capture: "(a" is no extended'),
            (good + "agent: {column: who, capture: 'a'}\n", 'm.yaml:4: agent.capture: "a" has no group'),
            (good + "agent: {column: who, when: yes}\n", "m.yaml:4: agent.when: must be a table of columns"),
            (good + "answers: {a b: who}\n", "m.yaml:4: answers.a b: is no name of a metric"),
            (good + "answers: {a: {column: who, from: [1, 1]}}\n", "m.yaml:4: answers.a.from: must be two different"),
            (good + "answers: {a: {column: who, from: [1, 2]}}\n", "m.yaml:4: answers.a: from: and to: are only right"),
            (good.replace("format: unix", 'format: "%H:%M"'), 'm.yaml:2: ts: needs zone:, since "%H:%M" has none'),
            (good.replace("unix", "'received %Y-%m-%d'"), 'm.yaml:2: ts: needs zone:, since "received %Y-%m-%d" has none'),
            (good.replace("unix", "'um %H:%M am %d.%m.%Y'"), 'm.yaml:2: ts: needs zone:, since "um %H:%M am %d.%m.%Y"'),
            (good.replace("unix", "'%Y', zone: Europe/Atlantis"), 'm.yaml:2: ts.zone: there is no zone "Europe/Atlantis"'),
            (good.replace("unix", "iso"), 'm.yaml:2: ts: format: "iso" is none; right are rfc3339, unix, '),
            (good.replace("unix", "'%s', zone: UTC"), 'm.yaml:2: ts: format: %s is wrong in "%s"; right is unix'),
            (good.replace("unix", "'%Y-W%V-%u', zone: UTC"),
             'm.yaml:2: ts: format: %V in "%Y-W%V-%u" would be read and not used; cut it off with capture: '),
            (good.replace("unix", "'%Y-W%W', zone: UTC"),
             'm.yaml:2: ts: format: %W in "%Y-W%W" would be read and not used without a day of the week'),
            (good.replace("unix", "'%a %Y-%j', zone: UTC"),
             'm.yaml:2: ts: format: %j in "%a %Y-%j" would be read and not used beside a day of the week'),
            (good.replace("unix", "'%F %T %_z', zone: UTC"), "m.yaml:2: ts: zone: is wrong beside %z in the format"),
            (good.replace("unix", "'%d.%m.%Y %H:%M %p', zone: UTC"),
             'm.yaml:2: ts: format: %p in "%d.%m.%Y %H:%M %p" is only right together with %I; of a clock with 24 hours, %H is'),
            (good.replace("unix", "'%F %-l:%M', zone: UTC"),
             'm.yaml:2: ts: format: %I in "%F %-l:%M" is only right together with %p; of a clock with 24 hours, %H is'),
            (good.replace("unix", "'%-s', zone: UTC"), 'm.yaml:2: ts: format: %s is wrong in "%-s"; right is unix'),
            (good.replace("unix", "'%H:%M %Z', zone: UTC"),
             'm.yaml:2: ts: format: %Z in "%H:%M %Z" would be read and not used; cut it off with capture: '),
            (good + "only: {a: {b: c}}\n", "m.yaml:4: only: must be a value or a list of values"),
            ("- a\n", 'm.yaml:1: must be a table that begins like "id: {column: call_id}"'),
            ("id: [\n", "m.yaml:2: no YAML: "),
            ((good + "# Müller, or so\n").encode("latin-1"), "m.yaml:4: no YAML: invalid leading UTF-8 octet; save the file as UTF-8\n"),
            (good + "# \1\n", "m.yaml:4: no YAML: control characters are not allowed\n"),
            (good + "---\nanswers: {csat: no}\n", "m.yaml:4: a second document begins here; one is the limit"),
        ]
        header = HEADER.replace(";", ",").replace("text", "text,twice,twice")
        for mapping, sentence in wrong:
            with self.subTest(sentence):
                code, out, err = self.convert("1,2,,,none,,,,\n", mapping, header)
                self.assertEqual((code, out), (2, ""), err)
                self.assertTrue(err.startswith("cxctl: " + self.fake.folder + "/" + sentence), err)

    def test_what_lies_beside_the_zones_is_no_zone(self):
        calls = self.write("calls.csv", "t\n2026-05-01 12:00\n")
        for zone in ("America/Argentina", "tzdata.zi", "Europe"):
            mapping = self.write("map.yaml", 'id: t\nqueue: t\nts: {column: t, format: "%Y-%m-%d %H:%M", zone: '
                                 + zone + "}\n")
            code, out, err = self.cxctl("import", calls, "--map", mapping, "-d", "-o", "json")
            self.assertEqual((code, out), (2, ""))
            self.assertIn(f'there is no zone "{zone}"; right are UTC, +01:00, Europe/Madrid', err)

    def test_a_time_does_not_depend_on_the_row_before(self):
        mapping = 'id: {column: t}\nqueue: t\nts: {column: t, format: "%Y-%m-%d %H:%M", zone: Europe/Madrid}\n'
        twice, never = "2026-10-25 02:30\n", "2026-03-29 02:30\n"
        for before in ("", "2026-07-01 12:00\n", "2026-12-01 12:00\n"):
            out = self.convert(before + twice + before + never, mapping, "t\n")[1]
            times = {s["id"]: s["ts"] for s in map(json.loads, out.splitlines())}
            self.assertEqual(times[twice.strip()], "2026-10-25T00:30:00Z")
            self.assertEqual(times[never.strip()], "2026-03-29T01:30:00Z")

    def test_a_number_is_the_same_time_and_revision_as_in_json(self):
        mapping = "id: t\nqueue: t\nts: {column: t, format: unix}\nrev: r\n"
        rows = [("1750000000.1234567", "1"), ("1750000000.9999999", "1.0"), ("1.75e9", "1e3"), ("0", "0"),
                ("253402300799.9999999", "-0")]
        code, out, err = self.convert("".join(f"{t},{r}\n" for t, r in rows), mapping, "t,r\n")
        self.assertEqual((code, err), (0, ""))
        sent = "".join(f'{{"id":"{t}","ts":{t},"queue":"{t}","rev":{r}}}\n' for t, r in rows)
        self.assertEqual(out, self.ok("send", "--dry-run", "-o", "json", stdin=sent))
        self.assertIn('"ts":"2025-06-15T15:06:40.999999Z"', out)
        code, _, err = self.convert("1,1.5\n1,-1\n1,one\n1,1e30\n-1,1\n253402300800,1\n", mapping, "t,r\n")
        self.assertEqual((code, len(err.splitlines())), (4, 6))

    def test_a_fraction_follows_seconds_only(self):
        mapping = 'id: t\nqueue: t\nts: {column: t, format: "%s", zone: UTC}\n'
        for text, layout, ts in (("29.11.2026 02.30.59", "%d.%m.%Y %H.%M", None), ("29.11.2026", "%d.%m", None),
                                 ("2026-11-29 2 AM.5", "%F %I %p", None), ("2026-11-29 %S.5", "%F %%S", None),
                                 ("2026-11-29 02:30 %S.5", "%F %R %%S", None), ("2026-11-29 S.5", "%F S", None),
                                 ("29.11.2026 02.30.59.5", "%d.%m.%Y %H.%M.%S", "02:30:59.500Z"),
                                 ("2026-11-29 02:30:59,25", "%F %T", "02:30:59.250Z"),
                                 ("2026-11-29 02:30:59.25", "%F %H:%M:%OS", "02:30:59.250Z"),
                                 ("2026-11-29 02:30:59.25", "%F %EX", "02:30:59.250Z"),
                                 ("2026-11-29 %02:30:59.25", "%F %%%T", "02:30:59.250Z")):
            with self.subTest(layout):
                code, out, err = self.convert(f'"{text}"\n', mapping % layout, "t\n")
                if ts:
                    self.assertEqual((code, out and json.loads(out)["ts"]), (0, "2026-11-29T" + ts), err)
                else:
                    self.assertEqual((code, out), (4, ""))
                    self.assertIn(f':2: E_TYPE: ts: "{text}" is no time in the format of the mapping', err)

    def test_a_time_before_1970_is_not_called_one_of_another_format(self):
        for layout, text in (('"%Y-%m-%d %H:%M:%S", zone: UTC', "1900-01-01 00:00:00"), ("unix", "-2208988800"),
                             ("unix", "1790000000000")):
            mapping = "id: {value: a}\nts: {column: t, format: %s}\nqueue: {value: q}\n" % layout
            code, out, err = self.convert(text + "\n", mapping, "t\n")
            self.assertEqual((code, out), (4, ""))
            self.assertIn(f':2: E_RANGE: ts: "{text}" lies outside the years 1970 to 9999\n', err)
        mapping = 'id: {value: a}\nts: {column: t, format: "%F %T", zone: UTC}\nqueue: {value: q}\n'
        for text in ("0000-00-00 00:00:00", "1900-02-29 00:00:00"):
            self.assertIn(f'E_TYPE: ts: "{text}" is no time in the format of the mapping\n',
                          self.convert(text + "\n", mapping, "t\n")[2])

    def test_a_half_between_two_scales_is_rounded_away_from_0(self):
        mapping = ("id: score\nts: {value: 2026-06-21T09:30:00Z}\nqueue: {value: q}\n"
                   "answers: {csat: {column: score, from: [%d, %d], to: [%d, %d]}}\n")
        for low, high, to_low, to_high in ((1, 7, 0, 10), (7, 1, 0, 10), (1, 10, 0, 10), (1, 10, -5, 5), (10, 1, 1, 5), (1, 5, 0, 10)):
            scores = [fractions.Fraction(n, 100) for n in range(min(low, high) * 100, max(low, high) * 100 + 1)]
            exact = [to_low + (score - low) * (to_high - to_low) / (high - low) for score in scores]
            code, out, err = self.convert("".join(f"{float(score)}\n" for score in scores),
                                          mapping % (low, high, to_low, to_high), "score\n")
            self.assertEqual((code, err), (0, ""))
            self.assertEqual([json.loads(line)["answers"]["csat"] for line in out.splitlines()],
                             [math.floor(abs(v) + fractions.Fraction(1, 2)) * (1 if v > 0 else -1) for v in exact])

    def test_progress_stays_within_one_row_of_the_terminal(self):
        calls = self.write("in.csv", HEADER + "21.06.2026 09:30;7;;;none;;;;\n")
        command = ("import", calls, "--map", self.write("m.yaml", MAP), "-d")
        for columns, expected in ((0, r"\[#+\] 100 %  1  \d+/s  0s left"), (20, r"\[#+"), (1, "")):
            master, slave = pty.openpty()
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            subprocess.run([CXCTL, *command], stderr=slave, stdout=subprocess.DEVNULL, env=self.environment(), check=True)
            drawn = re.fullmatch(r"\r(.*)\x1b\[K\r\x1b\[K", os.read(master, 65536).decode())[1]
            os.close(slave)
            os.close(master)
            self.assertRegex(drawn, f"^{expected}$")
            self.assertTrue(len(drawn) == columns - 1 or columns == 0)

    def test_files_that_are_not_there_or_empty(self):
        mapping = self.write("m.yaml", MAP)
        self.assertEqual(self.cxctl("import", "/nowhere/x", "--map", mapping)[0], 2)
        self.assertEqual(self.cxctl("import", self.write("a.csv", "x"), "--map", "/nowhere/x")[0], 2)
        self.assertEqual(self.cxctl("import", self.write("a.csv", "x"))[0], 2)
        code, _, err = self.cxctl("import", "-", "--map", mapping, stdin="")
        self.assertEqual(code, 2)
        self.assertIn("no header line: the file is empty", err)
        folder = os.path.dirname(self.write("in.csv", ""))
        code, out, err = self.cxctl("import", folder, "--map", mapping)
        self.assertEqual((code, out, err), (2, "", f"cxctl: {folder}: Is a directory\n"))

    def test_the_example_mapping_agrees_with_the_published_counts(self):
        shared = os.environ.get("CX_SHARED", "")
        data = os.path.join(shared, "data")
        calls = os.path.join(data, "pwc_call_center.csv")
        if not os.path.exists(calls):
            self.skipTest("CX_SHARED has no data/pwc_call_center.csv")
        out = self.ok("import", calls, "--map", os.environ["CX_EXAMPLE_MAP"], "--dry-run", "-o", "json")
        surveys = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len({s["id"] for s in surveys}), 5000)
        for name, key in (("pwc_per_agent.csv", "agent"), ("pwc_per_topic.csv", "queue")):
            with open(os.path.join(data, name), newline="", encoding="utf-8") as f:
                expected = {row.pop(next(iter(row))): row for row in csv.DictReader(f)}
            found = collections.defaultdict(list)
            for s in surveys:
                found[s[key]].append(s)
            self.assertEqual(set(found), set(expected))
            for who, row in expected.items():
                answered = [s["answers"] for s in found[who] if s.get("status", "answered") == "answered"]
                counts = collections.Counter(a["csat"] for a in answered)
                self.assertEqual(len(found[who]), float(row["calls"]))
                self.assertEqual(len(answered), float(row["answered"]))
                self.assertEqual(sum(a["fcr"] for a in answered), float(row["resolved"]))
                self.assertEqual([counts[i] for i in range(1, 6)], [float(row[f"c{i}"]) for i in range(1, 6)])
                self.assertFalse(any("answers" in s for s in found[who] if s.get("status") == "expired"))


if __name__ == "__main__":
    unittest.main()
