"""The real servers that these tests share."""

from tests.support.servers.fixtures import redis_server

__all__ = ["redis_server"]
