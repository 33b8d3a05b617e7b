"""What the names of columns mean, in Indonesian and English: a hint, never a proof."""

from __future__ import annotations

import re
from typing import Final

#: Row column -> names, without blanks and signs, in small letters; the likelier ones first.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "ref": ("refid", "orderid", "orderno", "ordernumber", "noorder", "nopesanan", "nomorpesanan",
            "merchantreference", "merchantref", "externalid", "noref", "ref", "referensi", "reference",
            "noreferensi", "invoice", "noinvoice", "idorder", "reff", "reffid", "noreff", "refftoko", "reftoko",
            "reffmerchant", "refmerchant", "reffno", "idpesanan", "kodepesanan", "kodeorder", "ordernr"),
    "partner_ref": ("idtransaksi", "trxid", "transactionid", "idtrx", "trx", "notransaksi",
                    "notrx", "trxno", "trxref", "kodetransaksi", "kodetrx", "nomortransaksi", "nomortrx",
                    "transactionno", "transactionnumber", "partnerrefid", "partnerref", "balancetransactionid",
                    "modificationreference", "tid"),
    "payment_ref": ("paymentref", "paymentid", "pspreference", "paymentintentid", "paymentreference"),
    "settlement_ref": ("settlementid", "payoutid", "batchnumber", "automaticpayoutid", "settlementno"),
    "orig_ref": ("refasal", "origref", "originalref", "originalreference", "sourceid"),
    "serial": ("sn", "serial", "serialnumber", "nosn", "token", "kodevoucher", "vouchercode"),
    "customer": ("nomortujuan", "notujuan", "tujuan", "customer", "customerno", "customernumber",
                 "clientnumber", "nohp", "msisdn", "idpelanggan", "idpel", "nopelanggan", "pelanggan"),
    "product": ("kodeproduk", "productcode", "produk", "product", "sku", "kode", "skucode",
                "namaproduk", "productname"),
    "category": ("kategori", "category"),
    "channel": ("channel", "kanal"),
    "partner": ("partner", "supplier", "biller", "mitra"),
    "quantity": ("quantity", "qty", "kuantitas", "jumlahbarang"),
    "text": ("keterangan", "description", "deskripsi", "uraian", "label", "remark", "remarks", "catatan",
             "narrative", "berita", "note", "text", "memo"),
    "currency": ("currency", "matauang", "ccy", "netcurrency", "settlementcurrency"),
    "occurred_at": ("tanggal", "tgl", "waktu", "timestamp", "statusat", "transactiondate", "tanggaltransaksi",
                    "tgltransaksi", "date", "datetime", "settlementdate", "waktutransaksi", "created", "time",
                    "creationdate", "bookingdate", "postdate", "postingdate",
                    "transactiontime", "tanggalwaktu"),
    "created_at": ("createdat", "tanggaldibuat", "createdtime", "waktudibuat"),
    "paid_at": ("paidat", "paidtime", "tanggalbayar", "waktupembayaran", "paymentdate"),
    "refunded_at": ("refundedat", "refundtime", "tanggalrefund"),
    "amount": ("amount", "jumlah", "nominal", "nilai", "mutasi", "net", "netamount", "total", "totalbayar",
               "totalamount", "transactionamount", "jumlahtransaksi", "jumlahbersih"),
    "balance": ("saldo", "balance", "runningbalance", "saldoakhir", "sisasaldo", "saldosetelah", "closebalance",
                "closingbalance", "endingbalance"),
    "price": ("price", "harga", "hargajual", "gross", "grossamount", "jumlahkotor"),
    "cost": ("hargabeli", "cost", "hpp", "modal"),
    "face": ("denom", "denominasi", "face", "tagihan"),
    "discount": ("diskon", "discount", "promo", "potongan"),
    "fee": ("fee", "biaya", "biayaadmin", "adminfee", "admin", "mdr", "biayalayanan"),
    "commission": ("komisi", "commission"),
    "vat": ("vat", "ppn", "tax", "pajak"),
    "withheld": ("pph", "withholding", "withheld"),
}  # fmt: skip

#: Other things that a column may be.
DEBIT: Final = (
    "debit",
    "debet",
    "db",
    "keluar",
    "withdrawal",
    "debitnc",
    "netdebitnc",
    "pengeluaran",
)
CREDIT: Final = (
    "credit",
    "kredit",
    "cr",
    "masuk",
    "creditnc",
    "netcreditnc",
    "pemasukan",
    "creditamount",
    "amountcredit",
)
STATUS: Final = ("status", "statustransaksi", "state", "statuspembayaran", "transactionstatus")
CODE: Final = ("rc", "responsecode", "koderespon", "resultcode", "statuscode", "kodestatus")
KIND: Final = ("type", "jenis", "tipe", "reportingcategory", "transactiontype", "jenistransaksi")
CLOCK: Final = ("jam", "pukul", "waktu", "time", "clock", "hour", "jamtransaksi", "jamtrx",
                "waktutransaksi", "timeofday")  # fmt: skip
ZONE: Final = ("timezone", "zone", "zonawaktu", "tz")
RUNNING: Final = ("no", "nomor", "nourut", "row", "number")

_DEBIT_MARKS: Final = ("DB", "D", "DR", "DEBIT", "DEBET", "K-")
_CREDIT_MARKS: Final = ("CR", "C", "K", "CREDIT", "KREDIT")

STATUSES: Final = {
    "success": (
        "sukses",
        "success",
        "successful",
        "berhasil",
        "settlement",
        "paid",
        "selesai",
        "completed",
    ),
    "failed": ("gagal", "failed", "fail", "batal", "cancelled", "canceled", "expired", "rejected"),
    "pending": ("pending", "proses", "process", "processing", "menunggu", "diproses"),
    "refunded": ("refund", "refunded", "dikembalikan"),
    "reversed": ("reversal", "reversed"),
}
KINDS: Final = {
    "payment": ("payment", "charge", "pembayaran", "settled"),
    "refund": ("refund", "pengembalian"),
    "fee": ("fee", "biaya"),
    "topup": ("topup", "deposit"),
    "payout": ("payout", "withdrawal", "pencairan"),
    "chargeback": ("chargeback", "dispute"),
    "adjustment": ("adjustment", "penyesuaian"),
}


def bare(name: str) -> str:
    """Return a name without blanks and signs, in small letters."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def candidates(field: str, columns: list[str]) -> list[str]:
    """Return the columns whose name is one of a field's names."""
    return [c for c in columns if bare(c) in NAMES[field]]


def is_one(name: str, known: tuple[str, ...]) -> bool:
    """Say whether a column's name is one of ``known``."""
    return bare(name) in known


def is_time(name: str) -> bool:
    """Say whether a name speaks of a time."""
    known = [n for f in ("occurred_at", "created_at", "paid_at", "refunded_at") for n in NAMES[f]]
    return bare(name) in known or bool(
        re.search(r"date|time|tanggal|waktu|tgl|created|_at$|_on$", name.lower())
    )


def marks(values: set[str]) -> tuple[list[str], list[str]] | None:
    """Return the debit and credit marks among the values of a column; None when it holds others."""
    debit = sorted(v for v in values if v.upper() in _DEBIT_MARKS)
    credit = sorted(v for v in values if v.upper() in _CREDIT_MARKS)
    return (debit, credit) if values and {*debit, *credit} == values else None


def likely(value: str, known: dict[str, tuple[str, ...]]) -> str | None:
    """Return what a value most likely means, for a comment only."""
    return next((m for m, words in known.items() if bare(value) in words), None)
