"""A real Home Assistant with nothing but its MQTT integration. Runs under its own Python: `driver.py FOLDER PORT`.

Each line on standard input is answered by one line of JSON: every entity with its state and attributes, and the
devices. The line `check` reads discovery payloads (a JSON list of strings) from the next line instead, and answers what
Home Assistant's own schemas say against each. With port 0 it connects to nothing, and only checks.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path
from types import MappingProxyType

import voluptuous as vol
from homeassistant import config_entries, core, loader
from homeassistant.components.mqtt import binary_sensor, event, sensor
from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA, SHARED_OPTIONS
from homeassistant.helpers import (
    area_registry,
    category_registry,
    device_registry,
    entity,
    entity_registry,
    floor_registry,
    frame,
    issue_registry,
    label_registry,
    restore_state,
    translation,
)

PLATFORMS = {"binary_sensor": binary_sensor, "event": event, "sensor": sensor}


async def start(folder: str, port: int) -> core.HomeAssistant:
    """Port 0: without the integration, and so without a broker."""
    Path(folder, "configuration.yaml").touch()
    hass = core.HomeAssistant(folder)
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    entity.async_setup(hass)
    translation.async_setup(hass)
    await hass.config_entries.async_initialize()
    for registry in (area_registry, category_registry, floor_registry, label_registry):
        await registry.async_load(hass)
    for registry in (device_registry, entity_registry, issue_registry, restore_state):
        await registry.async_load(hass)
    hass.config.skip_pip = True
    frame.async_setup(hass)
    # Of the web server and uploads, which MQTT names as its dependencies, nothing is used here.
    hass.config.components |= {"http", "file_upload"}
    if not port:
        return hass
    if kept := hass.config_entries.async_entries("mqtt"):
        await hass.config_entries.async_setup(kept[0].entry_id)
        await hass.async_start()
        return hass
    entry = config_entries.ConfigEntry(
        data={"broker": "127.0.0.1", "port": port},
        discovery_keys=MappingProxyType({}),
        domain="mqtt",
        minor_version=2,
        options={},
        source="user",
        subentries_data=None,
        title="broker",
        unique_id=None,
        version=1,
    )
    await hass.config_entries.async_add(entry)
    await hass.async_start()
    return hass


def shown(hass: core.HomeAssistant) -> dict:
    states = {
        state.entity_id: {"state": state.state} | dict(state.attributes) for state in hass.states.async_all()
    }
    registry = entity_registry.async_get(hass)
    devices = device_registry.async_get(hass).devices.values()
    return {
        "states": {
            registry.async_get(name).unique_id: value
            for name, value in states.items()
            if registry.async_get(name)
        },
        "devices": sorted(name for device in devices for _, name in device.identifiers),
    }


def judged(payload: str) -> str:
    """What is wrong with a discovery payload; empty where nothing is."""
    try:
        whole = json.loads(payload)
        DEVICE_DISCOVERY_SCHEMA(json.loads(payload))
        for component in whole["components"].values():
            if len(component) > 1:
                shared = {key: whole[key] for key in SHARED_OPTIONS if key in whole} | component
                platform = shared.pop("platform")
                # Home Assistant itself drops what a platform does not know; here it is a mistake.
                strict = PLATFORMS[platform].PLATFORM_SCHEMA_MODERN
                strict(shared | {"device": whole["device"], "origin": whole["origin"]})
    except (vol.Invalid, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


async def main() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    hass = await start(sys.argv[1], int(sys.argv[2]))
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "check":
            payloads = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
            print(json.dumps([judged(payload) for payload in payloads]), flush=True)
        else:
            await hass.async_block_till_done(wait_background_tasks=False)
            print(json.dumps(shown(hass), default=str), flush=True)
    await hass.async_stop(force=True)


asyncio.run(main())
