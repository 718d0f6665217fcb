"""A Prometheus process on the loopback interface, with the chart's own rules, and its answers."""

import asyncio
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from tests.support.helm import render

#: Alerts wait for minutes, which nobody has here: each of their minutes is a second.
_MINUTES: Final = re.compile(r"\b(\d+)m\b")
START_SECONDS: Final = 30.0
FIRING: Final = 'ALERTS{alertstate="firing"}'


def rules() -> dict[str, Any]:
    """Return the rules that `helm template` renders, with seconds in the place of minutes and nothing else changed."""
    (rule,) = [one for one in render({"prometheusRule": {"enabled": True}}) if one["kind"] == "PrometheusRule"]
    groups = rule["spec"]["groups"]
    for group in groups:
        for one in group["rules"]:
            one |= {key: shortened(one[key]) for key in ("expr", "for") if key in one}
    return {"groups": groups}


def shortened(text: str) -> str:
    """Return an expression or a duration with seconds in the place of minutes."""
    return _MINUTES.sub(r"\1s", text)


class Prometheus:
    """Answers of the one that runs."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    async def firing(self) -> set[str]:
        """Return the names of the alerts that fire now."""
        found = await self._ask("query", query=FIRING)
        return {one["metric"]["alertname"] for one in found}

    async def fired(self, since: float) -> set[str]:
        """Return the names of all alerts that have fired since then (seconds since the epoch)."""
        found = await self.over_time(FIRING, since)
        return {one["metric"]["alertname"] for one in found}

    async def over_time(self, query: str, since: float) -> list[Any]:
        """Return the series of an expression, second by second."""
        return await self._ask("query_range", query=query, start=str(since), end=str(time.time()), step="1")

    async def is_ready(self) -> bool:
        """Tell whether it answers."""
        try:
            await self._ask("query", query="up")
        except OSError:
            return False
        return True

    async def _ask(self, what: str, **query: str) -> list[Any]:
        url = f"{self._url}/api/v1/{what}?{urllib.parse.urlencode(query)}"

        def read() -> list[Any]:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  our own process
                result: list[Any] = json.load(answer)["data"]["result"]
                return result

        return await asyncio.to_thread(read)


@asynccontextmanager
async def prometheus(program: Path, folder: Path, port: int, target: str) -> AsyncIterator[Prometheus]:
    """Run it; it scrapes the target (host:port) and evaluates the rules each second."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  once
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules()))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "hyperdrive-operator", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [str(program), f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220, S603  once
            [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=output, stderr=output
        )
    try:
        found = Prometheus(port)
        async with asyncio.timeout(START_SECONDS):
            while not await found.is_ready():  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.2)
        yield found
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
