"""Real-shaped papers of borrowers, made by code: what banks, hospitals, tax offices and phones give out.

Each has what staff must see of it: how many pages, words that are found, colours that are there.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pikepdf
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from portal.core.documents import fonts
from tests.corpus.build import jpeg_page, picture
from tests.corpus.pdf import pdf

Colour = tuple[int, int, int]
RED: Colour = (200, 20, 30)
BLUE: Colour = (22, 93, 255)
GREEN: Colour = (7, 150, 80)
NAVY: Colour = (0, 0, 128)


@dataclass(frozen=True)
class Paper:
    """One file: how to make it, and what must come of it.

    `refused` is the code of the refusal; else `pages` many pages are drawn, the first of `size` (0: any),
    `words` stand in the text layer, `colours` on the first page, `dropped` and `verdicts` are told.
    """

    code: str
    name: str
    make: Callable[[], bytes]
    refused: str = ""
    pages: int = 1
    size: tuple[int, int] = (0, 0)
    words: tuple[str, ...] = ()
    colours: tuple[Colour, ...] = ()
    dropped: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        return _made(self)


@cache
def _made(paper: Paper) -> bytes:
    return paper.make()


# --- PDF files ------------------------------------------------------------------------------------


def printed(*lines: str, pages: int = 1, picture_of: Image.Image | None = None) -> bytes:
    """A PDF as an office prints it: embedded fonts, a table of lines."""
    paper = FPDF()
    paper.set_creation_date(datetime(2026, 10, 1, tzinfo=UTC))
    paper.add_font("sans", fname=fonts.HANZI, collection_font_number=fonts.SIMPLIFIED)
    paper.set_font("sans", size=12)
    for number in range(pages):
        paper.add_page()
        for line in lines:
            paper.cell(0, 10, line, new_x="LMARGIN", new_y="NEXT")
        paper.cell(0, 10, f"第 {number + 1} 页", new_x="LMARGIN", new_y="NEXT")
        if picture_of is not None:
            paper.image(picture_of, x=20, y=100, w=60)
    return bytes(paper.output())


def changed(data: bytes, change: Callable[[pikepdf.Pdf], None], **save: object) -> bytes:
    """The PDF after `change`, saved by another writer."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of widgets outside a form, which are meant
        change(opened)
        opened.save(out, **save)
    return out.getvalue()


def seal_drawing() -> bytes:
    """The ring and the star of an official seal, 113 points across (4 cm)."""
    ring = b"0.78 0.08 0.12 RG 6 w 56 3 m 85 3 110 28 110 56 c 110 85 85 110 56 110 c 28 110 3 85 3 56 c 3 28 28 3 56 3 c S "
    return ring + b"0.78 0.08 0.12 rg 56 78 m 66 50 l 40 66 l 72 66 l 46 50 l f"


def appearance(pdf_file: pikepdf.Pdf, drawing: bytes, side: int = 113) -> pikepdf.Dictionary:
    form = pdf_file.make_stream(drawing)
    form.Type, form.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    form.BBox = [0, 0, side, side]
    return pikepdf.Dictionary(N=form)


def sealed(*, subtype: str = "/Stamp", in_form: bool = True) -> bytes:
    """A bank statement with a red seal as an appearance stream: an annotation, or a signature field."""

    def add(opened: pikepdf.Pdf) -> None:
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name(subtype),
            Rect=[350, 500, 463, 613],
            F=4,
            AP=appearance(opened, seal_drawing()),
        )
        if subtype == "/Widget":
            note.FT, note.T = pikepdf.Name.Sig, "seal"
        note = opened.make_indirect(note)
        opened.pages[0].obj.Annots = pikepdf.Array([note])
        if subtype == "/Widget" and in_form:
            opened.Root.AcroForm = pikepdf.Dictionary(Fields=[note], SigFlags=3)

    return changed(printed("中国工商银行 个人账户交易明细", "2026-09-01 工资 6,200.00"), add)


@cache
def _signer(name: str) -> tuple[bytes, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
    from pyhanko.sign import signers

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2024, 1, 1, tzinfo=UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    return pem, signers.SimpleSigner(
        signing_cert=next(iter(load_certs_from_pemder_data(pem))),
        signing_key=load_private_key_from_pemder_data(private, passphrase=None),
        cert_registry=SimpleCertificateStore(),
    )


@cache
def signed(name: str = "中国工商银行股份有限公司") -> bytes:
    """The sealed statement with a real digital signature whose appearance is the seal."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    writer = IncrementalPdfFileWriter(io.BytesIO(printed("中国工商银行 电子回单", "金额 6,200.00")))
    fields.append_signature_field(
        writer, fields.SigFieldSpec("Seal", box=(350, 500, 463, 613), on_page=0)
    )
    out = signers.PdfSigner(
        signers.PdfSignatureMetadata(field_name="Seal", name=name),
        signer=_signer(name)[1],
    ).sign_pdf(writer)
    return bytes(out.getvalue())


def altered_after_signing() -> bytes:
    """A page is added behind the signature: a change that no signer allows."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(signed()))
    writer.add_stream_to_page(0, writer.add_object(_more_text(writer)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _more_text(writer: Any) -> Any:
    from pyhanko.pdf_utils import generic

    return generic.StreamObject(stream_data=b"q 1 0 0 rg 72 300 200 50 re f Q")


def forged() -> bytes:
    """One byte of the signed part is another one."""
    return signed().replace(b"/MediaBox [0 0 595.28", b"/MediaBox [0 0 595.29", 1)


def form(*, with_appearance: bool) -> bytes:
    """A filled form of an office: the value in a field, drawn or left to the reader to draw."""

    def add(opened: pikepdf.Pdf) -> None:
        field = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="income",
            V="6200.00",
            DA="/Helv 18 Tf 0.09 0.36 1 rg",
            Rect=[72, 600, 300, 640],
            F=4,
        )
        if with_appearance:
            field.AP = appearance(opened, b"0.09 0.36 1 rg 4 4 100 20 re f")
        field = opened.make_indirect(field)
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        opened.pages[0].obj.Annots = pikepdf.Array([field])
        opened.Root.AcroForm = pikepdf.Dictionary(
            Fields=[field], NeedAppearances=True, DR=pikepdf.Dictionary(Font={"/Helv": font})
        )

    return changed(printed("收入证明申请表"), add)


def attached() -> bytes:
    """An e-invoice with its XML, as tax offices give it out."""

    def add(opened: pikepdf.Pdf) -> None:
        opened.attachments["fapiao.xml"] = b"<?xml version='1.0'?><EInvoice/>"

    return changed(printed("电子发票（普通发票）", "价税合计 128.00"), add)


def with_catalog(**entries: object) -> bytes:
    def add(opened: pikepdf.Pdf) -> None:
        for key, value in entries.items():
            opened.Root[f"/{key}"] = value

    return changed(printed("个人所得税纳税记录"), add)


def printing(script: str = "") -> bytes:
    """Opens the print dialogue, by name or by the one call that does it."""
    act = pikepdf.Dictionary(S=pikepdf.Name.Named, N=pikepdf.Name.Print)
    if script:
        act = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=script)
    return with_catalog(OpenAction=act)


def owner_password() -> bytes:
    return changed(
        printed("中国建设银行 流水"),
        lambda opened: None,
        encryption=pikepdf.Encryption(owner="bank", user="", R=6),
    )


def broken_xref(data: bytes) -> bytes:
    start = data.rindex(b"startxref")
    return data[:start] + b"startxref\n7\n%%EOF\n"


def font_left_out() -> bytes:
    """Hanzi of a font that the file names and does not bring, as old bank systems write it."""
    text = "中国农业银行 存款证明".encode("utf-16-be").hex().encode()
    fonts = [
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [11 0 R] >>",
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo"
        " << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 >>",
    ]
    data = pdf(
        content=b"0.78 0.08 0.12 rg BT /F2 40 Tf 72 600 Td <" + text + b"> Tj ET", objects=fonts
    )
    return data.replace(b"/Font << /F1 3 0 R >>", b"/Font << /F1 3 0 R /F2 10 0 R >>")


def long_page() -> bytes:
    """A whole web page saved as one sheet, five metres long."""
    drawing = b"0.78 0.08 0.12 rg 0 14000 595 100 re f 0.09 0.36 1 rg 0 20 595 100 re f"
    return pdf(content=drawing).replace(b"[0 0 595 842]", b"[0 0 595 14400]")


def turned_page() -> bytes:
    return changed(
        printed("横向的工资表"), lambda opened: opened.pages[0].rotate(90, relative=False)
    )


# --- Pictures -------------------------------------------------------------------------------------


def screenshot(width: int, height: int, form_of: str = "PNG", **save: object) -> bytes:
    """A list of payments as an app shows it, lines of text from top to end; red first, green last."""
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(fonts.HANZI, 36, index=fonts.SIMPLIFIED)
    for top in range(200, height - 200, 400):
        pen.text((40, top), f"支付宝 转出 -{top}.00", font=font, fill="black")
    pen.rectangle((0, 0, width, 120), fill=RED)
    pen.rectangle((0, height - 120, width, height), fill=GREEN)
    out = io.BytesIO()
    image.save(out, form_of, **save)
    return out.getvalue()


def photograph(width: int, height: int, orientation: int = 1, **save: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = orientation, "HUAWEI", "Mate 60"
    return picture("JPEG", (width, height), exif=exif, **save)


def heif(width: int, height: int) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    image = Image.open(io.BytesIO(picture("PNG", (width, height))))
    pillow_heif.from_pillow(image).save(out, quality=40)
    return out.getvalue()


def multi_picture() -> bytes:
    """A photograph with a second picture in the same file (MPO), as phones with two lenses write it."""
    images = [Image.open(io.BytesIO(picture("PNG", (1200, 900)))) for _ in range(2)]
    out = io.BytesIO()
    images[0].save(out, "MPO", save_all=True, append_images=images[1:])
    return out.getvalue()


def moving_webp() -> bytes:
    out = io.BytesIO()
    first, second = Image.new("RGB", (300, 300), BLUE), Image.new("RGB", (300, 300), RED)
    first.save(out, "WEBP", save_all=True, append_images=[second], lossless=True)
    return out.getvalue()


def scan(mode: str = "RGB", dots: int = 300) -> bytes:
    """An A4 page from a scanner: one picture, a red stamp on it."""
    image = Image.new("RGB", (dots * 827 // 100, dots * 1169 // 100), "white")
    ImageDraw.Draw(image).ellipse((dots * 5, dots * 8, dots * 7, dots * 10), fill=RED)
    out = io.BytesIO()
    image.convert(mode).convert("RGB").save(out, "JPEG", quality=60)
    return jpeg_page(out.getvalue())


A4 = (1654, 2339)  # pixels at 200 dpi
PAPERS = (
    Paper(
        "S01",
        "盖章流水.pdf",
        sealed,
        size=A4,
        words=("个人账户交易明细", "6,200.00"),
        colours=(RED,),
    ),
    Paper("S02", "签章域.pdf", lambda: sealed(subtype="/Widget"), size=A4, colours=(RED,)),
    Paper(
        "S03", "无表单签章.pdf", lambda: sealed(subtype="/Widget", in_form=False), colours=(RED,)
    ),
    Paper("S04", "电子签名.pdf", signed, words=("电子回单",), verdicts=("intact",)),
    Paper(
        "S05", "签后改动.pdf", altered_after_signing, verdicts=("changed",), colours=((255, 0, 0),)
    ),
    Paper("S06", "签名被改.pdf", forged, verdicts=("broken",)),
    Paper("F01", "填好的表.pdf", lambda: form(with_appearance=True), colours=(BLUE,)),
    Paper("F02", "未画的表.pdf", lambda: form(with_appearance=False), colours=(BLUE,)),
    Paper("D01", "电子发票.pdf", attached, words=("价税合计",), dropped=("attachments",)),
    Paper("D02", "自动打印.pdf", printing, words=("纳税记录",), dropped=("printing",)),
    Paper("D03", "脚本打印.pdf", lambda: printing("this.print(true);"), dropped=("printing",)),
    Paper("D04", "限制编辑.pdf", owner_password, words=("中国建设银行",), dropped=("lock",)),
    Paper(
        "D05",
        "网址.pdf",
        lambda: with_catalog(OpenAction=pikepdf.Dictionary(S=pikepdf.Name.URI, URI="http://a")),
        dropped=("links",),
    ),
    Paper(
        "D06",
        "语言与标签.pdf",
        lambda: with_catalog(Lang="zh-CN", MarkInfo=pikepdf.Dictionary(Marked=True)),
    ),
    Paper("X01", "坏交叉表.pdf", lambda: broken_xref(printed("病历")), words=("病历",)),
    Paper("X02", "截尾.pdf", lambda: printed("出院小结")[:-20], words=("出院小结",)),
    Paper("X03", "前面有字.pdf", lambda: b"\r\n" + printed("诊断证明"), words=("诊断证明",)),
    Paper(
        "X04",
        "对象流.pdf",
        lambda: changed(
            printed("社保缴费"),
            lambda o: None,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        ),
        words=("社保缴费",),
    ),
    Paper("X05", "不带字体.pdf", font_left_out, words=("中国农业银行",), colours=(RED,)),
    Paper(
        "X06",
        "要密码.pdf",
        lambda: changed(
            printed("x"), lambda o: None, encryption=pikepdf.Encryption(owner="a", user="b", R=6)
        ),
        refused="encrypted",
    ),
    Paper(
        "T01",
        "三页流水.pdf",
        lambda: printed("微信支付交易明细证明", pages=3),
        pages=3,
        words=("微信支付", "第 1 页", "第 3 页"),
    ),
    Paper(
        "T02",
        "很多页.pdf",
        lambda: printed("支付宝交易流水证明", pages=30),
        pages=30,
        words=("支付宝", "第 30 页"),
    ),
    Paper("T03", "横向.pdf", turned_page, size=(2339, 1654), words=("工资表",)),
    Paper("T04", "长网页.pdf", long_page, pages=12, colours=(RED,)),
    Paper("C01", "扫描件.pdf", scan, size=(2481, 3511), colours=(RED,)),
    Paper("C02", "灰度扫描.pdf", lambda: scan("L"), size=(2481, 3511)),
    Paper("C03", "传真.pdf", lambda: scan("1", 200)),
    Paper("C04", "高清扫描.pdf", lambda: scan("RGB", 600), size=(2895, 4096), colours=(RED,)),
    Paper(
        "L01", "一屏.png", lambda: screenshot(1080, 2400), size=(1080, 2400), colours=(RED, GREEN)
    ),
    Paper("L02", "两屏.png", lambda: screenshot(1080, 4000), pages=2, colours=(RED,)),
    Paper("L03", "长截图.png", lambda: screenshot(1080, 9000), pages=4, colours=(RED,)),
    Paper("L04", "很长截图.png", lambda: screenshot(1080, 12000), pages=6, colours=(RED,)),
    Paper("L05", "长截图.jpg", lambda: screenshot(1170, 9000, "JPEG"), pages=4, colours=(RED,)),
    Paper("L06", "窄长图.webp", lambda: screenshot(720, 8000, "WEBP"), pages=5, colours=(RED,)),
    Paper("L07", "宽表格.png", lambda: screenshot(6000, 1080), pages=3, colours=(RED, GREEN)),
    Paper(
        "H01", "照片12MP.jpg", lambda: photograph(4032, 3024), size=(4032, 3024), colours=(NAVY,)
    ),
    Paper("H02", "竖拍.jpg", lambda: photograph(4032, 3024, 6), size=(3024, 4032), colours=(NAVY,)),
    Paper("H03", "倒拍.jpg", lambda: photograph(1600, 1200, 3), size=(1600, 1200), colours=(NAVY,)),
    Paper("H04", "左拍.jpg", lambda: photograph(1600, 1200, 8), size=(1200, 1600), colours=(NAVY,)),
    Paper("H05", "48MP.jpg", lambda: photograph(8064, 6048), size=(4032, 3024), colours=(NAVY,)),
    Paper("H06", "50MP.jpg", lambda: photograph(8192, 6144), size=(4096, 3072), colours=(NAVY,)),
    Paper("H07", "64MP.jpg", lambda: photograph(9248, 6936), size=(4096, 3072), colours=(NAVY,)),
    Paper("H08", "渐进.jpg", lambda: photograph(4000, 3000, progressive=True), size=(4000, 3000)),
    Paper("H09", "苹果.heic", lambda: heif(1200, 900), size=(1200, 900), colours=(NAVY,)),
    Paper("H10", "双镜头.jpg", multi_picture, size=(1200, 900), colours=(NAVY,)),
    Paper("H11", "动图.webp", moving_webp, size=(300, 300), colours=(BLUE,), dropped=("frames",)),
    Paper(
        "H12", "全屏.png", lambda: picture("PNG", (5000, 4000)), size=(4096, 3277), colours=(NAVY,)
    ),
)
