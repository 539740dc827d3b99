"""The benchmark's facts written as the files people edit: a tariff book and subscriber data.

The engine is measured on what it loads from disk like any other book, not on arrays of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from bench.rating_case import (
    BEAT_BYTES,
    BEAT_S,
    BUSY_FROM_S,
    BUSY_PPM,
    CAP,
    DAY_DATA_CAP,
    FAR,
    FIRST_STEP_S,
    FRIEND_PPM,
    IMSI_BASE,
    MSISDN_BASE,
    NATIONAL_ZONES,
    OFFSET_MIN,
    PACK_BYTES,
    PACK_S,
    PLANS,
    TIER_PPM,
    ZONES,
    RatingCase,
)

if TYPE_CHECKING:
    from pathlib import Path

BOOK = f"""\
name: Benchmark
currency: CNY
time_zone: Asia/Shanghai
country_code: 86
valid_from: 2026-10-01
clock: switch
split: start
rounding:
  event: {{to: 0.01, mode: half_up}}
taxes:
  vat: {{rate: 6 %, included: yes}}
gl_codes:
  4000: Usage
tiers: [{", ".join(filter(None, TIER_PPM))}]
services:
  voice: {{tax: vat, gl_code: 4000}}
  sms: {{tax: vat, gl_code: 4000}}
  data: {{tax: vat, gl_code: 4000}}
"""

TIME_MODELS = """\
business:
  bands:
    - {band: peak, days: monday-friday, from: 08:00, to: 20:00}
  otherwise: off_peak
"""

DISCOUNTS = f"""\
friends:
  name: Friends
  percent: {FRIEND_PPM // 10_000} %
  for: friends
  when: {{service: [voice, sms]}}
busy:
  name: Who talked much
  percent: {BUSY_PPM // 10_000} %
  after: {{usage: {BUSY_FROM_S} s, when: {{service: voice}}}}
  when: {{service: voice}}
"""
TIER_DISCOUNT = """\
{tier}:
  name: Customers of tier {tier}
  percent: {percent} %
  tiers: [{tier}]
"""

NATIONAL = ", ".join(f"z{zone:02d}" for zone in range(NATIONAL_ZONES))
PACK = f"""\
pack:
  name: Pack
  allowances:
    - id: minutes
      name: Minutes of the pack
      quantity: {PACK_S} s
      priority: 10
      when: {{service: voice, zone: [{NATIONAL}]}}
    - id: data
      name: Data of the pack
      quantity: {PACK_BYTES} B
      priority: 10
      when: {{service: data}}
"""


def write_book(case: RatingCase, folder: Path) -> None:
    """Writes the tariff book of `case` into `folder`, which may not hold one yet."""
    (folder / "plans").mkdir(parents=True)
    (folder / "discounts").mkdir()
    (folder / "options").mkdir()
    (folder / "book.yaml").write_text(BOOK)
    (folder / "time_models.yaml").write_text(TIME_MODELS)
    tiers = [
        TIER_DISCOUNT.format(tier=t, percent=ppm // 10_000) for t, ppm in TIER_PPM.items() if t
    ]
    (folder / "discounts" / "record.yaml").write_text(DISCOUNTS + "".join(tiers))
    (folder / "options" / "pack.yaml").write_text(PACK)
    zones = ["zone,call_class,area"]
    for zone in range(ZONES):
        kind = "long_distance" if zone < NATIONAL_ZONES else "international"
        zones.append(f"z{zone:02d},{kind},")
    (folder / "zones.csv").write_text("\n".join(zones) + "\n")
    pairs = zip(case.prefixes.tolist(), case.prefix_zone.tolist(), strict=True)
    rows = "".join(f"{prefix},z{zone:02d}\n" for prefix, zone in pairs)
    (folder / "numbers.csv").write_text("prefix,zone\n" + rows)
    (folder / "networks.csv").write_text("network,roaming\n460-00,home\n")
    for plan in range(PLANS):
        (folder / "plans" / f"p{plan:02d}.yaml").write_text(_plan(case, plan))


def _money(millionths: int) -> str:
    return format(Decimal(millionths) / 1_000_000, "f")


def _plan(case: RatingCase, plan: int) -> str:
    connect = _money(int(case.connect[plan]))
    prices = [f"name: Plan {plan}", "prices:"]
    rules = ["rules:"]
    for half, band in ((1, "peak"), (2, "off_peak")):
        on_net = _money(int(case.on_net_price[plan]) // half)
        prices.append(f"  on_net_{band}: {{connect: {connect}, price: {on_net}, per: {BEAT_S} s}}")
    rules += [
        (
            "  - {id: on_net, when: {service: voice, direction: originating, class: on_net},"
            " time: business, price: {peak: on_net_peak, off_peak: on_net_off_peak}}"
        ),
        (
            "  - {id: on_net_sms, when: {service: sms, direction: originating, class: on_net},"
            " price: free}"
        ),
        "  - {id: data, when: {service: data, direction: originating}, price: data}",
    ]
    data = _money(int(case.data_price[plan]))
    prices.append(f"  data: {{price: {data}, per: {BEAT_BYTES} B}}")
    for zone in range(ZONES):
        cell = plan * ZONES + zone
        for half, band in ((1, "peak"), (2, "off_peak")):
            first, later = (
                _money(int(column[cell]) // half) for column in (case.first_price, case.later_price)
            )
            prices.append(
                f"  z{zone:02d}_{band}: {{connect: {connect}, steps: [{{price: {first}, per:"
                f" {BEAT_S} s}}, {{from: {FIRST_STEP_S} s, price: {later}, per: {BEAT_S} s}}]}}"
            )
        message = _money(int(case.sms_price[cell]))
        prices.append(f"  z{zone:02d}_sms: {{price: {message}, per: 1 message}}")
        where = f"direction: originating, zone: z{zone:02d}"
        rules += [
            (
                f"  - {{id: z{zone:02d}, when: {{service: voice, {where}}}, time: business,"
                f" price: {{peak: z{zone:02d}_peak, off_peak: z{zone:02d}_off_peak}}}}"
            ),
            f"  - {{id: z{zone:02d}_sms, when: {{service: sms, {where}}}, price: z{zone:02d}_sms}}",
        ]
    return "\n".join([*prices, *rules, *_extras(case, plan)]) + "\n"


def _extras(case: RatingCase, plan: int) -> list[str]:
    lines = ["allowances:"]
    for name, quantity, when in (
        ("minutes", f"{case.allowance_s[plan]} s", f"service: voice, zone: [{NATIONAL}]"),
        ("messages", f"{case.allowance_sms[plan]} messages", f"service: sms, zone: [{NATIONAL}]"),
        ("data", f"{case.allowance_bytes[plan]} B", "service: data"),
    ):
        if not quantity.startswith("0 "):
            lines.append(
                f"  - {{id: {name}, name: {name}, quantity: {quantity}, shared: yes, priority: 20,"
                f" when: {{{when}}}}}"
            )
    caps = ["caps:"]
    for name, amount, per, services in (
        ("day", DAY_DATA_CAP, "day", "data"),
        ("cycle", CAP, "cycle", "[voice, sms, data]"),
    ):
        caps.append(
            f"  - {{id: {name}, name: Cap of the {name}, amount: {_money(amount)}, per: {per},"
            f" when: {{service: {services}}}}}"
        )
    order = ", ".join(["friends", "busy", *filter(None, TIER_PPM)])
    return [*(lines if len(lines) > 1 else []), *caps, f"discounts: [{order}]"]


def write_subscribers(case: RatingCase, folder: Path) -> None:
    """Writes `subscribers.csv`, `options.csv` and `friends.csv` of `case` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    index = pl.int_range(len(case.subscriber_plan), eager=True)
    cards = pl.DataFrame(
        {
            "index": index,
            "p": case.subscriber_plan,
            "g": case.subscriber_group,
            "tier": pl.Series(list(TIER_PPM))[case.subscriber_tier],
            "pack_us": case.subscriber_pack_us,
        }
    )
    cards.select(
        subscriber_id=pl.format("S{}", "index"),
        account_id=pl.format("A{}", pl.col("g").cast(pl.String).str.zfill(9)),
        charge_group=pl.format("G{}", pl.col("g").cast(pl.String).str.zfill(9)),
        msisdn=MSISDN_BASE + pl.col("index"),
        imsi=IMSI_BASE + pl.col("index"),
        plan=pl.format("p{}", pl.col("p").cast(pl.String).str.zfill(2)),
        role=pl.when(pl.col("index") == pl.col("g")).then(pl.lit("main")).otherwise(pl.lit("sub")),
        vpmn_group=pl.lit(""),
        home_area=pl.lit(""),
        tier="tier",
        valid_from=pl.lit("2026-10-01"),
        valid_to=pl.lit("2026-11-01"),
    ).write_csv(folder / "subscribers.csv")
    local = pl.from_epoch(pl.col("pack_us") + OFFSET_MIN * 60_000_000, time_unit="us")
    cards.filter(pl.col("pack_us") != FAR).select(
        subscriber_id=pl.format("S{}", "index"),
        option=pl.lit("pack"),
        valid_from=local.dt.strftime("%Y-%m-%d"),
        valid_to=pl.lit("2026-11-01"),
    ).write_csv(folder / "options.csv")
    pl.DataFrame({"s": case.friend_subscriber, "number": case.friend_number}).select(
        subscriber_id=pl.format("S{}", "s"),
        number="number",
        valid_from=pl.lit("2026-10-01"),
        valid_to=pl.lit("2026-11-01"),
    ).write_csv(folder / "friends.csv")
