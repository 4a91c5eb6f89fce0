"""Workbooks for `bench_tables`, made here: titles, units, two-level headers, merged labels.

Every company has one workbook of three sheets, so the same words stand in many tables: a question
is only answered by the right sheet of the right company, the right row and the right column.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

SEED = 7
COMPANIES = (
    "Alpine Foods", "Borealis Steel", "Cormorant Shipping", "Delta Optics", "Elmwood Paper",
    "Fjord Energy", "Granite Tools", "Harbour Textiles", "Ionic Batteries", "Juniper Pharma",
)  # fmt: skip
REGIONS = {
    "Europe": ("Germany", "France", "Italy", "Spain", "Poland", "Sweden", "Norway", "Austria"),
    "Americas": ("United States", "Canada", "Mexico", "Brazil", "Chile", "Peru", "Colombia"),
    "Asia": ("Japan", "India", "Vietnam", "Thailand", "South Korea", "Malaysia", "Indonesia"),
}
DEPARTMENTS = (
    "Procurement", "Logistics", "Legal", "Finance", "Marketing", "Research", "Quality control",
    "Customer service", "Information technology", "Human resources", "Maintenance", "Safety",
    "Export", "Packaging", "Warehouse", "Training", "Communications", "Audit",
)  # fmt: skip
ADJECTIVES = ("Compact", "Heavy", "Light", "Double", "Round", "Flat", "Folding", "Deep")
THINGS = ("bracket", "hinge", "valve", "panel", "spring", "clamp", "washer", "pulley", "nozzle")
CURRENCIES = ("CHF", "EUR", "USD")


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """A question, the cell that answers it, and what must be read with it: header and unit."""

    text: str
    document: str
    row: str
    value: str
    needed: tuple[str, ...]


@dataclass(slots=True)
class Book:
    """A workbook as a file's bytes, and the questions that its cells answer."""

    name: str
    content: bytes
    questions: list[TableQuestion]


def make_books(*, questions: int) -> list[Book]:
    """Workbooks with as many questions together, spread over companies and kinds of sheets."""
    chance = random.Random(SEED)
    books = [_make_book(company, number, chance) for number, company in enumerate(COMPANIES)]
    each = questions // len(books)
    for book in books:
        chance.shuffle(book.questions)
        by_sheet = sorted(book.questions, key=lambda question: question.needed[0])
        step = len(by_sheet) / each
        book.questions = [by_sheet[int(step * at)] for at in range(each)]
    return books


def _make_book(company: str, number: int, chance: random.Random) -> Book:
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    name = f"{company.lower().replace(' ', '-')}.xlsx"
    currency = CURRENCIES[number % len(CURRENCIES)]
    values = iter(chance.sample(range(1_000, 99_999), 1_200))
    questions = _fill_sales(first, company, name, currency, values)
    questions += _fill_staff(book.create_sheet(), company, name, values)
    questions += _fill_prices(book.create_sheet(), company, name, currency, values, chance)
    stream = io.BytesIO()
    book.save(stream)
    return Book(name, stream.getvalue(), questions)


def _fill_sales(
    sheet: Worksheet, company: str, name: str, currency: str, values: Iterator[int]
) -> list[TableQuestion]:
    sheet.title = "Sales by country"
    unit = f"in {currency} million"
    sheet.append([f"{company}: sales by country"])
    sheet.append([unit])
    sheet.append([])
    sheet.append(["Region", "Country", "2024", "", "2023", ""])
    sheet.append(["", "", "Net sales", "Operating profit", "Net sales", "Operating profit"])
    for cells in ("C4:D4", "E4:F4", "A4:A5", "B4:B5"):
        sheet.merge_cells(cells)
    questions = []
    row = 6
    for region, countries in REGIONS.items():
        for country in countries:
            numbers = [str(next(values)) for _ in range(4)]
            sheet.append([region, country, *map(int, numbers)])
            for column, (year, what) in enumerate(
                (year, what) for year in (2024, 2023) for what in ("Net sales", "Operating profit")
            ):
                questions.append(
                    TableQuestion(
                        f"What was the {what.lower()} of {company} in {country} in {year}?",
                        name, country, numbers[column], (f"{year} / {what}", unit),
                    )
                )  # fmt: skip
        sheet.merge_cells(start_row=row, end_row=row + len(countries) - 1, start_column=1,
                          end_column=1)  # fmt: skip
        row += len(countries)
    return questions


def _fill_staff(
    sheet: Worksheet, company: str, name: str, values: Iterator[int]
) -> list[TableQuestion]:
    sheet.title = "Staff"
    unit = "Full-time equivalents at the end of the year"
    sheet.append([f"{company}: employees by department"])
    sheet.append([unit])
    sheet.append([])
    years = [str(year) for year in range(2017, 2025)]
    sheet.append(["Department", *years])
    questions = []
    for department in DEPARTMENTS:
        numbers = [str(next(values)) for _ in years]
        sheet.append([department, *map(int, numbers)])
        questions += [
            TableQuestion(
                f"How many employees did {company} have in {department.lower()} in {year}?",
                name, department, value, (year, unit),
            )
            for year, value in zip(years, numbers, strict=True)
        ]  # fmt: skip
    return questions


def _fill_prices(
    sheet: Worksheet,
    company: str,
    name: str,
    currency: str,
    values: Iterator[int],
    chance: random.Random,
) -> list[TableQuestion]:
    sheet.title = "Price list"
    unit = f"Prices in {currency}, without tax"
    sheet.append([f"{company}: price list for spare parts"])
    sheet.append([unit])
    sheet.append([])
    sheet.append(["Article", "Part number", "List price", "Dealer price", "Weight", "Stock"])
    sheet.append(["", "", "(per piece)", "(per piece)", "(g)", "(pieces)"])
    questions = []
    articles = [f"{adjective} {thing}" for adjective in ADJECTIVES for thing in THINGS]
    chance.shuffle(articles)
    headers = ("List price / (per piece)", "Dealer price / (per piece)", "Weight / (g)",
               "Stock / (pieces)")  # fmt: skip
    phrases = ("is the list price of", "is the dealer price of", "is the weight of",
               "is the stock of")  # fmt: skip
    for at, article in enumerate(articles):
        numbers = [str(next(values)) for _ in headers]
        sheet.append([article, f"P-{at:03}", *map(int, numbers)])
        questions += [
            TableQuestion(
                f"What {phrase} the {article.lower()} of {company}?",
                name, article, value, (header, unit),
            )
            for phrase, header, value in zip(phrases, headers, numbers, strict=True)
        ]  # fmt: skip
    return questions
