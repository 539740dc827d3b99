"""Every kind of remote source against a real server: the same tests for all of them."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from blake3 import blake3
from pyarrow import fs

from collectors.archive import PARTIAL, Archive
from collectors.errors import AccessError, FileChangedError, SourceError, UnreachableError
from collectors.model import Offer
from pipeline.collection.sources import source_of
from pipeline.config.source import Source as Settings
from tests.collectors.servers import SSHD, CutWire, free_port, ftp_server, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collectors.source import Source
    from tests.collectors.servers import SshServer

KINDS = ("sftp", "ftp", "ftps", "s3")


class World:
    """A server with a folder, and how to make a source of it."""

    def __init__(self, kind: str, far: Path, port: int, keys: dict[str, Any]) -> None:
        self.kind = kind
        self.far = far
        self.port = port
        self.keys = keys
        self.bucket: fs.S3FileSystem | None = None
        self.sources: list[Source] = []

    def put(self, name: str, data: bytes) -> None:
        if self.bucket is not None:
            with self.bucket.open_output_stream(f"cdr/{self.far.parent.name}/{name}") as target:
                target.write(data)
            return
        (self.far / name).parent.mkdir(parents=True, exist_ok=True)
        (self.far / name).write_bytes(data)

    def names(self) -> list[str]:
        if self.bucket is not None:
            prefix = f"cdr/{self.far.parent.name}"
            selector = fs.FileSelector(prefix, recursive=True, allow_not_found=True)
            found = self.bucket.get_file_info(selector)
            return sorted(
                one.path[len(prefix) + 1 :] for one in found if one.type == fs.FileType.File
            )
        paths = self.far.rglob("*")
        return sorted(path.relative_to(self.far).as_posix() for path in paths if path.is_file())

    def source(self, **more: Any) -> Source:  # noqa: ANN401 - keys of the configuration
        keys = {"timeout_seconds": 10.0, "retry_seconds": 0.01, **self.keys, **more}
        settings = Settings(name="node", url=self.url(self.port), **keys)
        self.sources.append(source_of(settings, Path("/")))
        return self.sources[-1]

    def close(self) -> None:
        for source in self.sources:
            source.close()

    def url(self, port: int) -> str:
        folder = self.far.parent.name
        return {
            "sftp": f"sftp://{self.keys.get('user', '')}@127.0.0.1:{port}{self.far}",
            "ftp": f"ftp://huadan@127.0.0.1:{port}/",
            "ftps": f"ftps://huadan@127.0.0.1:{port}/",
            "s3": f"s3://cdr/{folder}",
        }[self.kind]


@pytest.fixture(params=KINDS)
def world(
    request: pytest.FixtureRequest, far: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    world = make_world(request.param, request, far, monkeypatch)
    yield world
    world.close()


def make_world(
    kind: str, request: pytest.FixtureRequest, far: Path, patch: pytest.MonkeyPatch
) -> World:
    patch.setenv("NODE_SECRET", "secret")
    if kind == "sftp":
        server: SshServer = request.getfixturevalue("sshd")
        keys = {"key_file": str(server.key), "known_hosts": str(server.known_hosts)}
        world = World(kind, far, server.port, keys)
        world.url = lambda port: f"sftp://{server.user}@127.0.0.1:{port}{far}"  # type: ignore[method-assign]
        return world
    if kind == "s3":
        endpoint: str = request.getfixturevalue("s3")
        keys = {
            "endpoint": endpoint,
            "access_key": "env:NODE_SECRET",
            "secret_key": "env:NODE_SECRET",
        }
        world = World(kind, far, int(endpoint.rpartition(":")[2]), keys)
        world.bucket = fs.S3FileSystem(
            access_key="secret",
            secret_key="secret",  # noqa: S106 - of the test server
            endpoint_override=endpoint.removeprefix("http://"),
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        )
        world.bucket.create_dir("cdr")
        return world
    keys = {"password": "env:NODE_SECRET"}
    if kind == "ftps":
        keys["ca_file"] = f"{request.getfixturevalue('tls_certificate')}.crt"
    return World(kind, far, request.getfixturevalue(kind), keys)


def take_all(source: Source, archive: Path) -> dict[str, str]:
    """Returns the digest of every file by name; nothing may be refused."""
    offers = source.look().offers
    taken, refused = Archive(archive).take_all([(source, offer) for offer in offers], threads=4)
    assert not refused
    assert not list(archive.glob(f"{PARTIAL}*"))
    for one in taken:
        assert blake3(one.path.read_bytes()).hexdigest() == one.digest
    return {one.offer.name: one.digest for one in taken}


def test_files_of_all_sizes_arrive_as_they_were(world: World, tmp_path: Path) -> None:
    sizes = {"a.ber": 0, "b.ber": 1, "deep/er/c.ber": 70_000, "d.ber": 9_000_001}
    data = {name: random.Random(name).randbytes(size) for name, size in sizes.items()}
    if world.kind == "s3":
        del data["a.ber"]
    for name, octets in data.items():
        world.put(name, octets)
    source = world.source()
    got = take_all(source, tmp_path / "archive")
    assert got == {name: blake3(octets).hexdigest() for name, octets in data.items()}


@pytest.mark.parametrize("after", ["leave", "move", "delete"])
def test_originals_are_left_moved_or_deleted(world: World, tmp_path: Path, after: str) -> None:
    world.put("in/a.ber", b"x")
    source = world.source(after=after, move_to="old/done")
    [offer] = source.look().offers
    take_all(source, tmp_path / "archive")
    for _ in range(2):
        source.release(offer)
        assert (
            world.names()
            == {
                "leave": ["in/a.ber"],
                "move": ["old/done/in/a.ber"],
                "delete": [],
            }[after]
        )
    assert source.look().offers == ([offer] if after == "leave" else [])
    if after == "move":
        world.put("in/a.ber", b"another")
        source.release(source.look().offers[0])
        assert world.names() == ["old/done/in/a.ber", "old/done/in/a.ber.2"]
    source.close()


def test_rules_hold_for_every_kind(world: World) -> None:
    for name in ("a.ber", "a.ber.ok", "b.ber", "c.txt", "c.txt.ok", "x.ber.tmp", "x.ber.tmp.ok"):
        world.put(name, b"x")
    source = world.source(include="*.ber", marker=".ok")
    assert [offer.name for offer in source.look().offers] == ["a.ber"]
    source.close()


def test_a_file_that_grew_since_it_was_listed_is_left(world: World, tmp_path: Path) -> None:
    world.put("a.ber", b"x" * 1000)
    source = world.source()
    [offer] = source.look().offers
    world.put("a.ber", b"x" * 1001)
    with pytest.raises(FileChangedError):
        source.fetch(offer, tmp_path / "partial")
    source.close()


def test_a_file_that_is_gone_is_refused_and_the_others_are_taken(
    world: World, tmp_path: Path
) -> None:
    world.put("a.ber", b"x")
    world.put("b.ber", b"y")
    source = world.source(after="delete")
    offers = source.look().offers
    source.release(offers[0])
    taken, refused = Archive(tmp_path / "archive").take_all([(source, o) for o in offers], 2)
    assert [one.offer.name for one in taken] == ["b.ber"]
    assert [one.offer.name for one in refused] == ["a.ber"]
    source.close()


def test_connections_cut_at_random_lose_nothing(world: World, tmp_path: Path) -> None:
    shuffled = random.Random(3)
    data = {
        f"{n:03}.ber": shuffled.randbytes(shuffled.choice([10, 3_000, 200_000])) for n in range(60)
    }
    for name, octets in data.items():
        world.put(name, octets)
    # of FTP it is the connection for commands that is cut
    span = {"ftp": (700, 4_000), "ftps": (5_000, 12_000)}.get(world.kind, (60_000, 900_000))
    wire = CutWire(world.port, 5, *span)
    more: dict[str, Any] = {"tries": 10}
    if world.kind == "sftp":
        known = Path(world.keys["known_hosts"]).read_text(encoding="utf-8")
        trusted = tmp_path / "known_hosts"
        trusted.write_text(known.replace(f":{world.port}", f":{wire.port}"), encoding="utf-8")
        more["known_hosts"] = str(trusted)
    if world.kind == "s3":
        more["endpoint"] = f"http://127.0.0.1:{wire.port}"
    world.port = wire.port
    source = world.source(**more)
    try:
        got = take_all(source, tmp_path / "archive")
    finally:
        source.close()
        wire.close()
    assert got == {name: blake3(octets).hexdigest() for name, octets in data.items()}
    assert wire.cuts >= 1


def test_a_server_that_does_not_answer_is_told_as_temporary(world: World) -> None:
    world.port = free_port()
    more = {"endpoint": f"http://127.0.0.1:{world.port}"} if world.kind == "s3" else {}
    if world.kind == "sftp":
        more["known_hosts"] = world.keys["known_hosts"]
    source = world.source(tries=2, timeout_seconds=2.0, **more)
    with pytest.raises(UnreachableError, match="source 'node'") as caught:
        source.look()
    assert caught.value.temporary


def test_a_secret_that_is_not_there_is_told_by_its_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"sftp": "password", "s3": "secret_key"}.get(world.kind, "password")
    monkeypatch.delenv("NODE_SECRET")
    source = world.source(
        **{key: "env:NODE_SECRET", **({"access_key": ""} if world.kind == "s3" else {})}
    )
    with pytest.raises(
        SourceError, match=f"{key}: the environment variable NODE_SECRET is not set"
    ):
        source.look()


def test_a_server_that_does_not_let_us_in(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if world.kind == "s3":
        pytest.skip("the test server lets everybody in")
    monkeypatch.setenv("NODE_SECRET", "wrong-and-secret")
    more = {}
    if world.kind == "sftp":
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "other")
        more["key_file"] = str(tmp_path / "other")
    with pytest.raises(SourceError, match="does not let") as caught:
        world.source(**more).look()
    assert not caught.value.temporary
    assert "wrong-and-secret" not in str(caught.value)


def test_an_unknown_certificate_is_refused(
    ftps: int, far: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_SECRET", "secret")
    world = World("ftps", far, ftps, {"password": "env:NODE_SECRET"})
    with pytest.raises(SourceError, match="certificate cannot be trusted"):
        world.source().look()


def test_a_bucket_that_is_not_there(s3: str, far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_SECRET", "secret")
    keys = {"endpoint": s3, "access_key": "env:NODE_SECRET", "secret_key": "env:NODE_SECRET"}
    world = World("s3", far, 0, keys)
    world.url = lambda port: "s3://nobodys-bucket/in"  # type: ignore[method-assign] # noqa: ARG005
    with pytest.raises(SourceError, match="there is no such bucket"):
        world.source().look()


STRANGE = [b"a b.ber", b"\xff\xfe.ber", b"back\\slash.ber", b"%41;x='.ber"]


@pytest.mark.parametrize("kind", ["sftp", "ftp"])
@pytest.mark.parametrize("name", [*STRANGE, b"two\nlines.ber"])
def test_strange_names_are_taken_or_told(
    kind: str,
    name: bytes,
    request: pytest.FixtureRequest,
    far: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open(os.fsencode(far) + b"/" + name, "wb") as file:  # noqa: PTH123 - octets
        file.write(b"x")
    world = make_world(kind, request, far, monkeypatch)
    world.put("good.ber", b"y")
    source = world.source(after="delete")
    offers = source.look().offers
    assert all(offer.name.isprintable() for offer in offers)
    taken, refused = Archive(tmp_path / "archive").take_all(
        [(source, o) for o in offers], threads=1
    )
    names = [one.offer.name for one in taken]
    assert "good.ber" in names, refused
    if kind == "sftp" or name in STRANGE[:1] + STRANGE[2:]:  # this FTP server wants UTF-8
        assert len(names) == 2, refused
        for one in taken:
            source.release(one.offer)
        assert not world.names()
    source.close()


def test_an_unknown_host_is_refused_and_nothing_is_sent(
    sshd: SshServer, far: Path, tmp_path: Path
) -> None:
    other = tmp_path / "known_hosts"
    keys = {"key_file": str(sshd.key), "known_hosts": str(other)}
    world = World("sftp", far, sshd.port, keys)
    world.url = lambda port: f"sftp://{sshd.user}@127.0.0.1:{port}{far}"  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="file of known hosts, does not exist"):
        world.source().look()
    other.write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="refused"):
        world.source().look()
    changed = sshd.known_hosts.read_text(encoding="utf-8").split()
    changed[2] = (sshd.key.with_suffix(".pub")).read_text(encoding="utf-8").split()[1]
    other.write_text(" ".join(changed) + "\n", encoding="utf-8")
    with pytest.raises(SourceError, match="or is another: refused"):
        world.source().look()


def test_sftp_tells_links_and_refused_files(
    sshd: SshServer,
    far: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_world("sftp", request, far, monkeypatch)
    del sshd
    (tmp_path / "secret.ber").write_bytes(b"x")
    (far / "out.ber").symlink_to(tmp_path / "secret.ber")
    (far / "outside").symlink_to(tmp_path)
    world.put("a.ber", b"x")
    source = world.source()
    seen = source.look()
    assert [offer.name for offer in seen.offers] == ["a.ber"]
    assert sorted(one.name for one in seen.skipped) == ["out.ber", "outside"]
    source.close()


def test_ftps_from_the_first_octet(
    far: Path, tmp_path: Path, tls_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_SECRET", "secret")
    keys = {"password": "env:NODE_SECRET", "ca_file": f"{tls_certificate}.crt"}
    with ftp_server(far, tls_certificate, implicit=True) as port:
        world = World("ftps", far, port, keys)
        world.put("a.ber", b"octets")
        source = world.source(implicit_tls=True)
        got = take_all(source, tmp_path / "archive")
        world.close()
    assert got == {"a.ber": blake3(b"octets").hexdigest()}


def test_a_folder_that_an_ftp_server_closes_is_told_and_the_others_are_taken(
    far: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_SECRET", "secret")
    (far / "closed").mkdir()
    with ftp_server(far) as port:
        world = World("ftp", far, port, {"password": "env:NODE_SECRET"})
        world.put("a.ber", b"x")
        world.put("closed/b.ber", b"y")
        source = world.source()
        seen = source.look()
        assert [(one.name, one.why) for one in seen.skipped] == [
            ("closed", "the folder may not be read")
        ]
        hidden = Offer("node", "closed/b.ber", 1, 0, None)
        work = [(source, seen.offers[0]), (source, hidden)]
        taken, refused = Archive(tmp_path / "archive").take_all(work, threads=1)
        world.close()
    assert [one.offer.name for one in taken] == ["a.ber"]
    assert [one.offer.name for one in refused] == ["closed/b.ber"]
    assert "privileges" in refused[0].reason


@pytest.mark.skipif(SSHD is None, reason="no OpenSSH server on this machine")
def test_an_ssh_server_that_denies_reading_is_told(far: Path, tmp_path: Path) -> None:
    (tmp_path / "sshd").mkdir()
    with ssh_server(tmp_path / "sshd", refused="open") as server:
        keys = {"key_file": str(server.key), "known_hosts": str(server.known_hosts)}
        world = World("sftp", far, server.port, keys)
        world.url = lambda port: f"sftp://{server.user}@127.0.0.1:{port}{far}"  # type: ignore[method-assign]
        world.put("a.ber", b"x")
        source = world.source()
        [offer] = source.look().offers
        taken, refused = Archive(tmp_path / "archive").take_all([(source, offer)], threads=1)
        world.close()
    assert not taken
    assert "ermission" in refused[0].reason
    assert (far / "a.ber").exists()


def test_a_source_that_lost_its_connection_connects_again(world: World) -> None:
    world.put("a.ber", b"x")
    source = world.source()
    assert len(source.look().offers) == 1
    source.close()
    assert len(source.look().offers) == 1
    source.close()


def test_access_errors_of_a_single_file_are_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put("a.ber", b"x")
    source = world.source()
    [offer] = source.look().offers

    denied = ("the service denies access", "ask")

    def refuse(*_: object) -> None:
        raise AccessError(*denied)

    monkeypatch.setattr(type(source.store), "fetch", refuse)
    taken, refused = Archive(tmp_path / "archive").take_all([(source, offer)], threads=1)
    assert not taken
    assert refused[0].reason == "the service denies access"
