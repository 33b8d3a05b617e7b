"""A balance confirmation as a letter, in Indonesian and English: plain text, and a page to be printed or made a PDF."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from html import escape
from typing import Final

from finops_ledger.core import taxes
from finops_ledger.core.money import plain
from finops_ledger.treasury.confirming import Letter, Line
from finops_ledger.treasury.rollforward import MOVEMENTS

_MONTHS: Final = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
    "November", "Desember",
)  # fmt: skip
_ENGLISH: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_MOVED: Final = {
    "topup": ("Top-up dikreditkan", "Top-ups credited"),
    "bonus": ("Bonus", "Bonus"),
    "refund": ("Pengembalian", "Refunds"),
    "usage": ("Pemakaian", "Usage"),
    "pending": ("Transaksi tertunda", "Pending transactions"),
    "fee": ("Biaya", "Fees"),
    "tax": ("Pajak", "Tax"),
    "adjustment": ("Penyesuaian", "Adjustments"),
    "difference": ("Selisih dengan mutasi", "Differences with the statement"),
}
_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}
_WIDTH: Final = 78
_STYLE: Final = (
    "body{font:11pt/1.45 Georgia,'Times New Roman',serif;color:#111;max-width:17cm;margin:2cm auto}"
    "h1{font-size:13pt;margin:1.2em 0 .2em}h2{font-size:11pt;margin:1.4em 0 .3em}.en{color:#555;font-style:italic}"
    "header{border-bottom:2px solid #111;padding-bottom:.5em;margin-bottom:1.5em}header b{font-size:14pt}"
    "table{border-collapse:collapse;width:100%}td{padding:.18em 0;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "tr.sum td{border-top:1px solid #111;font-weight:bold}section.reply{border:1px solid #111;padding:.6em 1em;"
    "margin-top:1.5em;break-inside:avoid}.line{border-bottom:1px solid #111;display:inline-block;min-width:6cm}"
    "@page{size:A4;margin:2cm}@media print{body{margin:0;max-width:none}}"
)

Pair = tuple[str, str]  # Indonesian, English


def amount(value: Decimal) -> str:
    """Write an amount as an Indonesian letter does: ``165.890.600``, ``-0,5``."""
    text = plain(abs(value))
    whole, _, rest = text.partition(".")
    shown = f"{int(whole):,}".replace(",", ".") + (f",{rest}" if rest else "")
    return f"-{shown}" if value < 0 else shown


def long_date(day: date) -> Pair:
    """Write a date in both languages: ``31 Maret 2026``, ``31 March 2026``."""
    return (
        f"{day.day} {_MONTHS[day.month - 1]} {day.year}",
        f"{day.day} {_ENGLISH[day.month - 1]} {day.year}",
    )


def _clock(letter: Letter) -> str:
    return f"{letter.closes} {_ZONES.get(letter.zone, letter.zone)}"


def _figures(letter: Letter) -> Iterator[tuple[Pair, Decimal, bool]]:
    """Yield the roll-forward of the month: what, amount, whether it is the closing."""
    yield ("Saldo awal", "Opening balance"), letter.rolled.opening, False
    for name in MOVEMENTS:
        if letter.rolled.moved[name]:
            yield _MOVED[name], letter.rolled.moved[name], False
    yield ("Saldo akhir", "Closing balance"), letter.rolled.closing, True


def _subject(letter: Letter) -> Pair:
    at = long_date(letter.rolled.day)
    return (
        f"Konfirmasi saldo deposit per {at[0]} (tutup hari {_clock(letter)})",
        f"Confirmation of the deposit balance as of {at[1]} (close of your day, {_clock(letter)})",
    )


def _asks(letter: Letter) -> Pair:
    by = long_date(letter.answer_by)
    if letter.form == "negative":
        return (
            f"Jawaban hanya diperlukan bila saldo berbeda, paling lambat {by[0]}.",
            f"An answer is needed only if the balance differs, by {by[1]}.",
        )
    if letter.form == "blank":
        return (
            f"Mohon isi saldo menurut catatan Anda dan kirim kembali paling lambat {by[0]}.",
            f"Please fill in the balance by your records and return this letter by {by[1]}.",
        )
    return (
        f"Mohon jawaban dalam hal apa pun, sesuai atau tidak sesuai, paling lambat {by[0]}.",
        f"Please answer in any case, whether it agrees or differs, by {by[1]}.",
    )


def _body(letter: Letter) -> Pair:
    account = f" (nomor {letter.member})" if letter.member else ""
    number = f" (number {letter.member})" if letter.member else ""
    return (
        f"Dalam rangka pencocokan bulanan, mohon konfirmasi saldo deposit {letter.company}{account} pada Anda.",
        f"For our monthly reconciliation, please confirm the deposit balance of {letter.company}{number} with you.",
    )


def _stamp(letter: Letter) -> Pair | None:
    """What the table of taxes says of an answer (Bea Meterai; the tax team confirms it); nothing on a day it lacks."""
    day = letter.written
    duty = [t for t in taxes.of_code(taxes.STAMP) if t.valid_from <= day <= (t.until or day)]
    if letter.currency != "IDR" or not duty or letter.rolled.closing <= duty[0].above:
        return None
    above, amount = f"{duty[0].above:,}", f"{duty[0].amount:,}"
    dotted = (above.replace(",", "."), amount.replace(",", "."))
    return (
        f"Jawaban yang mengakui utang di atas Rp{dotted[0]} dibubuhi meterai Rp{dotted[1]}.",
        f"An answer that acknowledges a debt above Rp{above} bears a stamp of Rp{amount}.",
    )


_TRANSIT: Final = ("Top-up dalam perjalanan", "Top-ups in transit")
_OPEN: Final = ("Selisih terbuka", "Open differences")
_REPLY: Final = ("Jawaban", "Reply")
_FIELDS: Final = (
    ("Saldo menurut catatan kami", "Balance by our records"),
    ("Selisih dan alasan", "Difference and reason"),
    ("Nama dan jabatan", "Name and title"),
    ("Tanggal, tanda tangan, cap", "Date, signature, company stamp"),
)
_AGREES: Final = ("[ ] Sesuai   [ ] Tidak sesuai", "[ ] Agrees   [ ] Differs")


def _shows_balance(letter: Letter) -> bool:
    return letter.form != "blank"


# --- plain text ---------------------------------------------------------------------------------------


def text(letter: Letter) -> str:
    """Return the letter as plain text; the same letter is always the same bytes."""
    return "\n".join(_text(letter)).rstrip() + "\n"


def _text(letter: Letter) -> Iterator[str]:
    yield letter.company
    yield from letter.address
    yield ""
    place = f"{letter.city}, " if letter.city else ""
    yield f"{place}{long_date(letter.written)[0]}"
    yield f"No. {letter.number}"
    yield ""
    yield "Kepada Yth. / To"
    yield letter.name
    if letter.attention:
        yield f"u.p. / attn. {letter.attention}"
    yield from letter.to
    yield ""
    for one in _subject(letter):
        yield from _wrapped(one)
    yield ""
    yield from _wrapped(_body(letter)[0])
    yield from _wrapped(_body(letter)[1])
    yield ""
    if _shows_balance(letter):
        yield from _text_figures(letter)
    for one in _asks(letter):
        yield from _wrapped(one)
    yield ""
    yield f"{letter.signatory or '____________________'}"
    yield letter.title or letter.company
    yield ""
    yield "-" * _WIDTH
    yield f"{' / '.join(_REPLY)}, No. {letter.number}"
    yield ""
    if _shows_balance(letter):
        yield from _AGREES
        yield ""
    for indonesian, english in _FIELDS:
        yield f"{indonesian} / {english}:"
        yield "_" * 40
    stamp = _stamp(letter)
    if stamp:
        yield ""
        for one in stamp:
            yield from _wrapped(one)


def _text_figures(letter: Letter) -> Iterator[str]:
    for (indonesian, english), value, is_sum in _figures(letter):
        if is_sum:
            yield "-" * _WIDTH
        yield _row(f"{indonesian} / {english}", value, letter.currency)
    yield ""
    for title, lines in ((_TRANSIT, letter.in_transit), (_OPEN, letter.open)):
        if lines:
            yield f"{title[0]} / {title[1]}:"
            for one in lines:
                yield _row(f"  {_line(one)}", one.amount, letter.currency)
            yield ""


def _row(label: str, value: Decimal, currency: str) -> str:
    shown = f"{currency} {amount(value)}"
    return f"{label:<{_WIDTH - len(shown) - 1}} {shown}"


def _line(one: Line) -> str:
    return " ".join(f"{one.day.isoformat()} {one.text} {one.ref}".split())


def _wrapped(text_: str) -> Iterator[str]:
    line = ""
    for word in text_.split():
        if line and len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


# --- a page -------------------------------------------------------------------------------------------


def page(letter: Letter) -> str:
    """Return the letter as one HTML page without scripts or links: to be printed, or made a PDF by any browser."""
    return "\n".join(_page(letter)) + "\n"


def _page(letter: Letter) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="id">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{escape(letter.number)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    address = "<br>".join(map(escape, letter.address))
    yield f"<header><b>{escape(letter.company)}</b><br>{address}</header>"
    place = f"{escape(letter.city)}, " if letter.city else ""
    yield f"<p>{place}{long_date(letter.written)[0]}<br>No. {escape(letter.number)}</p>"
    to = [letter.name, *([f"u.p. {letter.attention}"] if letter.attention else []), *letter.to]
    yield f"<p>Kepada Yth. / To<br>{'<br>'.join(map(escape, to))}</p>"
    yield f"<h1>{escape(_subject(letter)[0])}</h1>"
    yield f'<p class="en">{escape(_subject(letter)[1])}</p>'
    yield _both(_body(letter))
    if _shows_balance(letter):
        yield "<table>"
        for pair, value, is_sum in _figures(letter):
            yield _cells(_named(pair), value, letter.currency, "sum" if is_sum else "")
        yield "</table>"
        for title, lines in ((_TRANSIT, letter.in_transit), (_OPEN, letter.open)):
            if lines:
                yield f"<h2>{_named(title)}</h2>\n<table>"
                for one in lines:
                    yield _cells(escape(_line(one)), one.amount, letter.currency)
                yield "</table>"
    yield _both(_asks(letter))
    signed = escape(letter.signatory) or '<span class="line">&nbsp;</span>'
    yield f"<p><br>{signed}<br>{escape(letter.title or letter.company)}</p>"
    yield f'<section class="reply">\n<h2>{_named(_REPLY)}, No. {escape(letter.number)}</h2>'
    if _shows_balance(letter):
        yield f'<p>{_AGREES[0]}<br><span class="en">{_AGREES[1]}</span></p>'
    for pair in _FIELDS:
        yield f'<p>{_named(pair)}<br><span class="line">&nbsp;</span></p>'
    stamp = _stamp(letter)
    if stamp:
        yield _both(stamp)
    yield "</section>\n</body>\n</html>"


def _both(pair: Pair) -> str:
    return f'<p>{escape(pair[0])}<br><span class="en">{escape(pair[1])}</span></p>'


def _named(pair: Pair) -> str:
    return f'{escape(pair[0])} <span class="en">{escape(pair[1])}</span>'


def _cells(label: str, value: Decimal, currency: str, style: str = "") -> str:
    row = f'<tr class="{style}">' if style else "<tr>"
    return f'{row}<td>{label}</td><td class="n">{escape(currency)} {amount(value)}</td></tr>'


__all__ = ["amount", "long_date", "page", "text"]
