"""The loopback Hub as a fixture."""

import pytest
from loopback import LoopbackHub


@pytest.fixture
def hub():
    server = LoopbackHub()
    yield server
    server.close()
