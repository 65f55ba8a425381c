"""Playing flows: one message in, what to say and do out. Pure, and it always ends.

Owns: advance().
May import: the flow package's own values.
Start reading at: `advance`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from bot.flow.answers import choice_in, number_in, plain, range_in
from bot.flow.bundle import END, Bundle, Flow, Step
from bot.flow.conditions import holds
from bot.flow.render import choices_of
from bot.flow.state import Call, DialogueState, Frame, Outcome, Say, TurnInput

MENU = "ask_menu"
PERSON = "talk_to_person"
CANNOT_HANDLE = "cannot_handle"
WAY_OUT = ("again", "menu", "person")
# The texts of the service that playing any flow may need.
SAID = ("again", "way_out", "resume", "welcome_back", "sorry")
SURE_ENOUGH_TO_INTERRUPT = 0.7
# A question that must be answered in its very words is not left for anything but these.
EVEN_BEFORE_EXACT = frozenset({PERSON, "change_language", "stop_pause"})
MOST_STEPS = 200
MOST_SAYS = 8
SKIPPED = "skip"
REPEAT = "repeat"
_YES_NO = {"affirm": "yes", "deny": "no"}


def advance(bundle: Bundle, state: DialogueState, turn: TurnInput) -> Outcome:
    """Play one turn until it waits for the contact, for the outside, or nothing is left to play.

    Raises KeyError when the state names a flow or step that `bundle` does not hold.
    """
    player = _Player(bundle, state, turn)
    if turn.result is not None:
        player.take_result(turn.result)
    elif turn.start == REPEAT:
        player.repeat()
    elif turn.start:
        player.begin(turn.start)
    else:
        player.take_message()
    player.play()
    return player.outcome()


class _Player:
    """One turn in the making. Lives for the length of `advance` only."""

    def __init__(self, bundle: Bundle, state: DialogueState, turn: TurnInput) -> None:
        self.bundle = bundle
        self.turn = turn
        self.stack = list(state.stack)
        self.slots: dict[str, Any] = dict(state.slots)
        self.misses = state.misses
        self.facts = {**turn.facts, "intent": turn.intent, "language": turn.language}
        self.says: list[Say] = []
        self.call: Call | None = None

    def outcome(self) -> Outcome:
        state = DialogueState(self.bundle.hash, tuple(self.stack), self.slots, self.misses)
        return Outcome(state, tuple(self.says), self.call)

    # What came in

    def take_result(self, result: Any) -> None:
        """The outside has answered the open call: its values become slots."""
        frame = self.stack[-1]
        self.slots.update(result)
        self.follow(frame, self.step_of(frame))

    def take_message(self) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is None:
            self.take_idle_message()
        elif frame.phase in {"asked", "way_out"}:
            self.take_answer(frame)
        else:
            self.put(dataclasses.replace(frame, phase="enter"))

    def take_idle_message(self) -> None:
        flow = self.bundle.triggers.get(self.turn.intent, CANNOT_HANDLE)
        self.misses = self.misses + 1 if flow == CANNOT_HANDLE else 0
        self.slots["misses"] = self.misses
        self.begin(flow)

    def take_answer(self, frame: Frame) -> None:
        step = self.step_of(frame)
        if frame.phase == "way_out" and self.take_way_out(frame):
            return
        answer = self.answer_to(step)
        if answer is not None:
            self.slots[step.target] = answer
            self.follow(frame, step)
        elif (flow := self.digression(frame, step)) is not None:
            self.begin(flow)
        else:
            self.ask_again(frame, step)

    def answer_to(self, step: Step) -> Any:
        """The value of the answer given to `step`, or None if it is not one."""
        text = self.turn.text.strip()
        if step.answer in {"text", "number"} and plain(text) in self.skip_words():
            return SKIPPED
        if step.answer == "text":
            return text or None
        if step.answer == "number":
            number = number_in(text, self.number_words())
            return number if number is not None and step.low <= number <= step.high else None
        choices = choices_of(self.bundle, self.question(step), self.turn.language)
        chosen = choice_in(text, self.turn.payload, choices, exact=step.exact)
        chosen = chosen or range_in(text, step.ranges)
        by_intent = None if step.exact else _YES_NO.get(self.turn.intent)
        return chosen or (by_intent if by_intent in choices else None)

    def digression(self, frame: Frame, step: Step) -> str | None:
        """Another flow that the contact clearly asked for in place of an answer."""
        flow = self.bundle.triggers.get(self.turn.intent)
        sure = self.turn.confidence >= SURE_ENOUGH_TO_INTERRUPT
        if not sure or step.answer == "text" or flow in {None, frame.flow, CANNOT_HANDLE}:
            return None
        return None if step.exact and flow not in EVEN_BEFORE_EXACT else flow

    def ask_again(self, frame: Frame, step: Step) -> None:
        """Once in other words, then a way out; after days of silence simply anew."""
        if self.turn.facts.get("away"):
            self.say("", "welcome_back")
            self.ask(dataclasses.replace(frame, tries=0), step)
        elif frame.tries == 0:
            other_words = f"utter_again_{step.target}"
            if other_words in self.bundle.texts["en"][frame.flow]:
                self.say(frame.flow, other_words)
            else:
                self.say("", "again")
            self.ask(dataclasses.replace(frame, tries=1), step)
        else:
            self.put(dataclasses.replace(frame, phase="way_out"))
            self.says.append(Say("", "way_out", {}, choices=WAY_OUT))

    def take_way_out(self, frame: Frame) -> bool:
        choices = choices_of(self.bundle, Say("", "way_out", {}, WAY_OUT), self.turn.language)
        chosen = choice_in(self.turn.text, self.turn.payload, choices)
        if chosen == "again":
            self.ask(dataclasses.replace(frame, tries=0), self.step_of(frame))
        elif chosen == "menu":
            self.begin(MENU)
        elif chosen == "person":
            self.begin(PERSON)
        return chosen is not None

    def repeat(self) -> None:
        """The open question once more."""
        frame = self.stack[-1] if self.stack else None
        if frame is None or frame.phase not in {"asked", "way_out"}:
            self.begin(MENU)
        else:
            self.ask(frame, self.step_of(frame))

    # Playing

    def begin(self, flow_id: str) -> None:
        """Start a flow before whatever is open; the menu takes the place of everything."""
        flow = self.bundle.flows[flow_id]
        if flow_id == MENU:
            self.stack.clear()
        self.stack = [frame for frame in self.stack if frame.flow != flow_id]
        self.stack = [dataclasses.replace(frame, interrupted=True) for frame in self.stack]
        self.push(flow)

    def push(self, flow: Flow) -> None:
        for step in flow.steps:
            if step.kind == "collect":
                self.slots.pop(step.target, None)
        self.stack.append(Frame(flow.id, flow.steps[0].id))

    def play(self) -> None:
        """Run steps until the contact or the outside is waited for, or nothing is left."""
        for _ in range(MOST_STEPS):
            if len(self.says) > MOST_SAYS:
                break
            if not self.stack or self.call is not None or not self.run(self.stack[-1]):
                return
        self.stack.clear()
        self.say("", "sorry")

    def run(self, frame: Frame) -> bool:
        """One step of the top frame. False when it must wait."""
        step = self.step_of(frame)
        if frame.phase == "calling":
            self.follow(frame, step)
            return True
        if frame.phase != "enter":
            return self.resume(frame, step)
        if step.kind == "collect" and self.slots.get(step.target) is None:
            self.ask(frame, step)
            return False
        self.perform(frame, step)
        return True

    def resume(self, frame: Frame, step: Step) -> bool:
        """Back at an open question: ask it anew if another flow came between."""
        held = self.facts.get("control") == "counsellor"
        if frame.interrupted and not held:
            self.say("", "resume")
            self.ask(dataclasses.replace(frame, tries=0), step)
        return False

    def perform(self, frame: Frame, step: Step) -> None:
        if step.kind == "call":
            self.put(dataclasses.replace(frame, phase="calling"))
            self.push(self.bundle.flows[step.target])
        elif step.kind == "link":
            self.stack.pop()
            self.begin(step.target)
        elif step.kind == "action" and not step.target.startswith("utter_"):
            self.put(dataclasses.replace(frame, phase="called"))
            self.call = Call(step.target, dict(self.slots))
        else:
            if step.kind == "action":
                self.say(frame.flow, step.target)
            self.slots.update(step.values)
            self.follow(frame, step)

    def follow(self, frame: Frame, step: Step) -> None:
        """Go to the step after `step`: the first branch that holds."""
        target = next((b.then for b in step.next if holds(b.condition, self.slots, self.facts)), END)
        if target == END:
            self.stack.pop()
            return
        self.forget_between(self.bundle.flows[frame.flow], target, step.id)
        self.put(Frame(frame.flow, target))

    def forget_between(self, flow: Flow, target: str, here: str) -> None:
        """Going back means asking again: what was collected from there to here is emptied."""
        ids = [step.id for step in flow.steps]
        for step in flow.steps[ids.index(target) : ids.index(here) + 1]:
            if step.kind == "collect":
                self.slots.pop(step.target, None)

    def ask(self, frame: Frame, step: Step) -> None:
        self.says.append(self.question(step))
        self.put(dataclasses.replace(frame, phase="asked", interrupted=False))

    # Small things

    def say(self, flow: str, key: str) -> None:
        self.says.append(Say(flow, key, self.values()))

    def question(self, step: Step) -> Say:
        flow = self.stack[-1].flow
        key = f"utter_ask_{step.target}"
        return Say(flow, key, self.values(), step.choices, step.choices_from)

    def values(self) -> dict[str, Any]:
        return {**self.facts, **self.slots}

    def step_of(self, frame: Frame) -> Step:
        return self.bundle.flows[frame.flow].step(frame.step)

    def put(self, frame: Frame) -> None:
        self.stack[-1] = frame

    def skip_words(self) -> set[str]:
        service = self.bundle.service.get(self.turn.language)
        return {plain(word) for word in service.words.get("skip", ())} if service else set()

    def number_words(self) -> tuple[tuple[str, ...], ...]:
        service = self.bundle.service.get(self.turn.language)
        return service.numbers if service else ()
