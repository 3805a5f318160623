"""A unit as a factory has it before any site does: keys and a configuration, a test stand for a camera."""

from pathlib import Path

from stillroom.keys import KeyRing, save_keys

PHANTOM = "pulse_bpm = 72.0\nbreaths_per_min = 18.0\nedge = [0.02, 0.3, 0.24, 0.55]\n"
CAMERA = """[camera]
kind = "stand"
source = "phantom.toml"
cues = "faults.toml"
speed = "max"
width_px = 160
height_px = 128
frames_per_s = 15.0
"""


def factory_unit(
    folder: Path, phantom: str = PHANTOM, faults: str = "", more: str = "", models: str = ""
) -> Path:
    """Its `unit.toml`. faults: of the stand's camera, as TOML; more: tables of the configuration."""
    for name in ("keys", "trust", "state", "run", "models"):
        (folder / name).mkdir(parents=True, mode=0o700)
    save_keys(folder / "keys" / "unit.key", KeyRing.generate("fab", "unit", "u-1"))
    (folder / "phantom.toml").write_text(phantom)
    (folder / "faults.toml").write_text(faults)
    config = folder / "unit.toml"
    head = f'site = "fab"\nunit = "u-1"\nprofile = "lab"\n{CAMERA}[detector]\nmodels = "{models}"\n'
    config.write_text(head + (more or '[panel]\nkind = "file"\n'))
    return config
