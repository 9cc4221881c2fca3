#!/usr/bin/env python3
"""Hashing as the store does it when it takes files in, on one core and on two, beside `openssl dgst -sha256`.

The files lie in the page cache. Forge is timed inside `forge-store-exerciser hash`, openssl as a whole process: its start is a thousandth of the work.
usage: hash.py [--bin FOLDER] [--runs 9] [--files 8] [--mebibytes 128]
"""
import os, pathlib, subprocess, sys, tempfile, time

from measuring import Contender, Sample, Table, against, footer, measure, parser, race


def ours(options, files, threads):
    def work():
        lines = measure([f"{options.bin}/forge-store-exerciser", "-", "hash", threads, *files]).output.splitlines()
        return Sample(float(dict(line.split() for line in lines)["hash-ms"]))
    return work


def theirs(files, processes):
    def work():
        start = time.perf_counter()
        running = [subprocess.Popen(["openssl", "dgst", "-sha256", *files[number::processes]], stdout=subprocess.DEVNULL)
                   for number in range(processes)]
        if any([process.wait() for process in running]):
            sys.exit("openssl failed")
        return Sample((time.perf_counter() - start) * 1000)
    return work


def main():
    options = parser(__doc__, 9, files=8, mebibytes=128).parse_args()
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as name:
        files = [pathlib.Path(name) / f"{number}.bin" for number in range(options.files)]
        for file in files:
            with open(file, "wb") as out:
                for _ in range(options.mebibytes):
                    out.write(os.urandom(1 << 20))
        one, two = Contender("forge, 1 core", ours(options, files, 1)), Contender("forge, 2 cores", ours(options, files, 2))
        peer, peers = Contender("openssl, 1 process", theirs(files, 1)), Contender("openssl, 2 processes", theirs(files, 2))
        race(options.runs, [one, peer, two, peers])
    size = options.files * options.mebibytes * (1 << 20) / 1e9
    table = Table("hashing", "GB/s", "of openssl", "goal")
    share, speedup = 1 / one.ratio_to(peer), one.ms / two.ms
    table.row(one.name, f"{size / one.ms * 1000:.2f}", f"{share:.2f}", against("≥ 0.9 × openssl", share >= 0.9))
    table.row(peer.name, f"{size / peer.ms * 1000:.2f}", "1.00", "–")
    table.row(two.name, f"{size / two.ms * 1000:.2f}", f"{1 / two.ratio_to(peers):.2f}", against(f"≥ 1.7 × one core (is {speedup:.2f})", speedup >= 1.7))
    table.row(peers.name, f"{size / peers.ms * 1000:.2f}", "1.00", "–")
    footer(options.runs, f"{options.files} files of {options.mebibytes} MiB.")


if __name__ == "__main__":
    main()
