"""A plugin's metrics as the server gives them to Prometheus, read by Prometheus' own parser."""

from __future__ import annotations

from minimost import Minimost
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from web_client import Answer, Web


def asked(server: Minimost, path: str = "/") -> Answer:
    """Asks for the metrics."""
    return Web(server.do("listen", hook={"name": "ServeMetrics"})).ask("GET", path)


def parsed(answer: Answer) -> dict[str, Metric]:
    """The metrics by name."""
    assert answer.status == 200
    assert answer.header["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.text))
    names = [it.name for it in families]
    assert len(names) == len(set(names)), "each is told once"
    return {it.name: it for it in families}


def value(metric: Metric, name: str, **labels: str) -> float:
    """The sample of this name and these labels."""
    (sample,) = [it for it in metric.samples if it.name == name and labels.items() <= it.labels.items()]
    return float(sample.value)
