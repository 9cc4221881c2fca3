#!/usr/bin/env python3
"""Swaps what answers under load, again and again, and counts every request: Forge's deploys of stored artifacts beside nginx reloading its
configuration and haproxy switching servers, by reload and by its runtime API.

Forge starts the new server in a sandbox (or thaws the one it keeps), waits until it is healthy and changes the route; its peers change
between two servers that run all the time. So requests are compared, not the commands' durations. Needs root, nginx and haproxy.
usage: swaps.py --forge PATH [--requests 100000] [--swaps 200]
"""
import argparse, asyncio, json, os, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "fixtures/clients"))
from load import Load, program  # noqa: E402

SERVER = CHECKOUT / "fixtures/projects/node-as-told"
HOST = "told.localhost"
MIX = {"get": 4, "post": 2, "slow": 1, "events": 1, "upload": 1, "websocket": 1}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"waited in vain for {what}")


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def tell(folder, version):
    shutil.copytree(SERVER, folder, dirs_exist_ok=True)
    (folder / "behaviour.json").write_text(json.dumps({"version": str(version)}) + "\n")


class Forge:
    """A gateway and artifacts of the same server: of two, the one that does not answer is kept frozen; of three, the next one never is."""

    def __init__(self, forge, work, versions=2):
        self.name = "forge deploy, server started" if versions > 2 else "forge deploy, server thawed"
        self.versions = versions
        work = work / f"forge{versions}"
        work.mkdir()
        self.forge = str(pathlib.Path(forge).resolve())
        os.environ["FORGE_HOME"] = str(work / "home")
        state = work / "home/gateway.json"
        self.gateway = subprocess.Popen([self.forge, "gateway", "--listen", "127.0.0.1:0", "--progress", "quiet"],
                                        stdout=subprocess.DEVNULL, stderr=open(work / "gateway.log", "w"))
        wait_for("the gateway", state.exists)
        self.port = json.loads(state.read_text())["port"]
        self.artifacts, self.releases = {}, {}
        for version in range(versions, 0, -1):
            tell(work / "told", version)
            report = self.run("deploy", str(work / "told"), "--project", "told")
            self.artifacts[version], self.releases[version] = report["artifact"], report["release"]

    def run(self, *arguments):
        result = subprocess.run([self.forge, *arguments, "--json", "--progress", "quiet"], capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"forge {' '.join(arguments)} failed:\n{result.stderr}{result.stdout}")
        return json.loads(result.stdout)

    def swap(self, version):
        return program([self.forge, "deploy", "--artifact", self.artifacts[version], "--project", "told", "--json", "--progress", "quiet"])

    def memory(self):
        return memory(self.gateway.pid)

    def stop(self):
        self.gateway.terminate()
        self.gateway.wait()


class Backends:
    """Two servers that run all the time."""

    versions = 2

    def __init__(self, work):
        self.ports, self.servers = {}, []
        for version in (1, 2):
            tell(work / f"backend{version}", version)
            self.ports[version] = free_port()
            self.servers.append(subprocess.Popen(
                ["node", "server.js"], cwd=work / f"backend{version}", stdout=subprocess.DEVNULL,
                env={**os.environ, "PORT": str(self.ports[version])}))
        for port in self.ports.values():
            wait_for("a backend", lambda: listens(port))

    def stop(self):
        for server in self.servers:
            server.kill()
            server.wait()


class Nginx:
    """`nginx -s reload`, which returns at once; done when the new workers have taken over."""

    name = "nginx -s reload"

    versions = Backends.versions

    def __init__(self, work, backends):
        self.work, self.backends, self.port = work, backends, free_port()
        self.file = work / "nginx.conf"
        self.configure(1)
        self.process = subprocess.Popen(["nginx", "-e", str(work / "nginx.log"), "-c", str(self.file)], stderr=subprocess.DEVNULL)
        wait_for("nginx", lambda: listens(self.port))

    def configure(self, version):
        temporary = "".join(f"{name}_temp_path {self.work}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.file.write_text(f"""daemon off; worker_processes 2; pid {self.work}/nginx.pid; error_log {self.work}/nginx.log; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; {temporary} client_max_body_size 0;
map $http_upgrade $forwarded {{ default upgrade; "" ""; }}
upstream app {{ server 127.0.0.1:{self.backends.ports[version]}; keepalive 32; }}
server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off;
  proxy_request_buffering off; proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $forwarded; }} }} }}
""")

    def swap(self, version):
        async def body():
            self.configure(version)
            before = workers(self.process.pid)
            await program(["nginx", "-s", "reload", "-e", str(self.work / "nginx.log"), "-c", str(self.file)])()
            await taken_over(self.process.pid, before, 2, self.port)
        return body

    def memory(self):
        return sum(memory(pid) for pid in [self.process.pid, *workers(self.process.pid)])

    def stop(self):
        self.process.terminate()
        self.process.wait()


class HAProxy:
    """One process. By its runtime API one server goes to maintenance after the other is ready; by reload a new process takes over."""

    versions = Backends.versions

    def __init__(self, work, backends, reloads):
        self.work, self.backends, self.port, self.reloads = work, backends, free_port(), reloads
        self.name = "haproxy, reload" if reloads else "haproxy, runtime API"
        self.file, self.socket = work / "haproxy.cfg", f"{work}/haproxy.sock"
        self.configure(1)
        self.process = subprocess.Popen(["haproxy", "-W", "-S", f"{work}/master.sock", "-f", str(self.file)], stderr=subprocess.DEVNULL)
        wait_for("haproxy", lambda: listens(self.port))

    def configure(self, version):
        servers = "".join(
            f"  server v{number} 127.0.0.1:{port} {'' if number == version else 'disabled'}\n"
            for number, port in self.backends.ports.items() if number == version or not self.reloads)
        self.file.write_text(f"""global
  stats socket {self.socket} level admin expose-fd listeners
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
listen app
  bind 127.0.0.1:{self.port}
{servers}""")

    def swap(self, version):
        return self.reload(version) if self.reloads else self.switch(version)

    def switch(self, version):
        async def body():
            self.tell(self.socket, f"set server app/v{version} state ready; set server app/v{3 - version} state maint")
        return body

    def reload(self, version):
        async def body():
            self.configure(version)
            before = workers(self.process.pid)
            while True:
                try:
                    self.tell(f"{self.work}/master.sock", "reload")
                    break
                except ConnectionRefusedError:  # still busy with the reload before
                    await asyncio.sleep(0.001)
            await taken_over(self.process.pid, before, 1, self.port)
        return body

    @staticmethod
    def tell(path, command):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(path)
            one.sendall(command.encode() + b"\n")
            while one.recv(4096):
                pass

    def memory(self):
        return sum(memory(pid) for pid in [self.process.pid, *workers(self.process.pid)])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def workers(pid):
    try:
        return set(map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except FileNotFoundError:
        return set()


async def taken_over(pid, before, count, port):
    """Returns when so many new workers are there and no old one accepts any more."""
    while len(workers(pid) - before) < count or accepting(before, port):
        await asyncio.sleep(0.001)


def accepting(pids, port):
    """Whether one of the processes still holds the socket that listens at `port`."""
    listening = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True).stdout
    return any(f"pid={pid}," in listening for pid in pids)


def memory(pid):
    """Resident MiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0


async def measure(proxy, requests, swaps):
    load = Load(proxy.port, HOST, MIX, "1")
    load.start()
    each = requests // (swaps + 1) + 1
    await load.more(each)
    for number in range(swaps):
        version = (number + 1) % proxy.versions + 1
        await load.command(str(version), proxy.swap(version))
        await load.more(each)
    await load.stop()
    return load.report()


def row(proxy, requests, swaps):
    start = time.perf_counter()
    report = asyncio.run(measure(proxy, requests, swaps))
    times = sorted(one["ms"] for one in report["commands"])
    wrong = [one for one in report["commands"] if one.get("exitCode")]
    counts = [report["failed"], report["closedUnanswered"], report["wrongVersion"], sum(report["crossed"].values())]
    figures = [statistics.median(times), times[int(len(times) * 0.99)], report["slowestMs"], proxy.memory()]
    cells = [proxy.name, f"{report['sent']:,}", len(times), *counts, *(f"{figure:.0f}" for figure in figures)]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    for text in report["faults"][:5] + [str(one) for one in wrong[:3]]:
        print(f"{proxy.name}: {text}", file=sys.stderr)
    print(f"{proxy.name}: {time.perf_counter() - start:.0f} s, {report['kinds']}, crossed {report['crossed']}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--forge", required=True)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--swaps", type=int, default=200)
    parser.add_argument("--only", help="forge, nginx, reload or runtime")
    options = parser.parse_args()
    os.environ.setdefault("FORGE_DATA", str(CHECKOUT))
    for tool in ("nginx", "haproxy", "node", "ss"):
        if not shutil.which(tool):
            sys.exit(f"`{tool}` is missing: apt-get install nginx haproxy nodejs iproute2")
    print("| swap by | requests | swaps | failed | of these: idle connection closed | of an older version afterwards | crossed a swap | swap ms "
          "| p99 | slowest request ms | MiB |\n"
          "|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="forge-swaps-") as folder:
        work = pathlib.Path(folder)
        for versions in (3, 2) if options.only in (None, "forge") else ():
            forge = Forge(options.forge, work, versions)
            try:
                row(forge, options.requests, options.swaps)
            finally:
                forge.stop()
        backends = Backends(work)
        try:
            peers = {"nginx": lambda: Nginx(work, backends), "reload": lambda: HAProxy(work, backends, True),
                     "runtime": lambda: HAProxy(work, backends, False)}
            for name, make in peers.items():
                if options.only not in (None, name):
                    continue
                peer = make()
                try:
                    row(peer, options.requests, options.swaps)
                finally:
                    peer.stop()
        finally:
            backends.stop()
    print(f"\n{os.cpu_count()} cores, which servers, proxies and client share.")


if __name__ == "__main__":
    main()
