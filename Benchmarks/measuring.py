"""What noop.py, restore.py, hash.py and pack.py share: commands timed as whole processes, contenders in turns, tables that say whether a goal is met."""
import argparse, os, pathlib, shutil, statistics, subprocess, sys, time

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent


def parser(description, runs, **sizes):
    """Options: --bin, --runs, and one for each size."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--bin", default=os.environ.get("FORGE_BIN", str(CHECKOUT / ".build/release")),
                         help="folder of `forge` and `forge-store-exerciser` (FORGE_BIN; .build/release)")
    options.add_argument("--runs", type=int, default=runs)
    for name, value in sizes.items():
        options.add_argument(f"--{name}", type=int, nargs="+" if isinstance(value, list) else None, default=value)
    return options


class Sample:
    """One run: wall time, and the memory of the largest process in it."""

    def __init__(self, ms, peak_kib=0, output=""):
        self.ms, self.peak_kib, self.output = ms, peak_kib, output


def measure(command, environment=None, cwd=None):
    """Runs to an end that must be good. `peak_kib` is never below what this Python itself takes: a child begins as its image."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = (time.perf_counter() - start) * 1000
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{(errors or output).decode(errors='replace')}")
    return Sample(elapsed, usage.ru_maxrss, output.decode(errors="replace"))


def command(*words, environment=None, cwd=None):
    return lambda: measure(words, environment, cwd)


class Contender:
    """`work` gives a Sample; `prepare` runs before each, unmeasured."""

    def __init__(self, name, work, prepare=None):
        self.name, self.work, self.prepare, self.samples = name, work, prepare or (lambda: None), []

    @property
    def ms(self):
        return statistics.median(sample.ms for sample in self.samples)

    @property
    def peak_mib(self):
        return max(sample.peak_kib for sample in self.samples) / 1024

    def ratio_to(self, other):
        """The median of the pairwise ratios: a change of the machine's speed meets both of a pair."""
        return statistics.median(a.ms / b.ms for a, b in zip(self.samples, other.samples))


def race(runs, contenders):
    """A B C A B C …; the first round warms up and does not count."""
    for number in range(runs + 1):
        for contender in contenders:
            contender.prepare()
            sample = contender.work()
            if number:
                contender.samples.append(sample)
    return contenders


class Table:
    def __init__(self, *columns):
        self.columns = columns
        print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)

    def row(self, *cells):
        print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def against(text, met):
    """A goal and whether it is met."""
    return f"{text}: {'met' if met else 'MISSED'}"


def footer(runs, more=""):
    memory = "".join(line.split(":")[1].split()[0] for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    print(f"\nMedians of {runs} runs, contenders in turns; {os.cpu_count()} cores, {int(memory) >> 20} GiB; kernel {os.uname().release}."
          f"{' ' + more if more else ''}")


def program(name):
    """The path of a program, None when it is not installed."""
    return shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:" + os.environ.get("PATH", ""))


def missing(name, package):
    print(f"no {name} rows: `apt-get install {package}`", file=sys.stderr)


def words(seed, size):
    """Text that packs about as well as source code; the same for the same seed."""
    state, pieces, length = seed * 2654435761 % 2**32 or 1, [], 0
    while length < size:
        state = (1103515245 * state + 12345) % 2**31
        pieces.append(f"{'const return function export import value'.split()[state % 6]} name{state >> 12 & 4095} = {state >> 8 & 255};\n")
        length += len(pieces[-1])
    return "".join(pieces).encode()[:size]


def make_files(folder, count, size):
    """`count` files of about `size` bytes (half to one and a half of it), 50 to a folder; gives the total."""
    total = 0
    for number in range(count):
        if number % 50 == 0:
            place = pathlib.Path(folder) / f"part-{number // 5000}" / f"folder-{number // 50}"
            place.mkdir(parents=True, exist_ok=True)
        content = words(number + 1, size // 2 + number * 7919 % max(1, size))
        (place / f"file-{number}.js").write_bytes(content)
        total += len(content)
    return total


def git(folder, *arguments):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "gc.auto=0", *arguments], check=True,
                   stdout=subprocess.DEVNULL)


def committed(folder):
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All of it")
