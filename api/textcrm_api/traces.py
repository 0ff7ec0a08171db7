"""OpenTelemetry traces, when they are switched on: a span a request, joined to the trace of the caller.

Nothing of OpenTelemetry is imported until then. Where spans go is said as everywhere, by
``OTEL_EXPORTER_OTLP_ENDPOINT`` and its like. Spans hold routes, statuses and ids, never a text.

References
----------
OpenTelemetry semantic conventions for HTTP spans; W3C Trace Context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from textcrm.errors import DependencyError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


def exporting_provider() -> TracerProvider:
    """Return what makes spans and sends them by OTLP over HTTP.

    Raises
    ------
    DependencyError
        OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise DependencyError("Traces need OpenTelemetry", hint="Install it: pip install 'textcrm[otel]'.") from error
    provider = TracerProvider(resource=Resource.create({"service.name": "textcrm"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Traced:
    """Opens a span for each request, outside of all else."""

    def __init__(self, app: ASGIApp, *, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app = app
        self._tracer = provider.get_tracer("textcrm")
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode

        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = self._propagator.extract({k: carrier[k] for k in ("traceparent", "tracestate") if k in carrier})
        method = str(scope["method"])
        with self._tracer.start_as_current_span(method, context=parent, kind=SpanKind.SERVER) as span:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = int(message["status"])
                    route = getattr(scope.get("route"), "path", "unknown")
                    headers = dict(message.get("headers", ()))
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.request.method", method)
                    span.set_attribute("http.route", route)
                    span.set_attribute("http.response.status_code", status)
                    span.set_attribute("textcrm.request_id", headers.get(b"x-request-id", b"").decode("latin-1"))
                    if status >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            await self._app(scope, receive, told)
