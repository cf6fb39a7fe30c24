"""Run notebooks without a key and save them with their outputs: `python -m tests.notebook.save quickstart sentry`.

What a saved notebook shows is what it was made for, so the repository has it as somebody else would get it.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from tests.parts.places import FOREIGN, ROOT, folders

PATHS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
SECONDS = 300
# A traceback of whoever saves it would hold his folders.
CONFIG = 'c.InteractiveShell.xmode = "Minimal"\nc.InteractiveShell.colors = "NoColor"\n'
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def saved(path, home):
    """A notebook as it ran in a kernel of its own, without what only this machine or this minute has."""
    import nbformat
    from nbclient import NotebookClient

    profile = home / "ipython/profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(CONFIG)
    notebook = nbformat.read(path, as_version=4)
    os.environ.update({**folders(home), "AIMON_NB_AUTOLOAD": "0", "PYTHONPATH": str(ROOT), "JUPYTER_PREFER_ENV_PATH": "1"})
    NotebookClient(notebook, timeout=SECONDS, store_widget_state=False, resources={"metadata": {"path": str(home)}}).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [ESCAPES.sub("", line) for line in output.traceback]
    return notebook


def main():
    import nbformat

    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    for name in sys.argv[1:] or PATHS:
        with tempfile.TemporaryDirectory() as home:
            text = nbformat.writes(saved(PATHS[name], Path(home)))
        PATHS[name].write_text(f"{text.rstrip()}\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
