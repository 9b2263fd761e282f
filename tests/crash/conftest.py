"""The store that all scenarios begin with."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

# pylint: disable=wrong-import-position
import programs
from points import ONLY, Base


@pytest.fixture(scope="session")
def base():
    for program in (programs.EWERD, programs.EWERCTL, programs.KILLAT):
        assert program is not None and program.exists(), f"{program or 'killat.so'} is not built"
    memory = Path("/dev/shm")       # what these tests sync need not reach a disk: it is SIGKILL that they survive
    scratch = Path(tempfile.mkdtemp(prefix="ewer-crash-", dir=memory if os.access(memory, os.W_OK) else None)).resolve()
    try:
        yield Base(scratch)
    finally:
        if not ONLY:
            shutil.rmtree(scratch)
