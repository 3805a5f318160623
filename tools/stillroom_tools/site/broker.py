"""What a site's mosquitto needs: its configuration and its access list.

The access list names no unit: a pattern gives each client certificate its own two topics, so that a new unit needs no
change at the broker. What is delivered is checked again by signature; the list keeps units from crowding others.
"""

import os
import pwd
from pathlib import Path

from stillroom_tools.site.layout import SiteConfig

_CONF = """\
# mosquitto for the Stillroom site '{site}'. All that it reads is in this folder, which can be moved whole:
# then correct the paths below. Start: mosquitto -c {folder}/mosquitto.conf
# Started as root, mosquitto first becomes this user, who must be able to read the files here.
user {user}

listener {port}
{security}
# A default mosquitto loses every queued message when it is killed; this writes its sessions on each change.
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true

# The default of 1,000 drops what a slow gateway has not taken. Units send again what the gateway has not
# confirmed, so the queue need not be endless: 20,000 records are 40 MB for each client.
max_queued_messages 20000
message_size_limit 65536
max_packet_size 65536
set_tcp_nodelay true

log_dest stderr
log_type error
log_type warning
log_type notice
"""
_TLS = """\
tls_version tlsv1.3
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server-key.pem

# A client is who its certificate says.
allow_anonymous false
require_certificate true
use_identity_as_username true
acl_file {folder}/acl
"""
_PLAIN = """\
# Without TLS anybody who reaches this port may read (sealed) records and send (refused) ones: for a laptop only.
allow_anonymous true
"""
_ACL = """\
# Site '{site}': each unit its own two topics; the gateway hears all and answers; boards and advocates hear.
user gateway
topic read stillroom/1/{site}/+/up
topic write stillroom/1/{site}/+/down
topic deny stillroom/1/{site}/gateway/up

user board
topic read stillroom/1/{site}/+/up
topic deny stillroom/1/{site}/board/up

user advocate
topic read stillroom/1/{site}/+/up
topic deny stillroom/1/{site}/advocate/up

pattern write stillroom/1/{site}/%u/up
pattern read stillroom/1/{site}/%u/down
"""


def mosquitto_conf(config: SiteConfig, folder: Path) -> str:
    """`mosquitto.conf` for a site whose broker folder is `folder`."""
    security = (_TLS if config.broker.tls else _PLAIN).format(folder=folder)
    user = pwd.getpwuid(os.geteuid()).pw_name
    return _CONF.format(
        site=config.site, folder=folder, port=config.broker.port, user=user, security=security
    )


def mosquitto_acl(config: SiteConfig) -> str:
    """The access list of a site."""
    return _ACL.format(site=config.site)
