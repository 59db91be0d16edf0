"""A client's cases: functions that raise what is wrong. What a case is called, and where it stands, is in `catalogue.py`."""

import asyncio
import inspect

PASS = "pass"
MAX_REASON = 300


class Suite:
    """One client: its name in the matrix, its version, and how it is opened on an address, as an asynchronous context."""

    def __init__(self, client, version, open_client):
        self.client = client
        self.version = version
        self.open_client = open_client
        self.cases = {}

    def case(self, name):
        """Registers a function of the opened client, asynchronous or not."""

        def register(function):
            assert name not in self.cases, f"{self.client} has two cases `{name}`"
            self.cases[name] = function
            return function

        return register

    def run(self, address):
        """The outcome of each case: `PASS`, or one line that says what is wrong."""
        return asyncio.run(self._run(address))

    async def _run(self, address):
        async with self.open_client(address) as client:
            return {name: await _outcome(function, client) for name, function in self.cases.items()}


async def _outcome(function, client):
    try:
        result = function(client)
        if inspect.isawaitable(result):
            await result
    except Exception as error:  # Whatever a client raises is the outcome of its case.
        text = " ".join(str(error).split())
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return f"{kind}{text}"[:MAX_REASON]
    return PASS
