"""The manager's page of who may log in. What it does, `stillroom site people` does too."""

from starlette.requests import Request
from starlette.responses import Response

from stillroom.errors import ConfigError
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.roles import ROLES
from stillroom_tools.site.board.sessions import Session


class PeoplePage:
    """Add, remove, reset. A token is shown once, on the page that answers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        if request.method != "POST":
            return self._show(self._desk.needs(request, "people"))
        session, fields = await self._desk.form(request, "people")
        name = fields.get("name", "").strip().lower()
        try:
            token, said = await self._do(session, fields.get("do", ""), name, fields)
        except ConfigError as error:
            return self._show(session, fault=f"{error}.", status=400)
        return self._show(session, token=token, name=name, said=said)

    async def _do(self, session: Session, do: str, name: str, fields: dict[str, str]) -> tuple[str, str]:
        """A token where there is a new one, and what was done in words. Raises ConfigError."""
        people = self._desk.people
        if do == "add":
            roles = tuple(role for role in ROLES if f"role-{role}" in fields)
            people.check_new(name, roles)
            await self._desk.write(session.name, "person-add", f"{name} {'/'.join(roles)}")
            return people.add(name, roles), f"{name} is added."
        if do not in ("reset", "remove"):
            raise ConfigError("add, reset and remove are what can be done here")
        if name == session.name:
            raise ConfigError("nobody resets or removes himself here: another manager does")
        people.there(name)
        await self._desk.write(session.name, f"person-{do}", name)
        if do == "reset":
            return people.reset(
                name
            ), f"{name} sets a new password and phone; what was logged in is logged out."
        people.remove(name)
        return "", f"{name} is removed, and logged out."

    def _show(
        self,
        session: Session,
        *,
        token: str = "",
        name: str = "",
        said: str = "",
        fault: str = "",
        status: int = 200,
    ) -> Response:
        return self._desk.page(
            "people.html",
            session,
            status,
            people=self._desk.people.all(),
            token=token,
            name=name,
            said=said,
            fault=fault,
        )
