"""What is measured, a function each. All give seconds or rates of one server."""

import statistics
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import galaxy
import loads
import processes
import upstreams

KIB = 1024
MIB = 1024 * 1024
FILES = "/repositories/file/file/"


class Bench:
    """A server under measurement, and where its upstreams are."""

    def __init__(self, client, upstream_url, upstream_folder, pids, seconds, collection_versions):
        self.client = client
        self.upstream_url = upstream_url.rstrip("/")
        self.upstream_folder = upstream_folder
        self.pids = pids
        self.seconds = seconds
        self.collection_versions = collection_versions
        self.cpu = {}

    def repository(self, **settings):
        return self.client.call("POST", FILES, {"name": f"bench-{uuid.uuid4()}", **settings})

    def remote(self, count, size, seed, policy):
        name = upstreams.make(self.upstream_folder, count, size, seed)
        url = f"{self.upstream_url}/{name}/PULP_MANIFEST"
        settings = {"name": f"bench-{uuid.uuid4()}", "url": url, "policy": policy}
        return self.client.call("POST", "/remotes/file/file/", settings)

    def timed(self, label, method, path, document):
        """Seconds from the request to the end of its task."""
        before = processes.cpu_seconds(self.pids) if self.pids else None
        began = time.perf_counter()
        self.client.run(method, path, document)
        took = time.perf_counter() - began
        if before is not None:
            used = processes.cpu_seconds(self.pids) - before
            self.cpu.setdefault(label, []).append(used)
        return took

    def sync(self, label, repository, remote):
        path = repository["pulp_href"] + "sync/"
        return self.timed(label, "POST", path, {"remote": remote["pulp_href"], "mirror": True})


# Other bytes for each repetition, so that every sync is cold without a clean-up in between.
# A peer that keeps its data from an earlier run needs an orphan clean-up before this one.
SEEDS = ("a", "b", "c")


def sync_1k(bench):
    label = "sync of 1,000 x 1 KiB, immediate (s)"
    times = []
    for seed in SEEDS:
        remote = bench.remote(1000, KIB, seed, "immediate")
        times.append(bench.sync(label, bench.repository(), remote))
    return {label: statistics.median(times)}


def sync_10k(bench):
    label = "sync of 10,000 x 1 KiB, immediate (s)"
    repository = bench.repository()
    remote = bench.remote(10_000, KIB, "a", "immediate")
    first = bench.sync(label, repository, remote)
    again = "sync again, nothing changed (s)"
    times = [bench.sync(again, repository, remote) for _ in range(7)]
    return {label: first, again: statistics.median(times)}


def on_demand_10k(bench):
    label = "sync of 10,000, on demand (s)"
    times = []
    for seed in ("b", "c"):
        remote = bench.remote(10_000, KIB, seed, "on_demand")
        times.append(bench.sync(label, bench.repository(), remote))
    return {label: statistics.median(times)}


def large_files(bench):
    label = "sync of 20 x 50 MiB (s)"
    mark = "curl --parallel of the same 20 x 50 MiB (s)"
    times, marks = [], []
    for seed in SEEDS:
        remote = bench.remote(20, 50 * MIB, seed, "immediate")
        base = remote["url"].rsplit("/", 1)[0]
        names = [f"{number}.iso" for number in range(1, 21)]
        marks.append(loads.curl_parallel(base, names, bench.upstream_folder))
        times.append(bench.sync(label, bench.repository(), remote))
    return {label: statistics.median(times), mark: statistics.median(marks)}


def modify_10k(bench):
    label = "modify: add 10,000 units (s)"
    source = bench.repository()
    bench.client.run(
        "POST",
        source["pulp_href"] + "sync/",
        {"remote": bench.remote(10_000, KIB, "b", "on_demand")["pulp_href"]},
    )
    version = bench.client.call("GET", source["pulp_href"])["latest_version_href"]
    page = f"/content/file/files/?repository_version={version}&limit=1000&fields=pulp_href"
    units = []
    while page:
        answer = bench.client.call("GET", page)
        units += [unit["pulp_href"] for unit in answer["results"]]
        page = answer["next"]
    times = []
    for _ in range(3):
        path = bench.repository()["pulp_href"] + "modify/"
        times.append(bench.timed(label, "POST", path, {"add_content_units": units}))
    return {label: statistics.median(times)}


def noop_tasks(bench):
    with ThreadPoolExecutor(4) as pool:
        repositories = list(pool.map(lambda _: bench.repository(), range(200)))
        paths = [repository["pulp_href"] + "modify/" for repository in repositories]
        latencies = []
        for path in paths[:20]:
            began = time.perf_counter()
            bench.client.run("POST", path, {})
            latencies.append(time.perf_counter() - began)
        began = time.perf_counter()
        answers = list(pool.map(lambda path: bench.client.call("POST", path, {}), paths * 3))
        for answer in answers:
            bench.client.finish(answer)
        rate = len(answers) / (time.perf_counter() - began)
    return {
        "no-op task, from request to end (s)": statistics.median(latencies),
        "no-op tasks (per second)": rate,
    }


def api_reads(bench):
    """Needs a repository with at least 100 files; makes one."""
    repository = bench.repository()
    bench.client.run(
        "POST",
        repository["pulp_href"] + "sync/",
        {"remote": bench.remote(1000, KIB, "a", "on_demand")["pulp_href"]},
    )
    figures = {}
    for label, path in (
        ("GET status (per second)", "/pulp/api/v3/status/"),
        ("list 100 units (per second)", "/pulp/api/v3/content/file/files/?limit=100"),
        ("retrieve a repository (per second)", repository["pulp_href"]),
    ):
        headers = [bench.client.cookie_header()]
        rate, _ = loads.wrk(bench.client.base + path, 16, bench.seconds, headers)
        figures[label] = rate
    return figures


def serving(bench, distributions=1000):
    figures = {}
    for label, count, size in (("1 KiB", 1000, KIB), ("50 MiB", 20, 50 * MIB)):
        repository = bench.repository(autopublish=True)
        remote = bench.remote(count, size, "a", "immediate")
        path = repository["pulp_href"] + "sync/"
        bench.client.run("POST", path, {"remote": remote["pulp_href"], "mirror": True})
        base_path = f"bench-{uuid.uuid4()}"
        settings = {"name": base_path, "base_path": base_path, "repository": repository["pulp_href"]}
        bench.client.run("POST", "/distributions/file/file/", settings)
        if size == KIB:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda number: _distribute(bench, repository, number), range(distributions)))
        url = f"{bench.client.content}/pulp/content/{base_path}/1.iso"
        rate, bytes_a_second = loads.wrk(url, 16, bench.seconds)
        mark, mark_bytes = loads.wrk(remote["url"].replace("PULP_MANIFEST", "1.iso"), 16, bench.seconds)
        if size == KIB:
            figures["served 1 KiB files (per second)"] = rate
            figures["the upstream's web server, 1 KiB (per second)"] = mark
        else:
            figures["served 50 MiB files (MB/s)"] = bytes_a_second / 1e6
            figures["the upstream's web server, 50 MiB (MB/s)"] = mark_bytes / 1e6
    return figures


def _distribute(bench, repository, number):
    name = f"many-{uuid.uuid4()}"
    settings = {"name": name, "base_path": name, "repository": repository["pulp_href"]}
    bench.client.run("POST", "/distributions/file/file/", settings)


GALAXY_LABELS = (
    "Galaxy: list 10 versions (per second)",
    "Galaxy: inspect a version (per second)",
    "Galaxy: search, 10 results (per second)",
    "Galaxy: search by name, 10 results (per second)",
    "Galaxy: search of the highest in order of names, 10 results (per second)",
    "Galaxy: list 10 collections (per second)",
)


def galaxy_reads(bench):
    """Needs a repository with many collection versions, which are spread over all requests;
    makes one."""
    upstream = galaxy.Upstream(bench.collection_versions)
    name = f"bench-{uuid.uuid4()}"
    # Pulp has no other policy for collections.
    settings = {"name": name, "url": upstream.base + "/api/", "policy": "immediate"}
    remote = bench.client.call("POST", "/remotes/ansible/collection/", settings)
    settings = {"name": name}
    repository = bench.client.call("POST", "/repositories/ansible/ansible/", settings)
    settings = {"name": name, "base_path": name, "repository": repository["pulp_href"]}
    settings["pulp_labels"] = {"content": "public"}
    bench.client.run("POST", "/distributions/ansible/ansible/", settings)
    began = time.perf_counter()
    bench.client.run("POST", repository["pulp_href"] + "sync/", {"remote": remote["pulp_href"]})
    took = time.perf_counter() - began
    figures = {"Galaxy: sync, versions (per second)": bench.collection_versions / took}

    plugin = f"/pulp_ansible/galaxy/{name}/api/v3/plugin/ansible"
    index = f"{plugin}/content/{name}/collections/index/"
    search = f"{plugin}/search/collection-versions/?limit=10"
    collections = [galaxy.summary(number) for number in range(upstream.collections)]
    folders = [f"{index}{one['namespace']}/{one['name']}/versions/" for one in collections]
    details = [
        f"{folders[number % len(folders)]}{galaxy.number_of(number * 37 % galaxy.VERSIONS)}/"
        for number in range(10_000)
    ]
    by_name = [f"{search}&name={one['name']}" for one in collections]
    pages = range(0, min(500, len(collections)), 10)
    highest = [f"{search}&is_highest=true&order_by=name&offset={offset}" for offset in pages]
    paths = ([f"{one}?limit=10" for one in folders], details, [search], by_name, highest)
    for label, some in zip(GALAXY_LABELS, (*paths, [index + "?limit=10"])):
        headers = [bench.client.cookie_header()]
        rate, slowest = loads.wrk_over(bench.client.base, some, 16, bench.seconds, headers)
        figures[label] = rate
        figures[label.replace("(per second)", "(ms, 99th percentile)")] = slowest
    return figures


WITHOUT_WRK = (sync_1k, sync_10k, on_demand_10k, large_files, modify_10k, noop_tasks)
WITH_WRK = (api_reads, serving, galaxy_reads)
