"""The colours hold the contrast of WCAG AA, in the light and in the dark."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
COLOUR = r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)"
PAIR = re.compile(rf"--([\w-]+): light-dark\({COLOUR}, {COLOUR}\)")

TEXT_ON = [
    *[(ink, ground) for ink in ("ink", "ink-2") for ground in ("paper", "sheet", "well")],
    *[("accent", ground) for ground in ("paper", "sheet", "well", "accent-soft")],
    ("accent-deep", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("ink", "accent-soft"),
    ("ink", "mark"),
    *[(tone, ground) for tone in ("good", "warn", "bad") for ground in ("paper", "sheet")],
    *[(tone, f"{tone}-soft") for tone in ("good", "warn", "bad")],
    *[("ink", f"{tone}-soft") for tone in ("good", "warn", "bad")],
    ("on-bad", "bad"),
]
SHAPES_ON = [("edge", "sheet"), ("edge", "paper"), ("accent", "line"), ("mark-edge", "sheet")]


def read_tokens() -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    found = {}
    for name, *numbers in PAIR.findall(TOKENS.read_text(encoding="utf-8")):
        values = tuple(float(number) for number in numbers)
        found[name] = (values[:3], values[3:])
    return found


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an OKLCH colour, clipped to sRGB (Ottosson's matrices)."""
    lightness, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    cubes = [
        (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3,
    ]
    rows = [
        (4.0767416621, -3.3077115913, 0.2309699292),
        (-1.2684380046, 2.6097574011, -0.3413193965),
        (-0.0041960863, -0.7034186147, 1.7076147010),
    ]
    red, green, blue = (
        min(max(sum(x * y for x, y in zip(row, cubes, strict=True)), 0), 1) for row in rows
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself() -> None:
    assert contrast((1, 0, 0), (0, 0, 0)) == pytest.approx(21, abs=0.01)
    assert contrast((0.5, 0.1, 190), (0.5, 0.1, 190)) == 1


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_ON)
def test_text_has_a_contrast_of_4_5(ink: str, ground: str, side: int) -> None:
    tokens = read_tokens()
    assert contrast(tokens[ink][side], tokens[ground][side]) >= 4.5


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES_ON)
def test_shapes_have_a_contrast_of_3(shape: str, ground: str, side: int) -> None:
    tokens = read_tokens()
    assert contrast(tokens[shape][side], tokens[ground][side]) >= 3
