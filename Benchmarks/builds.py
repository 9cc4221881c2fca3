#!/usr/bin/env python3
"""Times builds: no-op (nothing changed), warm (one source file changed), cold (empty store), each beside a peer.

Every row is measured in one run, Forge and peer in turns; the first pair is a warm-up and not counted.
usage: builds.py --forge PATH [--runs 15]
"""
import argparse, os, pathlib, resource, shutil, statistics, subprocess, sys, tempfile, time

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent


class Bench:
    def __init__(self, forge, work):
        self.forge, self.work = str(pathlib.Path(forge).resolve()), pathlib.Path(work)
        self.home = self.work / "home"
        # The peers' tools are installed already: what a toolchain costs once is no part of a build.
        self.environment = {**os.environ, "FORGE_HOME": str(self.home), "FORGE_TOOLCHAIN_SOURCES": "host"}

    def project(self, name, source):
        target = self.work / name
        shutil.copytree(source, target, symlinks=True)
        return target

    def build(self, project, *options):
        return lambda: run([self.forge, "build", str(project), "--progress", "quiet", *options], self.environment)

    def emptied(self):
        shutil.rmtree(self.home, ignore_errors=True)


def run(command, environment=None, cwd=None):
    result = subprocess.run(command, env=environment, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr.decode(errors='replace')}")


def timed(prepare, work):
    prepare()
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def pairs(runs, forge, peer):
    """forge and peer are (prepare, work); returns medians in ms and the median of the pairwise ratios."""
    measured = [(timed(*forge), timed(*peer)) for _ in range(runs + 1)][1:]
    return (statistics.median(a for a, _ in measured), statistics.median(b for _, b in measured),
            statistics.median(a / b for a, b in measured))


def nothing():
    pass


def touch_counter(path):
    """Changes one file's content each time."""
    count = 0

    def change():
        nonlocal count
        count += 1
        path.write_text(path.read_text() + f"\n<!-- {count} -->\n")
    return change


def bare(command, project, output):
    def prepare():
        shutil.rmtree(project / output, ignore_errors=True)
    return prepare, lambda: run(command, cwd=project)


def fresh_index(project, work):
    """git hashing and storing the same tree from nothing."""
    repository = work / "index.git"

    def prepare():
        shutil.rmtree(repository, ignore_errors=True)
        run(["git", "init", "-q", "--bare", str(repository)])
    return prepare, lambda: run(["git", f"--git-dir={repository}", f"--work-tree={project}", "add", "-A"], cwd=project)


def same_index(project, work):
    """git finding that nothing changed."""
    repository = work / "same.git"
    run(["git", "init", "-q", "--bare", str(repository)])
    command = ["git", f"--git-dir={repository}", f"--work-tree={project}"]
    run([*command, "add", "-A"], cwd=project)
    return nothing, lambda: run([*command, "status", "--porcelain"], cwd=project)


def has_buildah():
    found = shutil.which("buildah") and subprocess.run(
        ["buildah", "images", "-q", "localhost/forge-bench-hugo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    if not found:
        print("no buildah rows: run Benchmarks/peer-image.sh first", file=sys.stderr)
    return found


def buildah(project, work, layers=True):
    """The same Hugo build as a container build: context transfer, layer cache, step in an OCI runtime."""
    recipe = work / "Containerfile"
    recipe.write_text("FROM localhost/forge-bench-hugo\nWORKDIR /w\nCOPY . .\nRUN hugo --minify --destination public\n")
    cache = ["--layers"] if layers else ["--no-cache"]
    # chroot isolation: the only one that starts on this hybrid cgroup hierarchy, and the fastest.
    return lambda: run(["buildah", "bud", "-q", "--isolation", "chroot", *cache, "-t", "forge-bench-out", "-f", str(recipe), str(project)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--forge", required=True)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as work:
        bench = Bench(options.forge, work)
        node = bench.project("node", CHECKOUT / "fixtures/projects/node-static")
        hugo = bench.project("hugo", CHECKOUT / "fixtures/projects/hugo-site")
        docs = bench.project("docs", CHECKOUT / ".build/inputs/sqlite3-doc/usr/share/doc/sqlite3")
        inputs = [
            ("Node, one step", node, bare(["npm", "run", "build"], node, "dist"), next(iter(sorted((node / "content").iterdir())))),
            ("Hugo, one step", hugo, bare(["hugo", "--quiet"], hugo, "public"), next(iter(sorted((hugo / "content").rglob("*.md"))))),
        ]
        for name, project, peer, changed in inputs:
            bench.emptied()
            bench.build(project)()
            rows.append((name, "no-op", "the bare command", *pairs(options.runs, (nothing, bench.build(project)), peer)))
            rows.append((name, "warm", "the bare command", *pairs(options.runs, (touch_counter(changed), bench.build(project)), peer)))
            rows.append((name, "cold", "the bare command", *pairs(options.runs, (bench.emptied, bench.build(project)), peer)))
        if has_buildah():
            changed = next(iter(sorted((hugo / "content").rglob("*.md"))))
            bench.emptied()
            bench.build(hugo)()
            same, fresh = buildah(hugo, bench.work), buildah(hugo, bench.work, layers=False)
            same()
            rows.append(("Hugo, one step", "no-op", "buildah bud", *pairs(options.runs, (nothing, bench.build(hugo)), (nothing, same))))
            rows.append(("Hugo, one step", "warm", "buildah bud", *pairs(
                options.runs, (touch_counter(changed), bench.build(hugo)), (touch_counter(changed), same))))
            rows.append(("Hugo, one step", "cold", "buildah bud --no-cache", *pairs(
                options.runs, (bench.emptied, bench.build(hugo)), (nothing, fresh))))
        bench.emptied()
        bench.build(docs)()
        rows.append(("docs, no step", "no-op", "git status", *pairs(options.runs, (nothing, bench.build(docs)), same_index(docs, bench.work))))
        rows.append(("docs, no step", "cold", "git add into a fresh index",
                     *pairs(options.runs, (bench.emptied, bench.build(docs)), fresh_index(docs, bench.work))))
        archive = bench.work / "docs.tar.zst"
        tar = (nothing, lambda: run(["sh", "-c", 'tar -C "$1" -cf - . | zstd -q -3 -T2 -f -o "$2"', "sh", str(docs), str(bench.work / "t.zst")]))
        rows.append(("docs, no step", "archive", "tar | zstd -3 -T2", *pairs(options.runs, (nothing, bench.build(docs, "--archive", str(archive))), tar)))
    print("| input | build | forge ms | peer | peer ms | forge / peer |\n|---|---|---|---|---|---|")
    for name, kind, peer, ours, theirs, ratio in rows:
        print(f"| {name} | {kind} | {ours:.0f} | {peer} | {theirs:.0f} | {ratio:.2f} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"\nMedians of {options.runs} runs; largest process {peak} MiB; {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
