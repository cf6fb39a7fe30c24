"""The only room that knows sentry-sdk's insides."""

import re
from importlib.util import find_spec

from sentry_sdk import VERSION

from aimon_nb.model.errors import UnsupportedSDKError

LOWEST = (2, 75)
# Asked here, because whatever needs the SDK passes here first: without streamed spans an import
# would fail somewhere below. A series that is newer than we know is tried (`compat_check`).
if tuple(map(int, re.findall(r"\d+", VERSION)[:2])) < LOWEST or not find_spec("sentry_sdk.traces"):
    raise UnsupportedSDKError(
        f"aimon_nb works with sentry-sdk 2.75 to 3, and {VERSION} is installed here: "
        'run pip install "sentry-sdk>=2.75,<4", then restart'
    )
