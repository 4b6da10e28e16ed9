#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The description of the API says what the daemon's source does: routes, parameters, codes; and hangs together.

    test-openapi.py ROOT
"""

import json
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1))
SERVER = ROOT / "daemon" / "server"
DOCUMENT = json.loads((ROOT / "daemon" / "web" / "openapi.json").read_text("utf-8"))
ROUTE = re.compile(r'\{HTTP_(\w+), "([^"]+)", (true|false), (\w+)(?:, \w+)?\}')
PARAMETERS = re.compile(r"^int (api_\w+)\(ApiCall \*call\)\n\{(.*?)^\}", re.M | re.S)


def routes():
    """(method, path with {} for what varies) -> (open, function), as in the daemon's table."""
    table = re.search(r"routes\[\] = \{(.*?)\n\};", (SERVER / "api.c").read_text("utf-8"), re.S).group(1)
    found = {(m.lower(), p.replace("*", "{}")): (o == "true", f) for m, p, o, f in ROUTE.findall(table)}
    assert len(found) == len(re.findall(r"\bHTTP_\w+", table)), "a route that this test cannot read"
    return found


def described():
    """The same keys -> operation."""
    return {
        (method, re.sub(r"\{\w+\}", "{}", path)): operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }


def resolve(thing):
    while "$ref" in thing:
        place = DOCUMENT
        for part in thing["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        thing = place
    return thing


def everything(thing):
    """Every object within the document."""
    if isinstance(thing, dict):
        yield thing
        thing = list(thing.values())
    if isinstance(thing, list):
        for one in thing:
            yield from everything(one)


class OpenApi(unittest.TestCase):
    def test_the_routes_are_those_of_the_daemon(self):
        self.assertEqual(sorted(described()), sorted(routes()))

    def test_open_routes_ask_for_no_token(self):
        for key, (is_open, _) in routes().items():
            security = described()[key].get("security", DOCUMENT["security"])
            self.assertEqual(is_open, security in ([{}], [{"bearer": []}, {}]) and "security" in described()[key], key)

    def test_the_parameters_are_those_that_each_route_takes(self):
        taken = {}
        for file in SERVER.glob("api*.c"):
            for function, body in PARAMETERS.findall(file.read_text("utf-8")):
                names = re.search(r"params\[\] = \{(.*?)\bNULL\}", body, re.S)
                taken[function] = re.findall(r'"(\w+)"', names.group(1)) if names else []
        for key, (_, function) in routes().items():
            stated = [resolve(p) for p in described()[key].get("parameters", [])]
            self.assertIn(function, taken)
            self.assertEqual(sorted(p["name"] for p in stated if p["in"] == "query"), sorted(taken[function]), key)
            self.assertEqual([p["required"] for p in stated if p["in"] == "path"], [True] * key[1].count("{}"), key)

    def test_the_members_of_bodies_are_those_that_each_command_takes(self):
        source = (SERVER / "api_alerts.c").read_text("utf-8")
        for verb in ("ack", "snooze", "outcome"):
            body = re.search(rf"^int api_alert_{verb}\(.*?names\[\] = \{{(.*?)NULL", source, re.M | re.S).group(1)
            stated = described()["post", f"/v1/alerts/{{}}/{verb}"]["requestBody"]["content"]["application/json"]["schema"]
            self.assertEqual(sorted(stated["properties"]), sorted(re.findall(r'"(\w+)"', body)), verb)

    def test_the_codes_are_those_of_the_table(self):
        table = re.findall(r"^\s*_x\((\w+),", (ROOT / "proto" / "fault.h").read_text("utf-8"), re.M)
        self.assertEqual(DOCUMENT["components"]["schemas"]["Code"]["enum"], ["E_" + name for name in table])

    def test_figures_have_the_members_that_the_daemon_writes(self):
        source = (ROOT / "proto" / "figure.c").read_text("utf-8")
        written = set(re.findall(r'json_member_\w+\(out, "(\w+)"|json_key\(out, TEXT\("(\w+)"\)\)', source))
        schema = DOCUMENT["components"]["schemas"]["Figure"]
        self.assertEqual(set(schema["properties"]), {a or b for a, b in written})
        self.assertEqual(set(schema["required"]), set(schema["properties"]))

    def test_alerts_have_the_members_that_the_daemon_writes(self):
        source = (SERVER / "alert_json.c").read_text("utf-8")
        body = re.search(r"^static void write_members.*?^\}", source, re.M | re.S).group()
        inner = re.search(r'TEXT\("evidence"\).*?json_end_object', body, re.S).group()
        names = lambda text: {a or b for a, b in re.findall(r'json_member_\w+\(out, "(\w+)"|json_key\(out, TEXT\("(\w+)"\)\)', text)}
        schema = DOCUMENT["components"]["schemas"]["Alert"]["properties"]
        self.assertEqual(set(schema), names(body) - (names(inner) - {"evidence"}) | {"scope", "figure"})
        self.assertEqual(set(schema["evidence"]["properties"]), names(inner) - {"evidence"})

    def test_every_reference_leads_somewhere_and_every_component_is_used(self):
        used = {thing["$ref"] for thing in everything(DOCUMENT) if "$ref" in thing}
        for reference in used:
            resolve({"$ref": reference})
        defined = {f"#/components/{kind}/{name}" for kind, all_ in DOCUMENT["components"].items() if kind != "securitySchemes" for name in all_}
        self.assertEqual(defined, used)

    def test_required_members_are_described(self):
        for thing in everything(DOCUMENT):
            if "required" in thing and "properties" in thing:
                self.assertLessEqual(set(thing["required"]), set(thing["properties"]))

    def test_names_of_operations_are_unique(self):
        names = [operation["operationId"] for operation in described().values()]
        self.assertEqual(len(names), len(set(names)))


unittest.main(verbosity=2)
