"""The parameters of a request as one server takes them: learnt from its refusals. Pure.

Everybody speaks OpenAI's protocol, and each takes other parameters: OpenAI's models from GPT-5 on
know `max_completion_tokens` and one temperature only, OpenAI no `min_p`, Groq one text at a time,
some models no system message. No list of servers stays right, so the server is asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.voice import Message, Sampling
from bot.writing.refusals import Refusal

RequestBody = dict[str, Any]  # a request, as JSON

OPENAI = "api.openai.com"  # whose parameters are known, which saves two refusals
THOUGHTS = 4096  # tokens for a model that thinks before it writes
_FEWEST_THOUGHTS = 256
_NO_THINKING = "enable_thinking"
_LIMITS = ("max_tokens", "max_completion_tokens")
_OUR_OWN = (
    "grammar",
    "min_p",
    "reasoning_effort",
)  # not in OpenAI's protocol from the beginning: first suspects

_REFUSES = re.compile(
    r"unsupported|not (?:be )?(?:supported|permitted|allowed|accepted|recogni[sz]ed|enabled"
    r"|implemented|available)|(?:does not|doesn't) support|unrecogni[sz]ed|unknown|unexpected|extra"
    r"|invalid|must|should be|only|cannot|no longer|forbidden|deprecated|at most"
    r"|(?:less|greater|more) than|too (?:large|high)|exceeds?",
    re.I,
)
_TOO_MANY = re.compile(
    r"too (?:large|high|many)|at most|maximum|exceed|less than|greater than", re.I
)
_NOT_AT_ALL = re.compile(r"unsupported.parameter|unrecogni[sz]ed|unknown|extra|not permitted", re.I)
_NAMED = {
    "n": r"['\"`]n['\"`]|\bn ?(?:=|>|<|must|should|is|has|cannot)|\bn_cmpl\b|\bbest_of\b"
    r"|(?:multiple|several) (?:choices|completions)",
    "system": r"system (?:role|message|prompt|instruction)|developer instruction"
    r"|roles must alternate|['\"`]system['\"`]",
}
_ROLE = re.compile(r"messages(?:\[0\]|\.0)|system", re.I)


@dataclass(slots=True)
class Parameters:
    """What one model at one server takes."""

    limit: str | None = "max_tokens"  # its name for the most tokens
    gone: set[str] = field(default_factory=set)  # what it refuses
    has_system: bool = True
    hottest: float | None = None  # the one temperature that it may take
    thoughts: int = 0  # tokens beside those of the text
    demanded: dict[str, Any] = field(default_factory=dict)  # what it takes no request without
    _tried: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, base_url: str) -> "Parameters":
        """What is known of a server before the first request."""
        return cls("max_completion_tokens", {"min_p"}) if OPENAI in base_url else cls()

    def body(
        self, sampling: Sampling, messages: Sequence[Message], n: int, grammar: str | None = None
    ) -> RequestBody:
        """A request for `n` texts, or for one where it gives no more; by a grammar, if it can."""
        wanted: RequestBody = {"n": n, "temperature": sampling.temperature, "min_p": sampling.min_p}
        if self.hottest is not None:
            wanted["temperature"] = self.hottest
        if self.thoughts:
            wanted["reasoning_effort"] = "low"
        if grammar:
            wanted["grammar"] = grammar
        if self.limit:
            wanted[self.limit] = sampling.max_tokens + self.thoughts
        kept = {name: value for name, value in wanted.items() if name not in self.gone}
        return {"messages": self._messages(messages), **kept, **self.demanded}

    def think(self) -> bool:
        """Give the model room for its thoughts; False if it has it already."""
        if self.thoughts or self.limit is None:
            return False
        self.thoughts = THOUGHTS
        return True

    def learn(self, no: Refusal, sent: Mapping[str, Any]) -> str | None:
        """Give up what a refusal is about; returns its name, or None for nothing that was sent."""
        if no.status not in (400, 422, 501):
            return None
        if _NO_THINKING in no.said and _NO_THINKING not in sent:  # Qwen's own service
            self.demanded[_NO_THINKING] = False
            return _NO_THINKING
        places = {name: self._place(name, no) for name in (*sent, "system")}
        named = [name for name, place in places.items() if place is not None]
        first = min(named, key=lambda name: places[name] or 0, default=None)
        if no.is_too_long and not (first and self.thoughts):
            return None
        if first is None and not (no.is_without_credit or no.is_about_the_model):
            first = next((name for name in _OUR_OWN if name in sent), None)
        if first:
            self._give_up(first, no, sent)
        return first

    def _place(self, name: str, no: Refusal) -> int | None:
        """Where a refusal names a parameter; None if it does not."""
        if name == "messages" or (name == "system" and not self.has_system):
            return None
        if no.param:
            is_meant = _ROLE.match(no.param) if name == "system" else no.param == name
            return 0 if is_meant else None
        found = re.search(_NAMED.get(name, rf"\b{name}\b"), no.said, re.I)
        return found.start() if found and _REFUSES.search(no.said) else None

    def _give_up(self, name: str, no: Refusal, sent: Mapping[str, Any]) -> None:
        if name == "system":
            self.has_system = False
        elif name == "temperature" and sent[name] != 1 and not _NOT_AT_ALL.search(no.said):
            self.hottest = 1.0
        elif name in _LIMITS:
            self._limit_otherwise(name, no)
        else:
            self.gone.add(name)

    def _limit_otherwise(self, name: str, no: Refusal) -> None:
        """Less room for thoughts, else the parameter's other name, else the server's own limit."""
        self._tried.add(name)
        is_size = bool(_TOO_MANY.search(no.said)) or no.is_too_long
        if is_size and self.thoughts:
            self.thoughts //= 4
            self.thoughts *= self.thoughts >= _FEWEST_THOUGHTS
            return
        others = [other for other in _LIMITS if other not in self._tried]
        self.limit = others[0] if others and not is_size else None

    def _messages(self, messages: Sequence[Message]) -> list[Message]:
        if self.has_system:
            return list(messages)
        text = "\n\n".join(message["content"] for message in messages)
        return [{"role": "user", "content": text}]
