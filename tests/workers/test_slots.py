from __future__ import annotations

from workers.slots import Slots


def test_slots_are_limited_and_come_back() -> None:
    slots = Slots(2)
    assert slots.enter()
    assert slots.enter()
    assert not slots.enter()


def test_a_wake_up_that_finds_all_busy_makes_one_look_again() -> None:
    slots = Slots(1)
    assert slots.enter()
    assert not slots.enter()
    assert not slots.leave()
    assert slots.leave()
    assert slots.enter()


def test_an_abandoned_slot_comes_back() -> None:
    slots = Slots(1)
    assert slots.enter()
    slots.abandon()
    assert slots.enter()
