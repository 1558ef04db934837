"""The colours of the pages, light and dark. Apart from the charts: the overview draws none of theirs."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Palette:
    """Colours of one theme: one accent, neutral greys, series that every kind of eye tells apart."""

    accent: str
    muted: str
    text: str
    ink: str
    background: str
    grid: str
    series: tuple[str, ...]
    ramp: tuple[str, ...]

    def ageing(self, count: int) -> list[str]:
        """``count`` steps of the ramp, from young to old: the older, the further from the background."""
        last = len(self.ramp) - 1
        return [self.ramp[round(position * last / max(1, count - 1))] for position in range(count)]


LIGHT = Palette(
    accent="#0b5f78",
    muted="#b3babd",
    text="#5b646a",
    ink="#1d2427",
    background="#ffffff",
    grid="#e8eaea",
    series=("#0b5f78", "#c5521c", "#3a8f6b", "#8b5a9f", "#4d9bc9", "#7d6a4f"),
    ramp=("#cfe3e8", "#a9cbd5", "#82b2c1", "#5a97aa", "#2f7a91", "#0b5f78", "#06404f"),
)
DARK = Palette(
    accent="#6cc3dc",
    muted="#586268",
    text="#a3adb2",
    ink="#e6eaeb",
    background="#14181a",
    grid="#2a3135",
    series=("#6cc3dc", "#f0925c", "#77d3a8", "#c69ad9", "#a9d4f0", "#c9b08a"),
    ramp=("#1d5161", "#296d82", "#3b8aa2", "#55a9c2", "#78c6dd", "#a6dcec", "#d3eef6"),
)


def palette() -> Palette:
    """The palette of the theme that the reader sees."""
    return DARK if st.context.theme.type == "dark" else LIGHT
