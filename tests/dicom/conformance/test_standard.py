"""The rules are made of the standard's tables by a tool, which leaves out what the check does not ask for."""

from __future__ import annotations

import json
from typing import Any

from tools.standard import reduced

IODS: dict[str, Any] = {
    "1.2": {
        "modules": {"A": {"ref": "A.1", "use": "M"}, "B": {"ref": "A.2", "use": "C - Required if"}},
        "group_macros": {"G": {"ref": "A.3", "use": "U"}},
    }
}
SEX = {"op": "=", "tag": "(0010,0040)", "index": 0, "values": ["M"]}
MODULES: dict[str, Any] = {
    "A.1": {
        "(0010,0040)": {"name": "Sex", "type": "2", "enums": [{"val": ["M"]}, {"val": ["F"]}]},
        "(0028,1052)": {"name": "Rescale Intercept", "type": "1", "enums": [{"val": ["0"]}]},
        "(0010,0020)": {"name": "ID", "type": "1C", "cond": {"type": "MU", **SEX}},
        "(0010,0022)": {"name": "Type", "type": "1C", "cond": {"type": "NU", **SEX}},
        "(0010,0030)": {"name": "Date", "type": "1C", "cond": {"type": "MU", "and": [SEX, {**SEX, "op": ">"}]}},
        "(60xx,0010)": {"name": "Rows", "type": "1"},
        "include": [{"ref": "A.2"}, {"ref": "A.3", "cond": {"type": "MN", **SEX}}],
    },
    "A.2": {"(0040,0275)": {"name": "Sequence", "type": "3", "items": {"(0040,0007)": {"name": "D", "type": "1"}}}},
    "A.3": None,
    "C.7.6.1": {"(0008,0008)": {"name": "Image Type", "type": "3"}},
}


def test_what_is_asked_for_is_kept_and_nothing_else() -> None:
    made = json.loads("\n".join(reduced(IODS, MODULES)))
    assert made["iods"] == {"1.2": {"mandatory": ["A.1"], "others": ["A.2"], "groups": ["A.3"]}}
    assert made["modules"]["A.1"] == {
        "00100040": {"type": "2", "values": {"": ["M", "F"]}},
        "00281052": {"type": "1"},
        "00100020": {"type": "1C", "if": ["=", "00100040", "M"]},
        "00100022": {"type": "1C"},
        "00100030": {"type": "1C"},
        "include": ["A.2"],
        "perhaps": ["A.3"],
    }
    assert made["modules"]["A.2"] == {"00400275": {"type": "3", "items": {"00400007": {"type": "1"}}}}
    assert made["modules"]["A.3"] == {}
