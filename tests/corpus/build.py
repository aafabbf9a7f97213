"""Hostile and honest files, made in memory: images, PDFs and names.

`expect` is "accept", "upload" (refused at once by the cheap checks) or the code with which the
check of the content answers.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from tests.corpus.pdf import MEGABYTE, bomb, pdf, stream


@dataclass(frozen=True)
class FileCase:
    """One file: how to make it, what it is called, and what must happen to it."""

    code: str
    name: str
    make: Callable[[], bytes]
    expect: str
    note: str = ""

    @property
    def data(self) -> bytes:
        return _made(self)


@cache
def _made(case: FileCase) -> bytes:
    return case.make()


def picture(
    form: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **save: object
) -> bytes:
    """A small picture with something on it."""
    image = Image.new(mode, size, 255 if mode in {"1", "L", "I;16"} else None)
    if mode == "RGB":
        image = Image.new(mode, size, "white")
        ImageDraw.Draw(image).rectangle((10, 10, size[0] // 2, size[1] // 4), fill="navy")
    out = io.BytesIO()
    image.save(out, form, **save)
    return out.getvalue()


def heic() -> bytes:
    import pillow_heif

    image = Image.new("RGB", (320, 240), "teal")
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=60)
    return out.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def flat_png(width: int, height: int, *, with_data: bool = True) -> bytes:
    """A one-bit PNG of any size, a few kilobytes; without data it is a header that lies."""
    packer = zlib.compressobj(9)
    row = b"\0" + bytes((width + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height if with_data else 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
        + png_chunk(b"IDAT", rows + packer.flush())
        + png_chunk(b"IEND", b"")
    )


def with_exif(*, orientation: int = 1, place: bool = False) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if place:
        exif[0x010F] = "SecretPhoneMaker"
        exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 49.0), 3: "E", 4: (121.0, 28.0, 0.0)})
    return picture("JPEG", (400, 200), exif=exif)


def with_text() -> bytes:
    info = PngInfo()
    info.add_text("Comment", "<script>alert(1)</script>")
    return picture("PNG", pnginfo=info)


def many_scans(times: int) -> bytes:
    """A progressive JPEG whose last scan is repeated: each costs a pass over all pixels."""
    jpeg = picture("JPEG", (2000, 1500), progressive=True)
    start, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    return jpeg[:start] + jpeg[start:end] * times + jpeg[end:]


def moving(form: str, frames: int) -> bytes:
    images = [Image.new("RGB", (16, 16), (number % 256, 0, 0)) for number in range(frames)]
    out = io.BytesIO()
    images[0].save(out, form, save_all=True, append_images=images[1:])
    return out.getvalue()


def launch() -> bytes:
    return pdf(catalog="/OpenAction << /S /Launch /F (cmd.exe) >>")


def chained() -> bytes:
    """Actions that follow one another from the start, a link, and one more hung on the page."""
    uri = "<< /S /URI /URI (http://evil.example/) >>"
    return pdf(
        catalog=f"/OpenAction << /S /GoTo /D [30 0 R /Fit] /Next {uri} >> /URI << /Base (http://evil.example/) >>",
        page_extra=f"/AA << /O {uri} >> /Annots [10 0 R]",
        objects=[f"<< /Type /Annot /Subtype /Link /Rect [72 690 300 720] /A {uri} /PA {uri} >>"],
    )


def note(subtype: str) -> bytes:
    return pdf(
        page_extra="/Annots [10 0 R]",
        objects=[f"<< /Type /Annot /Subtype {subtype} /Rect [0 0 99 99] >>"],
    )


def opens(script: str) -> bytes:
    return pdf(catalog=f"/OpenAction << /S /JavaScript /JS ({script}) >>")


def carries_program(name: str = "a.exe") -> bytes:
    name = (b"\xfe\xff" + name.encode("utf-16-be")).hex()
    return pdf(
        catalog=f"/Names << /EmbeddedFiles << /Names [<{name}> 10 0 R] >> >>",
        objects=[
            f"<< /Type /Filespec /F <{name}> /EF << /F 11 0 R >> >>",
            stream(b"MZ\x90\x00", extra="/Type /EmbeddedFile"),
        ],
    )


def nested() -> bytes:
    """Forms that each draw the next ten times: ten to the ninth."""
    forms = [
        stream(
            b"/X Do " * 10,
            extra=f"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X {11 + depth} 0 R >> >>",
        )
        for depth in range(8)
    ]
    last = stream(b"0 0 9 9 re f " * 10, extra="/Type /XObject /Subtype /Form /BBox [0 0 595 842]")
    page = "/Resources << /XObject << /X 10 0 R >> >>"
    return pdf(content=b"/X Do", objects=[*forms, last]).replace(
        b"/Resources << /Font << /F1 3 0 R >> >>", page.encode()
    )


def jpeg_page(jpeg: bytes) -> bytes:
    """A page that is one JPEG, as scanners write it."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        width, height = opened.size
    shape = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8"
    return pdf(
        content=b"q 595 0 0 842 0 0 cm /P Do Q",
        objects=[stream(jpeg, "/DCTDecode", shape)],
    ).replace(
        b"/Resources << /Font << /F1 3 0 R >> >>", b"/Resources << /XObject << /P 10 0 R >> >>"
    )


def encrypted() -> bytes:
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(pages=1))) as opened:
        opened.save(out, encryption=pikepdf.Encryption(owner="o", user="u", R=6))
    return out.getvalue()


SCRIPT = "<< /S /JavaScript /JS (app.alert(1)) >>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HTML = b"<!doctype html><html><script>alert(1)</script></html>"

IMAGES = (
    FileCase("I01a", "照片.jpg", lambda: picture("JPEG"), "accept"),
    FileCase("I01b", "截图.png", lambda: picture("PNG"), "accept"),
    FileCase("I01c", "照片.webp", lambda: picture("WEBP"), "accept"),
    FileCase("I02", "50mp.png", lambda: flat_png(10_000, 5_000), "accept", "scaled"),
    FileCase("I03", "90mp.png", lambda: flat_png(10_000, 9_000), "too_many_pixels"),
    FileCase("I04", "180mp.png", lambda: flat_png(12_000, 15_000), "too_many_pixels"),
    FileCase("I05", "过长.png", lambda: flat_png(65_501, 10), "too_many_pixels", "one side"),
    FileCase(
        "I06", "空壳.png", lambda: flat_png(65_535, 65_535, with_data=False), "too_many_pixels"
    ),
    FileCase("I07", "半张.jpg", lambda: picture("JPEG")[:1500], "unreadable"),
    FileCase("I08", "空.jpg", lambda: b"", "upload"),
    FileCase("I09", "大.jpg", lambda: picture("JPEG").ljust(10 * MEGABYTE + 1, b"\0"), "upload"),
    FileCase("I10", "尾巴.jpg", lambda: picture("JPEG") + b"PK\x03\x04" + HTML, "accept", "tail"),
    FileCase("I11", "动图.gif", lambda: b"GIF89a/*" + moving("GIF", 2)[8:] + b"*/=1;", "upload"),
    FileCase("I12", "满64.png", lambda: flat_png(9_248, 6_936), "accept", "what is sold as 64 MP"),
    FileCase("I12b", "过64.png", lambda: flat_png(8_126, 8_000), "too_many_pixels"),
    FileCase("I13", "文字.png", with_text, "accept", "text stripped"),
    FileCase("I14", "定位.jpg", lambda: with_exif(place=True), "accept", "GPS stripped"),
    FileCase("I15", "横放.jpg", lambda: with_exif(orientation=6), "accept", "upright"),
    FileCase("I16a", "千帧.png", lambda: moving("PNG", 1000), "accept", "first frame"),
    FileCase("I16b", "千帧.gif", lambda: moving("GIF", 1000), "upload"),
    FileCase("I17", "印刷.jpg", lambda: picture("JPEG", mode="CMYK"), "accept"),
    FileCase("I18", "色彩.jpg", lambda: picture("JPEG", icc_profile=b"broken" * 40), "accept"),
    FileCase("I19", "深.png", lambda: picture("PNG", mode="I;16"), "accept", "16 bit"),
    FileCase("I20", "矢量.png", lambda: SVG, "upload"),
    FileCase("I21", "网页.jpg", lambda: HTML, "upload"),
    FileCase("I22", "苹果.heic", heic, "accept"),
    FileCase("I23", "透明.png", lambda: picture("PNG", mode="RGBA"), "accept"),
    FileCase("I24", "调色板.png", lambda: picture("PNG", mode="P"), "accept"),
    FileCase("I26", "百遍.jpg", lambda: many_scans(300), "too_heavy", "a scan more is a pass more"),
    FileCase("I27", "坏信息.jpg", lambda: picture("JPEG", exif=b"Exif\0\0II*\0broken"), "accept"),
    FileCase("I25", "假.heic", lambda: b"\0\0\0\x18ftypheic" + b"\0" * 400, "unreadable"),
)
PDFS = (
    FileCase("P01", "流水.pdf", lambda: pdf(pages=2), "accept"),
    FileCase("P02", "脚本.pdf", lambda: pdf(catalog=f"/OpenAction {SCRIPT}"), "active_content"),
    FileCase("P02b", "首页.pdf", lambda: pdf(catalog="/OpenAction [30 0 R /Fit]"), "accept"),
    FileCase(
        "P03",
        "藏名.pdf",
        lambda: pdf(catalog="/Open#41ction << /S /J#61vaScript /#4aS (x) >>"),
        "active_content",
    ),
    FileCase(
        "P04",
        "压缩脚本.pdf",
        lambda: pdf(catalog="/Names << /Kids [20 0 R] >>", packed=[SCRIPT]),
        "active_content",
    ),
    FileCase("P05", "启动.pdf", launch, "active_content"),
    FileCase("P06", "附件.pdf", carries_program, "active_content"),
    FileCase(
        "P06b", "动作.pdf", lambda: pdf(page_extra=f"/AA << /O {SCRIPT} >>"), "active_content"
    ),
    FileCase("P06c", "表单.pdf", lambda: pdf(catalog="/AcroForm << /XFA [] >>"), "active_content"),
    FileCase("P06d", "链接.pdf", chained, "accept", "every action is cut"),
    FileCase("P06e", "影片.pdf", lambda: note("/Screen"), "active_content"),
    FileCase("P06f", "伪装打印.pdf", lambda: opens("print(app.alert(1))"), "active_content"),
    FileCase("P06g", "打印后.pdf", lambda: opens("this.print(); app.alert(1)"), "active_content"),
    FileCase(
        "P06h",
        "藏在批注.pdf",
        lambda: pdf(
            page_extra="/Annots [10 0 R]",
            objects=[
                f"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /GoTo /Next {SCRIPT} >> >>"
            ],
        ),
        "active_content",
    ),
    FileCase("P06i", "程序改名.pdf", lambda: carries_program("发票.xml"), "active_content"),
    FileCase("P07", "加密.pdf", encrypted, "encrypted"),
    FileCase("P08", "万页.pdf", lambda: pdf(pages=101), "too_many_pages"),
    FileCase(
        "P09", "炸弹.pdf", lambda: pdf(content=bomb(), content_filter="/FlateDecode"), "too_heavy"
    ),
    FileCase(
        "P09b",
        "双层.pdf",
        lambda: pdf(content=zlib.compress(bomb()), content_filter="[/FlateDecode /FlateDecode]"),
        "too_heavy",
    ),
    FileCase("P09c", "嵌套.pdf", nested, "too_heavy", "2.8 KB that would be drawn for hours"),
    FileCase("P09d", "扫描炸弹.pdf", lambda: jpeg_page(many_scans(300)), "too_heavy"),
    FileCase("P10", "只有头.pdf", lambda: b"%PDF-1.7\n", "unreadable"),
    FileCase("P11", "乱码.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 50, "unreadable"),
)
FILES = IMAGES + PDFS

# (code, the name that arrives, the name that is shown)
NAMES = (
    ("N01", "../../etc/passwd", "passwd"),
    ("N02", "..", "未命名文件"),
    ("N03", "a\x00b.pdf", "ab.pdf"),
    ("N04", "a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie: x=1.pdf"),
    ("N05", "长" * 300 + ".pdf", "长" * 76 + ".pdf"),
    ("N06", "\u202egnp.exe", "gnp.exe"),
    ("N07", "C:\\Users\\lin\\工资.pdf", "工资.pdf"),
    ("N08", "<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    ("N09", ".htaccess", "htaccess"),
    ("N10", "CON.pdf", "CON.pdf"),
    ("N11", "x.pdf.exe", "x.pdf.exe"),
    ("N12", "=cmd.pdf", "=cmd.pdf"),
    ("N13", "工资证明（3月）.pdf", "工资证明（3月）.pdf"),
    ("N14", "", "未命名文件"),
)
