import pytest
from steps import Steps


@pytest.fixture(params=["plain", "fast"])
def way(request, monkeypatch):
    """Every step of the test is taken this way."""
    monkeypatch.setattr(Steps, "fast", request.param == "fast")
    return request.param
