#!/usr/bin/env python3
"""Passes small requests on to one server: Forge's gateway in front of a deployed server, nginx and haproxy in front of the same server
outside, each with kept connections on both sides. Rate by wrk, CPU time of the proxy by the kernel's accounts.

The runs are interleaved; a ratio is the median of the ratios within a round. Needs root, nginx, haproxy, wrk and node.
usage: proxy.py --forge PATH [--rounds 7] [--seconds 4] [--connections 32]
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from swaps import Forge, free_port, listens, memory, wait_for, workers

HOST = "bare.localhost"
TICKS = os.sysconf("SC_CLK_TCK")
# Answers every head with the same kilobyte and parses nothing, so that the proxy is what is measured.
SERVER = """const net = require("net");
const body = "x".repeat(1024);
const answer = Buffer.from("HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 1024\\r\\n\\r\\n" + body);
net.createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.on("error", () => {});
  socket.on("data", (piece) => {
    const heads = (rest + piece.toString("latin1")).split("\\r\\n\\r\\n");
    rest = heads.pop();
    for (const _ of heads) socket.write(answer);
  });
}).listen(Number(process.env.PORT), process.env.HOST || "0.0.0.0");
"""


def write_server(folder):
    folder.mkdir(parents=True)
    (folder / "server.js").write_text(SERVER)
    manifest = {"name": "bare", "version": "1.0.0", "private": True, "scripts": {"start": "node server.js"}, "engines": {"node": ">=18"}}
    (folder / "package.json").write_text(json.dumps(manifest) + "\n")


class Gateway(Forge):
    """Forge's gateway with one deployed server."""

    name = "forge gateway"

    def __init__(self, forge, work):
        self.forge = str(pathlib.Path(forge).resolve())
        os.environ["FORGE_HOME"] = str(work / "home")
        state = work / "home/gateway.json"
        self.gateway = subprocess.Popen(
            [self.forge, "gateway", "--listen", "127.0.0.1:0", "--progress", "quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the gateway", state.exists)
        self.port = json.loads(state.read_text())["port"]
        self.run("deploy", str(work / "bare"), "--project", "bare")

    def pids(self):
        return [self.gateway.pid]


class Peer:
    def pids(self):
        return [self.process.pid, *workers(self.process.pid)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Nginx(Peer):
    name = "nginx proxy_pass"

    def __init__(self, work, backend):
        self.port, file = free_port(), work / "nginx.conf"
        temporary = "".join(f"{name}_temp_path {work}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file.write_text(f"""daemon off; worker_processes 2; pid {work}/nginx.pid; error_log {work}/nginx.log; user root;
events {{ worker_connections 1024; }}
http {{ access_log off; {temporary} keepalive_requests 100000000;
upstream app {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 100000000; }}
server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme; }} }} }}
""")
        self.process = subprocess.Popen(["nginx", "-e", str(work / "nginx.log"), "-c", str(file)], stderr=subprocess.DEVNULL)
        wait_for("nginx", lambda: listens(self.port))


class HAProxy(Peer):
    name = "haproxy"

    def __init__(self, work, backend):
        self.port, file = free_port(), work / "haproxy.cfg"
        file.write_text(f"""global
  nbthread 2
defaults
  mode http
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{self.port}
  default_backend app
backend app
  server app 127.0.0.1:{backend}
""")
        self.process = subprocess.Popen(["haproxy", "-db", "-q", "-f", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("haproxy", lambda: listens(self.port))


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def measure(proxy, seconds, connections):
    """Requests a second, and microseconds of the proxy's CPU time a request."""
    before = cpu_seconds(proxy.pids())
    text = subprocess.check_output(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-H", f"Host: {HOST}", f"http://127.0.0.1:{proxy.port}/"], text=True)
    spent = cpu_seconds(proxy.pids()) - before
    if re.search(r"Non-2xx|Socket errors", text):
        sys.exit(f"{proxy.name}: requests failed\n{text}")
    count = int(re.search(r"(\d+) requests in", text).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), spent / count * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forge", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    missing = [name for name in ("nginx", "haproxy", "wrk", "node") if not shutil.which(name)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (apt-get install {' '.join(missing)})")
    with tempfile.TemporaryDirectory(prefix="forge-proxy-") as folder:
        work, port = pathlib.Path(folder), free_port()
        write_server(work / "bare")
        backend = subprocess.Popen(["node", "server.js"], cwd=work / "bare", env={**os.environ, "PORT": str(port), "HOST": "127.0.0.1"})
        proxies = []
        try:
            wait_for("the server", lambda: listens(port))
            for make in (lambda: Gateway(options.forge, work), lambda: Nginx(work, port), lambda: HAProxy(work, port)):
                proxies.append(make())
            report(proxies, options)
        finally:
            for proxy in proxies:
                proxy.stop()
            backend.kill()


def report(proxies, options):
    results = {proxy.name: [] for proxy in proxies}
    for turn in range(options.rounds + 1):
        for proxy in proxies:
            result = measure(proxy, options.seconds if turn else 1, options.connections)
            if turn:  # the first round warms up
                results[proxy.name].append(result)
    print("| proxy | requests/s | of nginx | CPU µs a request | memory MB |\n|---|---|---|---|---|")
    for proxy in proxies:
        own, nginx = results[proxy.name], results[Nginx.name]
        ratio = statistics.median(mine[0] / other[0] for mine, other in zip(own, nginx))
        rate, cost = (statistics.median(result[part] for result in own) for part in (0, 1))
        size = sum(memory(pid) for pid in proxy.pids())
        print(f"| {proxy.name} | {rate:,.0f} | {ratio:.2f} | {cost:.1f} | {size:.0f} |")


if __name__ == "__main__":
    main()
