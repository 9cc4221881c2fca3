"""Takes the place a virtual environment was made in out of `.venv`, so that it works wherever the app lies."""
import compileall
import pathlib
import py_compile

ENVIRONMENT = pathlib.Path(".venv")
# A shell that starts the interpreter beside the script; to Python the same lines are a string.
START = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
"""

for script in (ENVIRONMENT / "bin").iterdir():
    if script.name.lower().startswith(("activate", "deactivate")) or script.suffix == ".bat":
        script.unlink()
    elif not script.is_symlink():
        head, _, rest = script.read_bytes().partition(b"\n")
        if head.startswith(b"#!") and b"/.venv/bin/python" in head:
            script.write_bytes(START + rest)

settings = ENVIRONMENT / "pyvenv.cfg"
settings.write_text("".join(line for line in settings.open() if not line.startswith("command")))

for origin in ENVIRONMENT.glob("lib/*/site-packages/*.dist-info/direct_url.json"):
    origin.unlink()

# Byte code that names its source from the root of the app and does not depend on times.
compileall.compile_dir(
    ENVIRONMENT / "lib", quiet=2, workers=0, stripdir=str(pathlib.Path.cwd()), prependdir=".",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
