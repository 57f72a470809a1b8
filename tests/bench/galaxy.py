"""A Galaxy server that makes its collections up, to fill servers with them on demand."""

import asyncio
import functools
import gzip
import hashlib
import io
import json
import tarfile
import threading
import urllib.parse

VERSIONS = 100  # of each collection
NAMESPACES = 50
MODULES = 10
PUBLISHED = "2024-01-01T00:00:00.000000Z"


def digest(text):
    return hashlib.sha256(text).hexdigest()


def number_of(version):
    return f"{version}.0.0"


class Upstream:
    """Serves as many collections as are wanted, from a thread of its own."""

    def __init__(self, count):
        self.collections = max(1, count // VERSIONS)
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            asyncio.start_server(self._converse, "127.0.0.1", 0)
        )
        self.base = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def _converse(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                answer = self._answer(head.split(b" ", 2)[1].decode())
                status = b"200 OK" if answer is not None else b"404 Not Found"
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                kind = b"application/gzip" if isinstance(answer, bytes) else b"application/json"
                writer.write(b"HTTP/1.1 %s\r\nContent-Type: %s\r\n" % (status, kind))
                writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    def _answer(self, target):
        path = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(path.query))
        words = [word for word in path.path.split("/") if word]
        if words == ["api"]:
            return {"available_versions": {"v3": "v3/"}}
        if words == ["api", "v3"]:
            return {"published": PUBLISHED}
        if words[:1] == ["files"]:
            return archive(*words[1].removesuffix(".tar.gz").split("-"))[0]
        if words[:3] != ["api", "v3", "collections"]:
            return None
        rest = words[3:]
        if not rest:
            return page(path.path, query, self.collections, summary)
        if len(rest) == 1:
            return None  # `all`, without pages, which not every server has
        if len(rest) == 2:
            return summary(int(rest[1].removeprefix("coll")))
        if len(rest) == 3:
            return page(path.path, query, VERSIONS, lambda n: {"version": number_of(n)})
        if len(rest) == 4:
            return self._detail(rest[0], rest[1], rest[3])
        return {"docs_blob": {"collection_readme": {"html": "<p>x</p>" * 50}}}

    def _detail(self, namespace, name, version):
        packed, info, files = archive(namespace, name, version)
        contents = [
            {"name": f"m{number}", "content_type": "module", "description": ""}
            for number in range(MODULES)
        ]
        file_name = f"{namespace}-{name}-{version}.tar.gz"
        return {
            "version": version, "name": name, "requires_ansible": ">=2.15.0",
            "namespace": {"name": namespace, "metadata_sha256": None},
            "collection": {"name": name}, "metadata": dict(info, contents=contents),
            "signatures": [],
            "artifact": {"filename": file_name, "sha256": digest(packed), "size": len(packed)},
            "download_url": f"{self.base}/files/{file_name}",
            "manifest": {"collection_info": info, "format": 1},
            "files": files,
        }


@functools.lru_cache(maxsize=2_000)
def archive(namespace, name, version):
    """The bytes of an archive, what it says of itself, and the list of its files."""
    info = {
        "namespace": namespace, "name": name, "version": version, "authors": ["a"],
        "readme": "README.md", "tags": ["bench"], "description": f"The {name} of {namespace}",
        "license": ["MIT"], "license_file": None, "dependencies": {},
        "repository": "https://example.org", "documentation": "https://example.org",
        "homepage": "https://example.org", "issues": "https://example.org",
    }
    members = {
        "README.md": f"# {name} {version}\n".encode(),
        "meta/runtime.yml": b"requires_ansible: '>=2.15.0'\n",
    }
    for number in range(MODULES):
        members[f"plugins/modules/m{number}.py"] = b"DOCUMENTATION = ''\n"
    files = {"format": 1, "files": [
        {"name": ".", "ftype": "dir", "chksum_type": None, "chksum_sha256": None, "format": 1},
        *({"name": path, "ftype": "file", "chksum_type": "sha256", "chksum_sha256": digest(text), "format": 1}
          for path, text in members.items()),
    ]}
    listed = json.dumps(files).encode()
    manifest = {
        "collection_info": info, "format": 1,
        "file_manifest_file": {
            "name": "FILES.json", "ftype": "file", "chksum_type": "sha256",
            "chksum_sha256": digest(listed), "format": 1,
        },
    }
    members = {"MANIFEST.json": json.dumps(manifest).encode(), "FILES.json": listed, **members}
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as zipped:
        with tarfile.open(fileobj=zipped, mode="w") as tar:
            for path, text in members.items():
                member = tarfile.TarInfo(path)
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text))
    return packed.getvalue(), info, files


def summary(number):
    name = f"coll{number}"
    namespace = f"ns{number % NAMESPACES}"
    return {
        "href": f"/api/v3/collections/{namespace}/{name}/", "namespace": namespace, "name": name,
        "versions_url": f"/api/v3/collections/{namespace}/{name}/versions/",
        "created_at": PUBLISHED, "updated_at": PUBLISHED, "deprecated": False,
        "highest_version": {"version": number_of(VERSIONS - 1)},
    }


def page(path, query, count, make):
    limit, offset = int(query.get("limit", 100)), int(query.get("offset", 0))
    end = min(offset + limit, count)
    following = f"{path}?limit={limit}&offset={end}" if end < count else None
    return {
        "meta": {"count": count},
        "links": {"next": following},
        "data": [make(number) for number in range(offset, end)],
    }
