"""How long a test waits for what should come at once: so long that a busy machine alone fails no test."""

WITHIN_S = 120.0
"""Less than the `timeout` of pyproject.toml, so that what did not come is named."""
