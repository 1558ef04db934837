"""The kernel of forecourt: home folder, settings, runs, publishing, the read-only door and the metrics."""

__version__ = "0.1.0"
