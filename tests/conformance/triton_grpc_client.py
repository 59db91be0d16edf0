"""Both of tritonclient's gRPC clients behind the same coroutines, and what they raise as one kind of error."""

import asyncio
import inspect
import json
import threading
from concurrent.futures import Future
from contextlib import asynccontextmanager

import grpc
from tritonclient.utils import InferenceServerException

from triton_messages import asynchronous, blocking, service_pb2_grpc

TIMEOUT_S = 30
# What the error is in the HTTP form of the protocol.
DETAILS = "plinth-error-bin"


class Client:
    """Either client behind coroutines, with the stub on a channel of its own."""

    def __init__(self, client, channel):
        self.client = client
        self.channel = channel
        self.stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

    async def call(self, method, *arguments, **options):
        """A method of both clients by its name, or what is to be called."""
        function = getattr(self.client, method) if isinstance(method, str) else method
        answer = function(*arguments, **options)
        return await answer if inspect.isawaitable(answer) else answer

    async def infer(self, model, inputs, outputs=None, **options):
        """An inference; `outputs` are those asked for."""
        return await self.call("infer", model, inputs, outputs=outputs, **options)

    async def infer_all(self, model, requests):
        """Inferences under way at the same time."""
        if hasattr(self.client, "async_infer"):
            waiting = [self._begin(model, inputs) for inputs in requests]
            return [request.result(TIMEOUT_S) for request in waiting]
        return await asyncio.gather(*(self.client.infer(model, inputs) for inputs in requests))

    def _begin(self, model, inputs):
        future = Future()

        def end(result, error):
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.client.async_infer(model, inputs, end)
        return future

    async def infer_message(self, message):
        """An inference by a message that is put together by hand."""
        return blocking.InferResult(await self.call(self.stub.ModelInfer, message, timeout=TIMEOUT_S))

    async def stream(self, timeout=TIMEOUT_S):
        """What a stream of inferences answers that is open and has no message yet.

        Without one, because the asynchronous client says "Internal error from Core" instead of the server's status when a refusal
        overtakes its message (<https://github.com/grpc/grpc/issues/36066>).
        """
        is_answered = threading.Event()
        is_asynchronous = isinstance(self.channel, grpc.aio.Channel)
        messages = _open_stream_asynchronous if is_asynchronous else _open_stream
        answers = self.stub.ModelStreamInfer(messages(is_answered), timeout=timeout)
        try:
            return [answer async for answer in answers] if is_asynchronous else list(answers)
        finally:
            is_answered.set()

    async def refusal(self, method, *arguments, **options):
        """The error of a request that the server refuses, as the client raises it."""
        try:
            await self.call(method, *arguments, **options)
        except (InferenceServerException, grpc.RpcError) as error:
            return Refusal(error)
        raise AssertionError("the request was answered")


def _open_stream(is_answered):
    is_answered.wait(TIMEOUT_S)
    yield from ()


async def _open_stream_asynchronous(is_answered):
    while not is_answered.is_set():
        await asyncio.sleep(0.1)
    for message in ():
        yield message


class Refusal:
    """An error of the client's own or of the stub: its status, its sentence and, of the stub, its trailing metadata."""

    def __init__(self, error):
        is_own = isinstance(error, InferenceServerException)
        self.status = error.status().removeprefix("StatusCode.") if is_own else error.code().name
        self.message = error.message() if is_own else error.details()
        self.metadata = {} if is_own else dict(error.trailing_metadata())

    def details(self):
        return json.loads(self.metadata[DETAILS])


@asynccontextmanager
async def open_blocking(address):
    with blocking.InferenceServerClient(address) as client, grpc.insecure_channel(address) as channel:
        yield Client(client, channel)


@asynccontextmanager
async def open_asynchronous(address):
    async with asynchronous.InferenceServerClient(address) as client, grpc.aio.insecure_channel(address) as channel:
        yield Client(client, channel)
