"""Both pages in a real Chromium: offline, without an error, and with everything that moves.

Screenshots go to the folder that SCREENSHOTS names, if it names one.
"""

import base64
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from finished import IMAGE, LABEL, SAMPLE, SCRIPT

from scsiameseclu.clustering.nodes import splits
from scsiameseclu.report.level_figures import Tree
from scsiameseclu.stages import cohort
from scsiameseclu.store.folder import SampleFolder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MARGIN = 14  # of the map, in pixels, as in map.js


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A headless Chromium; in CI there must be one."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        reason = "there is no Chromium to look at the pages with (Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])


@dataclass
class Visit:
    """An open page, and what it did that it should not."""

    page: "Page"
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @classmethod
    def to(cls, browser: "Browser", path: Path) -> "Visit":
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        visit = cls(page)
        page.on("console", lambda message: visit.troubles.append(message.text))
        page.on("pageerror", lambda error: visit.troubles.append(str(error)))
        page.on("dialog", lambda dialog: visit.troubles.append(dialog.message))
        page.on("request", lambda request: visit.requests.append(request.url))
        page.context.set_offline(True)
        page.goto(path.as_uri())
        return visit

    def keep(self, name: str) -> None:
        """A screenshot, for people."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def path(finished: SampleFolder) -> Path:
    return finished.path("report")


@pytest.fixture
def visit(browser: "Browser", path: Path) -> Iterator[Visit]:
    found = Visit.to(browser, path)
    found.page.wait_for_selector("#explorer:not([hidden])")
    yield found
    assert found.troubles == []
    assert found.requests == [path.as_uri()]
    found.page.close()


class Map:
    """The map's data as the page has it, and where its cells are on the screen."""

    def __init__(self, visit: Visit, path: Path) -> None:
        self.page = visit.page
        text = re.search(r'id="map-data">(.*?)</script>', path.read_text(), re.DOTALL)
        assert text is not None
        self.data: dict[str, Any] = json.loads(text[1])
        words = np.frombuffer(base64.b64decode(self.data["positions"]), dtype="<u2")
        self.positions = words.reshape(-1, 2) / 65535
        self.canvas = self.page.locator("#explorer canvas")
        self.canvas.scroll_into_view_if_needed()

    def values(self, layer: int) -> np.ndarray:
        return np.frombuffer(base64.b64decode(self.data["layers"][layer]["values"]), dtype=np.uint8)

    def point_at(self, cell: int) -> str:
        """Move to a cell of the whole map; what the page says of it."""
        box = self.canvas.bounding_box()
        assert box is not None
        size, shape = np.array([box["width"], box["height"]]), np.array(self.data["shape"])
        fit = ((size - 2 * MARGIN) / shape).min()
        x, y = size / 2 + (self.positions[cell] - shape / 2) * fit
        self.page.mouse.move(box["x"] + x, box["y"] + y)
        return self.page.inner_text("#explorer .cell")

    def look(self) -> bytes:
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        return self.canvas.screenshot()


def test_the_page_loads_offline(visit: Visit) -> None:
    assert visit.page.title().startswith(SAMPLE)
    visit.keep("sample")
    visit.page.emulate_media(color_scheme="dark")
    visit.keep("sample-dark")


def test_pointing_at_a_cell_tells_what_it_is(visit: Visit, path: Path) -> None:
    drawn = Map(visit, path)
    names, codes = drawn.data["layers"][0]["names"], drawn.values(0)
    for cell in range(0, drawn.data["n"], 60):
        assert f"Cluster: {names[codes[cell]]} ·" in drawn.point_at(cell)
    visit.page.mouse.move(5, 5)
    assert visit.page.inner_text("#explorer .cell") == ""


def test_the_tree_of_clusters_is_drawn_from_coarse_to_fine(
    visit: Visit, finished: SampleFolder
) -> None:
    tree = Tree.of(finished)
    picture = visit.page.locator('svg[aria-label^="Tree of clusters from coarse to fine"]')
    assert picture.is_visible()
    box = picture.bounding_box()
    assert box is not None
    rows = [
        picture.locator("text", has_text=re.compile(rf"^{number} clusters")).bounding_box()
        for number in (tree.numbers[0], tree.numbers[-1])
    ]
    assert rows[0]
    assert rows[1]
    assert rows[0]["y"] < rows[1]["y"]  # the coarsest is at the top
    label = picture.get_attribute("aria-label") or ""
    table = visit.page.locator("#splits-table")
    for split in splits(tree.groups):
        parent, *children = (tree.name(leaves) for leaves in (split.parent, *split.children))
        assert f"{parent} splits into" in label
        for child in children:
            line = table.locator("tbody tr", has_text=f"{parent} → {child}").first
            assert line.locator("td").last.inner_text() != ""
    finest = picture.locator("text", has_text=re.compile(rf"^{re.escape(tree.names[0])}$"))
    spot = finest.last.bounding_box()
    assert spot is not None
    assert box["x"] <= spot["x"] <= box["x"] + box["width"]
    visit.keep("tree")


def test_colours_can_be_chosen(visit: Visit, path: Path) -> None:
    drawn = Map(visit, path)
    menu = visit.page.locator("#map-layer")
    titles = menu.locator("option").all_inner_texts()
    assert {"Cluster", "Confidence", "Predicted type", "Batch", "Total counts"} <= set(titles)
    assert f"Label ({LABEL})" in titles
    groups = menu.locator("optgroup").evaluate_all("found => found.map(one => one.label)")
    assert groups == ["Cells", "Quality", "Marker genes", "Comparison"]
    seen = {drawn.look()}
    for title in ("Confidence", "Batch", titles[-2]):
        menu.select_option(label=title)
        seen.add(drawn.look())
    assert len(seen) == 4
    assert visit.page.locator("#explorer .ramp").count() == 1
    menu.select_option(label=f"Label ({LABEL})")
    legend = visit.page.inner_text("#explorer .legend")
    assert IMAGE in legend  # a class with a dangerous name, as text
    assert SCRIPT in legend


def test_the_legend_hides_and_shows(visit: Visit, path: Path) -> None:
    drawn = Map(visit, path)
    whole = drawn.look()
    first = visit.page.locator("#explorer .legend button").first
    first.click()
    assert first.get_attribute("aria-pressed") == "false"
    cell = int(np.flatnonzero(drawn.values(0) == 0)[0])
    assert f"Cluster: {drawn.data['layers'][0]['names'][0]} ·" not in drawn.point_at(cell)
    visit.page.mouse.move(5, 5)
    assert drawn.look() != whole
    visit.page.get_by_role("button", name="Show all cells").click()
    assert visit.page.locator("#explorer [aria-pressed=false]").count() == 0
    assert drawn.look() == whole


def test_zoom_and_move_by_wheel_keys_and_buttons(visit: Visit, path: Path) -> None:
    drawn = Map(visit, path)
    whole = drawn.look()
    told = drawn.point_at(0)
    drawn.canvas.focus()
    visit.page.mouse.wheel(0, -600)
    zoomed = drawn.look()
    assert zoomed != whole
    assert visit.page.inner_text("#explorer .cell") == told  # what lies under the pointer stays
    drawn.canvas.press("ArrowLeft")
    assert drawn.look() != zoomed
    drawn.canvas.press("0")
    visit.page.get_by_role("button", name="Zoom in").click()
    assert drawn.look() != whole
    visit.page.get_by_role("button", name="Reset view").click()
    drawn.canvas.blur()
    assert drawn.look() == whole


def test_the_cohort_sorts_and_searches(
    browser: "Browser", copy_of: Callable[..., SampleFolder], tmp_path: Path
) -> None:
    for name in ("good", "other"):
        copy_of(name)
    note = tmp_path / "samples" / "refused" / "stages" / "failure.json"
    note.parent.mkdir(parents=True)
    reason = f"file {SCRIPT} holds no counts"
    note.write_text(json.dumps({"sample": "refused", "stage": "ingest", "reason": reason}))
    lines = [f"{name}\tx" for name in ("refused", "good", "other")]
    (tmp_path / "samples.tsv").write_text("\n".join(["sample\tpath", *lines]) + "\n")
    cohort.run(samples=tmp_path / "samples.tsv", results=tmp_path)
    visit = Visit.to(browser, tmp_path / "index.html")
    rows = visit.page.locator("#samples tbody tr")
    visit.page.locator("#samples thead button").first.click()
    assert [text.split()[0] for text in rows.all_inner_texts()] == ["good", "other", "refused"]
    visit.page.locator("#samples thead button").first.click()
    assert [text.split()[0] for text in rows.all_inner_texts()] == ["refused", "other", "good"]
    visit.page.locator(".search input").fill("refus")
    assert [row.is_visible() for row in rows.all()] == [True, False, False]
    assert SCRIPT in rows.first.inner_text() or SCRIPT in visit.page.inner_text("main")
    visit.keep("cohort")
    assert visit.troubles == []
    assert visit.requests == [(tmp_path / "index.html").as_uri()]
    visit.page.close()
