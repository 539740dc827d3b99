"""What discounts on the bill cost, shared among what was charged."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.billing.charges import Names, make_charges
from rating.billing.schema import FEE, USAGE
from rating.billing.sharing import Cells, within

LINES = st.lists(
    st.tuples(
        st.integers(0, 2),  # account and subscriber
        st.sampled_from([FEE, USAGE]),
        st.integers(0, 1),  # tax
        st.integers(0, 2),  # G/L code
        st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=20,
)
DISCOUNTS = st.lists(
    st.tuples(
        st.sampled_from([(USAGE,), (FEE,), (FEE, USAGE)]),
        st.sampled_from([1, 33_333, 100_000, 500_000, 999_999, 1_000_000]),
        st.sampled_from([0, 10**6, 10**8]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def cells_of(lines: list[tuple[int, str, int, int, int]]) -> Cells:
    columns = list(zip(*lines, strict=True))

    def names(column: int, texts: list[str]) -> Names:
        codes = [
            value if isinstance(value, int) else texts.index(value) for value in columns[column]
        ]
        return Names.of(np.asarray(codes, np.int32), texts)

    net = np.asarray(columns[4], np.int64)
    return Cells(
        make_charges(
            len(lines),
            {
                # Two subscribers share an account.
                "account_id": names(0, ["A1", "A1", "A2"]),
                "subscriber_id": names(0, ["S1", "S2", "S3"]),
                "kind": names(1, [FEE, USAGE]),
                "tax": names(2, ["added", "vat"]),
                "gl_code": names(3, ["4010", "4020", "4310"]),
            },
            {"net": net, "gross": net},
        )
    )


@given(LINES, DISCOUNTS)
@settings(deadline=None, max_examples=200)
def test_parts_are_in_proportion_and_add_up(
    lines: list[tuple[int, str, int, int, int]],
    discounts: list[tuple[tuple[str, ...], int, int, bool]],
) -> None:
    cells = cells_of(lines)
    everybody = np.ones(len(cells.heads), np.bool_)
    for of, percent, least, together in discounts:
        rows = cells.of(of, everybody)
        payer = cells.account[cells.spender[rows]] if together else cells.spender[rows]
        before = cells.left.copy()
        off = cells.take_off(rows, payer, percent, least)
        for who in set(payer.tolist()):
            mine = payer == who
            net = cells.net[rows][mine].tolist()
            total = sum(net)
            share = Fraction(total * percent, 10**6)
            wanted = int(share + Fraction(1, 2)) if total >= least else 0
            room = before[rows][mine].tolist()
            assert sum(off[mine].tolist()) == min(wanted, sum(room))
            if wanted and all(left >= one for left, one in zip(room, net, strict=True)):
                # Nothing was taken off before: each part is its share, up or down to 10^-6.
                for one, part in zip(net, off[mine].tolist(), strict=True):
                    assert abs(part - Fraction(one * percent, 10**6)) < 1
        assert (cells.left >= 0).all()
        assert int((before - cells.left).sum()) == int(off.sum())


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=12))
def test_what_one_cannot_give_others_give(rows: list[tuple[int, int, int]]) -> None:
    shares, most, segment = (np.asarray([row[n] for row in rows], np.int64) for n in range(3))
    given_ = within(shares, most, segment)
    assert (given_ <= most).all()
    assert (given_ >= np.minimum(shares, most)).all()
    for who in set(segment.tolist()):
        mine = segment == who
        assert given_[mine].sum() == min(shares[mine].sum(), most[mine].sum())
