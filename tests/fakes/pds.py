"""A Bluesky server with bad habits.

`plan` says what becomes of the coming posts, one after the other: "drop" takes it and cuts the
line, "lost" cuts it and takes nothing, "500" takes it and answers 500; "garbage" takes it and
answers no sense; other numbers are answered, and nothing is taken.
"""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from sandbox.pds import LoopbackPds

PUT = "/xrpc/com.atproto.repo.putRecord"


class FakePds(LoopbackPds):
    """The sandbox's server, told to fail."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        super().__init__(accounts)
        self.plan: list[str] = []
        self.seen: list[str] = []  # methods, as they came

    async def respond(
        self, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """Do what is planned for posts, and answer anything else."""
        self.seen.append(request.path.rpartition(".")[2])
        habit = self.plan.pop(0) if request.path == PUT and self.plan else ""
        if habit in ("drop", "500", "garbage"):
            await answer()
        if habit in ("drop", "lost"):
            assert request.transport
            request.transport.abort()
            return web.Response()
        if habit == "garbage":
            return web.Response(text="<html>")
        if habit == "429":
            said = {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
            return web.json_response(said, status=429)
        if habit:
            return web.json_response({"error": "X", "message": "told to fail"}, status=int(habit))
        return await answer()
