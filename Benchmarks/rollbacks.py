#!/usr/bin/env python3
"""Times `forge rollback`, the whole command: to a release whose server is kept frozen, and to one that is started from its stored artifact.

Each answer is looked at: the version must be the wanted one, its process the old one or a new one as the row says. Needs root.
usage: rollbacks.py --forge PATH [--runs 50]
"""
import argparse, json, os, pathlib, statistics, tempfile, time, urllib.request

from swaps import CHECKOUT, HOST, Forge, tell


def ask(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": HOST})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.headers["x-version"], json.loads(answer.read())["started"]


def rollback(forge, version):
    """Milliseconds of the command, and whether the process that answers is one that ran before."""
    start = time.perf_counter()
    forge.run("rollback", forge.releases[version], "--project", "told")
    elapsed = (time.perf_counter() - start) * 1000
    answered, started = ask(forge.port, "/ids")
    assert answered == str(version), f"version {answered} answers, not {version}"
    known = forge.seen.get(version) == started
    forge.seen[version] = started
    return elapsed, known


def measure(forge, versions, runs, kept):
    times = []
    for number in range(runs):
        elapsed, known = rollback(forge, versions[number % len(versions)])
        assert known == kept, f"run {number}: the server was {'' if known else 'not '}kept"
        times.append(elapsed)
    return sorted(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--forge", required=True)
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    os.environ.setdefault("FORGE_DATA", str(CHECKOUT))
    print("| rollback to | runs | median ms | p99 ms | goal ms |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="forge-rollbacks-") as folder:
        work = pathlib.Path(folder)
        forge = Forge(options.forge, work)
        try:
            forge.seen = {1: ask(forge.port, "/ids")[1]}
            # Active is 1, kept is 2; the first way back to 2 tells its process.
            rollback(forge, 2)
            times = measure(forge, [1, 2], options.runs, kept=True)
            row("a release kept frozen", times, 1000)
            tell(work / "told", 3)
            forge.releases[3] = forge.run("deploy", str(work / "told"), "--project", "told")["release"]
            # Always the one of three that is neither active nor kept.
            active, kept = 3, 2 if options.runs % 2 == 0 else 1
            times = measure(forge, [6 - active - kept, kept, active], options.runs, kept=False)
            row("a stored artifact", times, 5000)
        finally:
            forge.stop()
    print(f"\nA server of 100 lines on Node; {os.cpu_count()} cores.")


def row(name, times, goal):
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    print(f"| {name} | {len(times)} | {statistics.median(times):.0f} | {p99:.0f} | {goal} |", flush=True)


if __name__ == "__main__":
    main()
