"""Mistakes in kinds of steps, places, networks, currencies and number decks, one of each kind."""

from __future__ import annotations

from tests.tariffs.books import edited
from tests.tariffs.changes import PLAN, Change, Mistakes, added, appended, price

CELLS = "location_area,cell,area,border_of,home_zone\n"
CLASSES = "data_class,apn,rating_group,service_id,rat\n"


def cells(row: str) -> Change:
    """The book with a table of one cell."""
    return added("cells.csv", CELLS + row + "\n")


def classes(row: str) -> Change:
    """The book with a table of one data class."""
    return added("data_classes.csv", CLASSES + row + "\n")


def ported(row: str) -> Change:
    """The book with one ported number."""
    return added("ported_numbers.csv", f"number,zone,valid_from\n{row}\n")


def rate(row: str) -> Change:
    """The book with one exchange rate."""
    return added("exchange_rates.csv", f"currency,valid_from,rate\n{row}\n")


def route(row: str) -> Change:
    """The book with one route."""
    return added("routes.csv", f"origin,zone,charged_as\n{row}\n")


RATES = "partner,network,service,direction,zone,valid_from,currency,price,per,beat\n"


def wholesale(*lines: str) -> Change:
    """The book with wholesale rates."""
    return added("wholesale.csv", RATES + "\n".join(lines) + "\n")


STEPS = "steps: [{price: 1, per: 60 s}, {from: 60 s, price: 2, per: 60 s}]"


def after(text: str) -> Change:
    """The book whose discount has a threshold."""
    return edited("discounts/all.yaml", "percent: 50 %", f"percent: 50 %, after: {text}")


MISTAKES: Mistakes = {
    "date without a value": (
        price("{price: {2020-01-01: 0.15, 2026-10-15: }, per: 60 s}"),
        "prices.yaml",
        2,
        ("nothing is written for 2026-10-15", "Write none"),
    ),
    "dash with nothing behind it": (
        edited(PLAN, "allowances:\n", "allowances:\n  -\n"),
        PLAN,
        10,
        ("allowance lacks",),
    ),
    "tax with nothing behind it": (
        edited("book.yaml", "taxes:\n", "taxes:\n  more:\n"),
        "book.yaml",
        5,
        ("tax more lacks rate",),
    ),
    "conditions with nothing behind them": (
        edited(PLAN, "when: {service: sms, direction: originating}", "when: "),
        PLAN,
        7,
        ("Nothing is written under when", "Write {}"),
    ),
    "decimal comma": (
        price("{price: 0,15, per: 60 s}"),
        "prices.yaml",
        2,
        ("Unknown key '15'", "a point, no comma"),
    ),
    "wholesale of nobody": (
        wholesale(",,voice,,,,,0.05,60 s,1 s"),
        "wholesale.csv",
        2,
        ("names no partner",),
    ),
    "wholesale of an unknown network": (
        wholesale("docomo,440-11,voice,,,,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("Unknown network '440-11'", "440-10"),
    ),
    "wholesale of a home network": (
        wholesale("own,460-00,voice,,,,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("460-00 is a home network", "Leave network empty"),
    ),
    "wholesale of an unknown service": (
        wholesale("x,,voise,,,,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("Unknown service 'voise'", "voice"),
    ),
    "wholesale of an unknown direction": (
        wholesale("x,,voice,out,,,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("Unknown direction 'out'", "originating"),
    ),
    "wholesale of an unknown zone": (
        wholesale("x,,voice,,nowhere,,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("Unknown zone 'nowhere'",),
    ),
    "wholesale in an unknown currency": (
        wholesale("x,,voice,,,,EUR,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("Unknown currency 'EUR'", "CNY"),
    ),
    "wholesale below nothing": (
        wholesale("x,,voice,,,,,-0.05,60 s,"),
        "wholesale.csv",
        2,
        ("'-0.05'",),
    ),
    "wholesale per nothing": (
        wholesale("x,,voice,,,,,0.05,0 s,"),
        "wholesale.csv",
        2,
        ("per is 0",),
    ),
    "wholesale in two units": (
        wholesale("x,,voice,,,,,0.05,60 s,1 kB"),
        "wholesale.csv",
        2,
        ("counts seconds and bytes",),
    ),
    "wholesale in a unit that the service has not": (
        wholesale("x,,sms,,,,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("sms is not measured in seconds",),
    ),
    "wholesale written twice": (
        wholesale("x,,voice,,,2026-01-01,,0.05,60 s,", "x,,voice,,,2026-01-01,,0.06,60 s,"),
        "wholesale.csv",
        3,
        ("rate of line 2", "Keep one"),
    ),
    "wholesale too large": (
        wholesale("x,,data,,,,,900000000000,10 GB,"),
        "wholesale.csv",
        2,
        ("too large",),
    ),
    "wholesale from no date": (
        wholesale("x,,voice,,,2026-13-01,,0.05,60 s,"),
        "wholesale.csv",
        2,
        ("2026-13-01",),
    ),
    "wholesale with a short row": (
        wholesale("x,,voice,,,"),
        "wholesale.csv",
        2,
        ("Too few values: 6 in place of 10",),
    ),
    "count over what": (
        price(f"{{count: week, {STEPS}}}"),
        "prices.yaml",
        2,
        ("Unknown period 'week'", "cycle, day"),
    ),
    "count without a period": (
        price(f"{{count: {{scope: charge_group}}, {STEPS}}}"),
        "prices.yaml",
        2,
        ("count lacks per",),
    ),
    "count of whom": (
        price(f"{{count: {{per: day, scope: group}}, {STEPS}}}"),
        "prices.yaml",
        2,
        ("'group'", "charge_group"),
    ),
    "name of a count": (
        price(f"{{count: {{per: day, name: Voice minutes}}, {STEPS}}}"),
        "prices.yaml",
        2,
        ("'Voice minutes' is no name for a count",),
    ),
    "volume steps counted": (
        price(f"{{count: cycle, kind: volume, {STEPS}}}"),
        "prices.yaml",
        2,
        ("priced anew", "graduated steps"),
    ),
    "one step counted": (
        price("{count: cycle, price: 1, per: 60 s}"),
        "prices.yaml",
        2,
        ("nothing depends on the count",),
    ),
    "two things in one count": (
        edited(
            "prices.yaml",
            "cheap: {price: 0.15, per: 60 s}",
            f"cheap: {{count: cycle, {STEPS}}}\n"
            f"other: {{count: {{per: day, name: cheap}}, {STEPS}}}",
        ),
        "prices.yaml",
        3,
        ("seconds of a subscriber over the day", "prices.yaml:2", "another `name`"),
    ),
    "count of a partner's charge": (
        price("{count: cycle, partner: {markup: 15 %}}"),
        "prices.yaml",
        2,
        ("'count' stands beside partner",),
    ),
    "threshold of nothing": (
        after("{per: day}"),
        "discounts/all.yaml",
        1,
        ("nothing that is counted", "spend or usage"),
    ),
    "threshold of two things": (
        after("{spend: 10.00, usage: 10 min}"),
        "discounts/all.yaml",
        1,
        ("spend and usage", "spend or usage"),
    ),
    "threshold of 0": (after("{spend: 0.00}"), "discounts/all.yaml", 1, ("always holds",)),
    "threshold without a unit": (
        after("{usage: 100}"),
        "discounts/all.yaml",
        1,
        ("'100'",),
    ),
    "threshold over a week": (
        after("{spend: 10.00, per: week}"),
        "discounts/all.yaml",
        1,
        ("'week'", "cycle, day"),
    ),
    "kind of steps": (
        price("{kind: volumen, steps: [{price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("'volumen'", "volume"),
    ),
    "flat beside price": (
        price("{steps: [{flat: 1, price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("'price' stands beside flat",),
    ),
    "step without price": (
        price("{steps: [{price: 1, per: 60 s}, {from: 60 s}]}"),
        "prices.yaml",
        2,
        ("lacks a price", "flat"),
    ),
    "flat that counts nothing": (
        price("{flat: 1}"),
        "prices.yaml",
        2,
        ("what the price counts", "measure"),
    ),
    # Splits
    "service of a split": (
        appended(PLAN, "split: {voise: start}\n"),
        PLAN,
        14,
        ("'voise'", "voice"),
    ),
    "mode of a split": (appended(PLAN, "split: {voice: begin}\n"), PLAN, 14, ("'begin'", "start")),
    "services cut in different ways": (
        edited(PLAN, "{service: data, direction: originating}", "{service: [data, voice]}")
        | edited("book.yaml", "country_code: 86\n", "country_code: 86\nsplit: {data: start}\n"),
        PLAN,
        8,
        ("cut in different ways", "split in the rule"),
    ),
    # Places
    "cell without location area": (cells(",5,north,,"), "cells.csv", 2, ("empty",)),
    "cell with letters": (cells("100,5a,north,,"), "cells.csv", 2, ("'5a'", "cell")),
    "area of a cell": (cells("100,5,nort,,"), "cells.csv", 2, ("'nort'", "north")),
    "area that a cell borders": (cells("100,5,north,sout,"), "cells.csv", 2, ("'sout'", "south")),
    "cell twice": (cells("100,5,north,,\n100,5,south,,"), "cells.csv", 3, ("written twice",)),
    "network that is neither": (
        edited("networks.csv", "440-10,asia", "jpndo,asia"),
        "networks.csv",
        3,
        ("'jpndo'", "TADIG"),
    ),
    # Data classes
    "data class that is a zone": (classes("north,,32,,"), "data_classes.csv", 2, ("zones.csv",)),
    "name of a data class": (classes("Video,,32,,"), "data_classes.csv", 2, ("'Video'",)),
    "rating group with letters": (classes("video,,x,,"), "data_classes.csv", 2, ("rating_group",)),
    "RAT out of range": (classes("video,,,,99999"), "data_classes.csv", 2, ("rat", "32,767")),
    "zone beside a data class": (
        classes("video,,32,,")
        | edited(
            PLAN,
            "{service: data, direction: originating}",
            "{service: data, zone: north, data_class: video}",
        ),
        PLAN,
        8,
        ("zone and a data class",),
    ),
    # Currencies
    "currency without a rate": (
        price("{price: 0.15, per: 60 s, currency: EUR}"),
        "prices.yaml",
        2,
        ("'EUR'", "CNY"),
    ),
    "exchange rate of 0": (rate("EUR,,0"), "exchange_rates.csv", 2, ("'0'", "more than 0")),
    "code of a currency": (rate("Euro,,7.8"), "exchange_rates.csv", 2, ("'Euro'", "ISO 4217")),
    "rate of the own currency": (rate("CNY,,1"), "exchange_rates.csv", 2, ("own currency",)),
    "date of a rate": (rate("EUR,tomorrow,7.8"), "exchange_rates.csv", 2, ("'tomorrow'",)),
    "rate twice": (rate("EUR,,7.8\nEUR,,7.9"), "exchange_rates.csv", 3, ("twice",)),
    "price beside a partner's charge": (
        price("{price: 0.15, per: 60 s, partner: {markup: 5 %}}"),
        "prices.yaml",
        2,
        ("'price' stands beside partner",),
    ),
    "markup without a sign": (
        price("{partner: {markup: 0.15}}"),
        "prices.yaml",
        2,
        ("'0.15'", "percentage"),
    ),
    "currency of a partner's charge": (
        rate("EUR,,7.8") | price("{partner: {markup: 5 %}, currency: EUR}"),
        "prices.yaml",
        2,
        ("own currency", "Leave currency out"),
    ),
    # Overlays
    "overlay that is no plan": (appended(PLAN, "overlays: [plane]\n"), PLAN, 14, ("'plane'",)),
    # Numbers
    "ported number with a plus": (
        ported("+8612345,north,"),
        "ported_numbers.csv",
        2,
        ("without +",),
    ),
    "ported zone": (ported("8612345,nrth,"), "ported_numbers.csv", 2, ("'nrth'", "north")),
    "port date": (ported("8612345,north,soon"), "ported_numbers.csv", 2, ("'soon'",)),
    "ported twice": (
        ported("8612345,north,\n8612345,abroad,"),
        "ported_numbers.csv",
        3,
        ("8612345", "twice"),
    ),
    "origin of a route": (route("nrth,abroad,north"), "routes.csv", 2, ("'nrth'", "north")),
    "zone of a route": (route("north,abroad,nowhere"), "routes.csv", 2, ("'nowhere'",)),
    "route twice": (
        route("north,abroad,north\nnorth,abroad,abroad"),
        "routes.csv",
        3,
        ("twice",),
    ),
}
