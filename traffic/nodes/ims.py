"""Records of VoLTE nodes: application servers, telephony servers, call session controls, gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traffic.nodes.scene import Scene, chosen, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from traffic.nodes.scene import Record, Value

SHARES = {
    "aSRecord": 40,
    "mMTelRecord": 20,
    "sCSCFRecord": 20,
    "pCSCFRecord": 10,
    "mGCFRecord": 8,
    "bGCFRecord": 2,
}
NUMBERED = {
    "aSRecord": 69,
    "mMTelRecord": 83,
    "sCSCFRecord": 63,
    "pCSCFRecord": 64,
    "mGCFRecord": 67,
    "bGCFRecord": 68,
}
ACCESS = b"3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46000%04x%07x"
MEDIA = b"audio 50010 RTP/AVP 104"


def nodes(scene: Scene) -> Iterator[Record]:
    """Yields records of calls, one in six never answered, and some messages."""
    for kind in chosen(scene, SHARES):
        person, end, (_, dialled) = scene.person(), scene.step(), scene.party()
        message = kind == "aSRecord" and scene.some(0.1)
        answered = not message and scene.some(5 / 6)
        seconds = scene.seconds() if answered else 0
        made = scene.some(0.5)
        mine = ("tEL-URI", f"tel:+{person.msisdn}".encode())
        other = ("sIP-URI", f"sip:{dialled}@ims.example.org;user=phone".encode())
        value: Value = {
            "recordType": NUMBERED[kind],
            "sIP-Method": b"MESSAGE" if message else b"INVITE",
            "role-of-Node": "originating" if made else "terminating",
            "nodeAddress": ("domainName", kind[:5].lower().encode() + b"1.ims.example.org"),
            "session-Id": b"%016x@10.20.30.40" % scene.rng.randrange(1 << 60),
            "list-Of-Calling-Party-Address": [mine if made else other],
            "called-Party-Address": other if made else mine,
            "serviceRequestTimeStamp": stamp(end - seconds - 8),
            "recordOpeningTime": stamp(end - seconds - 8),
            "recordClosureTime": stamp(end),
            "localRecordSequenceNumber": scene.number,
            "causeForRecordClosing": "serviceDeliveryEndSuccessfully",
            "iMS-Charging-Identifier": b"%08x-%012x" % (scene.number, scene.rng.randrange(2**48)),
            "accessNetworkInformation": ACCESS
            % (0x2700 + scene.rng.randrange(60), scene.rng.randrange(1 << 28)),
            "list-of-subscription-ID": [
                {
                    "subscriptionIDType": "eND-USER-IMSI",
                    "subscriptionIDData": person.imsi.encode(),
                },
                {
                    "subscriptionIDType": "eND-USER-E164",
                    "subscriptionIDData": person.msisdn.encode(),
                },
            ],
            "serviceRequestTimeStampFraction": scene.rng.randrange(1000),
            "iMSVisitedNetworkIdentifier": b"ims.mnc000.mcc460.3gppnetwork.org",
            "subscriberEquipmentNumber": {
                "subscriberEquipmentNumberType": "iMEISV",
                "subscriberEquipmentNumberData": f"{person.imei}1".encode(),
            },
        }
        if answered:
            value |= _answered(scene, end, seconds)
        yield kind, value


def _answered(scene: Scene, end: int, seconds: int) -> Value:
    return {
        "serviceDeliveryStartTimeStamp": stamp(end - seconds),
        "serviceDeliveryEndTimeStamp": stamp(end),
        "serviceDeliveryStartTimeStampFraction": scene.rng.randrange(1000),
        "serviceDeliveryEndTimeStampFraction": scene.rng.randrange(1000),
        "list-Of-SDP-Media-Components": [
            {
                "sIP-Request-Timestamp": stamp(end - seconds - 8),
                "sIP-Response-Timestamp": stamp(end - seconds),
                "sDP-Media-Components": [
                    {
                        "sDP-Media-Name": MEDIA,
                        "sDP-Media-Descriptions": [b"a=rtpmap:104 AMR-WB/16000", b"b=AS:41"],
                    }
                ],
            }
        ],
    }
