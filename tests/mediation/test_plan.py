from __future__ import annotations

import numpy as np
import pytest

from mediation import formats
from mediation.columns import COLUMNS, INDEX
from mediation.edr import MISSING
from mediation.kernels import ops


@pytest.mark.parametrize("name", ["3gpp_cs", "3gpp_ps"])
def test_tables_point_inside_each_other(name: str) -> None:
    plan = formats.load(name).plan
    entries = plan.entries.reshape(-1, ops.ENTRY_WIDTH)
    actions = plan.actions.reshape(-1, ops.ACTION_WIDTH)
    nodes = len(plan.edges) // 256
    assert plan.edges.max() < len(entries)
    assert plan.long_edges.max() < len(entries)
    assert len(plan.long_base) == len(plan.long_size) == nodes * 4
    assert (plan.long_base + plan.long_size).max() <= len(plan.long_edges)
    assert entries[:, ops.ENT_CHILD].max() < nodes
    assert entries[:, ops.ENT_ACTION].max() < len(actions)
    assert actions[:, ops.ACT_NEXT].max() < len(actions)
    assert actions[:, [ops.ACT_SLOT, ops.ACT_SLOT2]].max() < plan.width
    steps = plan.steps.reshape(-1, ops.STEP_WIDTH)
    assert np.abs(steps[:, : ops.STEP_WANTED]).max() < plan.width
    assert entries[:, ops.ENT_PICK_END].max() <= len(steps)
    assert len(plan.texts) == len(actions)
    assert len(plan.templates) % plan.width == 0


def test_every_action_is_reached_from_exactly_one_entry() -> None:
    plan = formats.load("3gpp_cs").plan
    entries = plan.entries.reshape(-1, ops.ENTRY_WIDTH)
    actions = plan.actions.reshape(-1, ops.ACTION_WIDTH)
    seen = []
    for entry in entries:
        action = int(entry[ops.ENT_ACTION])
        while action >= 0:
            seen.append(action)
            action = int(actions[action, ops.ACT_NEXT])
    assert sorted(seen) == list(range(len(actions)))


def test_the_node_of_what_is_skipped_knows_no_tag() -> None:
    plan = formats.load("3gpp_ps").plan
    assert (plan.edges[256:512] == ops.UNKNOWN).all()
    assert (plan.long_size[4:8] == 0).all()


def test_templates_hold_the_constants_of_a_record_type() -> None:
    plan = formats.load("3gpp_cs").plan
    template = plan.templates.reshape(-1, plan.width)[plan.type_names.index("moSMSIWRecord")]
    assert template[INDEX["record_type"]] == plan.type_names.index("moSMSIWRecord")
    assert template[INDEX["service"]] == 2
    assert template[INDEX["events"]] == 1
    assert template[INDEX["served_imsi"]] == MISSING


def test_alternatives_of_a_choice_share_a_slot() -> None:
    plan = formats.load("3gpp_cs").plan
    actions = plan.actions.reshape(-1, ops.ACTION_WIDTH)
    trunks = [a for a, text in enumerate(plan.texts) if text and COLUMNS[text[0]] == "trunk_in"]
    assert {int(slot) for slot in actions[trunks, ops.ACT_SLOT]} == {INDEX["trunk_in"]}


def test_columns_that_no_field_feeds_are_not_active() -> None:
    active = {COLUMNS[column] for column in formats.load("3gpp_cs").plan.active.tolist()}
    assert {"served_imsi", "utc_offset", "uplink", "record_type"} <= active
    assert not active & {"apn", "rating_group", "partner_charge"}


def test_dtypes_are_those_of_the_kernel() -> None:
    plan = formats.load("3gpp_ps").plan
    assert plan.edges.dtype == plan.long_edges.dtype == np.int16
    assert plan.entries.dtype == plan.spans.dtype == np.int32
    assert (
        plan.actions.dtype
        == plan.steps.dtype
        == plan.templates.dtype
        == plan.lookups.dtype
        == np.int64
    )
