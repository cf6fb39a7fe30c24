"""A lock that tells who has come to it, for tests of what two threads do at once."""

import threading


class SeenLock:
    """As `threading.RLock`; `came` holds the threads that asked for it, those that still wait too."""

    def __init__(self):
        self._lock, self.came = threading.RLock(), set()

    def __enter__(self):
        self.came.add(threading.get_ident())
        return self._lock.__enter__()

    def __exit__(self, *error):
        return self._lock.__exit__(*error)
