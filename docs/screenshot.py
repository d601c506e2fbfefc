"""Takes the picture of the demo's report that README.md and the landing page show.

    make demo && python docs/screenshot.py

Needs Chromium. The picture shows the summary of a sample and, below it, its interactive map, in a
palette of 256 colours to keep it small.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "results" / "samples" / "pbmc68k_a" / "report.html"
PICTURE = ROOT / "docs" / "_static" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, MARGIN = 1280, 24
SUMMARY, MAP, EXPLORER = "#overview", "#map", "#explorer"
MAX_BYTES = 300_000


def shoot(page_file: Path, browser: str) -> Image.Image:
    """The top of the page down to the end of its summary, and the interactive map."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": 4000})
        page.context.set_offline(True)
        page.goto(page_file.resolve().as_uri())
        page.wait_for_timeout(1000)  # the map is drawn by a script
        summary, section, explorer = (
            page.locator(place).bounding_box() for place in (SUMMARY, MAP, EXPLORER)
        )
        assert summary is not None
        assert section is not None
        assert explorer is not None
        top = _strip(page, 0, summary["y"] + summary["height"])
        bottom = _strip(page, section["y"], explorer["y"] + explorer["height"] + MARGIN)
        page.close()
        chromium.close()
    picture = Image.new("RGB", (WIDTH, top.height + bottom.height), "white")
    picture.paste(top, (0, 0))
    # without the page's navigation, which stands beside every section
    left = round(section["x"])
    picture.paste(bottom.crop((left, 0, WIDTH, bottom.height)), (left, top.height))
    return picture


def _strip(page: Page, first: float, last: float) -> Image.Image:
    """The page between two heights, in pixels."""
    clip = {"x": 0, "y": first, "width": WIDTH, "height": last - first}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")


def main() -> None:
    """Take the picture and refuse one that is too large to commit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--output", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("error: Chromium was not found; on Debian, install the package chromium")
    if not arguments.page.is_file():
        sys.exit(f"error: {arguments.page} does not exist; run `make demo` first")
    shoot(arguments.page, browser).quantize(256).save(arguments.output, optimize=True)
    size = arguments.output.stat().st_size
    if size > MAX_BYTES:
        sys.exit(f"error: {arguments.output} has {size:,} bytes, more than {MAX_BYTES:,}")
    print(f"{arguments.output}: {size:,} bytes")


if __name__ == "__main__":
    main()
