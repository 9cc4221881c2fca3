#!/usr/bin/env python3
"""Fetches commits of a repository of 20,000 files over http and git://, with Forge into its store and with git into a checkout: one from
nothing, and the next commit of the same remote, in which one file differs. The next one is compared with git from nothing as well as
with git in the clone that it has.

needs nginx, fcgiwrap and git
"""
import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

FILES = 20_000


def run(*arguments, **options):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def make_repository(folder):
    work = f"{folder}/work"
    words = [f"word{number} " for number in range(997)]
    for number in range(FILES):
        path = f"{work}/src/{number % 97:02}/{number % 13:02}/file-{number}.txt"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(f"// {number}\n" + "".join(words[(number * step) % 997] for step in range(1, 40 + number % 400)))
    with open(f"{work}/index.html", "w") as file:
        file.write("<h1>twenty thousand files</h1>\n")
    git = ("git", "-C", work, "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    run("git", "init", "-q", "-b", "main", work)
    run(*git, "add", "-A")
    run(*git, "commit", "-q", "-m", "All of it")
    run("git", "clone", "-q", "--bare", work, f"{folder}/shelf/site.git")
    run("git", "-C", f"{folder}/shelf/site.git", "gc", "-q")
    return subprocess.check_output((*git, "rev-parse", "HEAD"), text=True).strip()


def serve(folder, port):
    temporary = "".join(f"{name}_temp_path {folder}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(
            f"""daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}
http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; location / {{
  client_max_body_size 0; fastcgi_buffering off; fastcgi_pass unix:{folder}/socket; include /etc/nginx/fastcgi_params;
  fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend; fastcgi_param GIT_PROJECT_ROOT {folder}/shelf;
  fastcgi_param GIT_HTTP_EXPORT_ALL ""; fastcgi_param PATH_INFO $uri; fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol; }} }} }}
"""
        )
    servers = [
        subprocess.Popen(["/usr/sbin/fcgiwrap", "-s", f"unix:{folder}/socket"], stderr=subprocess.DEVNULL),
        subprocess.Popen(["/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL),
    ]
    url = f"http://localhost:{port}/site.git"
    for _ in range(200):
        if subprocess.run(["git", "ls-remote", "-q", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return servers, url
        time.sleep(0.05)
    raise SystemExit("the server does not answer")


def timed(body):
    start = time.monotonic()
    body()
    return (time.monotonic() - start) * 1000


def serve_git(folder, port):
    daemon = ["/usr/lib/git-core/git-daemon", f"--base-path={folder}/shelf", "--export-all", "--listen=127.0.0.1", f"--port={port}"]
    server = subprocess.Popen([*daemon, "--reuseaddr"], stderr=subprocess.DEVNULL)
    url = f"git://127.0.0.1:{port}/site.git"
    for _ in range(200):
        if subprocess.run(["git", "ls-remote", "-q", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return server, url
        time.sleep(0.05)
    raise SystemExit("the git daemon does not answer")


def grow(folder, number):
    """Another commit on the shelf."""
    work = f"{folder}/work"
    with open(f"{work}/index.html", "w") as file:
        file.write(f"<h1>{number}</h1>\n")
    run("git", "-C", work, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-a", "-m", str(number))
    run("git", "-C", work, "push", "-q", f"{folder}/shelf/site.git", "main")


def with_forge(forge, folder, url):
    environment = {**os.environ, "FORGE_HOME": f"{folder}/home"}
    run(forge, "detect", url, "--progress", "quiet", env=environment)


def with_git(folder, url):
    path = f"{folder}/checkout"
    run("git", "init", "-q", path)
    with_git_again(folder, url)


def with_git_again(folder, url):
    path = f"{folder}/checkout"
    run("git", "-C", path, "fetch", "-q", "--depth", "1", url, "main")
    run("git", "-C", path, "checkout", "-q", "FETCH_HEAD")


def compare(forge, folder, url, runs):
    """Milliseconds by row: Forge and git from nothing, Forge and git for the next commit."""
    rows = {"first": ([], []), "next": ([], [])}
    for number in range(runs + 1):
        for name in ("home", "checkout"):
            shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
        os.sync()
        rows["first"][0].append(timed(lambda: with_forge(forge, folder, url)))
        os.sync()
        rows["first"][1].append(timed(lambda: with_git(folder, url)))
        grow(folder, f"{url} {number}")
        os.sync()
        rows["next"][0].append(timed(lambda: with_forge(forge, folder, url)))
        os.sync()
        rows["next"][1].append(timed(lambda: with_git_again(folder, url)))
    return {name: (ours[1:], theirs[1:]) for name, (ours, theirs) in rows.items()}  # the first of each warms the server's cache


def ratio(ours, theirs):
    return statistics.median(mine / other for mine, other in zip(ours, theirs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forge", required=True)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    forge = os.path.abspath(options.forge)
    os.environ.setdefault("FORGE_DATA", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="forge-fetch-") as folder:
        os.makedirs(f"{folder}/shelf")
        make_repository(folder)
        servers, http = serve(folder, 18_000 + os.getpid() % 10_000)
        try:
            daemon, git = serve_git(folder, 28_000 + os.getpid() % 10_000)
            servers.append(daemon)
            print("| input | forge ms | git fetch --depth 1 + checkout ms | forge / git |\n|---|---|---|---|")
            for name, url in (("http", http), ("git://", git)):
                rows = compare(forge, folder, url, options.runs)
                first, clone, after, again = *rows["first"], *rows["next"]
                for row, ours, theirs in (
                    (f"{FILES:,} files over {name}", first, clone),
                    (f"the next commit over {name}, git from nothing", after, clone),
                    (f"the next commit over {name}, git in its clone", after, again),
                ):
                    print(f"| {row} | {statistics.median(ours):.0f} | {statistics.median(theirs):.0f} | {ratio(ours, theirs):.2f} |")
        finally:
            for server in servers:
                server.terminate()


main()
