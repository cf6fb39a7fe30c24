"""Names whose values the SDK keeps out of events: `sentry_sdk.scrubber` of 2.75, gone in 3."""

from __future__ import annotations

SECRET_NAMES = frozenset(
    ["password", "passwd", "pwd", "secret", "api_key", "apikey", "auth", "credentials", "mysql_pwd", "privatekey", "private_key", "token", "bearer", "jwt", "session", "csrftoken", "sessionid", "x_csrftoken", "x_forwarded_for", "set_cookie", "cookie", "authorization", "proxy-authorization", "x_api_key", "aiohttp_session", "connect.sid", "csrf_token", "csrf", "_csrf", "_csrf_token", "PHPSESSID", "_session", "symfony", "user_session", "_xsrf", "XSRF-TOKEN", "x_real_ip", "ip_address", "remote_addr"]
)
