"""The only room that knows sentry-sdk's insides."""

from sentry_sdk import VERSION

from aimon_nb.model.errors import UnsupportedSDKError

# Asked here, because whatever needs the SDK passes here first: its next series has neither
# `tracing` nor `Transaction`, and the import of one of them would fail somewhere below.
if VERSION.partition(".")[0] != "2":
    raise UnsupportedSDKError(
        f"aimon_nb works with sentry-sdk 2, and {VERSION} is installed here: "
        'run pip install "sentry-sdk>=2,<3", then restart'
    )
