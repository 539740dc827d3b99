from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tariffs import compile_book, load_book
from tariffs.diff import diff_books
from tariffs.errors import BookError
from tariffs.words import allowance_words, fee_words

SHOP = Path(__file__).parents[2] / "samples" / "shop" / "book"


def told(tmp_path: Path, *edits: tuple[str, str, str], gone: tuple[str, ...] = ()) -> list[str]:
    """The changes from the demo book to the same book with edits (file, old text, new text)."""
    folder = tmp_path / "new"
    shutil.copytree(SHOP, folder)
    for file, old, new in edits:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    for file in gone:
        (folder / file).unlink()
    books = [load_book(path) for path in (SHOP, folder)]
    before, after = [(book, compile_book(book)) for book in books]
    return [str(change) for change in diff_books(before, after)]


def test_the_same_book_has_no_changes(tmp_path: Path) -> None:
    assert told(tmp_path) == []
    # a rule that is written elsewhere is no change of price
    comment = ("plans/base.yaml", "name: Standard rates", "# A line.\nname: Standard rates")
    shutil.rmtree(tmp_path / "new")
    assert told(tmp_path, comment) == []


def test_a_price_is_told_with_class_and_date(tmp_path: Path) -> None:
    """Local calls from 15 October: 0.25 becomes 0.22, and the plan with its own price keeps it."""
    edit = ("prices.yaml", "2026-10-15: 0.25", "2026-10-15: 0.22")
    lines = told(tmp_path, edit)
    plans = "data_200, data_50, easy, family_156, globe_298, talk_106, talk_58"
    zones = "mobile_north, mobile_south, mobile_east"
    assert (
        f"{plans}: Calls; Calls, forwarded, local to {zones}, at home: 0.25 per min → 0.22 per min,"
        " from 2026-10-15 on"
    ) in lines
    assert not any("business" in line for line in lines)
    assert len(lines) == 3  # local calls, those of roamers to the same place, and 400 numbers


def test_a_moved_date_is_a_price_for_a_while(tmp_path: Path) -> None:
    lines = told(tmp_path, ("prices.yaml", "2026-10-15: 0.03", "2026-11-01: 0.03"))
    day, dear = "day 0.20 per MiB in beats of 1 KiB", "night 0.05 per MiB in beats of 1 KiB"
    assert len(lines) == 1
    assert lines[0].startswith("night_owl: Data, roaming home, domestic: ")
    assert f"{day}; night 0.03 per MiB" in lines[0].partition(" → ")[0]
    assert dear in lines[0].partition(" → ")[2]
    assert lines[0].endswith("from 2026-10-15 on until 2026-11-01")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (
            ("plans/talk_58.yaml", "amount: 58.00", "amount: {2020-01-01: 58, 2027-01-01: 62}"),
            (
                "talk_58: fee monthly: 58.00, in advance, prorated by days, tax vat_basic, G/L 4310 → 58.00, in"
                " advance, prorated by days, tax vat_basic, G/L 4310; from 2027-01-01 62.00, in advance, prorated"
                " by days, tax vat_basic, G/L 4310"
            ),
        ),
        (
            ("plans/data_50.yaml", "quantity: 10 GiB", "quantity: 12 GiB"),
            (
                "data_50: allowance data: 10 GiB, prorated, priority 100: data; roaming home, domestic → 12 GiB,"
                " prorated, priority 100: data; roaming home, domestic"
            ),
        ),
        (
            ("discounts/record.yaml", "percent: 50 %", "percent: 40 %"),
            (
                "data_200, data_50, easy, family_156, globe_298, night_owl, talk_106, talk_58: discount"
                " friends_half: 50 % off, for friends: voice, video; roaming home → 40 % off, for"
                " friends: voice, video; roaming home"
            ),
        ),
        (
            ("plans/data_50.yaml", "amount: 100.00", "amount: 90.00"),
            (
                "data_200, data_50: cap data: at most 100.00, for a subscriber: data; roaming home, domestic → at"
                " most 90.00, for a subscriber: data; roaming home, domestic"
            ),
        ),
        (("numbers.csv", "84,intl_1", "84,intl_2"), "numbers +84: intl_1 → intl_2"),
        (("numbers.csv", "91,intl_1,\n", ""), "numbers +91: intl_1 → intl_3 (by +9)"),
        (("short_codes.csv", "122,emergency", "123,emergency"), "numbers 122: gone, was emergency"),
        (
            ("networks.csv", "440-10,asia", "440-10,rest"),
            "network 440-10: roaming asia → roaming rest",
        ),
        (("book.yaml", "rate: 9 %", "rate: 10 %"), "tax vat_basic: 9 % included → 10 % included"),
        (
            (
                "book.yaml",
                "  sms: {tax: vat_added, gl_code: 4110}",
                "  sms: {tax: vat_basic, gl_code: 4120}",
            ),
            (
                "Text messages where a rule does not say otherwise: tax vat_added, G/L 4110 → tax"
                " vat_basic, G/L 4120"
            ),
        ),
        (
            ("book.yaml", "4010: Voice, national", "4010: Calls"),
            "G/L code 4010: Voice, national → Calls",
        ),
        (
            ("time_models.yaml", "from: 08:00, to: 20:00", "from: 09:00, to: 20:00"),
            (
                "night_owl: bands of business_day: peak 08:00-20:00 monday-friday, else off_peak → peak"
                " 09:00-20:00 monday-friday, else off_peak"
            ),
        ),
        (
            ("calendar.yaml", "2026-10-01 to 2026-10-07", "2026-10-01 to 2026-10-08"),
            "night_owl: days that count as public_holiday: new, 2026-10-08",
        ),
        (
            ("calendar.yaml", "2026-05-09", "2026-05-10"),
            "night_owl: days that count as friday: gone, was 2026-05-09",
        ),
        (
            ("wholesale.csv", "2026-10-15,,0.55,60 s,1 s", "2026-11-01,,0.50,60 s,6 s"),
            (
                "our cost at Transit, Calls from home, originating, to intl_2: 0.60 per min in beats of"
                " 1 s; from 2026-10-15 0.55 per min in beats of 1 s → 0.60 per min in beats of 1 s; from"
                " 2026-11-01 0.50 per min in beats of 6 s"
            ),
        ),
        (
            ("wholesale.csv", "DE1,262-01,data,,,,,0.60", "DE2,262-01,data,,,,,0.50"),
            "our cost at DE2, Data in network 262-01: new, 0.50 per MB in beats of 1 kB",
        ),
        (
            ("plans/talk_58.yaml", "name: Monthly fee,", "name: Rental,"),
            "talk_58: name of fee monthly: Monthly fee → Rental",
        ),
        (
            ("options/packs.yaml", "name: 500 MB pack, amount", "name: Half a GB, amount"),
            "name of fee price of option pack_5: 500 MB pack → Half a GB",
        ),
        (
            (
                "plans/night_owl.yaml",
                "discounts: [night_owl_sms]",
                "discounts: [night_owl_sms, group_20]",
            ),
            "night_owl: discount group_20: new, 20 % off, for group: voice, video, sms; roaming home",
        ),
        (
            ("book.yaml", "event: {to: 0.01, mode: half_up}", "event: {to: 0.001, mode: up}"),
            "rounding of the event: half up to 0.01 → up to 0.001",
        ),
    ],
)
def test_other_changes(tmp_path: Path, edit: tuple[str, str, str], line: str) -> None:
    assert line in told(tmp_path, edit)


def test_data_is_told_apart_by_its_data_classes(tmp_path: Path) -> None:
    rule = "data_class: self_care, roaming: [home, domestic]}, price: "
    lines = told(tmp_path, ("plans/base.yaml", f"{rule}free", f"{rule}data_home"))
    assert lines
    assert all(": Data, self_care, roaming home, domestic: free → " in line for line in lines)


def test_exclusion_groups_of_discounts_have_names_not_numbers(tmp_path: Path) -> None:
    discounts = """\
first: {percent: 5 %, for: friends, one_of: early}
second: {percent: 6 %, for: friends, one_of: late}
"""
    plain = "discounts/more.yaml", "plans/easy.yaml"
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, text in ((old, discounts), (new, discounts.replace(", one_of: early", ""))):
        shutil.copytree(SHOP, folder)
        (folder / plain[0]).write_text(text, encoding="utf-8")
        with (folder / plain[1]).open("a", encoding="utf-8") as file:
            file.write("discounts: [first, second]\n")
    before, after = [(book, compile_book(book)) for book in map(load_book, (old, new))]
    lines = [str(change) for change in diff_books(before, after)]
    assert len(lines) == 1
    assert lines[0].startswith("easy: discount first: 5 % off, one of early, for friends")


def test_plans_that_come_and_go(tmp_path: Path) -> None:
    assert told(tmp_path, gone=("plans/data_200.yaml",)) == ["plan data_200: gone, was Data 200"]
    folder = tmp_path / "new"
    books = [load_book(path) for path in (folder, SHOP)]
    before, after = [(book, compile_book(book)) for book in books]
    assert [str(one) for one in diff_books(before, after)] == ["plan data_200: new, Data 200"]


def test_a_new_usage_and_a_rule_that_only_splits_otherwise(tmp_path: Path) -> None:
    edit = ("plans/base.yaml", "price: data_home, split: start", "price: data_home")
    lines = told(tmp_path, edit)
    assert len(lines) == 4  # business (its office has a price of its own), three plans, two more
    assert "split start" in lines[0].partition(" → ")[0]
    assert "split consecutive" in lines[0].partition(" → ")[2]
    answer = "  - {id: sms_in, when: {service: sms, direction: terminating}, price: free}\n"
    shutil.rmtree(tmp_path / "new")
    rule = ("plans/base.yaml", "rules:\n", f"rules:\n{answer}")
    assert "Text messages, incoming: new, priced" in told(tmp_path, rule)


def test_rows_of_tables(tmp_path: Path) -> None:
    places = Path(__file__).parents[1] / "corpus" / "places"
    folder = tmp_path / "new"
    shutil.copytree(places, folder)
    cells = folder / "cells.csv"
    cells.write_text(cells.read_text().replace("200,9,south,north,", "200,8,south,north,"))
    books = [load_book(path) for path in (places, folder)]
    before, after = [(book, compile_book(book)) for book in books]
    assert [str(one) for one in diff_books(before, after)] == [
        "rows of cells.csv: new, 200,8,south,north,",
        "rows of cells.csv: gone, was 200,9,south,north,",
    ]


def test_options_in_words(tmp_path: Path) -> None:
    offers = Path(__file__).parents[1] / "cases" / "offers"
    folder = tmp_path / "new"
    shutil.copytree(offers, folder)
    packs = folder / "options" / "packs.yaml"
    packs.write_text(packs.read_text().replace("amount: 5.00", "amount: 4.00"))
    books = [load_book(path) for path in (offers, folder)]
    before, after = [(book, compile_book(book)) for book in books]
    [change] = diff_books(before, after)
    gives = "allowance data 10 MB, for 30 days, beats of 1 kB, priority 10: data; roaming home"
    assert change.what == "option data_10"
    assert change.before == f"10 MB pack; fee price 5.00, once, tax vat, G/L 4310; {gives}"
    assert change.after == f"10 MB pack; fee price 4.00, once, tax vat, G/L 4310; {gives}"
    words = {one.name: one.fees for one in books[0].options}
    assert fee_words(words["news"][0], 0) == (
        "6.00, in advance, 7 days for nothing, 1.00 in the first cycle, free in the cycle in which"
        " it ends, tax vat, G/L 4310"
    )
    day = next(one for one in books[0].options if one.name == "asia_pass").allowances[0]
    assert allowance_words(day, books[0], 0) == (
        "50 MB, each day, beats of 1 kB, if used 25.00, once, tax vat, G/L 4310, priority 100: data;"
        " roaming asia"
    )


def test_what_stands_on_bills(tmp_path: Path) -> None:
    offers = Path(__file__).parents[1] / "cases" / "offers"
    folder = tmp_path / "new"
    shutil.copytree(offers, folder)
    (folder / "bill.yaml").unlink()
    books = [load_book(path) for path in (folder, offers)]
    before, after = [(book, compile_book(book)) for book in books]
    texts = [str(change) for change in diff_books(before, after)]
    assert len(texts) == len(books[1].bill_discounts) + len(books[1].commitments)
    assert all(": new, " in text for text in texts)
    assert any(text.startswith("discount on the bill ") and " % off " in text for text in texts)
    assert any(text.startswith("commitment ") and "at least " in text for text in texts)


def books_after(tmp_path: Path, name: str, file: str, old: str, new: str) -> list[str]:
    """The changes of a book of the corpus after one edit."""
    corpus = Path(__file__).parents[1] / "corpus" / name
    folder = tmp_path / "new"
    shutil.copytree(corpus, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    books = [load_book(path) for path in (corpus, folder)]
    before, after = [(book, compile_book(book)) for book in books]
    return [str(change) for change in diff_books(before, after)]


def test_an_exchange_rate_is_told_for_the_plans_that_have_such_prices(tmp_path: Path) -> None:
    lines = books_after(
        tmp_path, "partners", "exchange_rates.csv", "2026-10-15,7.5", "2026-10-15,7.6"
    )
    old, new = (f"from 2026-01-01 8 CNY; from 2026-10-15 {rate} CNY" for rate in ("7.5", "7.6"))
    assert lines == [f"iot, laid, laid_twice, own, plain, yen: one EUR: {old} → {new}"]


def test_an_exchange_rate_moves_our_costs(tmp_path: Path) -> None:
    lines = books_after(tmp_path, "wholesale", "exchange_rates.csv", "2026-01-01,8", "2026-01-01,9")
    assert lines[0] == (
        "one EUR: from 2026-01-01 8 CNY; from 2026-10-20 8.5 CNY → from 2026-01-01 9 CNY; from"
        " 2026-10-20 8.5 CNY"
    )
    assert len(lines) == 5  # and four rates of Docomo
    assert all(line.startswith("our cost at Docomo, ") for line in lines[1:])


def test_the_order_in_which_things_are_taken(tmp_path: Path) -> None:
    edit = "[friends, members, everyone]", "[everyone, friends, members]"
    assert books_after(tmp_path, "discounts", "plans/stacked.yaml", *edit) == [
        "stacked: order of discounts: friends, members, everyone → everyone, friends, members"
    ]
    shutil.rmtree(tmp_path / "new")
    folder = Path(__file__).parents[1] / "corpus" / "wholesale" / "wholesale.csv"
    rows = folder.read_text(encoding="utf-8").splitlines(keepends=True)
    germany, others = rows[5:7]
    swapped = germany + others, others + germany
    asia = "our cost at Docomo, Calls in network 440-10, originating"
    [line] = books_after(tmp_path, "wholesale", "wholesale.csv", *swapped)
    assert line.startswith("order of rates for Calls in network 440-10: ")
    assert line.endswith(
        f" → {asia}, {asia}, to germany, our cost at Docomo, Calls in network 440-10, terminating"
    )


NUMBER = re.compile(r"(?<![\w.:-])\d+(?:\.\d+)?(?![\w:])")
SOURCE = re.compile(r"Source\([^)]*\)|digest='\w*'|folder='[^']*'")


@pytest.mark.parametrize(
    "name", ["corpus/wholesale", "corpus/time", "corpus/partners", "cases/offers"]
)
def test_no_number_of_a_book_changes_in_silence(tmp_path: Path, name: str) -> None:
    """Every fourth number is made another: if the book is a different one, a change is told."""
    folder = Path(__file__).parents[1] / name
    book = load_book(folder)
    before, plain = (book, compile_book(book)), SOURCE.sub("", repr(book))
    copy = tmp_path / "book"
    shutil.copytree(folder, copy)
    tried = 0
    files = sorted({*folder.glob("*.*"), *folder.glob("[!t]*/*.yaml")})
    for file in files:
        text = file.read_text(encoding="utf-8")
        for found in list(NUMBER.finditer(text))[::4]:
            last = str((int(found[0][-1]) + 1) % 10)
            edited = text[: found.start()] + found[0][:-1] + last + text[found.end() :]
            (copy / file.relative_to(folder)).write_text(edited, encoding="utf-8")
            try:
                other = load_book(copy)
            except BookError:
                continue
            if SOURCE.sub("", repr(other)) != plain:
                tried += 1
                line = text.count("\n", 0, found.start()) + 1
                assert diff_books(before, (other, compile_book(other))), (
                    f"{file}:{line}: {found[0]}"
                )
        (copy / file.relative_to(folder)).write_text(text, encoding="utf-8")
    assert tried > 5
