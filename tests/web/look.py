#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes pictures of the dashboard in all its moods, for people to judge: look.py FOLDER"""

import pathlib
import sys

import browser
import mock

SIGNED_IN = f"sessionStorage.setItem('cxd.token', '{mock.TOKEN}')"
CARDS = "document.querySelectorAll('.card').length > 0 && document.querySelectorAll('#rows tr').length > 0"
CALM = "!document.getElementById('attention-none').hidden && document.querySelectorAll('#rows tr').length > 0"
SERIES = "document.querySelector('.series') && document.querySelector('.surveys li')"
DETAIL = "/#scope=agent/ana.ruiz&metric=csat&window=28d"
# name, scenario, path, what to wait for, how to look
MOODS = [
    ("light", "normal", "/", CARDS, {}),
    ("dark", "normal", "/", CARDS, {"dark": True}),
    ("narrow", "normal", "/", CARDS, {"width": 360, "height": 800}),
    ("paper", "normal", "/", CARDS, {"paper": True, "width": 800}),
    ("empty", "empty", "/", CALM, {}),
    ("hostile", "hostile", "/", CARDS, {}),
    ("detail", "normal", DETAIL, SERIES, {}),
    ("detail-dark", "normal", DETAIL, SERIES, {"dark": True}),
    ("detail-narrow", "normal", DETAIL, SERIES, {"width": 360, "height": 800}),
    ("queue", "normal", "/#scope=queue/billing-es&metric=nps&window=7d", SERIES, {}),
    ("sign-in", "signed out", "/", "!document.getElementById('sign-in').hidden", {}),
    ("failure", "failing", "/", "!document.getElementById('failure').hidden", {}),
]


def main(folder, *only):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, scenario, path, wait, how in MOODS:
        if only and name not in only:
            continue
        one = mock.Mock(scenario if scenario in ("empty", "hostile") else "normal")
        if scenario == "failing":
            one.failing.add("/v1/me")
        page = browser.Browser()
        url = one.serve()
        page.look(**how)
        page.open(url + "/web/style.css")
        if scenario != "signed out":
            page.run(SIGNED_IN)
        page.open(url + path)
        page.until(wait, name)
        page.run("new Promise((done) => setTimeout(done, 300))")
        page.picture(folder / f"{name}.png")
        print(name, page.run("[document.documentElement.scrollWidth, innerWidth]"), page.problems)
        page.close()
        one.close()


main(*sys.argv[1:])
