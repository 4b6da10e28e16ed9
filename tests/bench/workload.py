# SPDX-License-Identifier: Apache-2.0
"""Files of surveys (bench_workload.h), each made once."""

import subprocess
import time

from tool import Failed

DAY = 86400


class Workloads:
    def __init__(self, tools, folder, surveys):
        """@surveys: how many a file of the last hour has at least."""
        self.tools = tools
        self.folder = folder
        self.surveys = surveys
        self.files = {}

    def _make(self, *plan):
        if plan not in self.files:
            path = self.folder / f"workload-{len(self.files)}.ndjson"
            with open(path, "wb") as output:
                command = [str(a) for a in (self.tools.program("bench-generate"), *plan)]
                if subprocess.run(command, stdout=output, check=False).returncode != 0:
                    raise Failed("a workload could not be made")
            self.files[plan] = path
        return self.files[plan]

    def live(self, centre, surveys=0):
        """Surveys of the last hour. The same file for all that is asked for within one run."""
        hour = self.files.setdefault("hour", int(time.time()) - 3600)
        return self._make(centre.agents, centre.queues, max(surveys, self.surveys), hour, 3000)

    def day(self, centre, per_agent):
        """One day's surveys, for passes that are moved from day to day."""
        return self._make(centre.agents, centre.queues, centre.agents * per_agent, midnight(), DAY - 1)


def midnight():
    return int(time.time()) // DAY * DAY
