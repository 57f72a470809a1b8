"""Other programs that put load on a server or set the mark: wrk and curl."""

import os
import re
import shutil
import subprocess
import tempfile
import time

UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}


def has_wrk():
    return shutil.which("wrk") is not None


def run_wrk(url, connections, seconds, headers, *options):
    """What wrk says. Answers that are not 2xx make its figures void."""
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "30s", *options]
    for header in headers:
        command += ["--header", header]
    text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise RuntimeError(f"{url} did not always answer well:\n{text}")
    return text


def rate_of(text):
    """Requests a second, of what wrk says."""
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def wrk(url, connections, seconds, headers=()):
    """Requests and bytes a second."""
    text = run_wrk(url, connections, seconds, headers)
    size, unit = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", text).groups()
    return rate_of(text), float(size) * UNITS[unit]


def wrk_over(base, paths, connections, seconds, headers=()):
    """Requests a second over many addresses in turn, and the 99th percentile in milliseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        quoted = ",".join(f'"{path}"' for path in paths)
        script.write(f"local paths = {{{quoted}}}\nlocal at = 0\n")
        script.write("function request()\n  at = at % #paths + 1\n")
        script.write('  return wrk.format("GET", paths[at])\nend\n')
        script.flush()
        options = ["--latency", "--script", script.name]
        text = run_wrk(base, connections, seconds, headers, *options)
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return rate_of(text), float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def curl_parallel(base, names, folder):
    """Seconds in which `curl --parallel` gets all files into a folder and onto the disk."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        listing = os.path.join(place, "urls")
        with open(listing, "w", encoding="utf-8") as file:
            for name in names:
                file.write(f'url = "{base}/{name}"\noutput = "{place}/{name}"\n')
        began = time.perf_counter()
        command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", "10"]
        # With --parallel some versions draw their meter in spite of --silent.
        subprocess.run([*command, "--config", listing], check=True, stderr=subprocess.DEVNULL)
        # A server that answers has its bytes on the disk; so must the mark.
        subprocess.run(["sync", "--file-system", place], check=True)
        return time.perf_counter() - began
