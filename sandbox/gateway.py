"""The gateway: v10 over a websocket, JSON, plain or in one zlib or zstd stream.

A session outlives its connection: it keeps the events meanwhile, and RESUME replays them. Events
go only to sessions whose intents cover them. Close codes are Discord's own.
"""

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from aiohttp import WSMsgType, web

from sandbox import objects
from sandbox.objects import APP_ID, GENERAL_ID, GUILD_ID, Json
from sandbox.world import ChatMessage, World

MAX_PAYLOAD = 4096  # bytes a client may send at once
KEPT_EVENTS = 2000
SHUTDOWN_S = 0.2  # how long a client may take to answer a close
ACK_DELAY_S = 0.02


class Op(IntEnum):
    """Gateway opcodes."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


GUILDS, GUILD_MESSAGES, GUILD_REACTIONS = 1 << 0, 1 << 9, 1 << 10
DIRECT_MESSAGES, DIRECT_REACTIONS, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 15
PRIVILEGED_BITS = 1 << 1 | 1 << 8 | MESSAGE_CONTENT
KNOWN_INTENTS = (1 << 26) - 1
# Event -> the intent it needs in the guild, in a DM. An event that is not here needs none.
NEEDED_INTENT = {
    "GUILD_CREATE": (GUILDS, GUILDS),
    "MESSAGE_CREATE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_UPDATE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_DELETE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_REACTION_ADD": (GUILD_REACTIONS, DIRECT_REACTIONS),
    "MESSAGE_REACTION_REMOVE": (GUILD_REACTIONS, DIRECT_REACTIONS),
    "MESSAGE_REACTION_REMOVE_ALL": (GUILD_REACTIONS, DIRECT_REACTIONS),
}


class Closed(Exception):
    """The server ends this connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One websocket with its outbox: sends in order, and compresses if the client wants it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        compression: str | None,
    ) -> None:
        self.socket = socket
        self.transport = transport
        self._outbox: asyncio.Queue[Json] = asyncio.Queue()
        self._compress = _compressor(compression)

    def send(self, payload: Json) -> None:
        """Put a payload into the outbox."""
        self._outbox.put_nowait(payload)

    def say(self, op: Op, data: object = None) -> None:
        """Send a payload that is no event."""
        self.send({"op": op, "d": data, "s": None, "t": None})

    async def write(self) -> None:
        """Send the outbox until the line is cut."""
        while True:
            raw = json.dumps(await self._outbox.get()).encode()
            try:
                if self._compress:
                    await self.socket.send_bytes(self._compress(raw))
                else:
                    await self.socket.send_str(raw.decode())
            except ConnectionError:
                return


def _partial_member(user: Json) -> Json:
    """A message's author as a member, without the user, which stands in `author`."""
    return {key: value for key, value in objects.member(user).items() if key != "user"}


def _compressor(compression: str | None) -> Callable[[bytes], bytes] | None:
    """Turns each payload into the next piece of one continuous stream; None sends text."""
    if compression == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda raw: deflate.compress(raw) + deflate.flush(zlib.Z_SYNC_FLUSH)
    if compression == "zstd-stream":
        import zstandard  # noqa: PLC0415  a client that asks for it has it

        frame = zstandard.ZstdCompressor().compressobj()
        return lambda raw: frame.compress(raw) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return None


@dataclass(slots=True)
class GatewaySession:
    """A bot's session; it has no connection while the bot is away."""

    id: str
    intents: int
    connection: Connection | None
    seq: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))

    def dispatch(self, event: str, data: Json) -> None:
        """Number an event, keep it for a RESUME, send it if the bot is there."""
        self.seq += 1
        payload = {"op": Op.DISPATCH, "t": event, "s": self.seq, "d": data}
        self.events.append(payload)
        if self.connection:
            self.connection.send(payload)

    def replay(self, after: int, connection: Connection) -> bool:
        """Send the missed events; False if some are gone."""
        if after > self.seq or (self.events and after < self.events[0]["s"] - 1):
            return False
        self.connection = connection
        for payload in self.events:
            if payload["s"] > after:
                connection.send(payload)
        self.dispatch("RESUMED", {"_trace": []})
        return True


class Gateway:
    """All sessions and connections of the bot."""

    def __init__(
        self, world: World, token: str, *, heartbeat_s: float, approved_intents: int
    ) -> None:
        self.sessions: dict[str, GatewaySession] = {}
        self.received: list[tuple[int, object]] = []  # opcode and data of all the bot sent
        self.copies: dict[str, int] = {}  # times an event is sent: 0 loses it, 2 repeats it
        self.resume_url = ""
        self._world = world
        self._token = token
        self._heartbeat_s = heartbeat_s
        self._approved_intents = approved_intents
        self._connections: set[Connection] = set()

    @property
    def is_ready(self) -> bool:
        """A bot has identified and is connected."""
        return any(session.connection for session in self.sessions.values())

    def dispatch(self, event: str, data: Json, *, author_id: str | None = None) -> None:
        """Send an event to every session whose intents cover it.

        `author_id` is given for messages: without the message content intent, a bot reads what
        others wrote only in its DMs.
        """
        in_guild, in_dm = NEEDED_INTENT.get(event, (0, 0))
        is_in_guild = "guild_id" in data
        needed = in_guild if is_in_guild else in_dm
        for session in self.sessions.values():
            if needed and not session.intents & needed:
                continue
            hides = is_in_guild and author_id not in (None, APP_ID)
            hidden = {"content": "", "embeds": [], "attachments": [], "components": []}
            shown = data | hidden if hides and not session.intents & MESSAGE_CONTENT else data
            for _ in range(self.copies.get(event, 1)):
                session.dispatch(event, shown)
        self._world.pulse.beat()

    def announce(self, event: str, message: ChatMessage) -> None:
        """Announce a new or changed message, unless it is ephemeral."""
        if message.only_for:
            return
        data, author = self._world.wire(message), message.data["author"]
        if data["channel_id"] == GENERAL_ID:  # in a DM both keys are absent, never null
            data = data | {"guild_id": GUILD_ID, "member": _partial_member(author)}
        self.dispatch(event, data, author_id=author["id"])

    def announce_gone(self, message: ChatMessage) -> None:
        """Announce a deleted message."""
        if message.only_for:
            return
        gone = {"id": message.id, "channel_id": message.data["channel_id"]}
        if gone["channel_id"] == GENERAL_ID:
            gone["guild_id"] = GUILD_ID
        self.dispatch("MESSAGE_DELETE", gone)

    def announce_reaction(self, event: str, message: ChatMessage, user: Json, key: str) -> None:
        """Announce a reaction that was added or removed."""
        data: Json = {
            "user_id": user["id"],
            "channel_id": message.data["channel_id"],
            "message_id": message.id,
            "emoji": objects.emoji(key),
            "type": 0,
            "burst": False,
        }
        is_new = event == "MESSAGE_REACTION_ADD"
        if is_new:
            data["message_author_id"] = message.data["author"]["id"]
        if data["channel_id"] == GENERAL_ID:
            data["guild_id"] = GUILD_ID
            if is_new:
                data["member"] = objects.member(user)
        self.dispatch(event, data)

    async def drop(self, code: int = 4000) -> None:
        """Close every connection with this code; the sessions can be resumed."""
        for session in self.sessions.values():
            session.connection = None
        for connection in list(self._connections):
            await connection.socket.close(code=code)

    def cut(self) -> None:
        """Break every connection without a word (the client sees 1006)."""
        for session in self.sessions.values():
            session.connection = None
        for connection in list(self._connections):
            if connection.transport:
                connection.transport.abort()

    def ask_to_reconnect(self) -> None:
        """Send op 7, as Discord does before it moves a connection."""
        for connection in self._connections:
            connection.say(Op.RECONNECT)

    def invalidate(self, *, is_resumable: bool) -> None:
        """Send op 9: the bot must resume the session on another connection, or it is gone."""
        if not is_resumable:
            self.sessions.clear()
        for connection in self._connections:
            connection.say(Op.INVALID_SESSION, is_resumable)

    def forget_sessions(self) -> None:
        """Drop all sessions: a RESUME now gets op 9, and the client identifies anew."""
        self.sessions.clear()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from HELLO to its close."""
        socket = web.WebSocketResponse(timeout=SHUTDOWN_S, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = Connection(socket, request.transport, request.query.get("compress"))
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if request.query.get("v") != "10":
                raise Closed(4012, "Invalid API version.")
            await self._converse(connection)
        except Closed as end:
            await socket.close(code=end.code, message=end.reason.encode())
        finally:
            writer.cancel()
            self._connections.discard(connection)
            for session in self.sessions.values():
                if session.connection is connection:
                    session.connection = None
            self._world.pulse.beat()
        return socket

    async def _converse(self, connection: Connection) -> None:
        interval_ms = int(self._heartbeat_s * 1000)
        connection.say(Op.HELLO, {"heartbeat_interval": interval_ms, "_trace": []})
        while True:
            try:
                # A client that misses a heartbeat and a half is gone.
                message = await connection.socket.receive(timeout=self._heartbeat_s * 1.5)
            except TimeoutError as e:
                raise Closed(4009, "Session timed out.") from e
            if message.type is WSMsgType.CLOSE and message.data in (1000, 1001):
                self._end_session_of(connection)  # a clean goodbye ends the session too
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if len(message.data) > MAX_PAYLOAD:
                raise Closed(4002, "Payload too large.")
            try:
                payload = json.loads(message.data)
                op, data = payload["op"], payload.get("d")
            except (ValueError, TypeError, KeyError) as e:
                raise Closed(4002, "Error while decoding payload.") from e
            self.received.append((op, data))
            self._obey(connection, op, data)

    def _end_session_of(self, connection: Connection) -> None:
        self.sessions = {k: s for k, s in self.sessions.items() if s.connection is not connection}

    def _obey(self, connection: Connection, op: int, data: Json) -> None:
        is_known = any(s.connection is connection for s in self.sessions.values())
        if op == Op.HEARTBEAT:
            # An answer within the same millisecond overtakes discord.py's note of its heartbeat,
            # and it then warns of a line that is a whole interval behind.
            say = connection.say
            asyncio.get_running_loop().call_later(ACK_DELAY_S, say, Op.HEARTBEAT_ACK)
        elif op in (Op.IDENTIFY, Op.RESUME):
            if is_known:
                raise Closed(4005, "Already authenticated.")
            if data.get("token") != self._token:
                raise Closed(4004, "Authentication failed.")
            if op == Op.IDENTIFY:
                self._identify(connection, data)
            else:
                self._resume(connection, data)
        elif op not in (Op.PRESENCE, Op.VOICE_STATE, Op.REQUEST_MEMBERS):
            raise Closed(4001, "Unknown opcode.")
        elif not is_known:
            raise Closed(4003, "Not authenticated.")

    def _identify(self, connection: Connection, data: Json) -> None:
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise Closed(4013, "Invalid intent(s).")
        if intents & PRIVILEGED_BITS & ~self._approved_intents:
            raise Closed(4014, "Disallowed intent(s).")
        shard, shards = data.get("shard") or (0, 1)
        if not 0 <= shard < shards:
            raise Closed(4010, "Invalid shard.")
        # One bot: once a new process identifies, the old one's session will not come back.
        self.sessions = {k: s for k, s in self.sessions.items() if s.connection}
        session = GatewaySession(f"session{self._world.ids.next()}", intents, connection)
        self.sessions[session.id] = session
        session.dispatch("READY", self._ready(session.id, data.get("shard")))
        if intents & GUILDS:
            session.dispatch("GUILD_CREATE", self._world.guild)
        self._world.pulse.beat()

    def _resume(self, connection: Connection, data: Json) -> None:
        session = self.sessions.get(str(data.get("session_id")))
        if session is None or not session.replay(int(data.get("seq") or 0), connection):
            connection.say(Op.INVALID_SESSION, False)

    def _ready(self, session_id: str, shard: object) -> Json:
        ready: Json = {
            "v": 10,
            "user": {**self._world.bot, "verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": GUILD_ID, "unavailable": True}],
            "session_id": session_id,
            "session_type": "normal",
            "resume_gateway_url": self.resume_url,
            "application": {"id": APP_ID, "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "_trace": [],
        }
        return ready | {"shard": shard} if shard else ready
