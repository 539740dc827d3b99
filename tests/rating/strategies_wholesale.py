"""Wholesale rates drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from tariffs.dated import Dated
from tariffs.errors import Source
from tariffs.wholesale import WholesalePrice, WholesaleRate


@st.composite
def wholesale(draw: st.DrawFn, dates: tuple[int, ...]) -> tuple[WholesaleRate, ...]:
    """Rates of partners: at home and abroad, of all zones or one, with two dates and gaps."""
    prices = st.builds(
        WholesalePrice,
        st.sampled_from([0, 1, 333_333, 1_250_000]),
        st.sampled_from([1, 60, 1024, 10**6]),
        st.sampled_from([1, 7, 60]),
        st.sampled_from([0, 0, 1, 4]),
        st.just(Source("wholesale.csv", 2)),
    )
    dated = st.one_of(
        prices.map(Dated.always),
        st.tuples(st.one_of(st.none(), prices), prices).map(lambda pair: Dated(dates, pair)),
    )
    rates = st.builds(
        WholesaleRate,
        st.just("partner"),
        st.sampled_from(["", "440-10", "999-99"]),
        st.sampled_from([0, 0, 2, 4]),
        st.sampled_from([None, 0, 1]),
        st.sampled_from([None, None, 0, 1, 2]),
        dated,
    )
    return tuple(draw(st.lists(rates, max_size=4)))
