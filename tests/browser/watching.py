"""What a browser complains about, and what a page must be like anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

# Told through the console, because that is listened to from the first line of the first script.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `CSP: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sourceFile}`));
"""
SERIOUS = {"serious", "critical"}
# All that a change of colours can break.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]


class Watch:
    """Collects every fault of a browser context: console, errors, policy, failed requests."""

    def __init__(self, context: BrowserContext) -> None:
        self.faults: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._add(f"script: {error.error}"))
        context.on("requestfailed", self._on_failed)

    def expect(self, *parts: str) -> None:
        """Faults that hold one of these texts are what the test is about."""
        self.expected += parts

    def _add(self, fault: str) -> None:
        if not any(part in fault for part in self.expected):
            self.faults.append(fault)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            address = message.location.get("url", "")
            self._add(f"console {message.type}: {message.text} ({address})")

    def _on_failed(self, request: Request) -> None:
        # Leaving a page ends what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self._add(f"request: {request.url} {request.failure}")


def assert_fits(page: Page) -> None:
    """Nothing stands out of the window to the side."""
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{page.url} is {widths[0]} wide in a window of {widths[1]}"


def find_axe_faults(page: Page) -> list[str]:
    """What axe calls serious or critical, in light colours and in dark ones."""
    return [
        f"{scheme} {page.url}: {fault}"
        for scheme, options in (
            ("light", {"resultTypes": ["violations"]}),
            ("dark", {"resultTypes": ["violations"], "runOnly": COLOUR_RULES}),
        )
        for fault in _run_axe(page, scheme, options)
    ]


def _run_axe(page: Page, scheme: Any, options: dict[str, Any]) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
