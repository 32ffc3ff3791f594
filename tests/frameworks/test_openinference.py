"""openinference: spans of calls to Claude, recorded and replayed alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from claude_replay import Handle


def test_spans(round_trip: Callable[[Callable[[], Any]], Handle]) -> None:
    """What is traced on replay is what was traced live: model, tokens, output."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    AnthropicInstrumentor().instrument(tracer_provider=provider)

    def ask() -> Any:
        exporter.clear()
        messages: Any = [{"role": "user", "content": "Hello"}]
        anthropic.Anthropic().messages.create(model="claude-sonnet-5", max_tokens=100, messages=messages)
        (span,) = exporter.get_finished_spans()
        return dict(span.attributes or {})

    try:
        handle = round_trip(ask)
    finally:
        AnthropicInstrumentor().uninstrument()

    assert handle.text == "You said: Hello"
