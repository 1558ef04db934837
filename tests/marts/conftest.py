"""Tests that read the shared case files are collected only where those lie beside the repository."""

from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "../shared"

collect_ignore = [] if SHARED.exists() else ["test_ar_cases.py"]
