"""What the start of a step's sandbox costs, beside the bare OCI runtimes and, where they are there, docker and podman.

Everyone runs the same shell line and nothing else. Forge's figure is its own clock in the build's report: from the moment the step is to
run (bundle, disk, layers, namespaces, runtime) until its last output is read and everything of it is dead. The others are whole
processes, as nobody starts them otherwise. Needs root.
"""
import json, os, pathlib, shutil, subprocess, sys, tempfile
from measuring import Contender, Sample, Table, measure, parser, race

LINE = "mkdir -p /tmp/site; echo hello > /tmp/site/index.html"
UNHYBRID = ["unshare", "-m", "sh", "-c", '! [ -e /sys/fs/cgroup/unified ] || umount -l /sys/fs/cgroup/unified; exec "$@"', "-"]


def bundle(folder):
    """What `runc spec` writes, over the machine's own /usr, and nothing of Forge's hardening."""
    root = folder / "rootfs"
    for name in ["usr", "proc", "dev", "sys", "tmp"]:
        (root / name).mkdir(parents=True)
    for name in ["bin", "lib", "lib64"]:
        (root / name).symlink_to(f"usr/{name}")
    subprocess.run(["runc", "spec"], cwd=folder, check=True)
    config = json.loads((folder / "config.json").read_text())
    config["process"].update(terminal=False, args=["/bin/sh", "-euc", LINE])
    config["mounts"] += [{"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]},
                         {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}]
    (folder / "config.json").write_text(json.dumps(config))
    return root


def forge(binary, folder):
    project = folder / "project"
    project.mkdir()
    (project / "crowdforge.toml").write_text(f'[build]\ncommand = "{LINE}; mv /tmp/site site"\noutput = "site"\n')
    environment = {**os.environ, "FORGE_HOME": str(folder / "home")}

    def step():
        told = measure([binary, "build", project, "--no-cache", "--json", "--progress", "quiet"], environment)
        return Sample(json.loads(told.output)["steps"][0]["durationMs"])
    return step


def answers(*words):
    return shutil.which(words[0]) and subprocess.run(words, capture_output=True).returncode == 0


def contenders(options, folder):
    root = bundle(folder)
    count = iter(range(10**6))
    yield Contender("forge, a step", forge(pathlib.Path(options.bin) / "forge", folder))
    yield Contender("runc run, bare", lambda: measure(["runc", "run", f"bench-{next(count)}"], cwd=folder))
    if shutil.which("crun"):
        yield Contender("crun run, bare", lambda: measure(UNHYBRID + ["crun", "run", f"bench-{next(count)}"], cwd=folder))
    mounts = ["-v", "/usr:/usr:ro"]
    if answers("docker", "info"):
        pack = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
        subprocess.run(["docker", "import", "-", "forge-bench-root"], stdin=pack.stdout, check=True, stdout=subprocess.DEVNULL)
        yield Contender("docker run", lambda: measure(["docker", "run", "--rm", "--network", "none", *mounts, "forge-bench-root", "/bin/sh", "-euc", LINE]))
    # Where it may not raise its limits, as in some machines of providers, it starts nothing.
    if answers("podman", "run", "--rm", "--network", "none", *mounts, "--rootfs", str(root), "/bin/true"):
        yield Contender("podman run", lambda: measure(["podman", "run", "--rm", "--network", "none", *mounts, "--rootfs", root, "/bin/sh", "-euc", LINE]))


def main():
    options = parser(__doc__.split("\n")[0], 21).parse_args()
    with tempfile.TemporaryDirectory() as place:
        ran = race(options.runs, list(contenders(options, pathlib.Path(place))))
        step, bare = ran[0], ran[1]
        table = Table("started by", "ms", "forge / it", "goal")
        for one in ran:
            ratio = step.ratio_to(one)
            goal = ("≤ 1.3 × bare runc: " + ("met" if ratio <= 1.3 else "MISSED")) if one is bare else "–"
            table.row(one.name, f"{one.ms:.0f}", f"{ratio:.2f}", goal)
        print(f"\nMedians of {options.runs} runs, in turns.")


if __name__ == "__main__":
    main()
