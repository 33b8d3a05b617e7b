#!/usr/bin/env python3
"""Write the samples that are workbooks: ``python importers/workbooks.py``. The same bytes each time.

Their figures are made up; the layouts are those that the formats beside them describe.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter

HERE = Path(__file__).resolve().parent
MADE = datetime(2026, 3, 6, tzinfo=UTC)
Row = Sequence[object]


def write(name: str, sheets: dict[str, Sequence[Row]], folder: Path = HERE) -> Path:
    """Write one sample; the other sheets are there because real files have them."""
    path = folder / name / "sample.xlsx"
    path.parent.mkdir(exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        book.set_properties({"created": MADE})
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for at, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if cell is not None:
                        (sheet.write_string if isinstance(cell, str) else sheet.write)(
                            at, column, cell
                        )
    return path


TIKTOK = [
    ["Order/adjustment ID  ", "Type ", "Order created time", "Order settled time", "Currency",
     "Total settlement amount", "Total Revenue", "Subtotal before discounts", "Total Fees",
     "Platform commission fee", "Shipping cost", "", "Ajustment amount", "Related order ID  ",
     "Customer payment", "Order Source"],
    ["580000000000000101", "Order", "2026/02/20", "2026/03/05", "IDR", "91500", "100000", "100000",
     "-8500", "-8500", "0", "", "0", "580000000000000101", "100000", "TikTok Shop"],
    ["580000000000000102", "Order", "2026/02/21", "2026/03/05", "IDR", "45250", "50000", "52000",
     "-4750", "-4250", "-500", "", "0", "580000000000000102", "50000", "Tokopedia"],
    ["580000000000000090", "Order", "2026/02/02", "2026/03/05", "IDR", "-27450", "-30000", "0",
     "2550", "2550", "0", "", "0", "580000000000000090", "-30000", "TikTok Shop"],
    ["580000000000000103", "Order", "2026/02/21", "2026/03/04", "IDR", "0", "0", "20000", "0", "-1700",
     "1700", "", "0", "580000000000000103", "/", "TikTok Shop"],
    ["680000000000000901", "Platform reimbursement", "2026/03/01", "2026/03/04", "IDR", "15000", "0",
     "/", "0", "/", "/", "", "15000", "580000000000000080", "/\t", "TikTok Shop"],
    ["680000000000000902", "GMV Payment for TikTok Ads", "2026/03/04", "2026/03/04", "IDR", "-20000", "0",
     "/", "0", "/", "/", "", "-20000", "/\t", "/", ""],
    ["580000000000000090", "Order", "2026/02/02", "2026/03/04", "IDR", "27450", "30000", "30000",
     "-2550", "-2550", "0", "", "0", "580000000000000090", "30000", "TikTok Shop"],
]  # fmt: skip

H1_NAMES = [
    "No.", "No. Pesanan", "No. Pengajuan", "Username (Pembeli)", "Waktu Pesanan Dibuat",
    "Metode pembayaran pembeli", "Tanggal Dana Dilepaskan", "Harga Asli Produk", "Total Diskon Produk",
    "Jumlah Pengembalian Dana ke Pembeli", "Ongkir Dibayar Pembeli", "Gratis Ongkir dari Shopee",
    "Ongkir yang Diteruskan oleh Shopee ke Jasa Kirim", "Biaya Administrasi", "Biaya Layanan",
    "Biaya Proses Pesanan", "Premi", "Bea Masuk, PPN & PPh", "Total Penghasilan", "Kode Voucher", "",
    "Nama Kurir",
]  # fmt: skip
H1 = [
    ["Username (Penjual)", "Dari", "ke", "Metode Pelepasan"],
    ["toko_contoh", "2026-03-01", "2026-03-03", "Saldo Penjual"],
    [],
    [],
    [None, None, None, None, None, None, "total(Rp)", "==SUM(INDIRECT(ADDRESS(7,8)))"],
    H1_NAMES,
    [1, "260301AAAA0001", "-", "pembeli1", "2026-02-25", "COD", "2026-03-01", 100000, -10000, 0, 9000,
     11000, -20000, -7200, -4050, -1250, -450, 0, 77050, "-", "", "Kurir A"],
    [2, "260301AAAA0002", "-", "pembeli2", "2026-02-25", "COD", "2026-03-01", 55000, 0, 0, 0, 18000,
     -18000, -4400, -2475, -1250, -275, -275, 46325, "-", "", "Kurir A"],
    [3, "260302AAAA0003", "RR2603020001", "pembeli3", "2026-02-20", "COD", "2026-03-02", 62400, 0, -62400,
     0, 0, 0, 0, 0, 0, 0, 0, 0, "-", "", "Kurir B"],
    [4, "260303AAAA0004", "-", "pembeli1", "2026-02-27", "COD", "2026-03-03", 75000, -5000, 0, 0, 0, 0,
     -5600, -3150, -1250, -350, 0, 59650.0, "-", "", "Kurir B"],
]  # fmt: skip

H1_SUMMARY = [
    ["Laporan Penghasilan"],
    [],
    ["1. Total Pendapatan", None, None, 210000],
    ["2. Total Pengeluaran", None, None, -26975],
    ["3. Total yang Dilepas", None, None, 183025],
]  # fmt: skip

XTRA = "Biaya Gratis Ongkir XTRA - Ukuran Biasa (Kategori F)"
H2_NAMES = [
    "No.", "Lihat berdasarkan", "No. Pesanan", "No. Pengajuan", "ID Produk", "Nama Produk",
    "Waktu Pesanan Dibuat", "Tanggal Dana Dilepaskan", "Harga Produk",
    "Jumlah Pengembalian Dana ke Pembeli", "Ongkos Kirim yang Dibayarkan ke Jasa Kirim",
    "Gratis Ongkir dari Shopee", "Biaya Administrasi", "Biaya Proses Pesanan", XTRA, XTRA,
    "Biaya Layanan Promo XTRA", "Biaya Lainnya", "FBS Fee", "PPh 22", "Username (Pembeli)",
    "Jumlah Dibayar Pembeli", "Nama Kurir",
]  # fmt: skip
H2 = [
    ["Informasi Pesanan", *[None] * 7, "Rincian Dana", *[None] * 11, "Pembeli", None, "Informasi"],
    [*[None] * 8, "Pendapatan", None, "Ongkos Kirim", None, "Biaya", *[None] * 10],
    H2_NAMES,
    [1, "Order", "260701BBBB0001", "-", "", "-", "2026-07-01", "2026-07-08", 82500, 0, -18000, 18000,
     -6806, -1250, -4125, 0, -3713, -413, 0, 0, "pembeli1", "63089", "-"],
    [2, "Sku", "260701BBBB0001", "-", "100200301", "Kaos", "2026-07-01", "2026-07-08", 82500, 0, -18000,
     18000, -6806, -1250, -4125, 0, -3713, -413, "", 0, "", "-", "-"],
    [3, "Order", "260701BBBB0002", "-", "", "-", "2026-07-01", "2026-07-08", 120000, 0, -9000, 9000,
     -9900, -1250, -3000, -3000, -5400, -600, 0, -600, "pembeli2", "121000", "Kurir A"],
    [4, "Sku", "260701BBBB0002", "-", "100200301", "Kaos", "2026-07-01", "2026-07-08", 80000, 0, -6000,
     6000, -6600, -833, -2000, -2000, -3600, -400, "", -400, "", "-", "-"],
    [5, "Sku", "260701BBBB0002", "-", "100200302", "Topi", "2026-07-01", "2026-07-08", 40000, 0, -3000,
     3000, -3300, -417, -1000, -1000, -1800, -200, "", -200, "", "-", "-"],
    [6, "Order", "260620BBBB0009", "RR2607080001", "", "-", "2026-06-20", "2026-07-09", 0, -30000, 0, 0,
     2475, 0, 1500, 0, 1350, 0, 0, 0, "pembeli3", "0", "-"],
]  # fmt: skip

BALANCE = [
    ["Laporan Transaksi"], [], ["Informasi Toko"], ["Username (Penjual)", "toko_contoh"],
    ["Dari", "2026-03-01"], ["Ke", "2026-03-04"], ["Mata Uang", "IDR"], [], [], ["Ringkasan"],
    ["", "Jumlah (Rp)", "Banyaknya"], ["Total Dana Masuk", 123375.0, 2],
    ["Total Dana Keluar", -156316.0, 4], [], [], ["Detail Transaksi"], [],
    ["Tanggal Transaksi", "Tipe Transaksi", "Deskripsi", "No. Pesanan", "Jenis Transaksi", "Jumlah",
     "Status", "Saldo Akhir"],
    ["2026-03-04 09:12:40", "Penarikan Dana", "Penarikan Dana", "-", "Transaksi Keluar", -100000.0,
     "Transaksi Selesai", 467059.0],
    ["2026-03-03 17:46:03", "Penyesuaian", "Biaya premi", "260303AAAA0004", "Transaksi Keluar", -408.0,
     "Transaksi Selesai", 567059.0],
    ["2026-03-03 17:46:03", "Penyesuaian", "Biaya premi", "260303AAAA0004", "Transaksi Keluar", -408.0,
     "Transaksi Selesai", 567467.0],
    ["2026-03-02 08:00:00", "Pembayaran dengan Saldo Penjual", "Isi Ulang Saldo Iklan", "-",
     "Transaksi Keluar", -55500.0, "Transaksi Selesai", 567875.0],
    ["2026-03-01 21:41:10", "Penghasilan dari Pesanan", "Penghasilan dari Pesanan #260301AAAA0002",
     "260301AAAA0002", "Transaksi Masuk", 46325.0, "Transaksi Selesai", 623375.0],
    ["2026-03-01 20:05:31", "Penghasilan dari Pesanan", "Penghasilan dari Pesanan #260301AAAA0001",
     "260301AAAA0001", "Transaksi Masuk", 77050.0, "Transaksi Selesai", 577050.0],
]  # fmt: skip

SAMPLES: dict[str, dict[str, Sequence[Row]]] = {
    "tiktok_tokopedia_income": {
        "Order details": TIKTOK, "Reports": [["Period", "2026/03/04-2026/03/05"]],
        "Withdrawal records": [["Type ", "Reference ID"]],
    },
    "shopee_income_2026h1": {"Summary": H1_SUMMARY, "Income": H1},
    "shopee_income_2026h2": {"Summary": [["Laporan Penghasilan"]], "Penghasilan": H2},
    "shopee_balance": {"Transaction Report": BALANCE},
}  # fmt: skip

if __name__ == "__main__":
    for sample, contents in SAMPLES.items():
        print(write(sample, contents))
