"""What is judged: systems with their models, their runtime context, and what they may spend."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from shipworthy.define.keys.part import Count, Duration, Listed, Part, Share

__all__ = [
    "Budgets",
    "Context",
    "Envelope",
    "Memory",
    "Prompt",
    "Retrieval",
    "SystemUse",
    "Systems",
    "Tool",
]

#: Types of system that anyone can explain: the baselines to beat first.
SIMPLE_TYPES = ("rule", "keyword", "constant", "logistic", "linear", "popularity", "prompt_only", "people")


class SystemUse(Part):
    """One system: a recorded file or a Python function; planned where it has neither yet."""

    recorded: str | None = Field(None, description="File with its outputs or predictions, or a table's URL.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Columns that differ from the golden set's."
    )
    function: str | None = Field(None, description="module:name, called once per case (or per batch).")
    batch: int = Field(1, ge=1, description="Cases per call; above 1 the function takes and gives a list.")
    concurrency: int = Field(8, ge=1, le=10_000, description="Calls in flight (async) or threads (plain).")
    timeout_s: float = Field(120.0, gt=0, description="Seconds after which a call is a failure.")
    retries: int = Field(2, ge=0, le=20, description="Further tries when the provider is unreachable.")
    threshold: float | None = Field(None, description="Cut on predicted_score where no prediction is given.")
    model: str | None = Field(
        None, description="Pinned name of the model, such as models:loan/3.2.0 or vendor:name-2026-01."
    )
    type: str | None = Field(
        None,
        description="What it is technically: rule, keyword, constant, logistic, linear, popularity, "
        "prompt_only or people are simple; gbdt, neural, llm and other words are not.",
    )
    temperature: float | None = Field(
        None, ge=0, le=5, description="Sampling temperature; above 0, answers vary."
    )
    strategy: Listed = Field(
        default_factory=list,
        description="How it is built: direct, fine_tuned, rag, route, tools, distilled, rules, cache ...",
    )
    why: str | None = Field(None, description="Why this model, in words.")
    owner: str | None = Field(None, description="Who answers for it.")
    what: str | None = Field(None, description="What this version is, in words.")

    @model_validator(mode="after")
    def _one_source(self) -> SystemUse:
        if self.recorded is not None and self.function is not None:
            raise ValueError("a system has either `recorded: FILE` or `function: module:name`, not both")
        if self.recorded is None and (self.where or self.columns):
            raise ValueError("`where` and `columns` belong to a recorded file; add `recorded: FILE`")
        if self.planned and not (self.model or self.type or self.what):
            raise ValueError(
                "a system needs `recorded: FILE` or `function: module:name`; "
                "one that is only planned needs `model`, `type` or `what`"
            )
        if self.function is not None and ":" not in self.function:
            raise ValueError(f"{self.function!r} is no function; write it as module:name")
        return self

    @property
    def planned(self) -> bool:
        """Whether there is nothing to ask yet: neither a file nor a function."""
        return self.recorded is None and self.function is None

    @property
    def simple(self) -> bool:
        """Whether anyone can explain it, by its type."""
        return (self.type or "").lower() in SIMPLE_TYPES


class Systems(Part):
    """Who wants to ship, what users have now, and the simple alternatives."""

    candidate: SystemUse | None = Field(None, description="Wants to ship.")
    live: SystemUse | None = Field(None, description="What users have now.")
    baselines: dict[str, SystemUse] = Field(
        default_factory=dict, description="The simple and the no-AI alternative, by name."
    )

    @field_validator("baselines")
    @classmethod
    def _free_names(cls, value: dict[str, SystemUse]) -> dict[str, SystemUse]:
        for name in value:
            if name in ("candidate", "live"):
                raise ValueError(f"a baseline cannot be called {name!r}")
        return value

    def declared(self) -> dict[str, SystemUse]:
        """Return every declared system by name, the subject first, planned ones included."""
        found = {}
        if self.candidate is not None:
            found["candidate"] = self.candidate
        if self.live is not None:
            found["live"] = self.live
        return {**found, **self.baselines}

    def named(self) -> dict[str, SystemUse]:
        """Return every system that can be asked by name, the subject first."""
        return {name: use for name, use in self.declared().items() if not use.planned}


class Prompt(Part):
    """The prompt, pinned."""

    path: str | None = Field(None, description="Its file, relative to the spec.")
    version: str | None = Field(None, description="Its pinned version, such as prompts/support@41.")
    tokens_max: Count | None = Field(None, description="Most tokens it may take.")


class Retrieval(Part):
    """What is looked up before the answer, and what happens when nothing good is found."""

    index: str | None = Field(None, description="Pinned index, such as kb@2026-01-20.")
    owner: str | None = Field(None, description="Who answers for the documents.")
    fresh_within: Duration | None = Field(None, description="Age at which the index is stale.")
    top_k: int | None = Field(None, ge=1, description="Passages handed to the model.")
    min_confidence: Share | None = Field(None, description="Score below which no answer is given.")
    below: str | None = Field(None, description="Action taken below it, such as hand_off.")


class Tool(Part):
    """A tool the system may call, with what keeps it in bounds."""

    id: str = Field(description="Short name.")
    scope: Literal["read", "write"] = Field(description="Whether it only looks, or changes something.")
    limit: str | None = Field(None, description="What it cannot exceed, such as 50 USD a call.")
    approval: str | None = Field(None, description="Who must approve, and from where on.")
    what: str | None = Field(None, description="What it does, in words.")


class Memory(Part):
    """What is remembered about a person."""

    kind: Literal["none", "session", "long_term"] = Field("session", description="How long it lasts.")
    retention: Duration | None = Field(None, description="When it is deleted.")
    personal_data: str | None = Field(None, description="How personal data is kept out.")


class Envelope(Part):
    """What the system must, may and must not do."""

    must: Listed = Field(default_factory=list, description="What it always does.")
    may: Listed = Field(default_factory=list, description="What it may do.")
    must_not: Listed = Field(default_factory=list, description="What it never does.")
    refuse_with: str | None = Field(None, description="How it refuses: a text or a file.")
    policy: Listed = Field(
        default_factory=list, description="Where these come from, such as the provider's usage policy."
    )


class Context(Part):
    """What a foundation-model system sees and may do when it answers."""

    prompt: Prompt | None = Field(None, description="The prompt, pinned.")
    retrieval: Retrieval | None = Field(None, description="What is looked up before the answer.")
    tools: list[Tool] = Field(default_factory=list, description="Tools it may call.")
    memory: Memory | None = Field(None, description="What is remembered about a person.")
    permissions: str | None = Field(None, description="Whose data it may see.")
    product_state: Listed = Field(default_factory=list, description="What it is told about the product.")
    envelope: Envelope | None = Field(None, description="What it must, may and must not do.")
    multi_turn: bool = Field(False, description="Whether people answer back.")
    inputs: Listed = Field(
        default_factory=lambda: ["text"], description="What it reads: text, image, audio, video, file."
    )


class Budgets(Part):
    """What one answer may take: time, money, tokens."""

    latency_p50_ms: float | None = Field(None, gt=0, description="Median latency, milliseconds.")
    latency_p95_ms: float | None = Field(None, gt=0, description="95th percentile of latency, milliseconds.")
    latency_p99_ms: float | None = Field(None, gt=0, description="99th percentile of latency, milliseconds.")
    first_token_ms: float | None = Field(None, gt=0, description="Time to the first token, milliseconds.")
    run_cost: float | None = Field(
        None, ge=0, description="Calling the system for one case, `costs.currency`."
    )
    monthly: float | None = Field(None, ge=0, description="Calling the system for a month, `costs.currency`.")
    tokens: float | None = Field(None, gt=0, description="Tokens per case, read and written.")
