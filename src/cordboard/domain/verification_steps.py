"""What a step says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cordboard.domain.verifications import Status, Step, StepName


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What came of a step, as of `domain.verifications.Step`."""

    status: Status
    summary: str
    code: str = ""
    remedy: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)

    def of(self, name: StepName, target: str, started_at: datetime, ms: int = 0) -> Step:
        """The step that it came of."""
        return Step(
            name=name,
            target=target,
            status=self.status,
            code=self.code,
            summary=self.summary,
            remedy=self.remedy,
            evidence=self.evidence,
            started_at=started_at,
            ms=ms,
        )


def passed(summary: str, /, **evidence: object) -> Said:
    return Said(status=Status.PASSED, summary=summary, evidence=evidence)


def failed(code: str, summary: str, remedy: str, /, **evidence: object) -> Said:
    return Said(status=Status.FAILED, code=code, summary=summary, remedy=remedy, evidence=evidence)


def warning(code: str, summary: str, remedy: str, /, **evidence: object) -> Said:
    return Said(status=Status.WARNING, code=code, summary=summary, remedy=remedy, evidence=evidence)


def skipped(code: str, summary: str, remedy: str | None = None) -> Said:
    return Said(status=Status.SKIPPED, code=code, summary=summary, remedy=remedy)
