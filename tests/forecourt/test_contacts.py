from __future__ import annotations

import time

import pytest

from forecourt.contacts import VIN_STATUSES, plain_email, plain_phone, vin_status


@pytest.mark.parametrize(
    "raw", ["07700 900123", "+44 7700 900123", "0044 (0)7700 900123", "07700-900-123 ext. 4", " +447700900123 "]
)
def test_one_british_number_written_in_five_ways_is_one_number(raw: str) -> None:
    assert plain_phone(raw, "GB") == ("+447700900123", None)


def test_a_number_without_a_country_code_is_of_the_country_of_its_rooftop() -> None:
    assert plain_phone("030 23125123", "DE") == ("+493023125123", None)
    assert plain_phone("030 23125123", "ES") != ("+493023125123", None)
    assert plain_phone("+49 30 23125123", "ES") == ("+493023125123", None)


def test_digits_that_are_no_number_of_any_country_are_compared_as_they_stand() -> None:
    assert plain_phone("+999 555 01", "GB") == plain_phone("999-55501", "GB") == ("99955501", None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("0000000", "placeholder"),
        ("00000 000000", "placeholder"),
        ("07777777777", "placeholder"),
        ("0123456789", "placeholder"),
        ("+44 9876543210", "placeholder"),
        ("none", "too short for a number"),
        ("12345", "too short for a number"),
        ("1" * 18, "too long for a number"),
    ],
)
def test_what_names_no_line_says_why(raw: str, reason: str) -> None:
    assert plain_phone(raw, "GB") == (None, reason)


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        (" Kit@Example.com ", "kit@example.com"),
        ("mailto:kit+car@r1.example.com", "kit+car@r1.example.com"),
        ("Jörg@MÜLLER.example.com", "jörg@müller.example.com"),
        ("kit@xn--mller-kva.example.com", "kit@müller.example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
    ],
)
def test_an_address_is_compared_in_lower_case(raw: str, address: str) -> None:
    assert plain_email(raw) == (address, None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("kit@", "not an e-mail address"),
        ("a..b@example.com", "not an e-mail address"),
        ("kit example.com", "not an e-mail address"),
        ("kit@nowhere.invalid", "not an e-mail address"),
        ("8f3a@privaterelay.appleid.com", "forwarding address"),
        ("buyer-77@reply.mobile.de", "forwarding address"),
        ("buyer-77@AutoScout24.de", "forwarding address"),
        ("noemail@dealer.example.com", "placeholder"),
        ("No-Email@dealer.example.com", "placeholder"),
        ("none@none.example.com", "placeholder"),
    ],
)
def test_an_address_that_names_nobody_says_why(raw: str, reason: str) -> None:
    assert plain_email(raw) == (None, reason)


def test_further_forwarding_domains_come_from_the_settings() -> None:
    assert plain_email("b1@mail.carsquare.example") == ("b1@mail.carsquare.example", None)
    assert plain_email("b1@mail.carsquare.example", ["carsquare.example"]) == (None, "forwarding address")
    assert plain_email("b1@notcarsquare.example", ["carsquare.example"]) == ("b1@notcarsquare.example", None)


@pytest.mark.parametrize(
    ("vin", "status"),
    [
        ("1M8GDM9AXKP042788", "valid_checked"),
        ("1G4AH59H45G118341", "valid_checked"),
        ("1HGCM82633A004352", "valid_checked"),
        ("LSVAA4182E2184847", "valid_checked"),
        ("WP0ZZZ99ZTS392124", "valid_unchecked"),
        ("WVWZZZ3CZEE140287", "valid_unchecked"),
        ("VF1LM1B0H36666155", "valid_unchecked"),
        ("1HGCM82633A004353", "check_failed"),
        ("LSVAA4183E2184847", "check_failed"),
        ("1" * 17, "malformed"),
        ("111111", "malformed"),
        ("UNKNOWN", "malformed"),
        ("1HGCM82633A00435I", "malformed"),
        ("1HGCM82633A0043522", "malformed"),
        ("GX100-6001234", "short_chassis"),
        (" 1m8gdm9axkp042788 ", "valid_checked"),
        ("", "missing"),
        (None, "missing"),
    ],
)
def test_the_status_of_a_vin(vin: str | None, status: str) -> None:
    assert vin_status(vin)[0] == status
    assert status in VIN_STATUSES


def test_a_letter_taken_for_a_digit_is_suggested_and_never_written_over() -> None:
    assert vin_status("1HGCM82633AOO4352") == ("malformed", "1HGCM82633A004352")
    assert vin_status("1HGCM82633AOO4353") == ("malformed", None)
    assert vin_status("1HGCM82633A004352") == ("valid_checked", None)


def test_contacts_are_read_by_the_thousand_in_a_second() -> None:
    started = time.process_time()
    for number in range(5_000):
        plain_phone(f"07700 9{number:05d}", "GB")
        plain_email(f"alma.{number}@r1.example.com")
    assert time.process_time() - started < 1.5, "a tenth of a hundred thousand, on a busy machine"
