"""Hypothesis strategies: who is subscribed to what, in groups, with options and what was left over."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from mediation.edr import MISSING
from rating.schema import TIME
from rating.subscribers import NO_LIMIT, GroupTerms, Purchases, Subscribers
from tariffs.compiled import FOREVER
from tests.rating.strategies import (
    ABROAD,
    FAR_NUMBER,
    FIRST_IMSI,
    FIRST_NUMBER,
    OPTIONS,
    SUBSCRIBERS,
    instant,
)
from tests.rating.strategies_places import HOME_ZONES

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook

_CHANGES = (instant(10), instant(10, 12), instant(20), instant(25, 0, 15))


@st.composite
def subscribers(draw: st.DrawFn, plans: int) -> Subscribers:
    """Six subscribers in three charge groups; some change plan, SIM or group in the cycle."""
    rows: list[tuple[int, ...]] = []
    for who in range(SUBSCRIBERS):
        cuts = sorted(draw(st.sets(st.sampled_from([instant(1, month=9), *_CHANGES]), max_size=2)))
        limits = [instant(1, month=8), *cuts, FOREVER]
        plan, group = draw(st.integers(0, plans - 1)), draw(st.integers(0, 2))
        role, vpmn = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        for begin, end in pairwise(limits):
            rows.append((who, group, plan, role, vpmn, draw(st.integers(0, 2)), begin, end))
            change = draw(st.integers(0, 3))
            plan = draw(st.integers(0, plans - 1)) if change == 1 else plan
            group = draw(st.integers(0, 2)) if change == 2 else group
    table = np.array(rows, np.int64)
    friends = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=6))
    who, group, plan, role, vpmn, area, begin, end = table.T

    def small(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.ascontiguousarray(column, np.int32)

    numbers = [FIRST_NUMBER + k for k in range(6)] + [ABROAD, FAR_NUMBER]
    return Subscribers(
        digest="s" * 64,
        names=pa.array([f"S{k}" for k in range(SUBSCRIBERS)]),
        accounts=pa.array(["A0", "A1", "A2"]),
        groups=pa.array(["G0", "G1", "G2"]),
        vpmn_groups=pa.array(["", "V1", "V2"]),
        subscriber=small(who),
        account=small(group),
        group=small(group),
        plan=small(plan),
        role=role.astype(np.int8),
        vpmn=small(vpmn),
        area=small(area),
        tier=small(area),
        credit_limit=np.full(len(who), NO_LIMIT, np.int64),
        home_zone=small((who + area) % 3),
        home_zones=HOME_ZONES,
        msisdn=FIRST_NUMBER + who,
        imsi=np.select([who == 3, who == 5], [MISSING, FIRST_IMSI // 10**9], FIRST_IMSI + who),
        valid_from=np.ascontiguousarray(begin),
        valid_to=np.ascontiguousarray(end),
        purchases=draw(_purchases()),
        group_terms=draw(_group_terms()),
        friend_subscriber=np.array([k for k, _ in friends], np.int32),
        friend_number=np.array([numbers[k] for _, k in friends], np.int64),
        friend_from=np.full(len(friends), instant(3), np.int64),
        friend_to=np.full(len(friends), FOREVER, np.int64),
    )


@st.composite
def _group_terms(draw: st.DrawFn) -> GroupTerms:
    """Tiers of the two VPMN groups: none, before the cycle only, and changes inside it."""
    rows: list[tuple[int, ...]] = []
    for group in (1, 2):
        cuts = sorted(draw(st.sets(st.sampled_from([*_CHANGES, instant(1)]), max_size=3)))
        tiers = draw(st.lists(st.integers(0, 2), min_size=len(cuts), max_size=len(cuts)))
        last = draw(st.sampled_from([FOREVER, instant(28)]))
        spans = pairwise([*cuts, last])
        rows += [(group, tier, *span) for tier, span in zip(tiers, spans, strict=True)]
    groups, tier, begin, end = np.array(rows, np.int64).reshape(-1, 4).T
    return GroupTerms(
        pa.array([""]),
        groups.astype(np.int32),
        tier.astype(np.int32),
        np.zeros(len(rows), np.int32),
        np.ascontiguousarray(begin),
        np.ascontiguousarray(end),
    )


@st.composite
def _purchases(draw: st.DrawFn) -> Purchases:
    """Options that were bought before the cycle, in it, at one moment twice, or for ever."""
    moments = st.sampled_from([instant(20, month=9), instant(1), instant(9, 12), instant(20)])
    ends = st.sampled_from([FOREVER, FOREVER, instant(15), instant(24, 23, 46)])
    rows = draw(
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), moments, ends), max_size=6)
    )
    rows = sorted(row for row in rows if row[2] < row[3])
    who, option, begin, end = np.array(rows, np.int64).reshape(-1, 4).T
    order = np.lexsort((begin, option, who))
    return Purchases(
        OPTIONS,
        who[order].astype(np.int32),
        option[order].astype(np.int32),
        np.ascontiguousarray(begin[order]),
        np.ascontiguousarray(end[order]),
    )


@st.composite
def balances(draw: st.DrawFn, book: CompiledBook) -> pa.Table | None:
    """What the cycle before left of some allowances; None if it is not known."""
    if draw(st.booleans()):
        return None
    grants = [instant(1, month=8), instant(1, month=9), instant(20, month=9)]
    found = draw(
        st.lists(
            st.tuples(
                st.integers(0, SUBSCRIBERS),
                st.integers(0, len(book.allowances)),
                st.sampled_from(grants),
            ),
            unique=True,
            max_size=12,
        )
    )
    names = (*book.allowances, "gone/away")
    left = draw(
        st.lists(st.sampled_from([0, 1, 45, 3600]), min_size=len(found), max_size=len(found))
    )
    until = st.sampled_from([instant(1), instant(1), instant(25, month=9)])
    return pa.table(
        {
            "cycle": pa.array(["2026-09"] * len(found), pa.string()),
            "subscriber_id": pa.array([f"S{who}" for who, _, _ in found], pa.string()),
            "allowance": pa.array([names[at] for _, at, _ in found], pa.string()),
            "granted_at": pa.array([when for _, _, when in found], pa.int64()).cast(TIME),
            "valid_to": pa.array([draw(until) for _ in found], pa.int64()).cast(TIME),
            "left": pa.array(left, pa.int64()),
        }
    )
