"""Upstreams on disk: file repositories made once from a seed and kept in a cache folder."""

import hashlib
import os
import random
import shutil

PIECE = 1 << 20


def make(folder, count, size, seed):
    """A repository `<count>x<size>-<seed>` below a folder; its name."""
    name = f"{count}x{size}-{seed}"
    place = os.path.join(folder, name)
    if os.path.exists(os.path.join(place, "PULP_MANIFEST")):
        return name
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    lines = []
    for number in range(1, count + 1):
        source = random.Random(f"{name}/{number}")
        digest = hashlib.sha256()
        with open(os.path.join(place, f"{number}.iso"), "wb") as file:
            left = size
            while left:
                piece = source.randbytes(min(left, PIECE))
                file.write(piece)
                digest.update(piece)
                left -= len(piece)
        lines.append(f"{number}.iso,{digest.hexdigest()},{size}\n")
    # Last: a folder with a manifest is whole.
    with open(os.path.join(place, "PULP_MANIFEST"), "w", encoding="ascii") as file:
        file.writelines(lines)
    return name
