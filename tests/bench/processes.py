"""What processes cost: CPU seconds and memory, read from /proc."""

import os

TICKS = os.sysconf("SC_CLK_TCK")


def _statistics():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            # The name in parentheses may itself hold parentheses and spaces.
            yield int(name), text[text.rindex(")") + 2 :].split()


def cpu_seconds(pids):
    """User and system time of processes, their children and those they waited for."""
    rows = dict(_statistics())
    wanted = set(pids)
    grown = True
    while grown:
        more = {pid for pid, row in rows.items() if int(row[1]) in wanted} - wanted
        wanted |= more
        grown = bool(more)
    total = 0
    for pid in wanted & rows.keys():
        total += sum(int(number) for number in rows[pid][11:15])
    return total / TICKS


def pss_mib(pid):
    """The share of memory that is this process's, in MiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return None
