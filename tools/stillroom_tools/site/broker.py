"""What a site's broker needs: configuration and access list of a mosquitto of its own, and lines for one that is there.

The access list names no unit: a pattern gives each client certificate its own two topics, so that a new unit needs no
change at the broker. What is delivered is checked again by signature; the list keeps units from crowding others.
The lines for EMQX say the same in its words.
"""

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from stillroom_tools.site.layout import SiteConfig

_CONF = """\
# mosquitto for the Stillroom site '{site}'. All that it reads is in this folder, which can be moved whole:
# then correct the paths below. Start: mosquitto -c {folder}/mosquitto.conf
# Started as root, mosquitto first becomes this user, who must be able to read the files here.
user {user}

listener {port}
{security}
persistence_location {folder}/
{keeping}
log_dest stderr
log_type error
log_type warning
log_type notice
"""
_KEEPING = """\
# A default mosquitto loses every queued message when it is killed; this writes its sessions on each change.
persistence true
autosave_interval 1
autosave_on_changes true

# The default of 1,000 drops what a slow gateway has not taken. Units send again what the gateway has not
# confirmed, so the queue need not be endless: 20,000 records are 40 MB for each client.
max_queued_messages 20000
message_size_limit 65536
max_packet_size 65536
set_tcp_nodelay true
"""
_LISTENER = """\
tls_version tlsv1.3
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server-key.pem
"""
_WHO = """\
# A client is who its certificate says.
allow_anonymous false
require_certificate true
use_identity_as_username true
"""
_TLS = _LISTENER + "\n" + _WHO + "acl_file {folder}/acl\n"
_PLAIN = """\
# Without TLS anybody who reaches this port may read (sealed) records and send (refused) ones: for a laptop only.
allow_anonymous true
"""
_LINES = """\
# Lines for a mosquitto that is there already, for the Stillroom site '{site}': put them into its configuration.
# They are for the whole broker: look at each beside what stands there, and correct the path of the access list.
# That names clients by user name, which is the common name of a certificate, or a login.
{keeping}
acl_file {folder}/acl

# Under the listener that units, gateway and boards use, where they come by certificate (`SITE/ca/ca.pem` as cafile):
#tls_version tlsv1.3
{who}"""
SHUT_OUT = "# What follows is written by `stillroom make`: units that were taken out of the site."
_ACL = """\
# Site '{site}': each unit its own topics; the gateway hears all and answers; boards (views too) and advocates hear.
user gateway
topic read stillroom/1/{site}/+/up
topic write stillroom/1/{site}/+/down
topic deny stillroom/1/{site}/gateway/up
topic deny stillroom/1/{site}/gateway/view

user board
topic read stillroom/1/{site}/+/up
topic read stillroom/1/{site}/+/view
topic deny stillroom/1/{site}/board/up

user advocate
topic read stillroom/1/{site}/+/up
topic deny stillroom/1/{site}/advocate/up
topic deny stillroom/1/{site}/advocate/view

pattern write stillroom/1/{site}/%u/up
pattern write stillroom/1/{site}/%u/view
pattern read stillroom/1/{site}/%u/down
"""
_EMQX = """\
# Lines for EMQX 5, for the Stillroom site '{site}': put them into emqx.conf beside what stands there.
# Written from EMQX's documentation and never run with it here: `stillroom site connect` says whether they hold.
mqtt {{
  # A client is who its certificate says; leave this out where it comes with a login.
  peer_cert_as_username = cn
  max_packet_size = 64KB
  session_expiry_interval = 24h
  # 20,000 records are 40 MB for each client.
  max_mqueue_len = 20000
  shared_subscription = true
}}
listeners.ssl.default {{
  ssl_options {{
    versions = ["tlsv1.3"]
    # Of the site: SITE/ca/ca.pem
    cacertfile = "{folder}/ca.pem"
    verify = verify_peer
    fail_if_no_peer_cert = true
  }}
}}
# Sessions that outlive a restart of the node (from 5.7 on).
durable_sessions.enable = true
authorization {{
  no_match = deny
  deny_action = ignore
  sources = [{{ type = file, enable = true, path = "{folder}/emqx-acl.conf" }}]
}}
"""
_EMQX_ACL = """\
%% Site 'SITE': each unit its own topics; the gateway hears all and answers; boards (views too) and advocates hear.
{deny, {username, {re, "^(gateway|board|advocate)$"}}, publish, ["stillroom/1/SITE/${username}/up"]}.
{deny, {username, {re, "^(gateway|advocate)$"}}, publish, ["stillroom/1/SITE/${username}/view"]}.
{allow, {username, {re, "^(gateway|board|advocate)$"}}, subscribe, ["stillroom/1/SITE/+/up"]}.
{allow, {username, "board"}, subscribe, ["stillroom/1/SITE/+/view"]}.
{allow, {username, "gateway"}, publish, ["stillroom/1/SITE/+/down"]}.
{allow, all, publish, ["stillroom/1/SITE/${username}/up"]}.
{allow, all, publish, ["stillroom/1/SITE/${username}/view"]}.
{allow, all, subscribe, ["stillroom/1/SITE/${username}/down"]}.
{deny, all}.
"""


def mosquitto_conf(config: SiteConfig, folder: Path) -> str:
    """`mosquitto.conf` for a site whose broker folder is `folder`."""
    security = (_TLS if config.broker.tls else _PLAIN).format(folder=folder)
    user = pwd.getpwuid(os.geteuid()).pw_name
    return _CONF.format(
        site=config.site,
        folder=folder,
        port=config.broker.port,
        user=user,
        security=security,
        keeping=_KEEPING,
    )


def mosquitto_lines(site: str, folder: Path) -> str:
    """For a mosquitto of the facility's own; `folder` has the access list."""
    who = "".join(f"#{line}\n" for line in _WHO.splitlines() if not line.startswith("#"))
    return _LINES.format(site=site, folder=folder, keeping=_KEEPING, who=who)


def mosquitto_acl(site: str) -> str:
    """The access list of a site."""
    return _ACL.format(site=site)


def mosquitto_shut_out(site: str, units: Iterable[str]) -> str:
    """What follows the access list: units that may say and hear nothing any more; empty where there are none."""
    rows = "".join(f"\nuser {unit}\ntopic deny stillroom/1/{site}/#\n" for unit in units)
    return f"{SHUT_OUT}\n{rows}" if rows else ""


def emqx_conf(site: str, folder: Path) -> str:
    """Lines for the `emqx.conf` of EMQX 5; `folder` has the access list."""
    return _EMQX.format(site=site, folder=folder)


def emqx_acl(site: str, shut_out: Iterable[str] = ()) -> str:
    """The access list of a site as EMQX 5 reads it: the first rule that fits counts."""
    head, _, rules = _EMQX_ACL.replace("SITE", site).partition("\n")
    denied = "".join(f'{{deny, {{username, "{unit}"}}, all, ["#"]}}.\n' for unit in shut_out)
    return f"{head}\n{denied}{rules}"
