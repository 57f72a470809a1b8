#!/usr/bin/env python3
"""Measures a server, and another one beside it, and prints both with their ratios.

Everything is on loopback and in one run: figures of a shared machine mean little alone."""

import argparse
import json
import sys
import time

import loads
import sections
from client import Client

# How many times better than the peer each figure is wanted, at least.
WANTED = {
    "sync of 1,000 x 1 KiB, immediate (s)": 25,
    "sync of 10,000, on demand (s)": 50,
    "modify: add 10,000 units (s)": 40,
    "no-op tasks (per second)": 100,
    "list 100 units (per second)": 100,
    "retrieve a repository (per second)": 100,
    "served 50 MiB files (MB/s)": 1,
    "Galaxy: list 10 versions (per second)": 50,
    "Galaxy: inspect a version (per second)": 50,
    "Galaxy: search, 10 results (per second)": 50,
}
# What is wanted of the figure itself, or of its ratio to another figure of the same server.
BOUNDS = (
    ("Galaxy: list 10 versions (ms, 99th percentile)", "at most", 20, None),
    ("Galaxy: inspect a version (ms, 99th percentile)", "at most", 20, None),
    ("Galaxy: search, 10 results (ms, 99th percentile)", "at most", 20, None),
    ("sync again, nothing changed (s)", "at most", 0.020, None),
    ("sync of 20 x 50 MiB (s)", "at most", 1.1, "curl --parallel of the same 20 x 50 MiB (s)"),
    ("served 1 KiB files (per second)", "at least", 0.6, "the upstream's web server, 1 KiB (per second)"),
    ("served 50 MiB files (MB/s)", "at least", 0.8, "the upstream's web server, 50 MiB (MB/s)"),
    ("sync of 10,000 x 1 KiB, immediate (s)", "at most", 13, "sync of 1,000 x 1 KiB, immediate (s)"),
    ("from start to first answer (s)", "at most", 0.3, None),
    ("memory when idle (MiB, PSS)", "at most", 80, None),
)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--content", help="where content is served, if elsewhere")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="password")
    parser.add_argument("--pids", default="", help="processes whose CPU time counts")
    parser.add_argument("--peer-base")
    parser.add_argument("--peer-content")
    parser.add_argument("--peer-user", default="admin")
    parser.add_argument("--peer-password", default="password")
    parser.add_argument("--peer-pids", default="")
    parser.add_argument("--upstream-url", required=True)
    parser.add_argument("--upstream-folder", required=True)
    parser.add_argument("--known", default="{}", help="figures that were taken before, as JSON")
    parser.add_argument("--collection-versions", type=int, default=50_000)
    # A peer may take an hour for as many.
    parser.add_argument("--peer-collection-versions", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=10, help="length of each wrk run")
    parser.add_argument("--output", help="where to write all figures as JSON")
    parser.add_argument("sections", nargs="*", help="names of sections; all when none is named")
    return parser.parse_args()


def measure(bench, chosen):
    figures = {}
    for section in chosen:
        began = time.perf_counter()
        try:
            figures.update(section(bench))
        except Exception as error:  # one broken section must not hide the others
            print(f"{section.__name__} failed on {bench.client.base}: {error}", file=sys.stderr)
        took = time.perf_counter() - began
        print(f"{bench.client.base} {section.__name__}: {took:.1f} s", file=sys.stderr)
    return figures


def pids(text):
    return [int(number) for number in text.replace(",", " ").split()]


def is_rate(label):
    return "per second" in label or "MB/s" in label


def ratio(label, own, peer):
    """How many times better than the peer."""
    if not own or not peer:
        return None
    return own / peer if is_rate(label) else peer / own


def report(own, peer):
    width = max(map(len, own))
    head = f"{'':{width}}  {'Pith':>10}"
    print(head + (f"  {'peer':>10}  {'times':>7}  wanted" if peer else ""))
    for label, figure in own.items():
        line = f"{label:{width}}  {figure:10.3f}"
        if peer:
            other = peer.get(label)
            times = ratio(label, figure, other)
            line += f"  {other:10.3f}" if other is not None else f"  {'-':>10}"
            line += f"  {times:7.1f}" if times is not None else f"  {'-':>7}"
            if label in WANTED and times is not None:
                verdict = "yes" if times >= WANTED[label] else "NO"
                line += f"  {WANTED[label]} ({verdict})"
        print(line)
    print()
    for label, how, bound, against in BOUNDS:
        figure, mark = own.get(label), own.get(against) if against else 1
        if figure is None or not mark:
            continue
        value = figure / mark
        is_met = value <= bound if how == "at most" else value >= bound
        name = f"{label} / {against}" if against else label
        print(f"{'ok ' if is_met else 'NOT'} {name}: {value:.3f}, wanted {how} {bound}")


def main():
    options = arguments()
    all_sections = sections.WITHOUT_WRK + (sections.WITH_WRK if loads.has_wrk() else ())
    if not loads.has_wrk():
        print("wrk is missing: rates of requests are left out", file=sys.stderr)
    chosen = [one for one in all_sections if not options.sections or one.__name__ in options.sections]

    def bench(base, user, password, content, numbers):
        client = Client(base, user, password, content)
        place = (options.upstream_url, options.upstream_folder)
        many = options.collection_versions if base == options.base else options.peer_collection_versions
        return sections.Bench(client, *place, pids(numbers), options.seconds, many)

    own_bench = bench(options.base, options.user, options.password, options.content, options.pids)
    own = {**json.loads(options.known), **measure(own_bench, chosen)}
    peer, peer_cpu = {}, {}
    if options.peer_base:
        peer_bench = bench(
            options.peer_base, options.peer_user, options.peer_password,
            options.peer_content, options.peer_pids,
        )
        peer = measure(peer_bench, chosen)
        peer_cpu = peer_bench.cpu
    report(own, peer)
    cpu = {"pith": own_bench.cpu, "peer": peer_cpu}
    for label, used in own_bench.cpu.items():
        other = peer_cpu.get(label)
        beside = f", peer {min(other):.2f} s" if other else ""
        print(f"CPU of {label.replace(' (s)', '')}: {min(used):.2f} s{beside}")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump({"pith": own, "peer": peer, "cpu_seconds": cpu}, file, indent=1)


if __name__ == "__main__":
    main()
