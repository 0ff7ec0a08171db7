"""The checker: a program of its own that makes the messages again and compares them with what the database holds.

``python -m tests.chaos.check URI DATABASE COUNT`` prints one JSON object: ``messages`` acknowledged, ``lost``,
``doubled``, ``wrong``, ``quarantined``, ``unfinished``. It reads the documents with the driver alone.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from pymongo import MongoClient

from tests.chaos.source import numbered
from tests.e2e.standins import label_of


def check(uri: str, database: str, count: int) -> dict[str, int]:
    """Compare the messages 0 to *count* with what is stored."""
    with MongoClient[dict[str, Any]](uri) as client:
        db = client[database]
        messages = {d["_id"]: d for d in db["messages"].find({})}
        insights = {d["_id"]: d for d in db["insights"].find({})}
        announced = Counter(d["message"] for d in db["outbox"].find({}, {"message": 1}))
        quarantined = {d["message_id"] for d in db["quarantine"].find({}) if "message_id" in d}
        customers = {d["_id"] for d in db["customers"].find({}, {"_id": 1})}
    lost = doubled = wrong = unfinished = 0
    expected = {m.id: m for m in map(numbered, range(count))}
    for message_id, message in expected.items():
        stored = messages.get(message_id)
        insight = insights.get(message_id)
        if stored is None or stored["record"]["text"] != message.text:
            lost += 1
        elif stored["work"]["state"] in ("pending", "leased"):
            unfinished += 1
        elif insight is None:
            lost += message_id not in quarantined
        else:
            doubled += announced[message_id] > 1
            lost += announced[message_id] < 1
            right = insight["record"]["clean"] == label_of(message.text) and insight["customer"] in customers
            wrong += not right or stored["work"]["state"] != "done"
    strangers = (set(messages) | set(insights)) - set(expected)
    return {
        "messages": count,
        "lost": lost,
        "doubled": doubled + len(strangers),
        "wrong": wrong,
        "quarantined": len(quarantined & set(expected)),
        "unfinished": unfinished,
    }


if __name__ == "__main__":
    print(json.dumps(check(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
