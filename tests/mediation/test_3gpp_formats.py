"""What records of the 3GPP formats mean: VoLTE calls, 5G sessions, and what nobody is charged for."""

from __future__ import annotations

from typing import Any

import pytest

from mediation import formats
from mediation.decoder import DecodedChunk, decode_chunk
from mediation.reference.text_codecs import digest
from mediation.validation_rules import default_rules
from tests.mediation.cdr_records import encode, memory, number, random_records, tbcd, timestamp

FORMATS = ["3gpp_cs", "3gpp_ps", "3gpp_ims", "3gpp_chf"]
ASKED = timestamp("261031235940+0800")
BEGAN = timestamp("261031235958+0800")
ENDED = timestamp("261101000208+0800")
CALLER, CALLED = b"tel:+8619910000001", b"sip:+8618820000002@ims.example.org;user=phone"
CALL: dict[str, Any] = {
    "recordType": 69,
    "sIP-Method": b"INVITE",
    "role-of-Node": "originating",
    "nodeAddress": ("domainName", b"tas1.ims.example.org"),
    "list-Of-Calling-Party-Address": [
        ("sIP-URI", b"sip:user@ims.example.org"),
        ("tEL-URI", CALLER),
    ],
    "called-Party-Address": ("sIP-URI", CALLED),
    "serviceRequestTimeStamp": ASKED,
    "serviceDeliveryStartTimeStamp": BEGAN,
    "serviceDeliveryEndTimeStamp": ENDED,
    "interOperatorIdentifiers": {"originatingIOI": b"home.example", "terminatingIOI": b"other"},
    "causeForRecordClosing": "serviceDeliveryEndSuccessfully",
    "iMS-Charging-Identifier": b"icid-1;gen=pcscf1",
}
SUBSCRIPTIONS = [
    {"subscriptionIDType": "eND-USER-SIP-URI", "subscriptionIDData": b"sip:user@example.org"},
    {"subscriptionIDType": "eND-USER-IMSI", "subscriptionIDData": b"460001012345678"},
    {"subscriptionIDType": "eND-USER-E164", "subscriptionIDData": b"8619910000009"},
]


def decode(format_name: str, *records: bytes) -> DecodedChunk:
    return decode_chunk(memory(format_name, list(records)), range(len(records)))


def ims(kind: str = "aSRecord", **changes: Any) -> bytes:  # noqa: ANN401 - any ASN.1 value
    value = {**CALL, **changes}
    return encode("3gpp_ims", kind, {k: v for k, v in value.items() if v is not None})


def one(format_name: str, record: bytes) -> dict[str, Any]:
    chunk = decode(format_name, record)
    assert chunk.suspense.to_pylist() == []
    (row,) = chunk.edr.to_pylist()
    return dict(row)


def test_a_volte_call_made() -> None:
    row = one("3gpp_ims", ims())
    assert (row["service"], row["direction"]) == ("voice", "originating")
    assert (row["served_msisdn"], row["other_number"]) == (8619910000001, 8618820000002)
    assert row["start_time"].isoformat() == "2026-10-31T15:59:58+00:00"
    assert (row["utc_offset"], row["duration"], row["events"]) == (480, 130, 0)
    assert row["call_reference"] == digest(b"icid-1;gen=pcscf1")
    assert (row["trunk_in"], row["trunk_out"]) == ("home.example", "other")
    assert (row["recording_entity"], row["cause"]) == ("tas1.ims.example.org", 0)


def test_the_same_call_received() -> None:
    row = one("3gpp_ims", ims(**{"role-of-Node": "terminating"}))
    assert row["direction"] == "terminating"
    assert (row["served_msisdn"], row["other_number"]) == (8618820000002, 8619910000001)


def test_the_subscription_names_the_served_party_in_any_order() -> None:
    for subscriptions in (SUBSCRIPTIONS, SUBSCRIPTIONS[::-1]):
        for role in ("originating", "terminating"):
            changes = {"list-of-subscription-ID": subscriptions, "role-of-Node": role}
            row = one("3gpp_ims", ims(**changes))
            assert (row["served_imsi"], row["served_msisdn"]) == (460001012345678, 8619910000009)


def test_a_session_that_was_refused_lasts_no_time() -> None:
    gone = {"serviceDeliveryStartTimeStamp": None, "serviceDeliveryEndTimeStamp": None}
    row = one("3gpp_ims", ims(**gone, causeForRecordClosing="unSuccessfulServiceDelivery"))
    assert (row["duration"], row["start_time"].second, row["cause"]) == (0, 40, 1)


def test_part_of_a_session_lasts_from_its_opening_to_its_closure() -> None:
    row = one(
        "3gpp_ims",
        ims(recordSequenceNumber=2, recordOpeningTime=BEGAN, recordClosureTime=ENDED,
            serviceDeliveryStartTimeStamp=ASKED, serviceDeliveryEndTimeStamp=None),
    )  # fmt: skip
    assert (row["duration"], row["start_time"].second, row["partial_sequence"]) == (130, 58, 2)


@pytest.mark.parametrize(
    ("method", "service", "events"),
    [(b"MESSAGE", "sms", 1), (b"REGISTER", "supplementary", 1), (b"SUBSCRIBE", "supplementary", 1)],
)
def test_methods_that_are_no_calls(method: bytes, service: str, events: int) -> None:
    row = one("3gpp_ims", ims(**{"sIP-Method": method}))
    assert (row["service"], row["events"]) == (service, events)


@pytest.mark.parametrize("kind", ["aSRecord", "mMTelRecord"])
def test_a_message_that_was_not_delivered_is_no_event(kind: str) -> None:
    changes = {"sIP-Method": b"MESSAGE", "interOperatorIdentifiers": None}
    failed = {"causeForRecordClosing": "unSuccessfulServiceDelivery"}
    assert one("3gpp_ims", ims(kind, **changes))["events"] == 1
    row = one("3gpp_ims", ims(kind, **changes, **failed))
    assert (row["service"], row["events"], row["cause"]) == ("sms", 0, 1)


@pytest.mark.parametrize(
    ("uri", "number", "text"),
    [
        (b"sip:18820000002@ims.example.org;user=phone", 8618820000002, None),
        (b"sip:0044207183875@ims.example.org;user=phone", 44207183875, None),
        (b"sip:10086@ims.example.org;user=phone", None, "10086"),
        (b"sip:18820000002@ims.example.org", None, "sip:18820000002@ims.example.org"),
    ],
)
def test_a_local_number_means_what_dialling_it_means(
    uri: bytes, number: int | None, text: str | None
) -> None:
    row = one("3gpp_ims", ims(**{"called-Party-Address": ("sIP-URI", uri)}))
    assert (row["other_number"], row["other_text"]) == (number, text)


@pytest.mark.parametrize("kind", ["aSRecord", "mMTelRecord"])
def test_the_visited_network_is_in_a_domain_name(kind: str) -> None:
    domain = {"iMSVisitedNetworkIdentifier": b"ims.mnc001.mcc262.3gppnetwork.org"}
    record = {"recordType": 69 if kind == "aSRecord" else 83, "interOperatorIdentifiers": None}
    assert one("3gpp_ims", ims(kind, **record, **domain))["visited_network"] == "262-01"
    assert one("3gpp_ims", ims(kind, **record))["visited_network"] is None


@pytest.mark.parametrize("kind", ["aSRecord", "mMTelRecord"])
def test_the_cell_of_a_volte_call(kind: str) -> None:
    access = b"3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46000271f0abcdef"
    record = {"recordType": 69 if kind == "aSRecord" else 83, "interOperatorIdentifiers": None}
    row = one("3gpp_ims", ims(kind, **record, accessNetworkInformation=access))
    assert (row["area"], row["cell"]) == (0x271F, 0x0ABCDEF)


def test_what_is_no_number_stays_text() -> None:
    row = one("3gpp_ims", ims(**{"called-Party-Address": ("uRN", b"urn:service:sos")}))
    assert (row["other_number"], row["other_text"]) == (None, "urn:service:sos")


def test_only_the_application_server_s_record_is_charged() -> None:
    listed = {"interOperatorIdentifiers": [{"originatingIOI": b"home.example"}]}
    chunk = decode(
        "3gpp_ims",
        ims(),
        ims("mMTelRecord", **listed),
        ims("sCSCFRecord", **listed),
        ims("pCSCFRecord"),
        ims("mGCFRecord", trunkGroupID=("outgoing", b"TG7")),
    )
    assert chunk.edr.column("record_type").to_pylist() == ["aSRecord", "mMTelRecord"]
    assert chunk.edr.column("trunk_in").to_pylist() == ["home.example"] * 2
    assert chunk.discarded == {"ims_node_not_charged": 3}
    assert (chunk.records_discarded, chunk.records_suspended) == (3, 0)


SESSION: dict[str, Any] = {
    "recordType": 200,
    "recordingNetworkFunctionID": b"chf-1",
    "subscriberIdentifier": {
        "subscriptionIDType": "eND-USER-IMSI",
        "subscriptionIDData": b"imsi-460001012345678",
    },
    "nFunctionConsumerInformation": {
        "networkFunctionality": "sMF",
        "networkFunctionPLMNIdentifier": b"\x64\xf0\x00",
    },
    "recordOpeningTime": BEGAN,
    "duration": 1800,
    "causeForRecClosing": 0,
    "chargingSessionIdentifier": b"session-1",
    "pDUSessionChargingInformation": {
        "pDUSessionChargingID": 4_000_000_000,
        "userIdentifier": ("iSDN-E164", b"msisdn-8619910000001"),
        "userEquipmentInfo": {
            "subscriberEquipmentNumberType": "iMEISV",
            "subscriberEquipmentNumberData": b"imeisv-8600000000000178",
        },
        "networkSliceInstanceID": {"sST": 1, "sD": b"\x01\x02\x03"},
        "rATType": 51,
        "dataNetworkNameIdentifier": b"internet",
        "servingCNPLMNID": b"\x44\xf0\x01",
        "userLocationInformationASN1": {"nrLocation": {"tai": {"tac": b"\x00\x12\x34"}}},
    },
}
MESSAGE: dict[str, Any] = {
    **{key: SESSION[key] for key in ("recordType", "recordOpeningTime", "subscriberIdentifier")},
    "nFunctionConsumerInformation": {"networkFunctionality": "sMSF"},
    "sMSChargingInformation": {
        "originatorInfo": {"originatorMSISDN": number("8619910000001")},
        "recipientInfos": [{"recipientMSISDN": number("8618820000002")}],
        "eventtimestamp": ENDED,
        "sMMessageType": "submission",
    },
}


def chf(**changes: Any) -> bytes:  # noqa: ANN401 - any ASN.1 value
    return encode("3gpp_chf", "chargingFunctionRecord", {**SESSION, **changes})


def test_a_session_without_usage_is_one_row() -> None:
    row = one("3gpp_chf", chf(listOfMultipleUnitUsage=[{"ratingGroup": 10}]))
    assert (row["served_imsi"], row["served_msisdn"]) == (460001012345678, 8619910000001)
    assert (row["served_imei"], row["apn"], row["rat"]) == (86000000000001, "internet", 51)
    assert (row["slice_type"], row["slice_differentiator"]) == (1, 0x010203)
    assert (row["visited_network"], row["area"], row["cell"]) == ("440-10", 0x1234, None)
    assert (row["charging_id"], row["recording_entity"]) == (4_000_000_000, "chf-1")
    assert (row["service"], row["duration"], row["uplink"]) == ("data", 1800, 0)
    assert row["rating_group"] is None


def test_containers_two_lists_deep_are_rows_with_their_rating_group() -> None:
    usage = [
        {
            "ratingGroup": 10,
            "usedUnitContainers": [
                {"time": 60, "dataVolumeUplink": 1, "dataVolumeDownlink": 2,
                 "localSequenceNumber": 1, "triggerTimeStamp": ENDED},
                {"time": 5, "dataTotalVolume": 7, "localSequenceNumber": 2},
            ],
        },
        {"ratingGroup": 20},
        {
            "ratingGroup": 30,
            "usedUnitContainers": [
                {"serviceIdentifier": 4, "serviceSpecificUnits": 3,
                 "pDUContainerInformation": {"timeOfFirstUsage": ASKED, "rATType": 6}},
            ],
        },
    ]  # fmt: skip
    rows = decode("3gpp_chf", chf(listOfMultipleUnitUsage=usage)).edr.to_pylist()
    assert [row["container"] for row in rows] == [0, 1, 2]
    assert [row["rating_group"] for row in rows] == [10, 10, 30]
    assert [row["container_sequence"] for row in rows] == [1, 2, 3]
    assert [(row["uplink"], row["downlink"]) for row in rows] == [(1, 2), (0, 7), (0, 0)]
    assert [row["duration"] for row in rows] == [60, 5, 0]
    assert [row["start_time"].second for row in rows] == [58, 8, 40]
    assert [(row["service_id"], row["events"], row["rat"]) for row in rows] == [
        (None, 0, 51),
        (None, 0, 51),
        (4, 3, 6),
    ]
    assert {row["apn"] for row in rows} == {"internet"}


def test_a_container_without_time_lasts_until_its_last_usage_or_until_it_was_closed() -> None:
    opened, closed = (bytes.fromhex(f"26100216{end}2b0800") for end in ("1000", "1230"))
    first = {"pDUContainerInformation": {"timeOfFirstUsage": opened}}
    last = {"pDUContainerInformation": {"timeOfFirstUsage": opened, "timeOfLastUsage": closed}}
    later = bytes.fromhex("261002161500" + "2b0800")
    containers = [
        {"dataTotalVolume": 1, "triggerTimeStamp": later, **last},
        {"dataTotalVolume": 1, "triggerTimeStamp": later, **first},
        {"dataTotalVolume": 1, "time": 7, "triggerTimeStamp": later, **last},
        {"dataTotalVolume": 1, **first},
    ]
    usage = [{"ratingGroup": 10, "usedUnitContainers": containers}]
    rows = decode("3gpp_chf", chf(listOfMultipleUnitUsage=usage)).edr.to_pylist()
    assert [row["duration"] for row in rows] == [150, 300, 7, 0]


def test_the_rating_group_may_stand_behind_its_containers() -> None:
    plain = chf(listOfMultipleUnitUsage=[{"ratingGroup": 10, "usedUnitContainers": [{"time": 60}]}])
    group, containers = bytes.fromhex("80010a"), bytes.fromhex("a105300381013c")
    turned = plain.replace(group + containers, containers + group)
    assert turned != plain
    rows = [decode("3gpp_chf", record).edr.to_pylist() for record in (plain, turned)]
    assert rows[0] == rows[1]
    assert rows[1][0]["rating_group"] == 10


@pytest.mark.parametrize(
    ("kind", "direction", "other"),
    [("submission", "originating", 8618820000002), ("delivery", "terminating", 8619910000001)],
)
def test_messages_of_the_charging_function(kind: str, direction: str, other: int) -> None:
    information = {**MESSAGE["sMSChargingInformation"], "sMMessageType": kind}
    value = {**MESSAGE, "sMSChargingInformation": information}
    row = one("3gpp_chf", encode("3gpp_chf", "chargingFunctionRecord", value))
    assert (row["service"], row["direction"], row["events"]) == ("sms", direction, 1)
    assert row["other_number"] == other
    assert row["served_msisdn"] == 8619910000001 + 8618820000002 - other
    assert row["start_time"].minute == 2


def test_a_registration_is_a_supplementary_event() -> None:
    value = {
        **{key: SESSION[key] for key in ("recordOpeningTime", "subscriberIdentifier")},
        "nFunctionConsumerInformation": {"networkFunctionality": "aMF"},
        "registrationChargingInformation": {
            "registrationMessagetype": "initial",
            "userIdentifier": ("tEL-URI", CALLER),
        },
    }
    row = one("3gpp_chf", encode("3gpp_chf", "chargingFunctionRecord", value))
    assert (row["service"], row["events"]) == ("supplementary", 1)
    assert row["served_msisdn"] == 8619910000001


@pytest.mark.parametrize("name", FORMATS)
def test_every_record_type_of_a_module_is_mapped(name: str) -> None:
    loaded = formats.load(name)
    assert set(loaded.plan.type_names) == {element.name for element in loaded.schema}


def test_rules_name_record_types_that_exist() -> None:
    known = {
        name for each in formats.available("ber") for name in formats.load(each).ber.type_names
    }
    named = [name for rule in default_rules().rules for name in rule.record_types]
    assert named
    assert set(named) <= known
    assert len(named) == len(set(named))


@pytest.mark.parametrize("name", FORMATS)
def test_uncharged_record_types_are_discarded_by_name_and_never_suspended(name: str) -> None:
    uncharged = {
        record: rule.reason for rule in default_rules().rules for record in rule.record_types
    }
    for place, element in enumerate(formats.load(name).schema):
        chunk = decode(name, random_records(name, place + 1, 3, share=0.3)[-1])
        if element.name in uncharged:
            assert chunk.discarded == {uncharged[element.name]: 1}
        else:
            assert chunk.discarded == {}


def test_a_message_over_a_gprs_node() -> None:
    value = {
        "servedIMSI": tbcd("460001012345678"),
        "destinationNumber": number("18820000002", 0xA1),
        "eventTimeStamp": BEGAN,
        "mMEName": b"mme1",
    }
    row = one("3gpp_ps", encode("3gpp_ps", "sgsnSMORecord", value))
    assert (row["service"], row["direction"], row["events"]) == ("sms", "originating", 1)
    assert (row["other_number"], row["recording_entity"]) == (8618820000002, "mme1")
