"""The only room that knows sentry-sdk's insides."""

import re

from sentry_sdk import VERSION

from aimon_nb.model.errors import UnsupportedSDKError

LOWEST = (2, 75)
# Asked here, because whatever needs the SDK passes here first: an older one has no `traces`,
# and its import would fail somewhere below. A newer one is tried (`compat_check`).
if tuple(map(int, re.findall(r"\d+", VERSION)[:2])) < LOWEST:
    raise UnsupportedSDKError(
        f"aimon_nb works with sentry-sdk 2.75 and newer, and {VERSION} is installed here: "
        'run pip install "sentry-sdk>=2.75,<4", then restart'
    )
