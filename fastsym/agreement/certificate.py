"""What the check of a variant found, as one record."""

import json
from dataclasses import asdict, dataclass
from typing import Any

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Certificate:
    """Outcome of the check of one variant in one data type. Errors are in units of their bound."""

    variant: str
    dtype: str
    passed: bool
    reasons: tuple[str, ...]
    """What failed; empty if nothing did."""
    cases: int
    """Short trainings whose exact result is known."""
    components: int
    """Numbers that were compared with it."""
    features: tuple[int, ...]
    """D that occur in the cases; so for the next two."""
    hidden: tuple[int, ...]
    """H; 0 for the one-layer net."""
    samples: tuple[int, ...]
    worst_error: float
    """Largest error; NaN if a result was not finite."""
    worst_component: str
    """Where it is."""
    median_error: float
    error_quantiles: tuple[float, ...]
    """Errors at :data:`QUANTILES`."""
    reference_worst_error: float
    """The same of the article's NumPy program, for the same cases on this machine."""
    reference_median_error: float
    reference_error_quantiles: tuple[float, ...]
    path_error: float
    """Largest distance of its path from the reference's, over what perturbed reference runs reach."""
    bound: str
    """Constants of the error bound, see :mod:`fastsym.agreement.bounds`."""
    truth_sha256: str
    """Fingerprint of the stored truth, which fixes shapes, seeds, states and bounds."""
    versions: tuple[tuple[str, str], ...]
    """Names and versions of the packages that computed."""

    def to_json(self) -> str:
        """Serialise; :meth:`from_json` reads it back."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Certificate":
        """Read what :meth:`to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        fields |= {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        fields["versions"] = tuple((name, number) for name, number in fields["versions"])
        return Certificate(**fields)

    def summary(self) -> str:
        """Say it in one line."""
        if not self.passed:
            return f"{self.variant} {self.dtype}: REJECTED for {len(self.reasons)} reasons, first {self.reasons[0]}"
        return (
            f"{self.variant} {self.dtype}: agrees, {self.components} numbers of {self.cases} trainings, "
            f"worst {self.worst_error:.2g} of the bound ({self.worst_component}), median {self.median_error:.1e} "
            f"(reference: worst {self.reference_worst_error:.2g}, median {self.reference_median_error:.1e})"
        )
