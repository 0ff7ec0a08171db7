"""What the service counts, for Prometheus. Labels are routes, tasks and model labels: few, and never a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from textcrm.records import Prediction

if TYPE_CHECKING:
    from textcrm.engine import StageClock
    from textcrm.operations.work.stream import Lag

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one application.

    Parameters
    ----------
    process
        A name of this process where several serve one port: each counts its own, as series of their own.
    """

    def __init__(self, clock: StageClock | None, *, process: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self._process = process
        self._requests = Counter(
            "textcrm_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._latency = Histogram(
            "textcrm_http_seconds", "Time to answer.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self._batch = Histogram(
            "textcrm_batch_items",
            "Texts that shared one run of the models.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )
        self._cache = Counter("textcrm_cache", "Look-ups of the answer cache.", ["result"], registry=self.registry)
        self._labels = Counter("textcrm_predictions", "Answers by label.", ["task", "label"], registry=self.registry)
        self._abstained = Counter("textcrm_abstentions", "Abstentions.", ["task", "reason"], registry=self.registry)
        self._refused = Counter("textcrm_refused", "Requests refused.", ["code"], registry=self.registry)
        self._messages = Gauge("textcrm_messages", "Messages by state of work.", ["state"], registry=self.registry)
        self._lag = {
            name: Gauge(f"textcrm_{name}", words, registry=self.registry)
            for name, words in (
                ("lag_seconds", "How long the oldest new message waits for its insight."),
                ("lag_messages", "New messages that wait or are worked on."),
                ("lag_oplog_share", "That wait as a share of what the oplog of the database reaches back."),
                ("backfill_messages", "Messages that wait to be analysed anew."),
                ("workers", "Workers that are at work."),
                ("worker_messages_per_second", "What they do together, over the last minute."),
                ("canary_seconds", "How long the test text of the last minute took with the slowest worker."),
            )
        }
        self._queue = Gauge("textcrm_queue_items", "Texts that wait for the models.", registry=self.registry)
        if clock is not None:
            self.registry.register(_Stages(clock))

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Show the length of the queue of the models."""
        self._queue.set_function(length)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = method if method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def batch(self, items: int) -> None:
        """Count a run of the models."""
        self._batch.observe(items)

    def cache(self, *, hit: bool) -> None:
        """Count a look-up of the answer cache."""
        self._cache.labels("hit" if hit else "miss").inc()

    def refused(self, code: str) -> None:
        """Count a refusal."""
        self._refused.labels(code).inc()

    def predictions(self, predictions: Iterable[Prediction]) -> None:
        """Count what the models said."""
        for prediction in predictions:
            if prediction.abstained:
                self._abstained.labels(prediction.task, prediction.reason or "").inc()
            else:
                self._labels.labels(prediction.task, prediction.label).inc()

    def text(self, messages: Mapping[str, int], lag: Lag) -> bytes:
        """Return all in the text format of Prometheus. *messages* by state of work; what *lag* does not tell is NaN."""
        figures = {
            "lag_seconds": lag.seconds,
            "lag_messages": lag.waiting,
            "lag_oplog_share": lag.share,
            "backfill_messages": lag.backfill,
            "workers": lag.workers,
            "worker_messages_per_second": lag.rate,
            "canary_seconds": lag.canary_seconds,
        }
        for name, figure in figures.items():
            self._lag[name].set(math.nan if figure is None else figure)
        for state in ("pending", "leased", "done", "failed"):
            self._messages.labels(state).set(messages.get(state, 0))
        return generate_latest(self.registry if self._process is None else _OfProcess(self.registry, self._process))


class _OfProcess(CollectorRegistry):
    """What a registry holds, with the process as a label of all that it counts; what the database tells is of all."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        super().__init__()
        self._of, self._named = registry, process

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics."""
        for family in self._of.collect():
            if family.type != "gauge" or family.name == "textcrm_queue_items":
                family.samples = [s._replace(labels={**s.labels, "process": self._named}) for s in family.samples]
            yield family


class _Stages(Collector):
    """Reads the engine's clock when asked."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Yield the seconds by stage."""
        family = CounterMetricFamily("textcrm_stage_seconds", "Time spent by stage.", labels=["stage"])
        for stage, seconds in sorted(dict(self._clock.seconds).items()):
            family.add_metric([stage], seconds)
        yield family
