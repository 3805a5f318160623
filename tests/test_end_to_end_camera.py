"""A camera that is knocked aside: real processes; sensing stops, and a signature lets it go on."""

from tests.live import LiveSite, command, until


def test_a_knocked_camera_is_off_until_somebody_accepts_its_view(live: LiveSite) -> None:
    unit = live.add_unit()
    live.start()
    # By then the view is known: that takes five seconds of pictures.
    until(lambda: live.has("state", state="in-bed"), "somebody in bed")
    unit.act("knock")
    until(lambda: live.has("gate", gate="camera-moved"), "the knock at the other end")
    until(lambda: live.pid_of(unit, "eye") is None, "no eye that looks at another view", within_s=1.0)
    live.kill(unit, "keeper")
    until(lambda: unit.status().gate == "camera-moved", "a keeper that remembers it")

    command("site", "accept-view", unit.folder, "--site", live.site)
    until(lambda: unit.status().gate == "open", "the gate open again")
    until(lambda: live.pid_of(unit, "eye"), "an eye")
    live.settle()
    account = live.ledger.account(unit.name)
    assert account.delivered == set(range(1, account.accepted + 1)) and account.doubled == 0
    assert live.has("condition", kind="camera-moved", active=True)
    assert "Traceback" not in live.logs()
