"""The pages of the dashboards, by the names of their files: a new one is tested as soon as it is there."""

from __future__ import annotations

from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "dashboards" / "streamlit_app.py"
PAGES = sorted(file.stem for file in (APP.parent / "app_pages").glob("[!_]*.py"))
