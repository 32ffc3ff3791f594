"""
The stand-in for Claude's API: a real HTTP/1.1 server on loopback that speaks the Messages protocol.

    with ClaudeServer() as server:
        client = Anthropic(base_url=server.url, api_key=...)

or, as a process of its own, `python -m standin [--port N]`, which prints the URL on its first line.

Routes: `POST /v1/messages` (JSON, or an event stream with `"stream": true`),
`POST /v1/messages/count_tokens`, `GET /v1/models`, `GET /v1/models/{id}`; batches, files and whatever else is
below `/v1/` as resources that are made, read and listed (`standin.resources`), below any prefix of a gateway.
The same messages as Bedrock has them (`/model/{model}/invoke`, `invoke-with-response-stream` with real AWS
event-stream frames, `converse`, `converse-stream`) and as Vertex does (`:rawPredict`, `:streamRawPredict`).

Every byte of an answer, headers included, is a function of the request and of how many equal requests came
before it; two servers given the same requests answer the same. Without a directive the text is
`answer_to(user text)`.

An answer follows what the request asks for: `thinking` (enabled or adaptive) gives a signed thinking block
first; a `json_schema` format gives JSON text that satisfies the schema; a last message with tool results
gives text that quotes them; `cache_control` gives cache writes the first time and cache reads for equal
requests after it.

Directives stand in square brackets in the last user message (in its text or in a tool result, so that a tool
can ask for the next tool) and are taken out of the text that is answered. A known name with a bad argument
is answered with a 400 that says so; other brackets are plain text. A directive ends at the next `]`, except
where noted.

Text:
    [words N]           N words, one delta each
    [lines N]           N lines, one delta each
    [pieces A|B|C]      the text ABC in exactly these deltas, spaces and line breaks kept
    [echo TEXT]         exactly TEXT, one delta per word; reaches to the last `]`, so it stands last
    [ordinal]           adds " (request N)": the N-th request this server received, from 1
    [tool NAME {JSON}]  calls the tool, with `{}` if no JSON is given; several give parallel calls; the `]` is
                        the one after the JSON; 400 unless the request offers the tool or continues a thread
    [stop REASON]       the stop reason, such as max_tokens, refusal, pause_turn, stop_sequence
Pace:
    [slow MS]           waits before a JSON answer, and before each event of a stream but the first
Errors:
    [status N]          this HTTP status with the API's error JSON, always
    [once N]            the same, with `retry-after: 1`, for the first request with this body only
    [once N TIMES]      for the first TIMES of them
    [retry-after S]     the `retry-after` header of either, as written
Broken transfers, K deltas (or all of them, if there are fewer) into the stream:
    [error-after K]     an `error` event (overloaded_error), then a proper end; JSON answers are not touched
    [cut-after K]       the connection closes without the final chunk; a JSON answer is not sent at all
    [hang-after K]      silence until the client or the server closes; the same for a JSON answer
    [cut-json]          half of a JSON body, less than its content-length says; streams are not touched

`server.script("[status 529]", "", "[cut-after 2]")` gives directives to the next requests, one each whatever
the route, on top of what their text says. `server.rejected_keys` holds API keys that get 401.
"""

from __future__ import annotations

from standin.answers import answer_to
from standin.directives import DirectiveError
from standin.received import Received
from standin.server import ClaudeServer

__all__ = ["ClaudeServer", "DirectiveError", "Received", "answer_to"]
