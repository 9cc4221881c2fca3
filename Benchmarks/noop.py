#!/usr/bin/env python3
"""Builds in which nothing has changed, of 10, 10,000 and 50,000 files, beside `git status` and other build tools on the same files; and what the
engine adds to the user's own command when one source file of 10,000 has changed.

Peers that are not installed are left out, with a word on standard error. Needs root, as builds do.
usage: noop.py [--bin FOLDER] [--runs 15] [--files 10 10000 50000]
"""
import json, os, pathlib, signal, statistics, subprocess, sys, tempfile, time

from measuring import Contender, Sample, Table, against, command, committed, footer, make_files, measure, missing, parser, program, race


class BuildKit:
    """Debian's dockerd with a data root and a socket of its own."""

    def __init__(self, work):
        self.work, self.process = work / "docker", None
        daemon = program("dockerd")
        # Of Debian: it brings its own BuildKit client.
        self.client = next((path for path in ["/usr/bin/docker", program("docker")] if path and os.path.exists(path)), None)
        if not daemon or not self.client:
            return
        self.work.mkdir()
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.work}/socket", "DOCKER_BUILDKIT": "1", "HOME": str(self.work)}
        with open(self.work / "log", "w") as log:
            self.process = subprocess.Popen(
                [daemon, "--data-root", self.work / "data", "--exec-root", self.work / "exec", "-H", f"unix://{self.work}/socket", "-p",
                 self.work / "pid", "--iptables=false", "--bridge=none"], stdout=log, stderr=log)
        for _ in range(300):
            if subprocess.run([self.client, "version"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        self.stop()

    def contender(self, project):
        recipe = self.work / "Recipe"
        recipe.write_text("FROM scratch\nCOPY . /site\n")
        (self.work / "Recipe.dockerignore").write_text(".git\n")
        return Contender("BuildKit (dockerd 20.10)", command(self.client, "build", "-q", "-f", recipe, "-t", "site", project,
                                                             environment=self.environment))

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process = None


def buildah(project, work):
    recipe = work / "Containerfile"
    recipe.write_text("FROM scratch\nCOPY . /site\n")
    (project / ".containerignore").write_text(".git\n")
    storage = ["--root", work / "buildah/root", "--runroot", work / "buildah/run"]
    return Contender("buildah bud --layers", command("buildah", *storage, "bud", "-q", "--layers", "-t", "site", "-f", recipe, project))


def listed(project):
    return sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file() and ".git" not in path.parts)


def ninja(project, work):
    lines = "".join(f" $\n    {project}/{name}" for name in listed(project))
    (work / "ninja").mkdir()
    (work / "ninja/build.ninja").write_text(f"rule pack\n  command = touch $out\nbuild stamp: pack{lines}\n")
    return Contender("ninja", command("ninja", "-C", work / "ninja", "--quiet"))


def bazel(project, work):
    folder = work / "bazel"
    folder.mkdir()
    (folder / "WORKSPACE").touch()
    subprocess.run(["cp", "-a", str(project), str(folder / "site")], check=True)
    (folder / "BUILD").write_text('genrule(name = "stamp", srcs = glob(["site/**"], exclude = ["site/.git/**"]), outs = ["stamp.txt"], '
                                  'cmd = "echo done > $@")\n')
    words = ["bazel", f"--output_user_root={work}/bazel-out", "--max_idle_secs=3600"]
    environment = {**os.environ, "HOME": str(work)}

    def stop():
        subprocess.run([*words, "shutdown"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Contender("bazel, its server running", command(*words, "build", "--noshow_progress", "//:stamp", environment=environment, cwd=folder)), stop


def nix(project, work):
    root = work / "nix"
    (root / "conf").mkdir(parents=True)
    (root / "conf/nix.conf").write_text("build-users-group =\nsandbox = false\nsubstitute = false\n")
    (root / "site.nix").write_text(
        'derivation { name = "site"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo done > $out" ];\n'
        f'  src = builtins.filterSource (path: type: baseNameOf path != ".git") {project}; }}\n')
    environment = {**os.environ, "HOME": str(work), "NIX_STORE_DIR": str(root / "store"), "NIX_STATE_DIR": str(root / "state"),
                   "NIX_LOG_DIR": str(root / "log"), "NIX_CONF_DIR": str(root / "conf")}
    return Contender("nix-build", command("nix-build", "--no-out-link", root / "site.nix", environment=environment))


def forge(options, work, project, *more):
    environment = {**os.environ, "FORGE_HOME": str(work / "home")}
    return Contender("forge", command(f"{options.bin}/forge", "build", project, "--progress", "quiet", *more, environment=environment))


def unchanged(options, count, table):
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as name:
        work = pathlib.Path(name)
        project = work / "site"
        project.mkdir()
        (project / "index.html").write_text("<h1>nothing changes here</h1>\n")
        make_files(project, count - 1, 800)
        committed(project)
        ours, status = forge(options, work, project), Contender("git status", command("git", "status", "--porcelain", cwd=project))
        contenders, stops = [ours, status], []
        docker = BuildKit(work) if count >= 1000 else None
        try:
            if docker:
                stops.append(docker.stop)
                contenders += peers(project, work, docker, stops)
            # What was written within the last tick is read again until it has aged.
            time.sleep(3)
            race(options.runs, contenders)
        finally:
            for stop in stops:
                stop()
        report(table, count, ours, status, contenders)


def peers(project, work, docker, stops):
    found = []
    if docker.process:
        found.append(docker.contender(project))
    elif program("buildah"):
        print("no BuildKit: dockerd (Debian's docker.io) does not start here; buildah stands in", file=sys.stderr)
        found.append(buildah(project, work))
    else:
        missing("BuildKit", "docker.io")
    for name, package, make in [("ninja", "ninja-build", ninja), ("nix-build", "nix-bin", nix)]:
        if program(name):
            found.append(make(project, work))
        else:
            missing(name, package)
    if program("bazel"):
        contender, stop = bazel(project, work)
        found.append(contender)
        stops.append(stop)
    else:
        missing("bazel", "bazel-bootstrap")
    return found


def report(table, count, ours, status, contenders):
    if count < 1000:
        goal = against("≤ 30 ms", ours.ms <= 30) + "; " + against(f"{ours.peak_mib:.0f} MiB, ≤ 30", ours.peak_mib <= 30)
    else:
        ratio = ours.ratio_to(status)
        goal = against("≤ 1.5 × git status", ratio <= 1.5)
    table.row(f"{count:,}", "forge build", f"{ours.ms:.0f}", "1.00", f"{ours.peak_mib:.0f}", goal)
    for peer in contenders[1:]:
        goal = "–"
        if "BuildKit" in peer.name or "buildah" in peer.name:
            goal = against("forge ≥ 8 × faster", peer.ratio_to(ours) >= 8)
        table.row(f"{count:,}", peer.name, f"{peer.ms:.0f}", f"{ours.ratio_to(peer):.2f}", f"{peer.peak_mib:.0f}", goal)


# The step's own command says how long it took: what is left of the build is ours.
BUILD = "s=$(date +%s%N); mkdir -p dist; cp changed.txt dist/index.html; echo $(($(date +%s%N) - s)) > dist/build-ns.txt"


def changed_project(folder, count):
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "site", "version": "1.0.0", "private": True}))
    (folder / "package-lock.json").write_text(json.dumps(
        {"name": "site", "version": "1.0.0", "lockfileVersion": 2, "requires": True, "packages": {"": {"name": "site", "version": "1.0.0"}}}))
    (folder / "crowdforge.toml").write_text(f'[build]\ncommand = "{BUILD}"\noutput = "dist"\n')
    (folder / "changed.txt").write_text("0\n")
    make_files(folder / "src", max(0, count - 5), 800)
    committed(folder)


def one_changed(options, count):
    """(wall, the step's part, the command's part) of builds after one changed file, medians in ms."""
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as name:
        work = pathlib.Path(name)
        project, output = work / "site", work / "out"
        changed_project(project, count)
        environment = {**os.environ, "FORGE_HOME": str(work / "home")}
        words = [f"{options.bin}/forge", "build", project, "--json", "--progress", "quiet"]
        measure(words, environment)
        found = []
        for number in range(options.runs + 1):
            (project / "changed.txt").write_text(f"{number + 1}\n")
            sample = measure(words, environment)
            steps = {step["id"]: step for step in json.loads(sample.output)["steps"]}
            outcomes = {step["outcome"] for name, step in steps.items() if name != "build"}
            if outcomes - {"cached"} or steps["build"]["outcome"] != "executed":
                sys.exit(f"not only the build step ran: {steps}")
            measure([*words, "--out", output, "--force"], environment)
            own = int((output / "build-ns.txt").read_text()) / 1e6
            found.append((sample.ms, steps["build"]["durationMs"], own))
        return [statistics.median(values) for values in zip(*found[1:])]


def overhead(options, count):
    print("\n| files | build after one changed file ms | all but the command ms | of it outside the step | sandbox, outputs | goal |\n"
          "|---|---|---|---|---|---|")
    start = None
    for files in [10, count]:
        wall, step, own = one_changed(options, files)
        start = start if start is not None else step - own
        goal = against(f"≤ 150 ms + sandbox start ({start:.0f} ms)", wall - own <= 150 + start) if files != 10 else "gives the sandbox start"
        print(f"| {files:,} | {wall:.0f} | {wall - own:.0f} | {wall - step:.0f} | {step - own:.0f} | {goal} |", flush=True)


def main():
    options = parser(__doc__, 15, files=[10, 10_000, 50_000], changed=10_000).parse_args()
    table = Table("files", "nothing changed", "ms", "forge / it", "MiB", "goal")
    for count in options.files:
        unchanged(options, count, table)
    overhead(options, options.changed)
    footer(options.runs, "MiB is the largest process of the command, without servers; Python's own start is the floor of it.")


if __name__ == "__main__":
    main()
