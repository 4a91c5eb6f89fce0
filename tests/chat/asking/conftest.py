from __future__ import annotations

from tests.chat.conftest import nobody_else_answers, stub

__all__ = ["nobody_else_answers", "stub"]
