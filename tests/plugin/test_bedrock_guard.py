"""Claude on Bedrock, on Vertex and behind gateways is not called by accident, whatever library asks."""

from __future__ import annotations

import pytest

from plugin_project import Project

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
STOPPED = "claude_replay: a request to Claude was stopped: no cassette covers it"
SWALLOWED = "The application caught this and went on; the test fails all the same."
# Nobody is looked up: what passes fails here, and says so.
HEAD = """
import asyncio
import http.client
import json
import socket
import threading
import urllib.request

import aiohttp
import boto3
import httplib2
import httpx2
import requests
import tornado.httpclient
import urllib3

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
MODEL = "us.anthropic.claude-sonnet-5-20260630-v1:0"
PATH = f"/model/{MODEL}/invoke"
URL = f"https://{HOST}{PATH}"

class Reached(BaseException):
    pass

@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    def look_up(host, *args, **options):
        raise Reached(host)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)

def make_boto3(service="bedrock-runtime", **options):
    keys = {"aws_access_key_id": "AKIA" + "IOSFODNN7EXAMPLE", "aws_secret_access_key": "x" * 40}
    return boto3.client(service, region_name="us-east-1", **keys, **options)

async def post_with_aiohttp(url=URL):
    async with aiohttp.ClientSession() as session:
        await session.post(url)

async def post_with_tornado():
    await tornado.httpclient.AsyncHTTPClient().fetch(URL, method="POST", body="")

def put_by_hand():
    connection = http.client.HTTPSConnection(HOST)
    connection.putrequest("POST", PATH)
    connection.endheaders()

MESSAGES = [{"role": "user", "content": [{"text": "one"}]}]
"""
SENDERS = {
    "invoke": "make_boto3().invoke_model(modelId=MODEL, body='{}')",
    "invoke-with-response-stream": "make_boto3().invoke_model_with_response_stream(modelId=MODEL, body='{}')",
    "converse": "make_boto3().converse(modelId=MODEL, messages=MESSAGES)",
    "converse-stream": "make_boto3().converse_stream(modelId=MODEL, messages=MESSAGES)",
    "requests": "requests.post(URL)",
    "urllib3": "urllib3.PoolManager(headers={'accept': 'application/json'}).request('POST', URL)",
    "urllib": "urllib.request.urlopen(URL, b'')",
    "http.client": "http.client.HTTPSConnection(HOST).request('POST', PATH)",
    "by hand": "put_by_hand()",
    "httplib2": "httplib2.Http().request(URL, 'POST')",
    "aiohttp": "asyncio.run(post_with_aiohttp())",
    "tornado": "asyncio.run(post_with_tornado())",
    "httpx2": "httpx2.post(URL)",
}


def tell(*why: str) -> list[str]:
    return [STOPPED, f"  asked     POST /model/*claude-sonnet-5*/* at {HOST}", *why]


NOT_MARKED = tell(
    "  why       no test with a cassette is running",
    "  mark the test: @pytest.mark.claude_replay; then record it: pytest --claude-record=once",
    "  to really call Claude and record nothing: pytest --claude-record=off",
)


@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_test_without_a_cassette_asks_bedrock_nothing(project: Project, mode: str) -> None:
    """Whatever it calls Claude with, and also while other tests are recorded."""
    project.test(
        HEAD + "".join(f"\ndef test_{n}():\n    {call}\n" for n, call in enumerate(SENDERS.values()))
    )

    result = project.run(f"--claude-record={mode}")

    result.assert_outcomes(failed=len(SENDERS))
    text = result.stdout.str()
    assert text.count(f"\n{STOPPED}") == len(SENDERS)
    result.stdout.fnmatch_lines(NOT_MARKED)
    result.stdout.no_fnmatch_line("*Reached*")
    for operation in list(SENDERS)[:4]:
        assert f"/{operation} at {HOST}" in text


def test_a_refusal_in_a_thread_fails_the_test(project: Project) -> None:
    """Though the thread takes the error with it."""
    calls = "".join(
        f"\ndef test_{n}():\n    swallow(lambda: {call})\n" for n, call in enumerate(SENDERS.values())
    )
    project.test(
        HEAD + "def swallow(call):\n"
        "    def run():\n"
        "        try:\n"
        "            call()\n"
        "        except BaseException:\n"
        "            pass\n"
        "    thread = threading.Thread(target=run)\n"
        "    thread.start()\n"
        "    thread.join()\n" + calls
    )

    result = project.run()

    result.assert_outcomes(failed=len(SENDERS))
    assert result.stdout.str().count(SWALLOWED) == len(SENDERS)
    result.stdout.fnmatch_lines([*NOT_MARKED, SWALLOWED])


def test_boto3_that_was_imported_before_the_run_is_refused_too(project: Project) -> None:
    """And what a fixture of wider scope asks."""
    project.test(
        HEAD + "@pytest.fixture(scope='module')\n"
        "def early():\n"
        "    make_boto3().converse(modelId=MODEL, messages=MESSAGES)\n"
        "def test_one(early):\n"
        "    pass\n"
    )

    result = project.run_apart("-p", "boto3")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([STOPPED, f"  asked     POST /model/*/converse at {HOST}"])


def test_other_models_services_and_this_machine_are_untouched(project: Project) -> None:
    """They get as far as they do without this plugin."""
    project.test(
        HEAD
        + """
@pytest.mark.parametrize("call", [
    lambda: make_boto3().invoke_model(modelId="amazon.nova-pro-v1:0", body="{}"),
    lambda: make_boto3("bedrock").list_foundation_models(),
    lambda: make_boto3("s3").list_buckets(),
    lambda: make_boto3(endpoint_url="http://localhost:9").converse(modelId=MODEL, messages=MESSAGES),
    lambda: requests.get("https://example.com/"),
    lambda: http.client.HTTPSConnection("example.com").request("GET", "/"),
    lambda: asyncio.run(post_with_aiohttp("https://example.com/")),
    lambda: httpx2.get("https://example.com/"),
])
def test_passes(call):
    with pytest.raises(Reached):
        call()

def test_what_is_no_request():
    with pytest.raises(TypeError):
        http.client.HTTPConnection("localhost").request()
    with pytest.raises(aiohttp.InvalidURL):
        asyncio.run(post_with_aiohttp("nowhere"))
    with pytest.raises(TypeError):
        asyncio.run(post_with_aiohttp(None))
"""
    )

    project.run().assert_outcomes(passed=9)


def test_a_gateway_is_known_by_what_is_sent(project: Project) -> None:
    """Claude behind any host, also through libraries that the SDK does not use."""
    project.test(
        HEAD
        + """
HEADERS = {b"Anthropic-Version": "2023-06-01"}

def test_requests():
    requests.post("https://gateway.test/v1/messages", headers={"Anthropic-Version": "2023-06-01"})

def test_bytes():
    http.client.HTTPSConnection("gateway.test").request("POST", "/v1/messages", "{}", HEADERS)

def test_vertex():
    requests.post("https://aiplatform.googleapis.com/v1/publishers/anthropic/models/claude-x:rawPredict")
"""
    )

    result = project.run()

    result.assert_outcomes(failed=3)
    assert result.stdout.str().count("asked     messages at gateway.test") >= 2
    result.stdout.fnmatch_lines(["  asked     POST /models/claude-x:rawPredict at aiplatform.googleapis.com"])


@pytest.mark.parametrize("option", ["--claude-replay-block=off", "--claude-record=off"])
def test_nothing_is_refused_where_that_was_asked_for(project: Project, option: str) -> None:
    """Without the guard, and in mode `off`, which means live calls."""
    project.test(
        HEAD + "def test_one():\n"
        "    with pytest.raises(Reached):\n"
        "        make_boto3().converse(modelId=MODEL, messages=MESSAGES)\n"
    )

    # Apart: around a run in this process there is the guard of these tests.
    project.run_apart(option).assert_outcomes(passed=1)


def test_a_cassette_covers_boto3_as_before(project: Project) -> None:
    """Without a recording that is a miss; while it is recorded the call is made."""
    project.test(
        HEAD + "@pytest.mark.claude_replay\n"
        "def test_one():\n"
        "    make_boto3().converse(modelId=MODEL, messages=MESSAGES)\n"
    )

    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["claude_replay: no recording answers this request"])
    result.stdout.no_fnmatch_line(f"*{STOPPED}*")

    project.run("--claude-record=once").stdout.fnmatch_lines([f"*Reached: {HOST}*"])


def test_a_cassette_of_vcr_may_answer_and_may_not_ask(project: Project) -> None:
    """What it holds is replayed; what it lacks would be a live call."""
    project.test(
        HEAD
        + """
import vcr
import yaml

def test_both(tmp_path, monkeypatch):
    # It connects first, and then sends.
    monkeypatch.setattr(urllib3.connection.HTTPSConnection, 'connect', lambda connection: None)
    exchange = {
        "request": {"method": "POST", "uri": URL, "body": None, "headers": {}},
        "response": {
            "status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "known"}
        },
    }
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "interactions": [exchange]}))
    with vcr.use_cassette(str(path), record_mode="new_episodes"):
        assert requests.post(URL).text == "known"
        requests.post(URL.replace("sonnet", "opus"))
"""
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([STOPPED, f"  asked     POST /model/*claude-opus-5*/invoke at {HOST}"])
    result.stdout.no_fnmatch_line("*Reached*")
