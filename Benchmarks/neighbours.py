"""How much slower a build gets while another one on the machine does its worst: spins on every core, forks, fills its disk, takes memory.

The measured step is one that computes and writes, on one core, as most builds do; its time is Forge's own clock. Alone and with each
neighbour in turns. The floor is what the machine itself takes from it: the same work without any sandbox, held to one core while the
others are kept busy. Needs root.
"""
import json, os, pathlib, shutil, subprocess, tempfile, time
from measuring import Contender, Sample, Table, measure, parser, race

WORK = """import hashlib, pathlib
pathlib.Path("site").mkdir()
for number in range(150):
    data = b"x" * 100_000
    for _ in range(40):
        data = hashlib.sha256(data).digest() * 3000
    pathlib.Path(f"site/{number}.bin").write_bytes(data)
"""
NEIGHBOURS = {
    "spins on every core": "for i in 1 2 3 4; do (while :; do :; done) & done; wait",
    "forks without end": "while :; do (true) & (true) & wait; done",
    "forks as much as it may": "while :; do sleep 1 & done 2>/dev/null; wait",
    "fills its disk": "while :; do head -c 1000000000 /dev/zero > big; rm big; done",
    "makes small files": "while :; do for i in $(seq 5000); do echo > f$i; done; rm -f f*; done",
    "takes memory": "python3 -c \\\"while True: x = bytearray(1 << 30)\\\"",
}


def project(folder, name, command, files=()):
    path = folder / name
    path.mkdir()
    for file, text in files:
        (path / file).write_text(text)
    (path / "crowdforge.toml").write_text(f'[build]\ncommand = "{command}"\noutput = "site"\ntimeout = "10m"\n')
    return path


class Neighbour:
    def __init__(self, forge, folder, number, command):
        self.words = [forge, "build", project(folder, f"neighbour-{number}", command), "--no-cache", "--progress", "quiet"]
        self.environment = {**os.environ, "FORGE_HOME": str(folder / f"home-{number}")}

    def begin(self):
        self.process = subprocess.Popen(self.words, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)  # until it does its worst: a benchmark has no other sign

    def end(self):
        self.process.terminate()
        self.process.wait()


class Floor:
    """The bare work on the first core, while every other core spins or does not."""

    def __init__(self, project):
        self.words = ["taskset", "-c", "0", "python3", "work.py"]
        self.project = project

    def alone(self):
        shutil.rmtree(self.project / "site", ignore_errors=True)
        return measure(self.words, cwd=self.project)

    def beside(self):
        spins = [subprocess.Popen(["taskset", "-c", str(core), "sh", "-c", "while :; do :; done"]) for core in range(1, os.cpu_count())]
        try:
            return self.alone()
        finally:
            for spin in spins:
                spin.kill()
                spin.wait()


def main():
    options = parser(__doc__.split("\n")[0], 5).parse_args()
    forge = pathlib.Path(options.bin) / "forge"
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        words = [forge, "build", project(folder, "measured", "python3 work.py", [("work.py", WORK)]), "--no-cache", "--json", "--progress", "quiet"]
        environment = {**os.environ, "FORGE_HOME": str(folder / "home")}

        def step():
            return Sample(json.loads(measure(words, environment).output)["steps"][0]["durationMs"])

        def beside(neighbour):
            def work():
                neighbour.begin()
                try:
                    return step()
                finally:
                    neighbour.end()
            return work
        alone = Contender("nobody", step)
        others = [Contender(name, beside(Neighbour(forge, folder, number, line))) for number, (name, line) in enumerate(NEIGHBOURS.items())]
        floor = Floor(project(folder, "bare", "python3 work.py", [("work.py", WORK)]))
        bare, beside_spins = Contender("bare", floor.alone), Contender("the same work on one core, the others busy, no sandbox: the floor", floor.beside)
        race(options.runs, [alone] + others + [bare, beside_spins])
        table = Table("a neighbour that", "ms", "slower by", "goal")
        for one in [alone] + others:
            slower = (one.ratio_to(alone) - 1) * 100
            table.row(one.name, f"{one.ms:.0f}", f"{slower:.0f} %", "–" if one is alone else "≤ 20 %: " + ("met" if slower <= 20 else "MISSED"))
        table.row(beside_spins.name, f"{beside_spins.ms:.0f}", f"{(beside_spins.ratio_to(bare) - 1) * 100:.0f} %", "–")
        print(f"\nMedians of {options.runs} runs, in turns.")


if __name__ == "__main__":
    main()
