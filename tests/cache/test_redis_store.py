"""Entries in Redis: against a real redis-server, which these tests start."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import redis
import trio

from cache.contract import OpenStore, StoreContract, make_entry
from claude_replay import RedisStore, SettingsError, StoreError
from claude_replay.cache import Selection
from redis_server import RedisServer, free_port

FILL = """
import sys, time
from cache.contract import make_entry
from claude_replay import RedisStore

store, start = RedisStore(sys.argv[1]), int(sys.argv[2])
for number in range(start, start + 50):
    entry = make_entry(number)
    store.put(entry)
    assert store.get(entry.key).envelope == entry.envelope
    store.count({"n": 1})
print(sum(store.lease("same", f"holder {start} {turn}", 60.0) for turn in range(20)))
store.close()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Makes servers that the test may stop."""
    started: list[RedisServer] = []

    def start(**options: Any) -> RedisServer:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(RedisServer(folder, **options))
        return started[-1]

    yield start
    for running in started:
        running.close()


def opener(server: RedisServer, *, cluster: bool = False) -> OpenStore:
    def open_store() -> RedisStore:
        with server.client() as client:
            client.flushall()
        return RedisStore(server.url, cluster=cluster)

    return open_store


class TestRedisStore(StoreContract):
    @pytest.fixture
    def open_store(self, server: RedisServer) -> OpenStore:
        return opener(server)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Of one node: it refuses what touches two slots, as any cluster does."""
    folder = tmp_path_factory.mktemp("cluster")
    with RedisServer(
        folder, cluster_enabled="yes", cluster_require_full_coverage="no", cluster_port=str(free_port())
    ) as running:
        with running.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while client.cluster("INFO")["cluster_state"] != "ok":
                time.sleep(0.02)
        yield running


class TestRedisStoreOfACluster(StoreContract):
    @pytest.fixture
    def open_store(self, cluster: RedisServer) -> OpenStore:
        return opener(cluster, cluster=True)


def test_a_closed_store_is_connected_to_no_node(cluster: RedisServer) -> None:
    """At once, and not when the garbage collector comes."""
    with cluster.client() as client:
        before = len(client.client_list())
        store = opener(cluster, cluster=True)()
        store.put(make_entry())
        assert len(client.client_list()) > before
        store.close()
        ends = time.monotonic() + 5
        # The server notices a moment later.
        while len(client.client_list()) > before and time.monotonic() < ends:
            time.sleep(0.01)
        assert len(client.client_list()) == before


@pytest.fixture(scope="module")
def socket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("socket"), unix=True) as running:
        yield running


class TestRedisStoreOnASocket(StoreContract):
    @pytest.fixture
    def open_store(self, socket_server: RedisServer) -> OpenStore:
        return opener(socket_server)


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    opened = opener(server)()
    assert isinstance(opened, RedisStore)
    yield opened
    opened.close()


def test_the_server_ends_an_entry_and_its_marks(server: RedisServer, store: RedisStore) -> None:
    """Nothing is left that somebody has to clean up."""
    now = time.time()
    store.put(make_entry(1, expires=now + 100, marks=("a",)))
    store.put(make_entry(2, expires=now + 500, marks=("a", "b")))
    store.put(make_entry(3, expires=now + 50, marks=("b", "c")))
    store.put(make_entry(4, marks=("c", "d")))
    store.put(make_entry(5, expires=now + 50, marks=("d",)))

    with server.client() as client:
        lives = {key.decode(): client.ttl(key) for key in client.scan_iter("claude-replay:*")}
    entries = sorted((key[-1], life) for key, life in lives.items() if ":entry:" in key)
    marks = sorted(life for key, life in lives.items() if ":mark:" in key)

    assert [life for _, life in entries] == pytest.approx([100, 500, 50, -1, 50], abs=20)
    assert marks == pytest.approx([-1, -1, 500, 500], abs=20)


def test_an_entry_ends_by_the_clock_of_whoever_asks(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers' clocks differ: what is over here is not given, listed or found."""
    entry = make_entry(expires=time.time() + 100)
    store.put(entry)
    assert store.get(entry.key) is not None

    over = time.time() + 101
    monkeypatch.setattr("time.time", lambda: over)

    assert store.get(entry.key) is None
    assert store.load(entry.key) is None
    assert list(store.listed()) == []
    assert store.kin(["all"]) == []


def test_a_mark_remembers_the_newest_only(server: RedisServer, store: RedisStore) -> None:
    """A mark that every entry carries stays small."""
    for number in range(510):
        store.put(make_entry(number, marks=("all",)))

    with server.client() as client:
        (mark,) = client.scan_iter("claude-replay:mark:*")
        assert client.zcard(mark) == 256
    assert [int(item.key, 16) for item in store.kin(["all"], 3)] == [509, 508, 507]
    assert store.stats().entries == 510


def test_marks_heal(server: RedisServer, store: RedisStore) -> None:
    """Of entries that were evicted, or carry a mark no more, an index forgets the names."""
    for number in range(4):
        store.put(make_entry(number, marks=("all",)))
    store.put(make_entry(2, marks=("other",)))
    with server.client() as client:
        client.delete(f"claude-replay:entry:{make_entry(3).key}")

        assert [int(item.key, 16) for item in store.kin(["all"])] == [1, 0]

        sizes = sorted(client.zcard(mark) for mark in client.scan_iter("claude-replay:mark:*"))
    assert sizes == [1, 2]


def test_indices_that_were_evicted_lose_no_entry(server: RedisServer, store: RedisStore) -> None:
    """What must be exact does not look at them."""
    for number in range(3):
        store.put(make_entry(number))
    with server.client() as client:
        for mark in client.scan_iter("claude-replay:mark:*"):
            client.delete(mark)

    assert store.kin(["all"]) == []
    assert len(list(store.listed())) == 3
    assert store.delete_where(Selection(tag="faq")) == 3


def test_other_keys_are_left_alone(server: RedisServer, store: RedisStore) -> None:
    """Another application's, and another prefix'; signs in a prefix that mean something to Redis do not."""
    other, odd = RedisStore(server.url, prefix="a*[b]?"), RedisStore(server.url, prefix="axxb]?")
    with server.client() as client:
        client.set("claude-replay:entrance", 1)
        for each in (store, other, odd):
            each.put(make_entry())

        assert other.delete_where(Selection()) == 1

        assert client.get("claude-replay:entrance") == b"1"
    assert odd.stats().entries == 1
    assert store.stats().entries == 1
    other.close()
    odd.close()


def test_memory_may_be_short(own_server: Callable[..., RedisServer]) -> None:
    """The server throws entries and indices away; what it still has is right, and new ones go in."""
    server = own_server(maxmemory="4mb", maxmemory_policy="allkeys-lru")
    store = RedisStore(server.url)
    for number in range(400):
        store.put(make_entry(number, envelope=b"%d" % number * 10_000, marks=("all", f"one:{number % 7}")))

    left = {int(item.key, 16) for item in store.listed()}
    assert 0 < len(left) < 200
    for number in range(400):
        stored = store.get(make_entry(number).key)
        assert stored is None or stored.envelope == b"%d" % number * 10_000
    assert {int(item.key, 16) for item in store.kin(["all"], 300)} <= left
    store.put(make_entry(1000))
    assert store.get(make_entry(1000).key) is not None
    store.close()


def test_a_full_server_that_evicts_nothing_can_be_read(own_server: Callable[..., RedisServer]) -> None:
    """Putting fails by name, without showing what was to be put; hits are still hits."""
    server = own_server(maxmemory_policy="noeviction")
    store = RedisStore(server.url)
    store.put(make_entry(1))
    with server.client() as client:
        client.config_set("maxmemory", 1)

        with pytest.raises(StoreError, match="used memory > 'maxmemory'") as caught:
            store.put(make_entry(2, envelope=b"do not show this"))
        assert "show" not in str(caught.value)
        with pytest.raises(StoreError, match="used memory > 'maxmemory'"):
            store.put(make_entry(2, marks=()))

    stored = store.get(make_entry(1).key)
    assert stored is not None
    store.close()


def test_several_processes_share_it(server: RedisServer, store: RedisStore) -> None:
    """Nothing is lost, counters add up, and one holder has the lease."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", FILL, server.url, str(start)],
            env={"PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        for start in (0, 100, 200)
    ]
    leases = [int(process.communicate()[0]) for process in running]

    assert [process.returncode for process in running] == [0, 0, 0]
    assert sum(leases) == 1
    assert store.stats().entries == 150
    assert store.stats().counters == {"n": 150}


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_server_that_restarts_is_found_again(own_server: Callable[..., RedisServer], way: str) -> None:
    """While it is down every call is a StoreError, at once; afterwards the same store works."""
    server = own_server(persist=True, appendfsync="always")
    store = RedisStore(server.url)

    async def live() -> None:
        async def call(name: str, *args: object) -> Any:
            if way == "sync":
                return getattr(store, name)(*args)
            return await getattr(store, f"a{name}")(*args)

        await call("put", make_entry(1))
        await call("advance", "space")
        server.stop()
        for name, *args in (
            ("get", "k"),
            ("put", make_entry(2)),
            ("delete_where", Selection()),
            ("stats",),
            ("lease", "k", "me", 1.0),
        ):
            with pytest.raises(StoreError, match=f"Redis at redis://127.0.0.1:{server.port}/0: .*onnect"):
                await call(name, *args)
        server.start()

        stored = await call("get", make_entry(1).key)
        assert stored is not None
        assert stored.envelope == make_entry(1).envelope
        assert await call("epochs", ["space"]) == (1,)
        await store.aclose()

    asyncio.run(live())


def test_a_server_that_hangs_is_given_up(
    own_server: Callable[..., RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the timeout, once; then it is left alone for a while, as one call asks several times."""
    server = own_server()
    with closing(RedisStore(server.url, timeout=1.5)) as store, server.client() as client:
        store.put(make_entry())
        client.execute_command("CLIENT", "PAUSE", 60_000)

        with pytest.raises(StoreError, match=r"[Tt]imeout"):
            store.get(make_entry().key)
        for _ in range(100):
            with pytest.raises(StoreError, match="did not answer in time; it is asked again in a moment"):
                store.get(make_entry().key)
        with pytest.raises(StoreError, match="asked again in a moment"):
            store.stats()
        with pytest.raises(StoreError, match="asked again in a moment"):
            asyncio.run(store.aget(make_entry().key))

        server.stop()
        server.start()
        later = time.monotonic() + 6
        monkeypatch.setattr("claude_replay.cache.stores.redis_link.time.monotonic", lambda: later)
        assert store.get(make_entry().key) is None


def test_it_works_under_trio(store: RedisStore) -> None:
    """Through threads: the redis package knows asyncio only."""

    async def live() -> None:
        await store.aput(make_entry(1))
        stored = await store.aget(make_entry(1).key)
        assert stored is not None
        assert [item.key async for item in store.alisted()] == [make_entry(1).key]
        assert (await store.astats()).entries == 1
        await store.aclose()

    trio.run(live)


def test_several_event_loops_use_it(server: RedisServer, store: RedisStore) -> None:
    """One after the other: a connection belongs to the loop that made it, and is closed with it."""

    async def live(number: int) -> None:
        await store.aput(make_entry(number))
        stored = await store.aget(make_entry(number).key)
        assert stored is not None

    for number in range(3):
        asyncio.run(live(number))
        with server.client() as client:
            # The server may take a moment to see that a connection is gone.
            deadline = time.monotonic() + 20
            while client.info("clients")["connected_clients"] > 1:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    gc.collect()  # where a warning about a connection that was left open would come up

    assert store.stats().entries == 3


def test_tls_and_a_password(own_server: Callable[..., RedisServer], tmp_path: Path) -> None:
    """`rediss://` checks the server's certificate; messages show no credentials."""
    certificate = write_certificate(tmp_path)
    secret = "let" + "me" + "in"
    port = free_port()
    own_server(
        tls_port=str(port),
        tls_cert_file=str(certificate),
        tls_key_file=str(tmp_path / "key.pem"),
        tls_ca_cert_file=str(certificate),
        tls_auth_clients="no",
        password=secret,
    )
    address = f"127.0.0.1:{port}"
    with closing(RedisStore(f"rediss://:{secret}@{address}/1?ssl_ca_certs={certificate}")) as store:
        store.put(make_entry())
        assert store.get(make_entry().key) is not None
        assert repr(store) == f"RedisStore('rediss://{address}/1')"

    with closing(RedisStore(f"rediss://:{secret}@{address}/1")) as store:
        with pytest.raises(StoreError, match="certificate verify failed") as caught:
            store.get("k")
        assert secret not in str(caught.value)
    with (
        closing(RedisStore(f"valkeys://{address}/1", ssl_ca_certs=str(certificate))) as store,
        pytest.raises(StoreError, match="uthenticat"),
    ):
        store.get("k")


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis.db", ""])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """With what there is."""
    with pytest.raises(SettingsError, match=r"a URL of Redis begins with redis://, rediss:// or unix://"):
        RedisStore(url)


def test_a_cluster_may_be_named_in_the_url(server: RedisServer) -> None:
    """What is no cluster says so."""
    for url in (f"{server.url}?cluster=true", f"{server.url}?cluster=1"):
        with (
            closing(RedisStore(url)) as store,
            pytest.raises(StoreError, match="Cluster mode is not enabled"),
        ):
            store.get("k")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    for name in ("redis", "redis.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError, match=r"pip install 'pytest-claude-replay\[redis\]'"):
        RedisStore()


def write_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1, valid for an hour, signed by itself; its key is beside it."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    return folder / "cert.pem"


def test_what_is_stored_is_json_and_text(server: RedisServer, store: RedisStore) -> None:
    """Nothing in it can execute when it is read."""
    store.put(make_entry())
    with server.client() as client:
        fields = client.hgetall(f"claude-replay:entry:{make_entry().key}")
    assert json.loads(fields[b"tags"]) == ["faq"]
    assert json.loads(fields[b"envelope"])["v"] == 1


def hits_of(server: RedisServer, number: int) -> int:
    """How often Redis knows that an entry was used."""
    with server.client() as client:
        return int(client.hget(f"claude-replay:entry:{make_entry(number).key}", "hits") or 0)


def test_uses_are_written_many_at_once(server: RedisServer, store: RedisStore) -> None:
    """A hit is one look-up; how often there was one, the server learns with the 64th entry that had some."""
    for number in range(64):
        store.put(make_entry(number))
    for number in [0, *range(63)]:
        assert store.get(make_entry(number).key) is not None
    assert hits_of(server, 0) == 0
    assert store.get(make_entry(63).key) is not None
    assert [hits_of(server, number) for number in (0, 1, 63)] == [2, 1, 1]


def test_uses_are_written_before_anybody_asks_for_them(server: RedisServer, store: RedisStore) -> None:
    """With a list, a miss, an entry that is put, and at the end."""
    store.put(make_entry(1))
    key = make_entry(1).key
    for turn, write in enumerate(
        (
            lambda: list(store.listed()),
            lambda: store.kin(["all"]),
            lambda: store.put(make_entry(2)),
            store.close,
        ),
        1,
    ):
        store.get(key)
        write()
        assert hits_of(server, 1) == turn


def test_an_entry_that_is_gone_does_not_come_back_with_its_uses(
    server: RedisServer, store: RedisStore
) -> None:
    """Nor is one that took its place counted as used."""
    store.put(make_entry(1))
    store.put(make_entry(2))
    for number in (1, 2):
        assert store.get(make_entry(number).key) is not None
    with server.client() as client:
        client.delete(f"claude-replay:entry:{make_entry(1).key}")
    store.put(make_entry(2))
    (listed,) = store.listed()
    assert (listed.key, listed.hits) == (make_entry(2).key, 0)


@pytest.mark.parametrize("way", ["close", "aclose"])
def test_a_store_can_be_closed_when_its_server_is_gone(
    own_server: Callable[..., RedisServer], way: str
) -> None:
    """Nobody fails for how often something was used."""
    server = own_server()
    store = RedisStore(server.url)
    store.put(make_entry(1))
    assert store.get(make_entry(1).key) is not None
    server.close()
    if way == "close":
        store.close()
    else:
        asyncio.run(store.aclose())


def test_one_connection_is_enough(server: RedisServer) -> None:
    """The one that is kept for the next hit is given back when anything else is to be done."""
    with closing(RedisStore(server.url, max_connections=1)) as store:
        for number in range(3):
            store.put(make_entry(number))
            for _ in range(3):
                assert store.get(make_entry(number).key) is not None
            assert store.kin(["all"])
        assert len(list(store.listed())) >= 3


def test_a_forked_child_has_a_connection_of_its_own(server: RedisServer, store: RedisStore) -> None:
    """The two would read each other's replies; and what the parent has counted is the parent's to tell."""
    store.put(make_entry(1))
    key = make_entry(1).key
    assert store.get(key) is not None
    child = os.fork()
    if not child:  # pragma: no cover
        found = [store.get(key) is not None for _ in range(50)]
        store.close()
        os._exit(0 if all(found) else 1)
    found = [store.get(key) is not None for _ in range(50)]
    assert os.waitpid(child, 0)[1] == 0
    assert all(found)
    store.close()
    assert hits_of(server, 1) == 51 + 50


def test_what_a_child_has_inherited_is_not_told_twice(
    server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same as above, seen from within."""
    store.put(make_entry(1))
    assert store.get(make_entry(1).key) is not None
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert store.get(make_entry(1).key) is not None
    assert [listed.hits for listed in store.listed()] == [1]


@pytest.mark.parametrize("way", ["get", "aget"])
def test_an_entry_of_another_key_is_never_given(server: RedisServer, store: RedisStore, way: str) -> None:
    """However it came there: by a connection that is a reply behind, or somebody's copying of keys."""
    for number in (1, 2):
        store.put(make_entry(number))
    keys = [f"claude-replay:entry:{make_entry(number).key}" for number in (1, 2)]
    with server.client() as client:
        client.copy(keys[0], keys[1], replace=True)

    async def ask() -> None:
        async with aclosing_store(RedisStore(server.url)) as asked:
            with pytest.raises(StoreError, match="gave the entry of another key"):
                await asked.aget(make_entry(2).key)
            assert await asked.aget(make_entry(1).key) is not None

    if way == "aget":
        asyncio.run(ask())
        return
    with pytest.raises(StoreError, match="gave the entry of another key"):
        store.get(make_entry(2).key)
    assert store.get(make_entry(1).key) is not None


@asynccontextmanager
async def aclosing_store(store: RedisStore) -> AsyncIterator[RedisStore]:
    """A store that only tasks use."""
    try:
        yield store
    finally:
        await store.aclose()


def test_a_key_of_another_kind_is_an_error_and_no_more(server: RedisServer, store: RedisStore) -> None:
    """The server says so, and the connection goes on."""
    store.put(make_entry(1))
    with server.client() as client:
        client.set(f"claude-replay:entry:{make_entry(2).key}", "text")
    for _ in range(2):
        with pytest.raises(StoreError, match="WRONGTYPE"):
            store.get(make_entry(2).key)
        assert store.get(make_entry(1).key) is not None


def test_an_interrupt_between_asking_and_reading_leaves_no_reply_behind(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one who asks would be given it."""
    for number in (1, 2):
        store.put(make_entry(number))
    one, two = (make_entry(number).key for number in (1, 2))
    assert store.get(one) is not None
    connection: Any = redis.connection.Connection
    read, calls = connection.read_response, list[int]()

    def interrupted(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return read(self, *args, **options)

    monkeypatch.setattr(connection, "read_response", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.get(one)
    for key in (two, one, two):
        found = store.get(key)
        assert found is not None
        assert found.envelope == make_entry(1 if key == one else 2).envelope


def test_one_connection_is_enough_for_everything(server: RedisServer) -> None:
    """Also for what looks through all keys after a hit or a miss."""
    with closing(RedisStore(server.url, max_connections=1)) as store:
        store.put(make_entry(1))
        for look in (store.stats, lambda: list(store.listed()), lambda: store.delete_where(Selection())):
            assert store.get("0" * 64) is None
            assert look()
