"""Makes the harness of tests/support known to this suite."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

# pylint: disable=wrong-import-position,unused-import
from fixtures import *  # noqa: E402,F401,F403
