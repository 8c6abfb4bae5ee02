"""Why a budget is not met, by a pattern of the row's name. The first that matches is shown beside the row."""

REASONS: dict[str, str] = {}
