"""The ward board: a web page for a site's staff, a process of its own.

It is a recipient like any other (role `board`): it opens the units' records itself and keeps none of them. What stands
of alerts it reads from the gateway's file; what people do goes back through the folder `acts/`, signed with the board's
key and with the name of whoever is logged in. So a gateway that is down takes the alerts away, and no room.
"""
