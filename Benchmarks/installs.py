#!/usr/bin/env python3
"""Times installs beside the package managers themselves: cold, with downloads at hand, from a layer, and with nothing to do.

Needs the inputs of scripts/test-inputs.sh. npm's packages come from the registry of fixtures/registries/npm on this machine, Python's
from the index that pip is configured to use. Every row is measured in one run, Forge and peer in turns; the first pair is a warm-up.
usage: installs.py --forge PATH [--runs 7]
"""
import argparse, os, pathlib, shutil, subprocess, sys, tempfile, time
from urllib.parse import urlsplit

from builds import CHECKOUT, Bench, nothing, pairs, run

INPUTS = CHECKOUT / ".build/inputs"
PYTHON = "/usr/bin/python3"


class Registry:
    """The npm registry of the fixtures, on a free port."""

    def __init__(self, work):
        port = work / "registry.port"
        program = CHECKOUT / "fixtures/registries/npm/registry.py"
        self.process = subprocess.Popen([PYTHON, str(program), "serve", str(INPUTS / "npm"), "--port-file", str(port)],
                                        stdout=subprocess.DEVNULL)
        while not port.exists():
            if self.process.poll() is not None:
                sys.exit("the npm registry does not start: run scripts/test-inputs.sh")
            time.sleep(0.02)
        self.origin = f"http://127.0.0.1:{int(port.read_text())}"

    def stop(self):
        self.process.kill()
        self.process.wait()


def python_origins():
    """Servers of the index that pip is configured to use: an operator whose index is a mirror has to list it."""
    script = ("from pip._internal.commands import create_command; from pip._internal.models.index import PyPI\n"
              "o, _ = create_command('install').parse_args([]); print(o.index_url)\n"
              "if o.index_url == PyPI.simple_url: print('https://' + PyPI.file_storage_domain)")
    urls = [urlsplit(u) for u in subprocess.run([PYTHON, "-c", script], check=True, capture_output=True, text=True).stdout.split()]
    return [f"{u.scheme}://{u.hostname}" + (f":{u.port}" if u.port else "") for u in urls]


class Input:
    """A project, how its package manager installs it, and what to change to make an install or a build run again."""

    def __init__(self, name, bench, source, peer_name, install, installed, manifest, comment, changed):
        self.name, self.peer_name, self.install, self.installed = name, peer_name, install, installed
        self.forge_copy, self.peer_copy = bench.project(f"{name}-forge", source), bench.project(f"{name}-peer", source)
        self.cache = bench.work / f"{name}-cache"
        self.environment = {**bench.environment, "npm_config_cache": str(self.cache), "PIP_CACHE_DIR": str(self.cache),
                            "UV_CACHE_DIR": str(self.cache), "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}
        self.manifest, self.comment, self.changed, self.count = manifest, comment, changed, 0

    def change_manifest(self):
        """So that the install runs again and needs nothing new."""
        self.count += 1
        path = self.forge_copy / self.manifest
        path.write_text(self.comment(path.read_text(), self.count))

    def change_source(self):
        self.count += 1
        path = self.forge_copy / self.changed
        path.write_text(path.read_text() + ("# %d\n" if path.suffix == ".py" else "// %d\n") % self.count)

    def uninstalled(self):
        shutil.rmtree(self.peer_copy / self.installed, ignore_errors=True)

    def uncached(self):
        self.uninstalled()
        shutil.rmtree(self.cache, ignore_errors=True)

    def peer(self):
        for command in self.install:
            run(command, self.environment, self.peer_copy)


def inputs(bench):
    def description(text, count):
        """A field that no package manager looks at."""
        lines = [line for line in text.split("\n") if '"description"' not in line]
        return "\n".join(lines[:1] + [f'  "description": "{count}",'] + lines[1:])

    def note(text, count):
        return text + f"# {count}\n"

    npm = ["npm", "ci", "--no-audit", "--no-fund"]
    venv = [PYTHON, "-m", "venv", ".venv"]
    pip = [".venv/bin/python", "-m", "pip", "install", "-q", "--require-hashes", "-r", "requirements.txt"]
    uv = ["uv", "sync", "-q", "--frozen", "--no-dev", "--compile-bytecode", "--python", PYTHON]
    return [
        Input("Express, npm", bench, INPUTS / "projects/express-app", "npm ci", [[*npm, "--omit=dev"]], "node_modules",
              "package.json", description, "server.js"),
        Input("React, npm", bench, INPUTS / "projects/react-app", "npm ci && npm run build", [npm, ["npm", "run", "build"]], "node_modules",
              "package.json", description, "src/main.jsx"),
        Input("Flask, pip", bench, CHECKOUT / "fixtures/projects/flask-hashed", "venv && pip install", [venv, pip], ".venv",
              "requirements.txt", note, "app.py"),
        Input("FastAPI, uv", bench, INPUTS / "projects/fastapi-uv", "uv sync --compile-bytecode", [uv], ".venv", "pyproject.toml", note,
              "ferry/main.py"),
    ]


def rows_of(bench, project, runs):
    build = bench.build(project.forge_copy)
    peer = project.peer_name
    warm = (project.uninstalled, project.peer)
    yield "cold", f"{peer}, empty cache", pairs(runs, (bench.emptied, build), (project.uncached, project.peer))
    yield "downloads at hand", f"{peer}, full cache", pairs(runs, (project.change_manifest, build), warm)
    yield "source changed", f"{peer}, full cache", pairs(runs, (project.change_source, build), warm)
    if len(project.install) == 2 and project.installed == "node_modules":
        script = (nothing, lambda: run(project.install[1], project.environment, project.peer_copy))
        yield "source changed", "npm run build, installed", pairs(runs, (project.change_source, build), script)
    yield "nothing changed", f"{peer}, full cache", pairs(runs, (nothing, build), warm)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--forge", required=True)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    print("| input | build | forge ms | peer | peer ms | forge / peer | forge − peer ms |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as work:
        registry = Registry(pathlib.Path(work))
        try:
            bench = Bench(options.forge, work)
            bench.environment |= {"npm_config_registry": registry.origin + "/", "no_proxy": "127.0.0.1",
                                  "FORGE_EGRESS_ALLOW": ",".join([registry.origin, *python_origins()])}
            for project in inputs(bench):
                for kind, peer, (ours, theirs, ratio) in rows_of(bench, project, options.runs):
                    print(f"| {project.name} | {kind} | {ours:.0f} | {peer} | {theirs:.0f} | {ratio:.2f} | {ours - theirs:+.0f} |", flush=True)
        finally:
            registry.stop()
    print(f"\nMedians of {options.runs} runs; {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
