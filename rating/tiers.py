"""Which tiers a period has in a cycle: the subscriber's own, and that of his VPMN group.

The subscriber's own is dated by its period. Of a group the first tier that it has in a cycle counts for
the whole of it: a change shows in the next cycle, on records and on the bill alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rating.subscribers import Subscribers
    from tariffs.compiled import Int64


def tier_masks(data: Subscribers, begin_us: int, end_us: int) -> Int64:
    """Returns the tiers of each period as bits, bit 0: none.

    Args:
        data: The subscriber data.
        begin_us: Begin of the cycle, UTC µs.
        end_us: Its end.

    Returns:
        int64[periods].
    """
    own: Int64 = np.left_shift(np.int64(1), data.tier, dtype=np.int64)
    terms = data.group_terms
    rows = np.flatnonzero((terms.valid_from < end_us) & (terms.valid_to > begin_us))
    if not len(rows):
        return own
    groups, first = np.unique(terms.group[rows], return_index=True)  # ascending in time
    of_group = np.zeros(len(data.vpmn_groups), np.int64)
    of_group[groups] = np.left_shift(np.int64(1), terms.tier[rows[first]], dtype=np.int64)
    of_group[0] = 0
    return own | of_group[data.vpmn]
