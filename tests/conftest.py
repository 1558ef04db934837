"""What all tests share: the marker by which a test names the lines of docs/METRICS.md that it holds."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "metrics(*ids): statements of docs/METRICS.md, see tests/support/metrics_lines.py"
    )
