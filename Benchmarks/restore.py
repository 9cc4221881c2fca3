#!/usr/bin/env python3
"""A dependency layer put in place: the first time (laid out as hard links), and when it lies there (made sure of, then mounted), beside unpacking
an archive of it, copying it as hard links, and the bare overlay mount.

Forge's part is timed inside `forge-store-exerciser layer`, the mount by this script around mount(2): the two calls that a build makes. Needs root.
usage: restore.py [--bin FOLDER] [--runs 15] [--files 10000 50000] [--bytes 10000]
"""
import ctypes, os, pathlib, shutil, statistics, subprocess, tempfile, time

from measuring import Contender, Sample, Table, against, command, footer, make_files, parser, race

libc = ctypes.CDLL(None, use_errno=True)


def mount(lower, work):
    """Milliseconds that the mount call of an overlay over `lower` takes; it is taken away again."""
    for name in ["upper", "work", "merged"]:
        (work / name).mkdir(exist_ok=True)
    data = f"lowerdir={lower},upperdir={work}/upper,workdir={work}/work".encode()
    start = time.perf_counter()
    result = libc.mount(b"overlay", str(work / "merged").encode(), b"overlay", 0, data)
    elapsed = (time.perf_counter() - start) * 1000
    if result:
        raise OSError(ctypes.get_errno(), f"overlay over {lower}")
    names = os.listdir(work / "merged")
    libc.umount2(str(work / "merged").encode(), 0)
    if not names:
        raise SystemExit("the mounted layer is empty")
    return elapsed


class Layer:
    """node_modules in a store of its own."""

    def __init__(self, options, work, count, size):
        self.exerciser, self.work, self.store = f"{options.bin}/forge-store-exerciser", work, work / "store"
        self.source = work / "node_modules"
        self.source.mkdir()
        self.bytes = make_files(self.source, count, size)
        self.tree = self.run("collect", self.source).strip()
        self.folder = dict(line.split(" ", 1) for line in self.run("layer", self.tree, 1).splitlines())["folder"]
        self.archive = work / "node_modules.tar.zst"
        subprocess.run(["tar", "--zstd", "-C", self.source, "-cf", self.archive, "."], check=True)

    def run(self, *words):
        return subprocess.run([self.exerciser, self.store, *map(str, words)], check=True, capture_output=True, text=True).stdout

    def times(self, count):
        found = {}
        for line in self.run("layer", self.tree, count).splitlines():
            name, value = line.split(" ", 1)
            found.setdefault(name, []).append(value)
        return found

    def forgotten(self):
        shutil.rmtree(self.store / "trees")
        (self.store / "trees").mkdir(mode=0o700)

    def first(self):
        return Sample(float(self.times(1)["first-ms"][0]))

    def again(self):
        """Of a process that has not looked at it before, as a build is."""
        return Sample(float(self.times(1)["first-ms"][0]) + mount(self.folder, self.work))


def rows(options, count, table):
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as name:
        work = pathlib.Path(name)
        layer = Layer(options, work, count, options.bytes)
        target = work / "target"

        def cleared():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
        first = Contender("forge, first time", layer.first, layer.forgotten)
        again = Contender("forge, laid out before", layer.again)
        bare = Contender("overlay mount alone", lambda: Sample(mount(layer.source, work)))
        tar = Contender("tar --zstd -x", command("tar", "--zstd", "-xf", layer.archive, "-C", target), cleared)
        links = Contender("cp -al", command("cp", "-al", layer.source, target / "node_modules"), cleared)
        race(options.runs, [first, again, bare, tar, links])
        what = f"{count:,} files, {layer.bytes / 1e6:.0f} MB"
        for contender in [first, again, bare, tar, links]:
            goal = against("≤ 10 ms", contender.ms <= 10) if contender is again else "–"
            table.row(what, contender.name, f"{contender.ms:.1f}", f"{again.ratio_to(contender):.3f}", goal)
        return again.ms


def main():
    options = parser(__doc__, 15, files=[10_000, 50_000], bytes=10_000).parse_args()
    table = Table("layer", "put in place by", "ms", "laid out before / it", "goal")
    times = [rows(options, count, table) for count in options.files]
    footer(options.runs, "tar and cp are whole processes, forge's rows and the bare mount are timed within one.")
    if len(times) > 1:
        print(f"From {options.files[0]:,} to {options.files[-1]:,} files, laid out before: × {times[-1] / times[0]:.2f} "
              f"({against('≤ 1.2', times[-1] / times[0] <= 1.2)}).")


if __name__ == "__main__":
    main()
