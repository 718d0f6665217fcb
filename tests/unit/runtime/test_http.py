import pytest
from aiohttp import ClientSession

from hyperdrive_operator.runtime.config import Listen
from hyperdrive_operator.runtime.http import HttpServer

ANY_PORT = Listen(host="127.0.0.1", port=0)


async def test_probes_say_ok_or_what_is_wrong_and_metrics_are_prometheus_text() -> None:
    problems = {"health": "", "ready": "reading"}
    server = HttpServer(
        ANY_PORT, metrics=lambda: b"m 1\n", healthy=lambda: problems["health"], ready=lambda: problems["ready"]
    )
    await server.start()
    try:
        async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
            for path, status, text in (
                ("/healthz", 200, "ok\n"),
                ("/readyz", 503, "reading\n"),
                ("/metrics", 200, "m 1\n"),
                ("/", 404, "404: Not Found"),
            ):
                async with session.get(path) as response:
                    assert (response.status, await response.text()) == (status, text)
            async with session.get("/metrics") as response:
                assert response.headers["Content-Type"].startswith("text/plain; version=")
            problems.update(health="kopf has ended", ready="")
            async with session.get("/healthz") as response:
                assert response.status == 503
            async with session.get("/readyz") as response:
                assert response.status == 200
    finally:
        await server.stop()


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    def serve(listen: Listen) -> HttpServer:
        return HttpServer(listen, metrics=lambda: b"", healthy=lambda: "", ready=lambda: "")

    first = serve(ANY_PORT)
    await first.start()
    try:
        with pytest.raises(OSError, match="in use"):
            await serve(Listen(host="127.0.0.1", port=first.port)).start()
    finally:
        await first.stop()
