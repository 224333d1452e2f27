"""The page of `make listen`, in the look of the report, with all that it needs in it."""

from __future__ import annotations

from markupsafe import Markup

from pipeline.report.page import WEB, colours_css
from pipeline.report.render import render


def live_page(systems: int, nonce: str) -> str:
    """HTML for so many systems; its script has the nonce."""
    style, script = (Markup((WEB / name).read_text(encoding="utf-8")) for name in ("live.css", "live.js"))
    face = (WEB / "report.css").read_text(encoding="utf-8").split("* { box-sizing", 1)[0]
    return str(
        render(
            "live.html",
            title="Listening",
            face=Markup(face),
            colours=colours_css(systems),
            style=style,
            script=script,
            nonce=nonce,
        )
    )
