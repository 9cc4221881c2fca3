#!/usr/bin/env python3
"""Detection in a repository of 10,000 files: the first time, after a change of what it reads, and after a change of what it does not; beside
`git ls-files`, which only lists them.

A build tells how long it has looked at the snapshot (its `detect` span); `forge detect` is the whole process, which walks the files as well.
Needs root, as builds do.
usage: detection.py [--bin FOLDER] [--runs 15] [--files 10000]
"""
import json, os, pathlib, re, subprocess, sys, tempfile

from measuring import Contender, Sample, Table, against, command, committed, footer, make_files, parser, race

GOAL = 10


def span(forge, project, environment):
    """The milliseconds of a build's `detect` span."""
    run = subprocess.run([forge, "build", project, "--progress", "json"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"forge build ended with {run.returncode}:\n{run.stderr}")
    events = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")]
    started = {event["span"] for event in events if event.get("type") == "span.started" and event.get("kind") == "detect"}
    took = [event["durationMs"] for event in events if event.get("type") == "span.finished" and event.get("span") in started]
    if len(took) != 1:
        sys.exit(f"no span of detection among the events of forge build:\n{run.stderr}")
    return Sample(took[0])


def main():
    options = parser(__doc__, 15, files=10000).parse_args()
    forge = pathlib.Path(options.bin) / "forge"
    with tempfile.TemporaryDirectory() as work:
        project = pathlib.Path(work) / "project"
        make_files(project / "src", options.files, 2000)
        manifest, source = project / "package.json", project / "src/part-0/folder-0/file-0.js"
        (project / "server.js").write_text('require("http").createServer((_, answer) => answer.end("hello")).listen(process.env.PORT);\n')
        number = 0

        def change(file):
            nonlocal number
            number += 1
            text = file.read_text() if file.exists() else "{}"
            if file == manifest:
                text = json.dumps({"name": "site", "version": f"1.0.{number}", "private": True, "scripts": {"start": "node server.js"}})
            else:
                text = re.sub(r"// .*\n\Z", "", text) + f"// {number}\n"
            file.write_text(text)

        change(manifest)
        committed(project)
        environment = {**os.environ, "FORGE_HOME": f"{work}/home", "FORGE_TOOLCHAIN_SOURCES": "host"}
        build = lambda: span(forge, project, environment)
        first, unread, same, whole, listing = race(options.runs, [
            Contender("build: detection, what it reads is new", build, lambda: change(manifest)),
            Contender("build: detection, what it reads is as it was", build, lambda: change(source)),
            Contender("build: detection, nothing is new", build),
            Contender("forge detect", command(forge, "detect", project, "--json", environment=environment)),
            Contender("git ls-files", command("git", "-C", project, "ls-files", "--cached", "--others", "--exclude-standard")),
        ])
        table = Table("files", "what", "ms", "goal")
        goals = {first: GOAL, unread: GOAL}
        for contender in [first, unread, same, whole, listing]:
            goal = against(f"≤ {goals[contender]} ms on top of the snapshot", contender.ms <= goals[contender]) if contender in goals else "–"
            table.row(f"{options.files:,}", contender.name, f"{contender.ms:.1f}", goal)
        footer(options.runs)


if __name__ == "__main__":
    main()
