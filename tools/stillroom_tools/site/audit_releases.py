"""What an audit chain says of recordings under a release, in words."""

from typing import Any

_WHY = {
    "not-installed": "this unit has no software for recordings",
    "signer": "it is not signed by two people who may",
    "signature": "a signature is not right",
    "unit": "it is for another unit",
    "file": "its file could not be read, or has another name",
    "form": "it is no signed document",
    "custodian": "the list of who may receive names no such custodian, or with another key",
    "room": "it is for another room than the camera is authorised for",
    "not-authorised": "the room's authorisation allows no recording",
    "space": "there is not enough space for all that it may take",
    "used-up": "it has taken as much space as it may",
    "indicator": "the light did not work",
    "full": "there are too many releases at the unit, or they could not be read",
}
_HOW = {
    "over": "its time was over",
    "withdrawn": "it was taken back",
    "used-up": "it had taken as much space as it may",
    "card-full": "there was no space left",
    "card-failing": "the storage failed",
    "card-slow": "the storage was too slow",
    "camera-closed": "the camera's part had stopped",
    "stop": "the unit was switched off",
    "interrupted": "the unit had lost its power, or was stopped by force",
    "paused": "somebody had paused the camera",
    "halted": "the facility had halted the camera",
}
"""Any other is the reason for which the camera was off."""


def sentence(said: dict[str, Any]) -> str | None:
    """Of a link about releases; None for another."""
    name, why, how = said.get("release"), str(said.get("why")), str(said.get("how"))
    file = f"file {said.get('file')} of release {name}"
    words = {
        "release-seen": (
            f"A release to record was accepted ({name}, because: {said.get('purpose')}; for {said.get('custodian')}; "
            f"until {said.get('until')})"
        ),
        "release-refused": f"A release to record was not carried out ({name}): {_WHY.get(why, why)}",
        "release-withdrawn": f"A release to record was taken back ({name})",
        "release-started": (
            f"A recording began ({file}, {said.get('level')} a second, signed by {said.get('by')}); the light showed "
            "it first"
        ),
        "release-ended": (
            f"A recording ended ({file}, {said.get('chunks')} seconds of pictures): "
            f"{_HOW.get(how, f'the camera was off: {how}')}"
        ),
        "release-no-pictures": f"For half a minute no picture came, though it was recorded ({file})",
        "release-deleted": (
            f"What was recorded was deleted (release {name}, {said.get('files')} files, {said.get('mb')} MB): "
            + ("its time was over" if why == "expired" else "nobody knew until when it might be kept")
        ),
        "release-not-deleted": f"What was recorded could not be deleted (release {name}), though its time was over",
        "releases-stranded": "There are recordings on this unit, and no software that deletes them in their time",
    }
    return words.get(str(said.get("what")))
