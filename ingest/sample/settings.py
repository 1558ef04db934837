"""``forecourt.toml`` of the sample dealership: its rooftops, a few policies and targets."""

from __future__ import annotations

from ingest.sample.truth_ledger import DEFAULT_TERMS
from ingest.sample.world import Rooftop, World

TARGETS = (
    ("gross_margin_rate", "0.11"),
    ("enquiry_to_handover_days", "16"),
    ("fleet_utilisation_rate", "0.70"),
    ("claim_rate", "0.05"),
    ("overdue_rate", "0.25"),
)
#: What preparing a used car may cost.
PREP_BUDGET = 600
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def settings_text(world: World) -> str:
    """The text of the settings file."""
    first = world.rooftops[0]
    parts = [
        "# Settings of the sample dealership. Everything here may be changed; what is left out has a default.",
        f'[company]\nname = "Hollybank Group"\ncurrency = "{first.currency}"\ntime_zone = "{first.time_zone}"',
        *(_rooftop(rooftop) for rooftop in world.rooftops),
        "[policy]\n"
        + "\n".join(f"ageing.default_terms.{schedule} = {days}" for schedule, days in DEFAULT_TERMS.items())
        + f"\nstock.prep_budget.new = {PREP_BUDGET // 2}\nstock.prep_budget.default = {PREP_BUDGET}",
        f'[[benchmarks]]\nkpi = "gross_margin_rate"\nvalue = 0.105\nsource = "An invented trade survey"\n'
        f"date = {world.start}",
        *(f'[[targets]]\nkpi = "{kpi}"\nfrom = {world.start}\nvalue = {value}' for kpi, value in TARGETS),
    ]
    return "\n\n".join(parts) + "\n"


def _rooftop(rooftop: Rooftop) -> str:
    hours = ", ".join(
        f'{day} = "{span[0] // 60:02d}:{span[0] % 60:02d}-{span[1] // 60:02d}:{span[1] % 60:02d}"'
        for day, span in zip(DAYS, rooftop.hours, strict=True)
        if span
    )
    return "\n".join(
        (
            "[[rooftops]]",
            f'code = "{rooftop.code}"',
            f'name = "{rooftop.name}"',
            f'legal_entity = "{rooftop.legal_entity}"',
            f'time_zone = "{rooftop.time_zone}"',
            f'currency = "{rooftop.currency}"',
            f"vat_rate = 0.{rooftop.vat_percent:02d}",
            f'holidays = "{rooftop.holidays}"',
            f"hours = {{ {hours} }}",
        )
    )
