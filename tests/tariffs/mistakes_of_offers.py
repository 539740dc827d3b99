"""Mistakes in what plans give: allowances and their limits, one of each kind."""

from __future__ import annotations

from tests.tariffs.books import edited
from tests.tariffs.changes import PLAN, Change, Mistakes, added

MINUTES = "{id: minutes, quantity: 10 min, when: {service: voice, roaming: home}}"
LINE = 10
FEE = "{id: f, amount: 1.00, tax: vat, gl_code: 4010}"


def minutes(more: str) -> Change:
    return edited(PLAN, MINUTES, f"{MINUTES[:-1]}, {more}}}")


MISTAKES: Mistakes = {
    "validity of an allowance": (
        minutes("validity: dayly"),
        PLAN,
        LINE,
        ("'dayly'", "cycle, day, or days"),
    ),
    "prorated day": (
        minutes("validity: day, prorate: yes"),
        PLAN,
        LINE,
        ("of a day is not prorated", "Leave out prorate"),
    ),
    "throttle in another unit": (
        minutes("throttle: 10 GB"),
        PLAN,
        LINE,
        ("counts bytes and seconds", "one kind of unit"),
    ),
    "limit for everything": (
        minutes("limits: [{quantity: 5 min}]"),
        PLAN,
        LINE,
        ("everything that the allowance covers", "per: member"),
    ),
    "limit of nobody's members": (
        minutes("limits: [{quantity: 5 min, per: member}]"),
        PLAN,
        LINE,
        ("Only a shared allowance has members", "shared: yes"),
    ),
    "allowance for unknown cards": (
        minutes("roles: [mian]"),
        PLAN,
        LINE,
        ("role 'mian'", "Did you mean 'main'?"),
    ),
    "limit for unknown cards": (
        minutes("shared: yes, limits: [{quantity: 5 min, roles: [subs]}]"),
        PLAN,
        LINE,
        ("role 'subs'", "Did you mean 'sub'?"),
    ),
    "limit without a quantity": (
        minutes("limits: [{per: member}], shared: yes"),
        PLAN,
        LINE,
        ("limit lacks quantity",),
    ),
    "limit per what": (
        minutes("limits: [{quantity: 5 min, per: membr}], shared: yes"),
        PLAN,
        LINE,
        ("per 'membr'", "Did you mean 'member'?"),
    ),
    "limit in another unit": (
        minutes("limits: [{quantity: 5 MB, when: {class: local}}]"),
        PLAN,
        LINE,
        ("counts bytes and seconds",),
    ),
    "validity in weeks": (
        minutes("validity: 2 weeks"),
        PLAN,
        LINE,
        ("'2 weeks'", "30 days"),
    ),
    "rollover of a day": (
        minutes("validity: day, rollover: {cycles: 1}"),
        PLAN,
        LINE,
        ("Only an allowance of a cycle rolls over",),
    ),
    "rollover for nothing": (
        minutes("rollover: {cycles: 0}"),
        PLAN,
        LINE,
        ("0 cycles", "1 to 100"),
    ),
    "rollover used when": (
        minutes("rollover: {cycles: 1, use: frist}"),
        PLAN,
        LINE,
        ("use 'frist'", "Did you mean 'first'?"),
    ),
    "fee of use without tax": (
        minutes("fee: {amount: 1.00, gl_code: 4010}"),
        PLAN,
        LINE,
        ("fee lacks tax",),
    ),
    "one-time fee with proration": (
        edited(
            PLAN,
            "tax: vat, gl_code: 4010}",
            "tax: vat, gl_code: 4010, charged: once, trial: 1 day}",
        ),
        PLAN,
        3,
        ("charged once has no trial",),
    ),
    "option that is nothing": (
        added("options/all.yaml", "pack: {name: Pack}\n"),
        "options/all.yaml",
        1,
        ("'pack' is nothing", "Write fees"),
    ),
    "option with the name of a plan": (
        added("options/all.yaml", f"plain:\n  fees: [{FEE}]\n"),
        "options/all.yaml",
        1,
        ("'plain' has the name of a plan",),
    ),
    "bill discount for a plan that is not there": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, gl_code: 4010, plans: [plian]}]\n"),
        "bill.yaml",
        1,
        ("plan 'plian'", "Did you mean 'plain'?"),
    ),
    "bill discount of what": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, gl_code: 4010, of: [useage]}]\n"),
        "bill.yaml",
        1,
        ("kind of line 'useage'", "Did you mean 'usage'?"),
    ),
    "bill discount for whom together": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, per: acount}]\n"),
        "bill.yaml",
        1,
        ("per 'acount'", "Did you mean 'account'?"),
    ),
    "bill discount to no G/L code": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, gl_code: 4011}]\n"),
        "bill.yaml",
        1,
        ("G/L code '4011'", "Did you mean '4010'?"),
    ),
    "bill discount for accounts as a mapping": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, accounts: {A1: yes}}]\n"),
        "bill.yaml",
        1,
        ("account",),
    ),
    "commitment without tax": (
        added("bill.yaml", "commitments: [{id: a, amount: 5.00, gl_code: 4010}]\n"),
        "bill.yaml",
        1,
        ("commitment lacks tax",),
    ),
    "bill discount twice": (
        added(
            "bill.yaml",
            "discounts:\n  - {id: a, percent: 5 %, gl_code: 4010}\n  - {id: a, percent: 1 %, gl_code: 4010}\n",
        ),
        "bill.yaml",
        3,
        ("'a' is also in line 2",),
    ),
    "bill discount for no account": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, gl_code: 4010, accounts: []}]\n"),
        "bill.yaml",
        1,
        ("The list names no account",),
    ),
    "bill discount of nothing": (
        added("bill.yaml", "discounts: [{id: a, percent: 5 %, gl_code: 4010, of: []}]\n"),
        "bill.yaml",
        1,
        ("The list names no kind of line",),
    ),
    "payment for nothing": (
        added("bill.yaml", "payments: [{id: a, usage: []}]\n"),
        "bill.yaml",
        1,
        ("The payment is for nothing",),
    ),
    "payment without usage": (
        added("bill.yaml", "payments: [{id: a, limit: 5.00}]\n"),
        "bill.yaml",
        1,
        ("payment lacks usage",),
    ),
    "payment of bands without a time model": (
        added(
            "bill.yaml", "payments: [{id: a, usage: [{when: {service: voice}, bands: [peak]}]}]\n"
        ),
        "bill.yaml",
        1,
        ("time and bands go together", "Write both"),
    ),
    "payment of a band of another time model": (
        added(
            "bill.yaml",
            "payments:\n  - id: a\n    usage:\n"
            "      - {when: {service: voice}, time: business_day, bands: [peek]}\n",
        ),
        "bill.yaml",
        4,
        ("band 'peek'", "Did you mean 'peak'?"),
    ),
    "payment by no clock": (
        added(
            "bill.yaml", "payments: [{id: a, usage: [{when: {service: voice}, clock: swich}]}]\n"
        ),
        "bill.yaml",
        1,
        ("clock 'swich'", "Did you mean 'switch'?"),
    ),
    "payment twice": (
        added(
            "bill.yaml",
            "payments:\n  - {id: a, usage: [{when: {service: voice}}]}\n"
            "  - {id: a, usage: [{when: {service: sms}}]}\n",
        ),
        "bill.yaml",
        3,
        ("'a' is also in line 2",),
    ),
    "payment with a negative limit": (
        added("bill.yaml", "payments: [{id: a, limit: -5, usage: [{when: {service: voice}}]}]\n"),
        "bill.yaml",
        1,
        ("'-5'",),
    ),
    "discount of two kinds": (
        edited("discounts/all.yaml", "percent: 50 %", "percent: 50 %, amount: 0.10"),
        "discounts/all.yaml",
        1,
        ("percent and amount", "Write one of"),
    ),
    "discount of nothing": (
        edited("discounts/all.yaml", "percent: 50 %, ", ""),
        "discounts/all.yaml",
        1,
        ("nothing to take off",),
    ),
    "unknown tier": (
        {
            **edited("discounts/all.yaml", "percent: 50 %", "percent: 50 %, tiers: [gould]"),
            **edited("book.yaml", "areas: [north, south]", "areas: [north, south]\ntiers: [gold]"),
        },
        "discounts/all.yaml",
        1,
        ("tier 'gould'", "Did you mean 'gold'?"),
    ),
    "cap per what": (
        edited(PLAN, "when: {service: data}}", "when: {service: data}, per: dya}"),
        PLAN,
        13,
        ("per 'dya'", "Did you mean 'day'?"),
    ),
    "option twice": (
        {
            **added("options/a.yaml", f"p: {{fees: [{FEE}]}}\n"),
            **added("options/b.yaml", f"p: {{fees: [{FEE}]}}\n"),
        },
        "options/b.yaml",
        1,
        ("'p' is also in options/a.yaml:1",),
    ),
    "option with a bad name": (
        added("options/a.yaml", f"Big Pack: {{fees: [{FEE}]}}\n"),
        "options/a.yaml",
        1,
        ("'Big Pack' is no name",),
    ),
    "option's parts of one id": (
        added("options/a.yaml", f"p:\n  fees:\n    - {FEE}\n    - {FEE}\n"),
        "options/a.yaml",
        4,
        ("'f' is also in line 3",),
    ),
}
