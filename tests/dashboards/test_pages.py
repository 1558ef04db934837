"""Every page opens: over a published warehouse, over one that holds a single feed, and over nothing at all."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import scorecard, words
from dashboards.data import Reader
from dashboards.filters import Filters
from dashboards.lists.promises import NEXT_STEPS
from dashboards.palette import LIGHT
from dashboards.reports.receivables import CURRENCIES, Choice, ageing_table, sums_by_schedule
from dashboards.scorecard import Measure
from dashboards.shell import Page
from dashboards.tables import SHOWN
from forecourt.door import current_run, open_warehouse
from forecourt.home import Home
from forecourt.kpi import compute, headline_period, load_metrics, newest_day
from forecourt.metrics import HEADLINES
from forecourt.periods import default_period, shifted
from forecourt.publish import record_end
from forecourt.why import explain
from tests.support.dashboards import APP, PAGES

#: Pages of one life say what to look for; the others show the whole business.
LIVES = ("vehicle", "customer")


def opened(home: Home, page: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """A page as a reader with this URL sees it; fails where it shows an error."""
    monkeypatch.setenv("FORECOURT_HOME", str(home.root))
    app = AppTest.from_file(str(APP), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page != "overview":
        app.switch_page(f"app_pages/{page}.py").run()
    assert not app.exception, [problem.message for problem in app.exception]
    return app


def text_of(app: AppTest) -> str:
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts)


@pytest.mark.parametrize("page", PAGES)
def test_page_opens(page: str, published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, page, monkeypatch)
    assert app.title[0].value
    assert not app.error
    assert not app.info, text_of(app)


@pytest.mark.parametrize("page", PAGES)
def test_page_over_an_empty_home_says_what_to_do(page: str, empty_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said = text_of(opened(empty_home, page, monkeypatch))
    assert "Nothing is published" in said
    assert f"forecourt run --home {empty_home.root}" in said
    assert str(empty_home.inbox) in said


def test_cards_show_what_the_kernel_computes(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    metrics = load_metrics(warehouse)
    period = default_period(newest_day(warehouse))
    expected = []
    for name in HEADLINES:
        metric = metrics[name]
        for row in compute(warehouse, metric, headline_period(warehouse, metric, period)):
            instead, _ = words.missing(metric, row.reason)
            expected.append(instead if row.value is None else words.value_text(metric, row.value, row.currency))
    app = opened(published_home, "overview", monkeypatch)
    shown = [str(card.value).removeprefix(":gray[").removesuffix("]") for card in app.metric]
    assert sorted(shown[: len(expected)]) == sorted(expected)


def test_url_chooses_rooftop_and_period(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    (first,) = warehouse.rows("select rooftop, rooftop_name from marts.dim_rooftop order by rooftop limit 1")
    query = {"rooftop": first["rooftop"], "period": "last_month", "versus": "nothing"}
    app = opened(published_home, "overview", monkeypatch, **query)
    assert app.multiselect(key="rooftop").value == [first["rooftop"]]
    assert any(f"**{first['rooftop_name']}** · August 2026" in str(part.value) for part in app.markdown)


def test_ageing_page_offers_what_it_shows(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    table = ageing_table(warehouse, newest_day(warehouse))
    app = opened(published_home, "ageing", monkeypatch)
    labels = [button.label for button in app.get("download_button")]
    rows = words.counted(table.num_rows, "rows")
    assert f"xlsx, all open documents: {rows}" in labels
    assert f"csv, all open documents: {rows}" in labels
    said = text_of(app)
    assert CURRENCIES in said
    assert "of what is owed on the headline schedules was past due." in said
    for currency in {key[1] for key in sums_by_schedule(table)}:
        net = sum(part.net for key, part in sums_by_schedule(table).items() if key[1] == currency)
        assert words.money(net, currency, 2) in said


def test_ageing_page_narrows_to_a_schedule(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    table = ageing_table(warehouse, newest_day(warehouse), choice=Choice(schedule="customer"))
    app = opened(published_home, "ageing", monkeypatch)
    app.selectbox(key="schedule").set_value("customer").run()
    assert not app.exception
    labels = [button.label for button in app.get("download_button")]
    assert f"xlsx, this choice: {words.counted(table.num_rows, 'rows')}" in labels
    assert any(label.startswith("xlsx, all open documents") for label in labels)


@pytest.mark.parametrize(
    "narrowed",
    [{"schedule": "Customer"}, {"entity": "Hollybank Motors Ltd"}, {"currency": "EUR"}, {"basis": "Document date"}],
)
def test_a_narrowed_ageing_states_no_rate_of_other_documents(
    narrowed: dict[str, str], published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = text_of(opened(published_home, "ageing", monkeypatch, **narrowed))
    assert "past due." not in said
    assert "Overdue rate: " not in said
    assert "Overdue rate by month, of all documents by due day" in said


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"as_of": "2099-12-31"}, "The data reach 30 September 2026; 31 December 2099 was asked."),
        ({"as_of": "1900-01-01"}, "The page goes back to 1 January 2016; 1 January 1900 was asked."),
        ({"period": "custom", "to": "2099-01-02"}, "The data reach 30 September 2026; 2 January 2099 was asked."),
        (
            {"period": "custom", "from": "2026-08-09", "to": "2026-08-02"},
            "From 9 August 2026 to 2 August 2026 was asked: the days between them count.",
        ),
    ],
)
def test_days_that_are_not_shown_as_asked_are_said(
    query: dict[str, str], told: str, published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.switch_page("app_pages/ageing.py")
    for name, value in query.items():
        app.query_params[name] = value
    assert told in [str(each.value) for each in app.run().caption]


def test_a_link_may_name_the_code_of_a_schedule(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "ageing", monkeypatch, schedule="parts_account")
    assert app.selectbox(key="schedule").value == "parts_account"
    assert app.run().selectbox(key="schedule").value == "parts_account"
    assert app.selectbox(key="schedule").set_value("customer").run().selectbox(key="schedule").value == "customer"


def test_the_url_of_the_ageing_opens_the_same_again(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "ageing", monkeypatch)
    app.selectbox(key="schedule").set_value("parts_account").run()
    kept = {name: said if isinstance(said, str) else said[0] for name, said in dict(app.query_params).items()}
    assert kept["schedule"] == "parts_account"
    assert opened(published_home, "ageing", monkeypatch, **kept).selectbox(key="schedule").value == "parts_account"


def test_a_link_to_a_schedule_that_is_not_there_says_so(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "ageing", monkeypatch, schedule="fleet")
    assert "No schedule is called “fleet”, so all are shown." in [str(each.value) for each in app.caption]
    assert app.selectbox(key="schedule").value == "All"


def test_a_link_that_names_what_is_not_here_says_so(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "overview", monkeypatch, rooftop="R9", versus="never")
    said = "The link names a rooftop and a comparison that is not here; what is shown is said above."
    assert said in [str(each.value) for each in app.caption]
    app = opened(published_home, "overview", monkeypatch, rooftop="R1", period="last_month")
    assert not [each for each in app.caption if "The link names" in str(each.value)]


def test_a_document_in_another_currency_stands_in_the_rooftop_s_too(
    published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(published_home, "ageing", monkeypatch)
    (shown,) = [frame.value for frame in app.dataframe if "outstanding_base" in frame.value]
    rated = shown[shown["rate"].notna()]
    assert len(rated) > 10
    assert {"GBP", "EUR"} >= set(rated["base_currency"])
    assert all(round(row.outstanding * row.rate, 2) == row.outstanding_base for row in rated.itertuples())


def test_a_failed_run_leaves_the_numbers_and_a_banner(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = published_home.last.read_bytes()
    try:
        record_end(published_home, "20991231T000000", "blocked", "1 check blocks publishing: units add up.")
        app = opened(published_home, "overview", monkeypatch)
    finally:
        published_home.last.write_bytes(before)
    said = str(app.warning[0].value)
    assert "1 check blocks publishing: units add up." in said
    assert str(current_run(published_home)) in said
    assert app.metric


def test_leads_page_answers_the_question_chosen(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "leads", monkeypatch)
    app.segmented_control(key="kpi").set_value("Conversion").run()
    assert not app.exception
    assert any("for enquiries that began" in str(part.value) for part in app.markdown)


@pytest.mark.parametrize("page", PAGES)
def test_page_over_a_single_feed(page: str, single_feed_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(single_feed_home, page, monkeypatch)
    assert not app.error
    if page == "overview":
        assert "no dms_rentals" in text_of(app)
        assert any(card.value == ":gray[no data]" for card in app.metric)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "data"])
def test_where_no_file_landed_a_page_says_what_to_do(
    page: str, refused_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = text_of(opened(refused_home, page, monkeypatch))
    assert "No file has landed" in said
    assert str(refused_home.inbox) in said
    assert f"forecourt run --home {refused_home.root}" in said
    assert "--as-of" not in said


def test_where_no_file_landed_the_data_page_still_says_why(refused_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(refused_home, "data", monkeypatch)
    assert not app.info
    assert any("has no column" in str(table.value) for table in app.dataframe)


def test_where_no_row_is_kept_the_cards_say_what_did_not_land(
    quarantined_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(quarantined_home, "overview", monkeypatch)
    assert not app.info
    assert "no dms_deals landed" in text_of(app)
    assert "as of 31 Mar 2026" in text_of(app)


def test_the_data_page_lists_what_is_open_in_quarantine_and_counts_what_is_settled(
    quarantined_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(quarantined_home, "data", monkeypatch)
    assert "1 are open in quarantine" in text_of(app)
    (choice,) = [part for part in app.button_group if part.key == "quarantine"]
    assert list(choice.options) == ["open 1", "closed 0", "accepted 0", "retried 0", "discarded 0"]
    (rows,) = [table.value for table in app.dataframe if "raw" in table.value.columns]
    assert list(rows["raw"]) == ["R1,I1,invoice,C1,not a day,2026-02-09,much,GBP"]
    choice.set_value("discarded").run()
    assert "None." in captions(app)


def test_the_data_page_says_what_was_odd_in_the_files(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "data", monkeypatch)
    (rows,) = [table.value for table in app.dataframe if "sentence" in table.value]
    (told,) = open_warehouse(published_home).rows("select list(sentence) as of_all from meta.notes")
    assert len(rows) == min(len(told["of_all"]), SHOWN)
    assert set(rows["sentence"]) <= set(told["of_all"])
    assert any("is in no feed; its values are kept aside" in sentence for sentence in told["of_all"])


def captions(app: AppTest) -> list[str]:
    return [str(part.value) for part in app.caption]


@pytest.mark.parametrize(
    "query", [{"period": "last_month"}, {"period": "custom", "from": "2026-08-03", "to": "2026-08-31"}]
)
@pytest.mark.parametrize("page", ["overview", "gross"])
def test_a_past_period_says_as_of_when_it_is_computed(
    page: str, query: dict[str, str], published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = open_warehouse(published_home)
    newest = newest_day(warehouse)
    assert newest > date(2026, 8, 31)
    said = captions(opened(published_home, page, monkeypatch, **query))
    deals = [text for text in said if "deal" in text and "as of" in text]
    assert deals, said
    assert all(f"as of {words.short_day(newest)}" in text for text in deals)
    if page == "overview":
        owed = [text for text in said if "document" in text and "as of" in text]
        assert owed, said
        assert all("as of 31 Aug 2026" in text for text in owed)


def test_a_negative_denominator_is_no_missing_data(unwound_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(unwound_home, "overview", monkeypatch)
    (margin,) = [card for card in app.metric if card.label == "Gross margin"]
    assert margin.value == ":gray[no rate]"
    assert "the denominator is zero or negative" in captions(app)


def test_overview_says_why_a_headline_moved(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    metric = load_metrics(warehouse)["fleet_utilisation_rate"]
    period = default_period(newest_day(warehouse))
    (why,) = explain(warehouse, metric, period, shifted(period, 1))
    said = [text for text in captions(opened(published_home, "overview", monkeypatch)) if text.startswith("Why: ")]
    assert said
    if not why.causes:
        assert any("no single group stands out" in text for text in said)


def test_nothing_is_explained_where_nothing_is_compared(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said = captions(opened(published_home, "overview", monkeypatch, versus="nothing"))
    assert not [text for text in said if text.startswith("Why: ")]


def test_the_month_is_that_of_the_kernel(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    metrics = load_metrics(warehouse)
    period = default_period(newest_day(warehouse))
    said = text_of(opened(published_home, "overview", monkeypatch))
    for name in ("units", "stock_units"):
        (row,) = compute(warehouse, metrics[name], period)
        assert row.value is not None
        assert f"**{words.value_text(metrics[name], row.value, None)}**" in said
    (response,) = compute(warehouse, metrics["response_minutes"], period)
    assert f"**{response.open}**" in said


def test_broken_promises_name_the_next_step(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    rules = {row["rule"] for row in warehouse.rows("select distinct rule from marts.fct_exception")}
    assert rules
    assert rules <= NEXT_STEPS.keys()


def test_every_rule_has_a_next_step() -> None:
    seed = Path(__file__).resolve().parents[2] / "seeds" / "exception_rules.csv"
    with seed.open(encoding="utf-8", newline="") as file:
        assert {row["rule"] for row in csv.DictReader(file)} == NEXT_STEPS.keys()


LIFE_OF = {
    "vehicle": """
        select car.vin as text, car.vehicle_key as key
        from marts.dim_vehicle as car
        inner join marts.fct_deal as deal using (vehicle_key)
        where car.vin is not null
        order by 1
        limit 1
    """,
    "customer": """
        select customer.customer_id as text, customer.customer_key as key
        from marts.dim_customer as customer
        inner join marts.fct_deal as deal using (rooftop, customer_id)
        where customer.system = 'dms'
        order by 2
        limit 1
    """,
}


@pytest.mark.parametrize("page", LIVES)
def test_a_life_shows_its_lines(page: str, published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = open_warehouse(published_home).rows(LIFE_OF[page])
    app = opened(published_home, page, monkeypatch)
    app.text_input(key="find").set_value(one["text"]).run()
    if page == "customer":
        app.selectbox(key="which").set_value(one["key"]).run()
    assert not app.exception
    tables = [table.value for table in app.dataframe if "what" in table.value.columns]
    assert tables
    assert "Contract" in set(tables[0]["what"])
    assert tables[0]["file"].notna().all()


def test_a_long_life_is_shown_in_part_and_given_whole(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = open_warehouse(published_home).rows(LIFE_OF["vehicle"])
    whole = opened(published_home, "vehicle", monkeypatch, find=one["text"])
    (lines,) = [len(table.value) for table in whole.dataframe if "what" in table.value.columns]
    assert lines > 3
    monkeypatch.setattr("dashboards.tables.SHOWN", 2)
    cut = opened(published_home, "vehicle", monkeypatch, find=one["text"])
    assert [len(table.value) for table in cut.dataframe if "what" in table.value.columns] == [2]
    assert [button.label for button in cut.get("download_button")] == ["csv of these 2", f"csv of all {lines}"]


def test_files_that_are_not_listed_are_said(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (files,) = open_warehouse(published_home).rows("select count(*) as number from meta.files")
    told = "Those that did not land, then the newest: 2 of {number} files. `select * from files` has all.".format(
        **files
    )
    assert told not in captions(opened(published_home, "data", monkeypatch))
    monkeypatch.setattr("dashboards.tables.LISTED", 2)
    assert told in captions(opened(published_home, "data", monkeypatch))


def test_a_life_that_is_not_known_says_so(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "vehicle", monkeypatch)
    app.text_input(key="find").set_value("100%_nothing").run()
    assert not app.exception
    assert any("Nothing is known" in str(part.value) for part in app.info)


def test_a_person_has_the_figures_of_his_own_rooftop(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    metrics = load_metrics(warehouse)
    period = default_period(newest_day(warehouse))
    expected = sorted(
        float(row.value or 0)
        for rooftop in ("R1", "R2")
        for row in compute(warehouse, metrics["units"], period, by="salesperson", rooftops=[rooftop])
        if row.group is not None
    )
    app = opened(published_home, "people", monkeypatch)
    shown = app.dataframe[0].value
    assert sorted(shown["units"].dropna()) == expected


def test_a_number_turns_grey_and_names_the_source_that_is_behind(
    unwound_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(unwound_home, "overview", monkeypatch)
    (overdue,) = [card for card in app.metric if card.label == "Overdue rate"]
    assert str(overdue.value).startswith(":gray[100.0")
    assert any("data only to 28 Feb 2026 from dms\\_invoices" in text for text in captions(app))
    assert any(
        f"{words.counted(1, 'sources')} of 2 does not reach 31 March 2026" in str(part.value) for part in app.markdown
    )


def test_the_scorecard_keeps_the_currencies_of_a_cost_apart(
    published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures = [Measure("gross_per_unit", "make"), Measure("units", "make")]
    warehouse = open_warehouse(published_home)
    metrics = load_metrics(warehouse)
    period = default_period(newest_day(warehouse))
    reader = Reader(str(published_home.root), str(current_run(published_home)))
    page = Page(reader, Filters((), period, None, ""), words.ENGLISH, LIGHT, is_phone=False)
    found = scorecard.of(page, measures, ())
    for row in compute(warehouse, metrics["gross_per_unit"], period, by="make"):
        assert row.group is not None
        assert found[row.group][f"gross_per_unit_{row.currency}_n"] == row.n
        if row.value is not None:
            assert found[row.group][f"gross_per_unit_{row.currency}"] == float(row.value)
    heads = scorecard.columns(metrics, ["gross_per_unit", "units"], ["GBP", "EUR"])
    assert heads["gross_per_unit_EUR"].label == "Gross per unit, EUR"
    assert heads["units"].label == "Units"


def test_what_no_file_tells_is_no_zero(unwound_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has deals and invoices, so that no contract is in transit is known, and no leads."""
    texts = [str(part.value) for part in opened(unwound_home, "overview", monkeypatch).markdown]
    assert texts[texts.index("Leads unanswered") + 1] == "**:gray[no data]**"
    assert texts[texts.index("Contracts in transit") + 1] == "**none**"
