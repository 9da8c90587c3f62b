"""The modalities that a new site knows, and how files of each may be classified."""

from __future__ import annotations

CLASSIFICATIONS: dict[str, dict[str, list[str]]] = {
    "MR": {
        "Intent": ["Localizer", "Shim", "Calibration", "Fieldmap", "Structural", "Functional", "Screenshot",
                   "Non-Image", "Spectroscopy"],
        "Measurement": ["B0", "B1", "T1", "T2", "T2*", "PD", "MT", "ASL", "Perfusion", "Diffusion",
                        "Spectroscopy", "Susceptibility", "Velocity", "Fingerprinting", "MRA", "CEST", "T1rho",
                        "SVS", "CSI", "EPSI", "BOLD", "Phoenix"],
        "Features": ["Quantitative", "Multi-Shell", "Multi-Echo", "Multi-Flip", "Multi-Band", "Steady-State",
                     "3D", "Compressed-Sensing", "Eddy-Current-Corrected", "Fieldmap-Corrected",
                     "Gradient-Unwarped", "Motion-Corrected", "Physio-Corrected", "Derived", "In-Plane", "Phase",
                     "Magnitude", "2D", "AAscout", "Spin-Echo", "Gradient-Echo", "EPI", "WASSR", "FAIR",
                     "FAIREST", "PASL", "EPISTAR", "PICORE", "pCASL", "MPRAGE", "MP2RAGE", "FLAIR", "SWI",
                     "QSM", "RMS", "DTI", "DSI", "DKI", "HARDI", "NODDI", "Water-Reference",
                     "Transmit-Reference", "SBRef", "Uniform", "Singlerep", "QC", "TRACE", "FA", "MIP",
                     "Navigator", "Contrast-Agent", "Phase-Contrast", "TOF", "VASO", "iVASO", "DSC", "DCE",
                     "Task", "Resting-State", "PRESS", "STEAM", "M0", "Phase-Reversed", "Spiral", "SPGR"],
    },
    "CT": {
        "Scan Orientation": ["Axial", "Coronal", "Sagittal"],
        "Scan Type": ["Localizer"],
        "Anatomy": ["Head", "Neck", "Chest", "Abdomen", "Pelvis", "Lower Extremities", "Upper Extremities",
                    "Whole Body"],
        "Contrast": ["No Contrast", "Contrast", "Arterial Phase", "Portal Venous Phase", "Delayed Phase"],
        "Window": ["Lung", "Bone", "Soft Tissue", "Brain"],
    },
    "PT": {
        "Isotope": ["C11", "O15", "F18", "In111", "Cu62", "Cu64", "Ga68", "Tc94m", "I124", "Zr89"],
        "Processing": ["Attenuation Corrected", "Not Attenuation Corrected"],
        "Tracer": ["FDG", "PIB", "AV45", "AV1451"],
    },
    "US": {}, "CR": {}, "DX": {}, "MG": {}, "NM": {}, "XA": {}, "OT": {},
}  # fmt: skip
