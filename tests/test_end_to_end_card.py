"""A unit over restarts, with a card put back, at a broker that refuses: what it is told, and who is alarmed."""

import shutil
from base64 import b64decode

from stillroom_tools.lab.demo_unit import DemoUnit
from tests.live import LiveSite, command, until


def stop(unit: DemoUnit) -> None:
    unit.ask_to_stop()
    unit.wait()


def receipts(live: LiveSite) -> int:
    live.take()
    return sum(line.event["type"] == "receipt" and line.event["kind"] == "withdrawal" for line in live.lines)


def test_a_card_put_back_does_not_live_on_with_a_withdrawn_authorisation(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: unit.status().gate == "open", "an open gate")
    until(lambda: live.has("gate", gate="open"), "and that at the other end")
    stop(unit)
    copy = live.folder / "copy"
    shutil.copytree(unit.folder, copy, symlinks=True)

    unit.start()
    until(lambda: unit.status().gate == "open", "an open gate again")
    withdraw = ("site", "authorise", "withdraw", unit.name, "--site", live.site, "--send")
    command(*withdraw)
    until(lambda: unit.status().gate == "withdrawn", "the withdrawal at the unit")
    until(lambda: receipts(live) == 1, "its receipt")
    stop(unit)
    shutil.rmtree(unit.folder)
    copy.rename(unit.folder)

    unit.start()
    until(lambda: unit.status().gate == "open", "the control: the card knows of no withdrawal")
    until(lambda: unit.status().gate == "withdrawn", "a closed gate, though nobody did anything")
    until(lambda: live.pid_of(unit, "eye") is None, "no eye")
    until(lambda: "ALARM: unit unit-1: cloned" in live.logs(), "the alarm: its records are refused")
    stop(unit)

    unit.start()
    until(lambda: receipts(live) > 1, "its word under a number that nobody had yet")
    before = receipts(live)
    command(*withdraw)
    until(lambda: receipts(live) > before, "the receipt of what was sent once more")
    assert unit.status().gate == "withdrawn"
    assert "Traceback" not in live.logs()


def test_a_card_put_back_that_starts_under_a_new_number_is_told_too(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: live.has("gate", gate="open"), "an open gate")
    stop(unit)
    copy = live.folder / "copy"
    shutil.copytree(unit.folder, copy, symlinks=True)
    # Withdrawn in the unit's own folder: the gateway never carried it.
    command("site", "authorise", "withdraw", unit.folder, "--site", live.site)
    shutil.rmtree(unit.folder)
    copy.rename(unit.folder)

    unit.start()
    until(lambda: unit.status().gate == "withdrawn", "a closed gate")
    until(lambda: receipts(live) == 1, "its receipt")
    assert "ALARM" not in live.logs()


def test_an_orderly_restart_is_no_alarm(live: LiveSite):
    unit = live.add_unit()
    live.start()
    for start in range(4):
        until(
            lambda start=start: starts(live) == start + 1, f"the link of start {start + 1} at the other end"
        )
        if start < 3:
            stop(unit)
            unit.start()
    assert "ALARM" not in live.logs()


def starts(live: LiveSite) -> int:
    """How many links of the audit chain say that the unit began."""
    live.take()
    bodies = (b64decode(line.event["body"]) for line in live.lines if line.event["type"] == "audit")
    return sum(b'"what":"start"' in body for body in bodies)


def test_a_broker_that_lets_a_unit_say_nothing_is_named_with_the_line_of_its_acl(live: LiveSite):
    acl = live.site / "broker/acl"
    acl.write_text(acl.read_text().replace("pattern write stillroom/1/test/%u/up\n", ""))
    unit = live.add_unit()
    live.start()
    until(lambda: "refuses what we say" in unit.status().network, "the refusal in the unit's status")
    wanted = (
        "refuses what we say (Not authorized): it wants `pattern write stillroom/1/test/%u/up` in its acl"
    )
    assert wanted in unit.status().network and unit.status().connected
    accepted = unit.status().accepted
    unit.press_button()
    until(lambda: unit.status().accepted > accepted, "more to say")
    assert live.logs().count(wanted) == 1, "one line, not one for each record"
    assert not live.has("gate")
