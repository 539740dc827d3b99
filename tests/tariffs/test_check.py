from __future__ import annotations

from typing import TYPE_CHECKING

from tariffs import check_book
from tests.tariffs.books import FILES, edited, make_book

if TYPE_CHECKING:
    from pathlib import Path

    from tariffs.check import Finding
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

PLAN = "plans/plain.yaml"
Change = dict[str, str | bytes | None]


def findings(folder: Path, change: Change | None = None) -> list[Finding]:
    return check_book(*make_book(folder, change))


def texts(folder: Path, change: Change) -> list[str]:
    return [str(one) for one in findings(folder, change)]


def test_the_sample_book_is_clean(shop: Book, compiled: CompiledBook) -> None:
    assert check_book(shop, compiled) == []


def test_the_small_book_is_clean(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


def test_a_class_without_a_price_is_an_error(tmp_path: Path) -> None:
    change = edited(
        PLAN, "when: {service: sms, direction: originating}", "when: {service: sms, class: local}"
    )
    found = texts(tmp_path, change)
    wanted = "plans/plain.yaml:1: error: Plan plain has no price for sms.originating, class "
    assert [text for text in found if text.startswith(wanted + "international, zone abroad")]
    assert [text for text in found if "class long_distance, zone north" in text]
    assert not [text for text in found if "class local" in text]


def test_a_hole_that_a_date_opens_is_an_error(tmp_path: Path) -> None:
    change = edited(
        "prices.yaml",
        "message: {price: 0.10, per: 1 message}",
        "message: {price: {2020-01-01: 0.10, 2026-10-15: none}, per: 1 message}",
    )
    valid = {"book.yaml": FILES["book.yaml"] + "valid_from: 2020-01-01\n"}
    found = texts(tmp_path, {**change, **valid})
    assert found
    assert all(text.endswith(" from 2026-10-15 on.") for text in found)


def test_before_its_valid_from_a_book_may_have_holes(tmp_path: Path) -> None:
    change = edited("prices.yaml", "minute: {price: 0.30,", "minute: {price: {2020-01-01: 0.30},")
    found = texts(tmp_path / "a", change)
    assert found
    assert all(" before 2020-01-01; the check begins at" in text for text in found)
    valid = {"book.yaml": FILES["book.yaml"] + "valid_from: 2020-01-01\n"}
    assert texts(tmp_path / "b", {**change, **valid}) == []


def test_a_rule_behind_one_that_takes_everything_is_dead(tmp_path: Path) -> None:
    rule = "  - {id: late, when: {service: voice, zone: abroad}, price: cheap}\nallowances:"
    found = texts(tmp_path, edited(PLAN, "allowances:", rule))
    assert found == [
        (
            "plans/plain.yaml:9: warning: Rule late is dead: what it matches is taken before it: "
            "voice (plans/plain.yaml:6)."
        )
    ]


def test_a_rule_for_a_class_that_cannot_be_can_never_match(tmp_path: Path) -> None:
    rule = "  - {id: odd, when: {service: voice, class: local, zone: abroad}, price: cheap}\nallowances:"
    found = texts(tmp_path, edited(PLAN, "allowances:", rule))
    assert found == [
        "plans/plain.yaml:9: warning: Rule odd can never match: no event has such a class."
    ]


def test_an_allowance_that_nothing_takes_from(tmp_path: Path) -> None:
    found = texts(tmp_path, edited(PLAN, "10 min", "10 MiB"))
    assert len(found) == 1
    assert "plans/plain.yaml:10: warning" in found[0]
    assert "allowance minutes" in found[0]
    assert "total_bytes" in found[0]


def test_what_nothing_uses_is_told(tmp_path: Path) -> None:
    change: Change = {
        "zones.csv": FILES["zones.csv"] + "moon,international,\n",
        "prices.yaml": FILES["prices.yaml"] + "dear: {price: 9, per: 60 s}\n",
        "discounts/more.yaml": "tenth: {percent: 10 %}\n",
        "time_models.yaml": FILES["time_models.yaml"] + "later: {otherwise: later}\n",
        "networks.csv": "network,roaming\n460-00,home\n",
        "plans/base.yaml": "name: B\ntemplate: yes\nrules:\n"
        "  - {when: {service: voice}, price: minute}\n",
    }
    found = texts(tmp_path, change)
    assert [text.split(": warning: ")[0] for text in found] == [
        "discounts/more.yaml:1",
        "networks.csv:1",
        "plans/base.yaml:1",
        "plans/base.yaml:4",
        "prices.yaml:5",
        "time_models.yaml:5",
        "zones.csv:5",
    ]


def test_errors_come_before_warnings(tmp_path: Path) -> None:
    change: Change = {
        **edited(PLAN, "when: {service: voice}", "when: {service: voice, roaming: home}"),
        "discounts/a.yaml": "tenth: {percent: 10 %}\n",
    }
    severities = [one.severity for one in findings(tmp_path, change)]
    assert severities == sorted(severities)
    assert {"error", "warning"} == set(severities)


def test_discounts_and_caps_that_nothing_is_under(tmp_path: Path) -> None:
    half = edited("discounts/all.yaml", "for: friends", "for: friends, when: {service: mms}")
    found = texts(tmp_path / "a", half)
    assert found == [
        "discounts/all.yaml:1: warning: Nothing that plan plain charges is under the discount half."
    ]
    cap = edited(PLAN, "when: {service: data}}", "when: {service: voice, class: emergency}}")
    found = texts(tmp_path / "b", cap)
    assert found == [
        "plans/plain.yaml:13: warning: Nothing that plan plain charges is under the cap data."
    ]


def test_a_discount_behind_an_exclusive_one_is_dead(tmp_path: Path) -> None:
    first = "all: {percent: 10 %, exclusive: yes}\n"
    discounts = {"discounts/all.yaml": first + FILES["discounts/all.yaml"]}
    plan = edited(PLAN, "discounts: [half]", "discounts: [all, half]")
    found = texts(tmp_path / "a", {**discounts, **plan})
    assert found == [
        (
            "discounts/all.yaml:2: warning: The discount half is dead in plan plain: all"
            " (discounts/all.yaml:1) stands before it and is exclusive."
        )
    ]
    # behind one for friends, or of another class, it lives
    friends = {
        "discounts/all.yaml": discounts["discounts/all.yaml"].replace("10 %,", "10 %, for: group,")
    }
    assert texts(tmp_path / "b", {**friends, **plan}) == []
    other = {
        "discounts/all.yaml": discounts["discounts/all.yaml"].replace(
            "10 %,", "10 %, when: {service: sms},"
        )
    }
    assert texts(tmp_path / "c", {**other, **plan}) == []


def test_allowances_that_compete_with_the_same_priority(tmp_path: Path) -> None:
    more = "  - {id: more, quantity: 5 min, when: {service: voice}}\ndiscounts"
    found = texts(tmp_path / "a", edited(PLAN, "discounts", more))
    assert found == [
        (
            "plans/plain.yaml:11: warning: The allowances minutes (plans/plain.yaml:10) and more of plan"
            " plain cover the same events with the same priority 100: minutes is taken first. Give them"
            " priorities."
        )
    ]
    ranked = more.replace("quantity", "priority: 10, quantity")
    assert texts(tmp_path / "b", edited(PLAN, "discounts", ranked)) == []
    abroad = more.replace("service: voice", "service: voice, roaming: asia")
    assert texts(tmp_path / "c", edited(PLAN, "discounts", abroad)) == []


def test_a_limit_that_nothing_under_the_allowance_is_under(tmp_path: Path) -> None:
    text = FILES[PLAN].replace(
        "allowances:\n",
        "allowances:\n  - {id: data, quantity: 1 GB, when: {service: data}, limits: [{quantity: 1 MB,"
        " when: {service: voice}}, {quantity: 2 MB, when: {roaming: home}}]}\n",
    )
    line = text.splitlines().index("allowances:") + 2
    wanted = "warning: Nothing that the allowance data covers is under its limit."
    assert texts(tmp_path, {PLAN: text}) == [f"{PLAN}:{line}: {wanted}"]


def test_rows_of_data_classes_behind_a_wider_one(tmp_path: Path) -> None:
    rows = ["chat,,700,,", "clip,,800,5,", "more,example,700,,", "clip,,800,,", "late,,800,5,"]
    table = "\n".join(["data_class,apn,rating_group,service_id,rat", *rows, ""])
    dead = "data_classes.csv:{}: warning: The data class {} is dead in this row: line {} stands"
    found = texts(tmp_path, {"data_classes.csv": table})
    assert [text.removesuffix(" before it and fits all of it.") for text in found] == [
        dead.format(4, "more", 2),
        dead.format(6, "late", 3),
    ]


def test_prefixes_that_change_nothing(tmp_path: Path) -> None:
    change = edited("numbers.csv", "44,abroad\n", "44,abroad\n8610,north\n4420,abroad\n447,north\n")
    found = texts(tmp_path, change)
    assert found == [
        (
            "numbers.csv:4: warning: Prefixes with the zone of the next shorter prefix change nothing:"
            " 8610 (line 4), 4420 (line 5)."
        )
    ]


def test_tax_classes_and_gl_codes_that_nothing_names(tmp_path: Path) -> None:
    change: Change = {
        "book.yaml": FILES["book.yaml"]
        .replace("gl_codes:\n", "gl_codes:\n  4020: Other\n")
        .replace("taxes:\n", "taxes:\n  low: {rate: 6 %}\n")
    }
    assert texts(tmp_path, change) == [
        "book.yaml:1: warning: Nothing goes to the G/L code 4020.",
        "book.yaml:5: warning: Nothing is of the tax class low.",
    ]
