"""tritonclient over gRPC, its generated messages in a descriptor pool of their own.

KServe's messages have the same names, and one pool takes no name twice. Whoever wants tritonclient over gRPC imports it from here.
"""

from unittest.mock import patch

from google.protobuf.descriptor_pool import DescriptorPool

_POOL = DescriptorPool()

with patch("google.protobuf.descriptor_pool.Default", lambda: _POOL):
    import tritonclient.grpc as blocking
    import tritonclient.grpc.aio as asynchronous
    from tritonclient.grpc import service_pb2, service_pb2_grpc

__all__ = ["asynchronous", "blocking", "service_pb2", "service_pb2_grpc"]
