#!/usr/bin/env python3
"""Packing an artifact: the first archive beside `tar --sort=name | zstd -3 -T2`, with the memory it takes; and, after a hundredth of the files has
changed, the second one beside the first, as casync and restic do it.

Forge packs in `forge-store-exerciser archive` (as `forge build --archive` does after its build); everything is timed as a whole process.
usage: pack.py [--bin FOLDER] [--runs 9] [--files 20000] [--bytes 20000]
"""
import os, pathlib, shutil, subprocess, sys, tempfile

from measuring import Contender, Table, against, command, footer, make_files, measure, missing, parser, program, race, words


class Artifact:
    """A folder of files, and the same in a store. `change` gives a hundredth of the files other bytes."""

    def __init__(self, options, work):
        self.exerciser, self.store, self.work = f"{options.bin}/forge-store-exerciser", work / "store", work
        self.folder = work / "site"
        self.folder.mkdir()
        self.bytes = make_files(self.folder, options.files, options.bytes)
        self.changed = sorted(self.folder.rglob("file-*.js"))[::100]
        self.round = 0

    def change(self):
        self.round += 1
        for number, file in enumerate(self.changed):
            file.write_bytes(words(self.round * 1_000_003 + number, file.stat().st_size))

    def stored(self):
        return measure([self.exerciser, self.store, "collect", self.folder]).output.strip()


def forge(artifact, after_change):
    file = artifact.work / "forge.tar.zst"
    tree = [artifact.stored()]

    def prepare():
        if after_change:
            artifact.change()
            tree[0] = artifact.stored()
        else:
            forgotten(artifact)
    return Contender("forge, " + ("after a change of 1 %" if after_change else "first"),
                     lambda: measure([artifact.exerciser, artifact.store, "archive", tree[0], file, 1]), prepare)


def forgotten(artifact):
    """What an earlier pack may have left to be quicker with."""
    for name in ["frames", "packs"]:
        shutil.rmtree(artifact.store / name, ignore_errors=True)


def tar(artifact):
    script = 'tar --sort=name -C "$1" -cf - . | zstd -q -3 -T2 -f -o "$2"'
    return Contender("tar --sort=name \\| zstd -3 -T2", command("sh", "-c", script, "sh", artifact.folder, artifact.work / "tar.zst"))


def casync(artifact, after_change):
    chunks = artifact.work / "casync.castr"

    def prepare():
        if after_change:
            artifact.change()
        else:
            shutil.rmtree(chunks, ignore_errors=True)
    return Contender("casync make, " + ("after a change of 1 %" if after_change else "first"),
                     command("casync", "make", "--store", chunks, artifact.work / "site.caidx", artifact.folder), prepare)


def restic(artifact, after_change):
    repository = artifact.work / "restic"
    environment = {**os.environ, "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(artifact.work / "restic-cache")}

    def prepare():
        if after_change:
            artifact.change()
            return
        shutil.rmtree(repository, ignore_errors=True)
        measure(["restic", "-q", "-r", repository, "init"], environment)
    return Contender("restic backup, " + ("after a change of 1 %" if after_change else "first"),
                     command("restic", "-q", "-r", repository, "backup", artifact.folder, environment=environment), prepare)


def main():
    options = parser(__doc__, 9, files=20_000, bytes=20_000).parse_args()
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as name:
        artifact = Artifact(options, pathlib.Path(name))
        first, peer = race(options.runs, [forge(artifact, False), tar(artifact)])
        # First and second of each in turns: the second finds what the first has left.
        pairs = [(forge(artifact, False), forge(artifact, True))]
        for tool, make in [("casync", casync), ("restic", restic)]:
            if program(tool):
                pairs.append((make(artifact, False), make(artifact, True)))
            else:
                missing(tool, tool)
        for pair in pairs:
            race(options.runs, pair)
    table = Table("packing", "ms", "ratio", "MiB", "goal")
    ratio = first.ratio_to(peer)
    goal = against("≤ 1.0 × tar \\| zstd", ratio <= 1) + "; " + against("≤ 64 MB", first.peak_mib * 1.048576 <= 64)
    table.row(first.name, f"{first.ms:.0f}", f"{ratio:.2f} of tar", f"{first.peak_mib:.0f}", goal)
    table.row(peer.name, f"{peer.ms:.0f}", "1.00", f"{peer.peak_mib:.0f}", "–")
    for before, after in pairs:
        times = before.ratio_to(after)
        table.row(before.name, f"{before.ms:.0f}", "1.00", f"{before.peak_mib:.0f}", "–")
        table.row(after.name, f"{after.ms:.0f}", f"{times:.1f} × faster", f"{after.peak_mib:.0f}",
                  against("≥ 4 × faster", times >= 4) if after.name.startswith("forge") else "–")
    footer(options.runs, f"{options.files:,} files, {artifact.bytes / 1e6:.0f} MB; MiB is the largest process of the command.")


if __name__ == "__main__":
    main()
