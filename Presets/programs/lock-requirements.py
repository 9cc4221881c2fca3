"""Writes pip's report on what it would install (`--report report.json`) as a list with hashes. Arguments: report, list."""
import json
import pathlib
import sys

HERE = pathlib.Path.cwd().as_uri()

lines = []
for item in json.load(open(sys.argv[1]))["install"]:
    name, version, origin = item["metadata"]["name"], item["metadata"]["version"], item["download_info"]
    if item.get("is_direct") and (origin["url"] + "/").startswith(HERE + "/"):
        # A package of the project itself: wherever that lies.
        lines.append(("." + origin["url"][len(HERE):], []))
    elif item.get("is_direct"):
        lines.append((f"{name} @ {origin['url']}", []))
    else:
        hashes = origin.get("archive_info", {}).get("hashes", {})
        lines.append((f"{name}=={version}", [f"--hash={kind}:{digest}" for kind, digest in sorted(hashes.items())]))

# pip wants hashes of all or of none; what comes from a repository has none.
hashed = all(hashes for _, hashes in lines)
with open(sys.argv[2], "w") as out:
    for requirement, hashes in sorted(lines):
        out.write(" ".join([requirement, *(hashes if hashed else [])]) + "\n")
