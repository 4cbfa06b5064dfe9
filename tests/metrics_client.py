"""A client of a metrics page: speaks HTTP, or whatever it is told to."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from tests.wire_client import PATIENCE_S


class MetricsClient:
    """Asks the server on a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def send(self, request: bytes) -> tuple[str, bytes]:
        """The status line and the body of the answer; "" and nothing when there is none."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(PATIENCE_S):
                answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.partition(b"\r\n")[0].decode(), body

    async def get(self, path: str) -> tuple[str, bytes]:
        return await self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def values(self) -> dict[str, float]:
        """All samples, with their labels' values but for `kind`, by name."""
        return values_in((await self.get("/metrics"))[1])


def values_in(page: bytes) -> dict[str, float]:
    """All samples of a page, as in `MetricsClient.values`."""
    return {
        ":".join([sample.name, *_told(sample.labels)]): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def _told(labels: dict[str, str]) -> list[str]:
    return sorted(value for name, value in labels.items() if name != "kind")
