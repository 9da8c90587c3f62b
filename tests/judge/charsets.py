"""Text in every character set of PS3.3 §C.12.1.1.2, declared rightly, wrongly or not at all."""

from __future__ import annotations

import random
from dataclasses import dataclass

_ESC = "\x1b"


@dataclass(frozen=True)
class Repertoire:
    """A Specific Character Set as declared, with text encoded as it demands."""

    declared: bytes | None
    texts: tuple[bytes, ...]
    names: tuple[bytes, ...]


def _plain(declared: bytes | None, codec: str, words: list[str], names: list[str]) -> Repertoire:
    return Repertoire(
        declared,
        tuple(word.encode(codec, "ignore") for word in words),
        tuple(name.encode(codec, "ignore") for name in names),
    )


_LATIN = ["Müller", "Größe é", "naïve", "à la", "Å"], ["Müller^Jörg", "Äß^Ö^^Dr.", "Müller^Jörg=", "é^\\ü^a"]
_GREEK = ["Γενικό", "Νοσοκομείο α"], ["Διονυσιος^Α", "Α^Β=Γ^Δ"]
_CYRILLIC = ["Городская больница", "я"], ["Люкceмбypг^Иван", "Л=И"]
_HEBREW = ["שרון", "א ב"], ["שרון^דבורה"]
_ARABIC = ["قباني", "مستشفى"], ["قباني^لنزار"]
_THAI = ["นามสกุล"], ["นามสกุล^ชื่อ"]
_TURKISH = ["Çavuş ğİı"], ["Çavuşoğlu^İ"]
_POLISH = ["Wałęsa", "ąęć"], ["Wałęsa^Łech"]
_CJK = ["北京协和医院", "山田太郎", "日本 x"], ["Yamada^Tarou=山田^太郎=やまだ^たろう", "山田^太郎", "王^小东"]
_KANA = ["ﾔﾏﾀﾞ", "ﾔﾏﾀﾞ A", "A ﾔ", "ﾀﾛｳ1", "~\\¥", "\\ﾔ"], ["ﾔﾏﾀﾞ^ﾀﾛｳ", "ﾔﾏﾀﾞ A^B", "Yamada^ﾀﾛｳ", "ﾔﾏﾀﾞ ﾀﾛｳ", "ﾔ=A^B=ﾀ"]

_SINGLE = {
    "100": ("latin-1", _LATIN), "101": ("iso8859-2", _POLISH), "109": ("iso8859-3", (["Ħĉ"], ["Ħ^ĉ"])),
    "110": ("iso8859-4", (["Ąķ"], ["Ą^ķ"])), "144": ("iso8859-5", _CYRILLIC), "127": ("iso8859-6", _ARABIC),
    "126": ("iso8859-7", _GREEK), "138": ("iso8859-8", _HEBREW), "148": ("iso8859-9", _TURKISH), "166": ("tis-620", _THAI),
    "203": ("iso8859-15", (["Œuvre €"], ["Œ^€"])), "192": ("utf-8", (_CJK[0] + _LATIN[0] + ["🏥", "e\u0301"], _CJK[1] + ["🏥^é"])),
}  # fmt: skip


def _jis(text: str) -> bytes:
    return text.encode("iso2022_jp", "ignore")


def _kana(text: str) -> bytes:
    return text.encode("shift_jis", "ignore")


def _escaped(parts: list[tuple[str, str]]) -> bytes:
    """Text in several code elements, each designated by its escape sequence (PS3.3 table C.12-3)."""
    escapes = {
        "ascii": b"\x1b(B", "latin-1": b"\x1b-A", "iso8859-2": b"\x1b-B", "iso8859-5": b"\x1b-L", "iso8859-7": b"\x1b-F",
        "euc_kr": b"\x1b$)C", "gb2312": b"\x1b$)A", "kana": b"\x1b)I", "romaji": b"\x1b(J", "jis": b"",
    }  # fmt: skip
    made = b""
    for codec, text in parts:
        body = (
            _jis(text)
            if codec == "jis"
            else text.encode({"kana": "shift_jis", "romaji": "ascii"}.get(codec, codec), "ignore")
        )
        made += escapes[codec] + body
    return made


def repertoires() -> list[Repertoire]:
    """All that are declared as they are written."""
    found = [_plain(f"ISO_IR {number}".encode(), codec, *words) for number, (codec, words) in _SINGLE.items()]
    found += [
        Repertoire(b"ISO_IR 13", tuple(map(_kana, _KANA[0])), tuple(map(_kana, _KANA[1]))),
        Repertoire(b"ISO 2022 IR 13", tuple(map(_kana, _KANA[0])), tuple(map(_kana, _KANA[1]))),
        Repertoire(b"\\ISO 2022 IR 87", tuple(map(_jis, _CJK[0])), tuple(map(_jis, _CJK[1]))),
        Repertoire(b"ISO 2022 IR 6\\ISO 2022 IR 87", tuple(map(_jis, _CJK[0])), tuple(map(_jis, _CJK[1]))),
        Repertoire(
            b"ISO 2022 IR 13\\ISO 2022 IR 87",
            (*map(_kana, _KANA[0]), *map(_jis, _CJK[0]), _escaped([("kana", "ﾔﾏﾀﾞ"), ("jis", "山田"), ("romaji", "x")])),
            (
                _kana("ﾔﾏﾀﾞ^ﾀﾛｳ") + b"=" + _jis("山田^太郎") + b"\x1b(J=" + _jis("やまだ^たろう") + b"\x1b(J",
                _kana("ﾔ A^B"),
            ),
        ),
        Repertoire(
            b"\\ISO 2022 IR 149",
            (_escaped([("euc_kr", "서울대병원")]), b"Seoul " + _escaped([("euc_kr", "서울")])),
            (
                b"Hong^Gildong=" + _escaped([("euc_kr", "洪")]) + b"^" + _escaped([("euc_kr", "吉洞")]),
                _escaped([("euc_kr", "홍^길동")]),
            ),
        ),
        Repertoire(
            b"\\ISO 2022 IR 58",
            (_escaped([("gb2312", "北京")]), _escaped([("gb2312", "北")]) + b"\r\nx"),
            (b"Zhang^XiaoDong=" + _escaped([("gb2312", "张^小东")]) + b"=",),
        ),
        Repertoire(
            b"ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 144",
            (
                _escaped([("latin-1", "Müller "), ("iso8859-7", "Γεν"), ("iso8859-5", "Город")]),
                "Müller".encode("latin-1"),
                _escaped([("iso8859-7", "Γεν"), ("ascii", "x")]),
            ),
            (_escaped([("iso8859-5", "Люк^И")]), _escaped([("latin-1", "é^é="), ("iso8859-7", "Γ")])),
        ),
        Repertoire(
            b"ISO 2022 IR 100", ("Müller".encode("latin-1"), b"\x1b-AM\xfc"), ("Müller^J\xf6rg".encode("latin-1"),)
        ),
        _plain(b"GB18030", "gb18030", _CJK[0] + ["€", "㐀"], _CJK[1] + ["Wang^XiaoDong=王^小东="]),
        _plain(b"GBK", "gbk", _CJK[0], ["Wang^XiaoDong=王^小东"]),
        _plain(b"ISO 2022 GBK", "gbk", _CJK[0], ["王^小东"]),
    ]
    return found


_ALIASES = [
    b"ISO-IR 100", b"ISO_IR_100", b"ISO IR 100", b"iso_ir 100", b"latin1", b"UTF-8", b"ISO_IR 6", b"ISO 2022 IR 6", b"ISO_IR 999",
    b"ISO_IR 100 \\ISO_IR 144", b"ISO_IR 192\\ISO_IR 100", b"ISO 2022 IR 6\\", b"\\", b"", b" ", b"\\\\ISO 2022 IR 87", b"ISO_IR 100\0",
    b" ISO_IR 100", b"ISO 2022 IR 87", b"ISO 2022 IR 149", b"ISO_IR 87", b"ISO_IR 58", b"ISO 2022 IR 192", b"GB18030\\ISO_IR 100",
    b"ISO_IR 100\\ISO 2022 IR 87", b"ISO 2022 IR 13\\ISO 2022 IR 13", b"ISO_IR 13\\ISO 2022 IR 87", b"ISO-8859-1", b"ascii", b"windows-1252",
    b"ISO 2022 IR 159", b"\\ISO 2022 IR 159", b"\\ISO_IR 192", b"\\ISO_IR 100", b"ISO 2022 IR 100\\ISO_IR 192", b"unknown",
]  # fmt: skip
_BROKEN = [
    b"\xff\xfe", b"M\xc3\xbcller", b"M\xfcller", b"M\xc3\x83\xc2\xbcller", b"\x1b$B", b"\x1b", b"a\x1b$)Cb", b"\x1b$)C\xb1", b"\x81", b"\x81\x5c",
    b"\x95\x5c", b"\x83\x5cx", b"\xa1", b"\x80\x81\x9f", b"\x1b(Bx", b"\x1b(J\x5c", b"\x1b)I\xd4", b"\x1b$(D0#", b"\xef\xbb\xbfx", b"\xc3", b"\xed\xa0\x80",
    b"\xd4\xcf A", b"\xfd", b"\x1b-A\xfc\\\xfc", b"\x1b-A\xfc^\xfc", b"\x1b$)A\xd5\xc5=\xd5", b"\x1b$)A\xd5\xc5\r\n\xd5\xc5", b"?", b"\xbf",
    b"\xa0", b"x\xa0", b"\xa0x", b"\x85", b"\xe3\x80\x80", b"\x1b$)Chong\x1b(B", b"~\x5c", b"\xbf?", b"\xc2\x80",
]  # fmt: skip


def _composed(rng: random.Random, made: Repertoire) -> Repertoire:
    """Texts and names put together from parts of others, with every sign that separates something."""
    parts = [*made.texts, b"A", b"b1", b" "]
    if made.declared is not None and b"IR 13" in made.declared:
        parts += [bytes([rng.randrange(0xA1, 0xE0)]) for _ in range(6)] + [b"\x5c", b"\x7e", b"\x7f"]

    def joined(separators: list[bytes]) -> bytes:
        text = rng.choice(parts)
        for _ in range(rng.randint(1, 4)):
            text += rng.choice(separators) + rng.choice(parts)
        return text

    texts = tuple(joined([b"", b" ", b" ", b"\\", b"\r\n", b"\t"]) for _ in range(4))
    names = tuple(joined([b"", b" ", b"^", b"^", b"^^", b"=", b"=", b"\\", b"^=", b"= "]) for _ in range(6))
    return Repertoire(made.declared, texts, names)


def chosen(rng: random.Random) -> Repertoire:
    """One of them, in a quarter of the cases declared as something else."""
    known = repertoires()
    kana = [one for one in known if one.declared is not None and b"IR 13" in one.declared]
    made = rng.choice(kana if rng.random() < 0.15 else known)
    if rng.random() < 0.4:
        made = _composed(rng, made)
    kind = rng.random()
    if kind < 0.1:
        return Repertoire(None, made.texts, made.names)
    if kind < 0.25:
        return Repertoire(rng.choice(_ALIASES), made.texts, made.names)
    if kind < 0.35:
        return Repertoire(rng.choice(repertoires()).declared, made.texts, made.names)
    if kind < 0.5:
        broken = tuple(_BROKEN)
        names = tuple(text + b"^" + other for text, other in zip(broken, reversed(broken), strict=True))
        return Repertoire(rng.choice([made.declared, rng.choice(_ALIASES), None]), broken, broken + names)
    if kind < 0.6:  # two values, of one or of two kinds
        other = rng.choice(repertoires())
        return Repertoire(
            made.declared,
            tuple(text + b"\\" + rng.choice(other.texts) for text in made.texts),
            tuple(name + b"=" + rng.choice(other.names) for name in made.names),
        )
    return made
