"""The checker: a program of its own that makes the messages again and compares them with what the database holds.

``python -m tests.chaos.check URI DATABASE COUNT [POSTED]`` prints one JSON object: ``messages`` acknowledged, ``lost``,
``doubled``, ``wrong``, ``quarantined``, ``unfinished``. It reads the documents with the driver alone.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from typing import Any

from pymongo import MongoClient

from tests.chaos.source import POSTED, numbered
from tests.e2e.standins import label_of


def check(uri: str, database: str, count: int, posted: int = 0) -> dict[str, int]:
    """Compare the messages 0 to *count*, and so many that came in over HTTP, with what is stored."""
    messages: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with MongoClient[dict[str, Any]](uri) as client:
        db = client[database]
        for d in db["messages"].find({}):
            messages[d["record"]["source"]["external_id"]].append(d)
        insights = {d["_id"]: d for d in db["insights"].find({})}
        announced = Counter(d["message"] for d in db["outbox"].find({}, {"message": 1}))
        quarantined = db["quarantine"].count_documents({"status": "waiting"})
        customers = {d["_id"] for d in db["customers"].find({}, {"_id": 1})}
    lost = doubled = wrong = unfinished = 0
    for number in [*range(count), *range(POSTED, POSTED + posted)]:
        message = numbered(number)
        found = messages.pop(str(number), [])
        doubled += max(0, len(found) - 1)
        stored = found[0] if found else None
        insight = insights.pop(stored["_id"], None) if stored else None
        if stored is None or stored["record"]["text"] != message.text:
            lost += 1
        elif stored["work"]["state"] in ("pending", "leased"):
            unfinished += 1
        elif insight is None:
            lost += 1
        else:
            doubled += announced[stored["_id"]] > 1
            lost += announced[stored["_id"]] < 1
            right = insight["record"]["clean"] == label_of(message.text) and insight["customer"] in customers
            wrong += not right or stored["work"]["state"] != "done"
    return {
        "messages": count + posted,
        "lost": lost,
        "doubled": doubled + len(messages) + len(insights),  # what is left has no source
        "wrong": wrong,
        "quarantined": quarantined,
        "unfinished": unfinished,
    }


if __name__ == "__main__":
    print(json.dumps(check(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))))
