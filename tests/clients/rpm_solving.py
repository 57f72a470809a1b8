"""Random RPM repositories, and solved copies of them held against dnf's own solver.

    generate SEED FOLDER        writes a repository without packages' files
    picks SEED COUNT FOLDER     names packages of it: NEVRA, name and version
    compare URL RESULTS         holds copies against dnf; fails where they differ without reason
"""

import hashlib
import json
import os
import random
import sys
from xml.sax.saxutils import quoteattr

PACKAGES = 250


def entry(need):
    """An entry of a list of needs: `a`, `a >= 1` or a rich one."""
    if need.startswith("(") or " " not in need:
        return f"<rpm:entry name={quoteattr(need)}/>"
    name, sign, version = need.split(" ")
    flags = {"<": "LT", "<=": "LE", "=": "EQ", ">=": "GE", ">": "GT"}[sign]
    return f'<rpm:entry name="{name}" flags="{flags}" epoch="0" ver="{version}"/>'


def packages(seed):
    """The packages: name, version, and what they say."""
    numbers = random.Random(int(seed))
    all_packages = []
    for at in range(PACKAGES):

        def other():
            return f"p{numbers.randrange(max(at - 60, 0), at)}"

        def need():
            kind = numbers.randrange(20)
            first, second = other(), other()
            if kind < 8:
                return first
            if kind < 11:
                return f"{first} >= {1 + (numbers.randrange(10) == 0)}"
            if kind < 14:
                return f"lib{first}.so()(64bit)"
            if kind < 16:
                return f"/usr/bin/{first}"
            return {
                16: f"({first} or {second})",
                17: f"({first} if {second})",
                18: f"({first} and {second})",
                19: f"(lib{first}.so()(64bit) with {first} < 9)",
            }[kind]

        for version in range(1, 2 + (numbers.randrange(4) == 0)):
            count = numbers.randrange(4) if at else 0
            requires = [need() for _ in range(count)]
            if numbers.randrange(300) == 0:
                requires.append("nowhere")
            says = {"requires": requires, "conflicts": [], "recommends": [], "provides": []}
            if at and numbers.randrange(40) == 0:
                says["conflicts"] = [f"{other()} < 2"]
            if at and numbers.randrange(6) == 0:
                says["recommends"] = [other()]
            if numbers.randrange(3) == 0:
                says["provides"] = [f"group{numbers.randrange(PACKAGES // 8)}"]
            if at > 20 and numbers.randrange(6) == 0:
                says["requires"].append(f"group{numbers.randrange(PACKAGES // 8)}")
            all_packages.append((f"p{at}", str(version), says))
    return all_packages


def generate(seed, folder):
    """Writes the indexes."""
    primary, filelists, other = [], [], []
    for name, version, says in packages(seed):
        # A server that has the package of another seed is to see another package.
        digest = hashlib.sha256(f"{seed} {name} {version} {says}".encode()).hexdigest()
        own = f'<rpm:entry name="{name}" flags="EQ" epoch="0" ver="{version}" rel="1"/>'
        own += f'<rpm:entry name="lib{name}.so()(64bit)"/>'
        lists = ""
        for kind, needs in says.items():
            entries = "".join(map(entry, needs))
            if kind == "provides":
                entries = own + entries
            if entries:
                lists += f"<rpm:{kind}>{entries}</rpm:{kind}>"
        head = f'name="{name}" arch="noarch"><version epoch="0" ver="{version}" rel="1"/>'
        primary.append(
            f'<package type="rpm"><name>{name}</name><arch>noarch</arch>'
            f'<version epoch="0" ver="{version}" rel="1"/>'
            f'<checksum type="sha256" pkgid="YES">{digest}</checksum>'
            "<summary>s</summary><description>d</description><packager/><url/>"
            '<time file="1" build="1"/><size package="1" installed="1" archive="1"/>'
            f'<location href="{name}-{version}.rpm"/><format><rpm:license>MIT</rpm:license>'
            f'<rpm:sourcerpm>{name}-{version}-1.src.rpm</rpm:sourcerpm>'
            f"{lists}<file>/usr/bin/{name}</file></format></package>\n"
        )
        filelists.append(f'<package pkgid="{digest}" {head}<file>/usr/bin/{name}</file></package>\n')
        other.append(f'<package pkgid="{digest}" {head}</package>\n')
    os.makedirs(f"{folder}/repodata", exist_ok=True)
    data = ""
    spaces = 'xmlns:rpm="http://linux.duke.edu/metadata/rpm"'
    for kind, root, space, elements in (
        ("primary", "metadata", "common", primary),
        ("filelists", "filelists", "filelists", filelists),
        ("other", "otherdata", "other", other),
    ):
        text = (
            f'<?xml version="1.0"?>\n<{root} xmlns="http://linux.duke.edu/metadata/{space}" '
            f'{spaces} packages="{len(elements)}">\n{"".join(elements)}</{root}>\n'
        ).encode()
        with open(f"{folder}/repodata/{kind}.xml", "wb") as file:
            file.write(text)
        digest = hashlib.sha256(text).hexdigest()
        data += (
            f'<data type="{kind}"><checksum type="sha256">{digest}</checksum>'
            f'<open-checksum type="sha256">{digest}</open-checksum>'
            f'<location href="repodata/{kind}.xml"/><timestamp>1</timestamp>'
            f"<size>{len(text)}</size><open-size>{len(text)}</open-size></data>"
        )
    with open(f"{folder}/repodata/repomd.xml", "w", encoding="utf-8") as file:
        file.write(
            '<repomd xmlns="http://linux.duke.edu/metadata/repo" '
            f"{spaces}><revision>1</revision>{data}</repomd>\n"
        )


def picks(seed, count):
    """Names some packages."""
    numbers = random.Random(int(seed) + 1)
    # The later ones need more.
    for name, version, _ in numbers.sample(packages(seed)[PACKAGES // 3 :], int(count)):
        print(f"{name}-{version}-1.noarch", name, version)


def sack(url, name):
    """dnf with one repository and nothing installed."""
    import dnf

    folder = os.path.abspath(f"dnf-{name}")
    base = dnf.Base()
    base.conf.installroot = f"{folder}/root"
    base.conf.cachedir = f"{folder}/cache"
    base.conf.persistdir = f"{folder}/persist"
    base.conf.logdir = folder
    base.conf.substitutions["releasever"] = "9"
    base.conf.module_platform_id = "platform:el9"
    base.conf.install_weak_deps = True
    base.repos.add_new_repo("zoo", base.conf, baseurl=[url], gpgcheck=False)
    base.fill_sack(load_system_repo=False)
    return base


def installs(base, nevra):
    """What dnf installs for a package; None if it cannot."""
    import dnf

    base.reset(goal=True)
    found = [one for one in base.sack.query().available() if str(one) == nevra]
    if not found:
        sys.exit(f"{nevra} is not in {base.repos['zoo'].baseurl}")
    base.package_install(found[0])
    try:
        base.resolve()
    except dnf.exceptions.DepsolveError:
        return None
    return {str(one) for one in base.transaction.install_set}


def lacking(base):
    """What packages of a repository require and none provides."""
    everything = base.sack.query().available()
    lacks = set()
    for package in everything:
        for need in package.requires:
            if not str(need).startswith(("rpmlib(", "(")) and not everything.filter(provides=need):
                lacks.add(f"{package} requires {need}")
    return lacks


def choices(upstream, reasons):
    """The reasons that another package could have been brought for."""
    everything = upstream.sack.query().available()
    return [
        reason
        for reason in reasons
        if need(reason).startswith("(") or len(everything.filter(provides=need(reason))) > 1
    ]


def need(reason):
    """What a reason says is needed."""
    return reason.split(" requires ")[-1].split(" recommends ")[-1]


def check_reasons(copy, nevra, names, result):
    """Each unit comes for one that comes, and gives what that needs; none is needless."""
    everything = copy.sack.query().available()
    came_for = {}
    for one in result["pulled_in"]:
        unit, wanting, reason = names[one["unit"]], names[one["wanted_by"]], one["reason"]
        came_for[unit] = wanting
        given = {str(giver) for giver in everything.filter(provides=need(reason))}
        if not reason.startswith(wanting) or not (need(reason).startswith("(") or unit in given):
            sys.exit(f"{nevra}: {unit} is not there because {reason}")
    if set(names.values()) - {nevra} != set(came_for):
        sys.exit(f"{nevra}: not all of {sorted(names.values())} have a reason")
    for unit in came_for:
        at, steps = unit, 0
        while at != nevra:
            at, steps = came_for[at], steps + 1
            if steps > len(came_for):
                sys.exit(f"{nevra}: the reasons of {unit} go in a circle")
    for unit in needless(copy, nevra):
        sys.exit(f"{nevra}: nothing lacks {unit} if it is left out")


def needless(copy, nevra):
    """What a copy has though all its others require and recommend is there without it."""
    everything = list(copy.sack.query().available())
    known = {}

    def givers(need):
        if need not in known:
            known[need] = {str(one) for one in copy.sack.query().filter(provides=need)}
        return known[need]

    def holds(need, present):
        if not need.startswith("("):
            return bool(givers(need) & present)
        one, word, other = need[1:-1].partition(next(
            word for word in (" or ", " if ", " and ", " with ") if word in need
        ))
        if word == " or ":
            return holds(one, present) or holds(other, present)
        if word == " if ":
            return holds(one, present) or not holds(other, present)
        if word == " and ":
            return holds(one, present) and holds(other, present)
        return bool(givers(one) & givers(other) & present)

    needs = {
        str(one): [str(need) for need in [*one.requires, *one.recommends]] for one in everything
    }
    for unit in set(needs) - {nevra}:
        rest = set(needs) - {unit}
        fulfilled = {
            need for one in rest for need in needs[one] if holds(need, rest | {unit})
        }
        if all(holds(need, rest) for need in fulfilled):
            yield unit


def compare(url, results):
    """Holds every copy against what dnf makes of the upstream."""
    theirs = sack(url, "upstream")
    broken_upstream = lacking(theirs)
    same = other = impossible = 0
    with open(results, encoding="utf-8") as lines:
        for line in lines:
            nevra, site, answers = line.split(" ", 2)
            task, units = json.loads(answers)
            result = task["result"]
            names = {
                one["pulp_href"]: f"{one['name']}-{one['version']}-1.noarch"
                for one in units["results"]
            }
            expected = installs(theirs, nevra)
            copy = sack(site, nevra)
            brought = {str(one) for one in copy.sack.query().available()}
            unexplained = lacking(copy) - broken_upstream
            if unexplained:
                sys.exit(f"{nevra}: the copy is not closed: {sorted(unexplained)}")
            if expected is None:
                impossible += 1
                if not result["unresolved"]:
                    sys.exit(f"{nevra}: dnf cannot install it, and nothing is told")
                continue
            if result["unresolved"]:
                sys.exit(f"{nevra}: dnf can install it, but {result['unresolved']}")
            if installs(copy, nevra) is None:
                sys.exit(f"{nevra}: dnf cannot install it from its copy")
            check_reasons(copy, nevra, names, result)
            if brought == expected:
                same += 1
                continue
            other += 1
            free = choices(theirs, [one["reason"] for one in result["pulled_in"]])
            print(
                f"{nevra}: {len(brought)} packages, {len(expected)} by dnf, "
                f"with {len(free)} choices, such as {free[:1]}"
            )
            if not free:
                sys.exit(f"{nevra}: there was no choice, and still dnf installs another set")
    print(f"the same as dnf {same}, another choice {other}, not installable {impossible}")
    if same == 0:
        sys.exit("no copy has what dnf installs")


def main():
    """Does what the first word says."""
    verb, arguments = sys.argv[1], sys.argv[2:]
    if verb == "generate":
        generate(*arguments)
    elif verb == "picks":
        picks(*arguments[:2])
    else:
        compare(*arguments)


main()
