"""The units in which the standard has its numbers, and the units that people write behind them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from export_session.dicom.binary.decimals import nearest_decimal
from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.dictionary import MAX_CHARACTERS
from export_session.dicom.edits.typed.spelling import either


class _Unit(NamedTuple):
    quantity: str
    size: Decimal  # in the base unit of its quantity
    metric: bool = True


def _sizes(quantity: str, **names: str) -> dict[str, _Unit]:
    """Return units by name; keywords are ``e`` and a power of ten, ``m`` for a negative one."""
    powers = {int(power[1:].replace("m", "-")): text.split() for power, text in names.items()}
    return {name: _Unit(quantity, Decimal(1).scaleb(power)) for power, names_ in powers.items() for name in names_}


_UNITS: dict[str, _Unit] = {
    **_sizes("mass", e3="kg kgs kilo kilos kilogram kilograms", e0="g gram grams", em3="mg milligram milligrams"),
    **_sizes(
        "length",
        e0="m meter meters metre metres",
        em2="cm centimeter centimeters centimetre centimetres",
        em3="mm millimeter millimeters millimetre millimetres",
        em6="um µm μm micrometer micrometers micron microns",
    ),
    **_sizes(
        "time",
        e0="s sec secs second seconds",
        em3="ms msec msecs millisecond milliseconds",
        em6="us µs μs usec µsec microsecond microseconds",
    ),
    **_sizes("voltage", e3="kV kVp KVP kilovolt kilovolts", e0="V volt volts"),
    **_sizes("current", e0="A", em3="mA milliampere milliamperes", em6="uA µA μA"),
    **_sizes("charge", e0="As", em3="mAs", em6="uAs µAs μAs"),
    **_sizes("flux density", e0="T tesla teslas", em3="mT millitesla"),
    **_sizes("frequency", e6="MHz megahertz", e3="kHz kilohertz", e0="Hz hertz"),
    **_sizes("angle", e0="° deg degs degree degrees"),
    **_sizes("share", e0="% percent"),
    **_sizes(
        "volume", em3="ml mL cc milliliter milliliters millilitre millilitres", e0="l L liter liters litre litres"
    ),
    **_sizes("flow", em3="ml/s mL/s ml/sec mL/sec cc/s"),
    **_sizes("speed", em3="mm/s mm/sec", em2="cm/s", e0="m/s"),
    **_sizes("absorbed dose", e0="Gy gray", em2="cGy", em3="mGy milligray"),
    **_sizes("absorption rate", e0="W/kg w/kg"),
    **_sizes("field change", e0="T/s"),
    **_sizes("diffusion weighting", e0="s/mm2 s/mm² s/mm^2 sec/mm2"),
    **_sizes("rate", e0="bpm"),
    **_sizes("activity", e0="Bq becquerel", e3="kBq", e6="MBq", e9="GBq"),
    "Ci": _Unit("activity", Decimal(37_000_000_000), metric=False),
    "mCi": _Unit("activity", Decimal(37_000_000), metric=False),
    "uCi": _Unit("activity", Decimal(37_000), metric=False),
    "µCi": _Unit("activity", Decimal(37_000), metric=False),
    # The international pound and yard of 1959
    "lb": _Unit("mass", Decimal("453.59237"), metric=False),
    "oz": _Unit("mass", Decimal("28.349523125"), metric=False),
    "in": _Unit("length", Decimal("0.0254"), metric=False),
    "ft": _Unit("length", Decimal("0.3048"), metric=False),
}
_ALIASES = {
    "lbs": "lb",
    "pound": "lb",
    "pounds": "lb",
    "inch": "in",
    "inches": "in",
    "foot": "ft",
    "feet": "ft",
    '"': "in",
}
_SYMBOL_MAX = 3  # characters; longer names are read in capitals, too, in which "ms" and "MS" are two units

# PS3.3: Patient Study C.7.2.2, Image Plane C.7.6.2, Contrast/Bolus C.7.6.4, Cine C.7.6.5, CT Image C.8.2.1,
# MR Image C.8.3.1, MR Diffusion C.8.13.5.9, X-Ray Acquisition C.8.7.2, DX Detector C.8.11.4, PET Isotope C.8.9.2
_ELEMENTS = {
    "kg": "PatientWeight",
    "m": "PatientSize",
    "mm": """BodyPartThickness DataCollectionDiameter DistanceSourceToDetector DistanceSourceToPatient FocalSpots
        ImagePositionPatient ImagerPixelSpacing NominalScannedPixelSpacing PixelSpacing ReconstructionDiameter
        SingleCollimationWidth SliceLocation SliceThickness SpacingBetweenSlices TableFeedPerRotation TableHeight
        TotalCollimationWidth""",
    "ms": """ActualFrameDuration EchoTime EffectiveEchoTime ExposureTime FrameAcquisitionDuration FrameDelay FrameTime
        HighRRValue InversionTime LowRRValue NominalInterval RepetitionTime TriggerTime""",
    "us": "ExposureTimeInuS",
    "s": "AcquisitionDuration ContrastFlowDuration EffectiveDuration RadionuclideHalfLife",
    "kV": "KVP",
    "mA": "XRayTubeCurrent XRayTubeCurrentInmA",
    "uA": "XRayTubeCurrentInuA",
    "mAs": "Exposure ExposureInmAs",
    "uAs": "ExposureInuAs",
    "T": "MagneticFieldStrength",
    "MHz": "ImagingFrequency",
    "°": "FlipAngle GantryDetectorTilt",
    "%": "PercentPhaseFieldOfView PercentSampling",
    "ml": "ContrastBolusVolume",
    "ml/s": "ContrastFlowRate",
    "mm/s": "TableSpeed",
    "mGy": "CTDIvol EntranceDoseInmGy",
    "W/kg": "SAR",
    "T/s": "dBdt",
    "s/mm2": "DiffusionBValue",
    "bpm": "HeartRate",
    "Bq": "RadionuclideTotalDose",
}
_UNIT_OF = {keyword: unit for unit, keywords in _ELEMENTS.items() for keyword in keywords.split()}


def in_unit_of(keyword: str, number: Decimal, written: str, text: str) -> Decimal:
    """Return a number in the unit of an element.

    Parameters
    ----------
    keyword
        Of the element.
    number, written
        The number and the unit behind it.
    text
        Both, as they were typed.

    Raises
    ------
    Unwritable
        The number is in a unit that is not the element's, nor a decimal multiple of it.
    """
    name = _UNIT_OF.get(keyword)
    if name is None:
        raise Unwritable(f"{named(text)} holds more than a number; {either([str(number)])} would do if that is meant")
    wanted, given = _UNITS[name], _unit(written)
    other = f"{named(text)} is in another unit than {keyword}, which is in {name}"
    if given is None or given.quantity != wanted.quantity:
        raise Unwritable(f"{other}; {either([str(number)])} would do if that is the number in {name}")
    converted = _plain(number * given.size / wanted.size) if given != wanted else number
    if given.metric:
        return converted
    shown = str(converted) if len(str(converted)) <= MAX_CHARACTERS["DS"] else nearest_decimal(converted)
    raise Unwritable(f"{other}; {either([shown])} would do")


def is_readable(written: str) -> bool:
    """Whether what stands behind a number can be a unit; more numbers are none."""
    return not any(map(str.isdigit, written)) or _unit(written) is not None


def _unit(written: str) -> _Unit | None:
    written = written.strip().rstrip(".")
    lower = written.lower()
    return (
        _UNITS.get(_ALIASES.get(lower, written))
        or (_UNITS.get(lower) if len(written) > _SYMBOL_MAX else None)
        or (_UNITS.get(lower) if lower in ("kg", "cm", "mm") else None)
    )


def _plain(number: Decimal) -> Decimal:
    """Return a number without surplus zeros, and not in powers of ten."""
    shortest = number.normalize()
    return shortest.quantize(Decimal(1)) if 0 < int(shortest.as_tuple().exponent) < MAX_CHARACTERS["DS"] else shortest
