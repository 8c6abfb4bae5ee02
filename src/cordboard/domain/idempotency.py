"""Requests that may be sent again, each with a key of its sender's making."""

import re
from typing import Final

#: What a key may be: visible ASCII.
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
