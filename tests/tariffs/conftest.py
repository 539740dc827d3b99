from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tariffs import compile_book, load_book

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "samples" / "shop" / "book"
GOLDEN = ROOT / "tests" / "cases" / "golden_book"


@pytest.fixture(scope="session")
def shop() -> Book:
    return load_book(SHOP)


@pytest.fixture(scope="session")
def compiled(shop: Book) -> CompiledBook:
    return compile_book(shop)
