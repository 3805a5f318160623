"""`stillroom site ...`: what a facility does."""

import argparse

from stillroom_tools import subcommands

HELP = "a facility's side: keys, authorisations, gateway, watch"

_COMMANDS = {
    "new": (
        "stillroom_tools.site.new",
        "make a site: authority, certificates, gateway, board, roster, broker",
    ),
    "connect": (
        "stillroom_tools.site.connect.main",
        "what a broker gives a site, by trying; and the lines that it needs",
    ),
    "renew": ("stillroom_tools.site.renew", "a roster for another year, with new keys for gateway and board"),
    "authorise": ("stillroom_tools.site.authorise", "let a unit sense a room; renew it, take it back"),
    "approver": ("stillroom_tools.site.approver", "people who must sign authorisations too"),
    "advocate": (
        "stillroom_tools.site.advocate",
        "who is told the newest head of each audit chain, and can tell a shortened one",
    ),
    "halt": ("stillroom_tools.site.halt", "close the camera of a unit, or of the whole site, until resumed"),
    "pause": ("stillroom_tools.site.pause", "close the camera of a unit for a while"),
    "resume": ("stillroom_tools.site.resume", "end what halt and pause began"),
    "acknowledge": ("stillroom_tools.site.acknowledge", "let it be kept that somebody has seen an entry"),
    "alerts": ("stillroom_tools.site.alerts", "the alerts that stand; acknowledge, pause or attend them"),
    "configure": ("stillroom_tools.site.configure", "change what may be changed of a unit from afar"),
    "audit": (
        "stillroom_tools.site.audit",
        "what was done with the camera, and that the record of it is whole",
    ),
    "evidence": (
        "stillroom_tools.site.evidence",
        "what units were allowed to do and did, as one signed file",
    ),
    "fhir": (
        "stillroom_tools.site.fhir.command",
        "breathing and pulse as FHIR R4 Observations, from what the gateway has kept",
    ),
    "subject": (
        "stillroom_tools.site.rights.command",
        "a copy of what is kept of a room, or erase it: with a signed receipt",
    ),
    "export": (
        "stillroom_tools.site.disclosure.command",
        "counts for a purpose as CSV, where attacks on it gain little over chance",
    ),
    "report": ("stillroom_tools.site.report.command", "a room's day as a picture"),
    "accept-view": ("stillroom_tools.site.accept_view", "let a unit sense again whose camera was moved"),
    "gateway": ("stillroom_tools.site.gateway.main", "receive, keep and acknowledge what the units say"),
    "board": ("stillroom_tools.site.board.main", "the ward board: a web page, for people who log in"),
    "people": ("stillroom_tools.site.board.commands", "who may log in to the ward board, and what they did"),
    "home-assistant": (
        "stillroom_tools.site.home_assistant.main",
        "tell Home Assistant of the rooms, in clear, where site.toml says so",
    ),
    "signer": (
        "stillroom_tools.site.signer",
        "viewers, who may ask to look, managers, who sign the rules for it, and custodians of recordings",
    ),
    "view-policy": ("stillroom_tools.site.view_policy", "a manager's rules for looks into rooms"),
    "view": ("stillroom_tools.site.view.command", "look into a room: brief, announced and kept"),
    "release": (
        "stillroom_tools.site.release.command",
        "recordings for a purpose, sealed to a custodian; and opening them",
    ),
    "intruder": (
        "stillroom_tools.site.intruder.command",
        "attack what a view gives away; a report of what was found",
    ),
    "units": ("stillroom_tools.site.units", "each unit's own health: heat, frames, card, software, settings"),
    "watch": ("stillroom_tools.site.watch", "a live table of the rooms"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subcommands.add(parser, _COMMANDS)


def run(options: argparse.Namespace) -> int:
    return subcommands.run(options, _COMMANDS)
