"""Keys that name no element say so, and how to name the one that was meant."""

from __future__ import annotations

import pytest

from export_session.dicom.dictionary import key_of, why_unknown


@pytest.mark.parametrize(
    ("text", "mask", "digits"),
    [
        ("OverlayDescription", "(60xx,0022)", "60000022"),
        ("CurveDescription", "(50xx,0022)", "50000022"),
        ("SourceImageIDs", "(0020,31xx)", "00203111"),
    ],
)
def test_a_keyword_of_a_repeating_group_is_explained(text: str, mask: str, digits: str) -> None:
    reason = why_unknown(text)
    assert text in reason
    assert mask in reason
    assert digits in reason
    assert key_of(digits)


@pytest.mark.parametrize("text", ["CSAHeader", "", "PatientNameX"])
def test_any_other_key_is_said_to_be_none(text: str) -> None:
    assert "no DICOM keyword" in why_unknown(text)
