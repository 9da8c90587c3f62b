"""Elements whose value a metadata edit may not change, and why."""

from __future__ import annotations

from collections.abc import Iterator

from export_session.dicom.dictionary import BINARY_VRS
from export_session.dicom.vocabulary import Options

_IMAGE_PIXEL = "it describes how the pixel data is stored; changing it alone would misread the pixels"
_LUT = "it describes how a lookup table is stored; changing it alone would misread the table"
_FRAMES = "without it the frames would lose their geometry; edit the elements inside"
_WAVEFORM = "it describes how the waveform data is stored; changing it alone would misread the waveform"

# PS3.3 §C.7.6.3 (Image Pixel), §C.7.6.6 (Multi-frame), §C.11.1 (LUTs), §C.10.9 (Waveform)
_DESCRIPTIONS = {
    0x00280002: _IMAGE_PIXEL,  # SamplesPerPixel
    0x00280004: _IMAGE_PIXEL,  # PhotometricInterpretation
    0x00280006: _IMAGE_PIXEL,  # PlanarConfiguration
    0x00280008: _IMAGE_PIXEL,  # NumberOfFrames
    0x00280010: _IMAGE_PIXEL,  # Rows
    0x00280011: _IMAGE_PIXEL,  # Columns
    0x00280100: _IMAGE_PIXEL,  # BitsAllocated
    0x00280101: _IMAGE_PIXEL,  # BitsStored
    0x00280102: _IMAGE_PIXEL,  # HighBit
    0x00280103: _IMAGE_PIXEL,  # PixelRepresentation
    0x00281101: _LUT,  # RedPaletteColorLookupTableDescriptor
    0x00281102: _LUT,  # GreenPaletteColorLookupTableDescriptor
    0x00281103: _LUT,  # BluePaletteColorLookupTableDescriptor
    0x00281104: _LUT,  # AlphaPaletteColorLookupTableDescriptor
    0x00283002: _LUT,  # LUTDescriptor
    0x003A0005: _WAVEFORM,  # NumberOfWaveformChannels
    0x003A0010: _WAVEFORM,  # NumberOfWaveformSamples
    0x52009229: _FRAMES,  # SharedFunctionalGroupsSequence, as a whole
    0x52009230: _FRAMES,  # PerFrameFunctionalGroupsSequence, as a whole
    0x54001004: _WAVEFORM,  # WaveformBitsAllocated
    0x54001006: _WAVEFORM,  # WaveformSampleInterpretation
}
# OverlayRows, OverlayColumns, NumberOfFramesInOverlay, OverlayBitsAllocated, OverlayBitPosition (PS3.3 §C.9.2)
_OVERLAY = frozenset([0x0010, 0x0011, 0x0015, 0x0100, 0x0102])


def why_protected(tag: int, vr: str, options: Options) -> str:
    """Say why an element may not be edited; "" means that it may.

    Parameters
    ----------
    tag, vr
        Of the element, at any depth.
    options
        ``edit_uids`` opens the UI elements.
    """
    return next(_reasons(tag, vr, options), "")


def _reasons(tag: int, vr: str, options: Options) -> Iterator[str]:
    group, element = tag >> 16, tag & 0xFFFF
    if group == 0x0002:
        yield "file meta information (group 0002) describes how the file is stored"
    if element == 0x0000:
        yield "group lengths follow the elements of their group"
    if tag in _DESCRIPTIONS:
        yield _DESCRIPTIONS[tag]
    if group & 0xFF01 == 0x6000 and element in _OVERLAY:
        yield "it describes how an overlay is stored; changing it alone would misread the overlay"
    if group & 1 and 0x10 <= element <= 0xFF:
        yield "it reserves a block of private elements"
    if vr in BINARY_VRS:
        yield "its value is binary data, of which the metadata shows only a picture"
    if vr == "UI" and not options.edit_uids:
        yield "UIDs stay as they are unless edit_uids is set"
